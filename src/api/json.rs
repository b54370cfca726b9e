//! Bodies that are encoded already.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::Serialize;

/// The JSON of a `T`, encoded. A clone shares the bytes.
pub struct Json<T> {
    bytes: Bytes,
    body: PhantomData<fn() -> T>,
}

/// Why a body has no JSON form. The bodies of this crate always have one: a failure is a defect.
#[derive(Debug, thiserror::Error)]
#[error("a body could not be encoded as JSON: {0}")]
pub struct EncodingError(#[from] serde_json::Error);

impl<T: Serialize> Json<T> {
    /// Encodes a body.
    pub fn encode(body: &T) -> Result<Self, EncodingError> {
        Ok(Self::from_encoded(serde_json::to_vec(body)?))
    }
}

impl<T> Json<T> {
    /// Wraps bytes that an encoder of this module has written as the JSON of a `T`.
    pub(super) fn from_encoded(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into(), body: PhantomData }
    }

    /// Returns the size of the JSON in bytes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the JSON.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

impl<T> Clone for Json<T> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), body: PhantomData }
    }
}

impl<T> fmt::Debug for Json<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes.fmt(f)
    }
}

impl<T> PartialEq for Json<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T> Eq for Json<T> {}

#[cfg(test)]
mod tests {
    use serde::{Serializer, ser};

    use super::*;

    /// A body that no encoder can write.
    struct Unwritable;

    impl Serialize for Unwritable {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(ser::Error::custom("as the test wants"))
        }
    }

    #[test]
    fn a_body_that_cannot_be_encoded_is_an_error() {
        let error = Json::encode(&Unwritable).unwrap_err();
        assert_eq!(error.to_string(), "a body could not be encoded as JSON: as the test wants");
    }
}

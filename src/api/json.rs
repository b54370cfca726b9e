//! Bodies that are encoded already.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use super::coding::Coding;

/// The JSON of a `T`, encoded. A clone shares the bytes.
pub struct Json<T> {
    bytes: Bytes,
    /// The compressed bytes, once a request has accepted them. `None` if the body is no list, or too small.
    coded: Option<Arc<Coded>>,
    body: PhantomData<fn() -> T>,
}

/// The bytes in each coding, in the order of [`Coding::ALL`].
type Coded = [OnceCell<Bytes>; Coding::ALL.len()];

/// Least size of a body that is compressed, in bytes. A smaller body fits into one packet as it is.
const SMALLEST_CODED: usize = 1024;

/// Why a body has no JSON form. The bodies of this crate always have one: a failure is a defect.
#[derive(Debug, thiserror::Error)]
#[error("a body could not be encoded as JSON: {0}")]
pub struct EncodingError(#[from] serde_json::Error);

impl<T: Serialize> Json<T> {
    /// Encodes a body.
    pub fn encode(body: &T) -> Result<Self, EncodingError> {
        let bytes = serde_json::to_vec(body)?.into();
        Ok(Self { bytes, coded: None, body: PhantomData })
    }

    /// Encodes a body that can be compressed.
    pub fn encode_list(body: &T) -> Result<Self, EncodingError> {
        Ok(Self::from_encoded(serde_json::to_vec(body)?))
    }
}

impl<T> Json<T> {
    /// Wraps bytes that an encoder of this module has written as the JSON of a `T`. They can be compressed.
    pub(super) fn from_encoded(bytes: Vec<u8>) -> Self {
        let coded = (bytes.len() >= SMALLEST_CODED).then(Arc::default);
        Self { bytes: bytes.into(), coded, body: PhantomData }
    }

    /// Returns whether the JSON can be compressed.
    pub fn has_codings(&self) -> bool {
        self.coded.is_some()
    }

    /// Returns the compressed JSON, or `None` if it has no codings. It is compressed once, on another thread.
    pub async fn coded(&self, coding: Coding) -> io::Result<Option<Bytes>> {
        let Some(coded) = &self.coded else { return Ok(None) };
        let encode = async || {
            let bytes = self.bytes.clone();
            let coded = spawn_blocking(move || coding.encode(&bytes)).await.map_err(io::Error::other)??;
            Ok(Bytes::from(coded))
        };
        coded[coding as usize].get_or_try_init(encode).await.cloned().map(Some)
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
        Self { bytes: self.bytes.clone(), coded: self.coded.clone(), body: PhantomData }
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

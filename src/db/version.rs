//! The version of a response.

use std::fmt;

use uuid::Uuid;

/// The version of what a response shows: of all films, or of the reviews of a film. Two versions are equal only
/// if nothing was changed between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub(super) Uuid);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_simple().fmt(f)
    }
}

/// A response, and the version that it was read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The version in the snapshot that the content was read from.
    pub version: Version,
    /// The response.
    pub content: T,
}

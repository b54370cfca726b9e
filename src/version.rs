//! Which build this is.

/// The version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was built from, or `unknown`.
pub(crate) const COMMIT: &str = env!("FILMS_COMMIT");

/// Both, as `films --version` prints them.
pub const LONG_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("FILMS_COMMIT"), ")");

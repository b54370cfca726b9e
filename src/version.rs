//! Identifies this build.

/// The version of the crate.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit of the build, or `unknown`.
pub(crate) const COMMIT: &str = env!("FILMS_COMMIT");

/// Version and commit, as `films --version` prints them.
pub const LONG_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("FILMS_COMMIT"), ")");

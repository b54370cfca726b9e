//! The reviews of a film, as they come out.

mod fresh;
mod pages;
mod summary;

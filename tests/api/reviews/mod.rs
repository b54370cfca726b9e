//! The reviews of a film, as reads return them.

mod fresh;
mod pages;
mod summary;

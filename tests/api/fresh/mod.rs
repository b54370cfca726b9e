//! A committed change is seen by the next request, although responses are cached.

mod bulk;
mod catalogue;
mod flood;
mod load;
mod reader;
mod sequence;
mod together;
mod untracked;
mod writers;

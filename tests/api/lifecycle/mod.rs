//! Starting, and above all stopping: no request is lost.

mod load;
mod start;
mod stop;

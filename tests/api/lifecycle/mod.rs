//! Starting, and above all stopping: no request is lost.

mod kill;
mod load;
mod start;
mod stop;

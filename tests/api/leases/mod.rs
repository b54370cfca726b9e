//! Read leases: what real instances return is compared with what was committed.

mod control;
mod faults;
mod history;
mod observer;
mod seen;
mod writers;

//! Read leases: what real instances return is compared with what was committed.

mod control;
mod faults;
mod history;
mod leasing;
mod migrating;
mod observer;
mod refused;
mod replicated;
mod restart;
mod restored;
mod seen;
mod server;
mod writers;

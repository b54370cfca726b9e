//! Finds, starts and stops a private Postgres.
//!
//! `postgres` runs as a plain child process. `pg_ctl` would detach it, so that nobody could wait for it
//! and it would outlive a killed `cargo xtask`.

mod account;
mod data_dir;
mod download;
mod durable;
mod find;
mod home;
mod installation;
mod instance;

pub(crate) use self::data_dir::DataDir;
pub(crate) use self::durable::Durable;
pub(crate) use self::find::{Source, find, start};
pub(crate) use self::home::{folder, unusable};
pub(crate) use self::installation::Installation;
pub(crate) use self::instance::Instance;

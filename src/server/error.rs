//! Why an instance cannot start.

use std::io;
use std::net::SocketAddr;

/// Why an instance cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A port could not be bound.
    #[error(
        "{key} = {address}: cannot listen there: {source}; choose another address, or stop the process that uses it"
    )]
    Bind {
        /// The key of the setting.
        key: &'static str,
        /// The value of the setting.
        address: SocketAddr,
        /// The error of the kernel.
        source: io::Error,
    },
    /// The machine has no thread or file descriptor left.
    #[error(
        "http.threads = {threads}: cannot start the worker threads: {source}; set a lower number, or raise the \
         limits of threads and open files"
    )]
    Threads {
        /// The number of worker threads.
        threads: usize,
        /// The error of the kernel.
        source: io::Error,
    },
    /// The configuration is invalid.
    #[error(transparent)]
    Config(#[from] crate::config::Error),
}

//! The value of `--observe`.

use std::str::FromStr;

use anyhow::{Context as _, Result};
use loadtest::measure;

/// A process to observe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Observed {
    /// The process with this id.
    Id(u32),
    /// The process that listens on this port.
    Port(u16),
}

impl FromStr for Observed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = match text.strip_prefix(':') {
            Some(port) => port.parse().ok().map(Self::Port),
            None => text.parse().ok().map(Self::Id),
        };
        parsed.ok_or(
            "expected NAME=PID with the id of a process, or NAME=:PORT with the port that it listens on",
        )
    }
}

impl Observed {
    /// Returns the id of the process, which the report calls `name`.
    pub(crate) fn id(self, name: &str) -> Result<u32> {
        match self {
            Self::Id(id) => Ok(id),
            Self::Port(port) => measure::listener(port).with_context(|| {
                format!(
                    "cannot find the process on port {port}, which is to be observed as {name}: expected a \
                     process that listens on the port and belongs to the user of the load test"
                )
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_process_is_an_id_or_a_port() {
        assert_eq!("1234".parse(), Ok(Observed::Id(1234)));
        assert_eq!(":5432".parse(), Ok(Observed::Port(5432)));
        for text in ["main", ":main", ":65536", ""] {
            assert!(text.parse::<Observed>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_port_without_a_listening_process_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = Observed::Port(listener.local_addr().unwrap().port());
        if cfg!(target_os = "linux") {
            assert_eq!(port.id("postgres").unwrap(), std::process::id());
        }
        drop(listener);
        let error = port.id("postgres").unwrap_err().to_string();
        assert!(error.contains("which is to be observed as postgres"), "{error}");
    }
}

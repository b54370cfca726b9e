//! The signals that stop this process, received in the order in which they come.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};

/// Receives SIGINT, SIGTERM and SIGHUP. Before this exists, they end the process at once.
pub(crate) struct Signals {
    caught: Receiver<Signal>,
    /// The last signal that stops the process. It stays set, so that every later check fails.
    last: Cell<Option<Signal>>,
}

/// The user interrupted a step; the remaining work is cancelled.
#[derive(Debug)]
pub(crate) struct Interrupted(Signal);

impl Signals {
    /// Begins to receive signals, which from then on do not end the process.
    pub(crate) fn catch() -> io::Result<Self> {
        let mut caught = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGCHLD])?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let signals = caught.forever().filter_map(|n| Signal::try_from(n).ok());
            signals.map(|signal| sender.send(signal)).all(|sent| sent.is_ok())
        });
        Ok(Self { caught: receiver, last: Cell::new(None) })
    }

    /// Waits for a signal that stops the process. Returns `None` after `timeout`, or if a child has
    /// changed state: the caller then looks at its children, so a single wait serves both.
    pub(crate) fn wait(&self, timeout: Duration) -> Option<Signal> {
        let signal = self.caught.recv_timeout(timeout).ok();
        signal.and_then(|signal| self.note(signal))
    }

    /// Fails if a signal that stops the process has come.
    pub(crate) fn check(&self) -> Result<(), Interrupted> {
        for signal in self.caught.try_iter() {
            self.note(signal);
        }
        self.last.get().map_or(Ok(()), |signal| Err(Interrupted(signal)))
    }

    fn note(&self, signal: Signal) -> Option<Signal> {
        if signal == Signal::SIGCHLD {
            return None;
        }
        self.last.set(Some(signal));
        Some(signal)
    }
}

impl Interrupted {
    /// Returns the status that a shell reports for a process that the signal ended.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(128 + self.0 as u8)
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "interrupted by {}", self.0)
    }
}

impl Error for Interrupted {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_after_the_signal_of_a_child_is_received() -> Result<(), mpsc::SendError<Signal>> {
        let (sender, caught) = mpsc::channel();
        let signals = Signals { caught, last: Cell::new(None) };
        sender.send(Signal::SIGCHLD)?;
        assert!(signals.check().is_ok());
        sender.send(Signal::SIGCHLD)?;
        sender.send(Signal::SIGTERM)?;
        assert!(signals.check().is_err());
        assert!(signals.check().is_err(), "the signal stays set");
        Ok(())
    }
}

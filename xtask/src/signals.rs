//! The signals that ask this process to end, taken one at a time by whoever is waiting.

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

/// SIGINT, SIGTERM and SIGHUP, from the moment this exists; before it they end the process at once.
pub(crate) struct Signals {
    caught: Receiver<Signal>,
    /// The latest that asked to end, whether somebody waited for it or not.
    asked: Cell<Option<Signal>>,
}

/// A signal came while something was being prepared that nobody needs any more.
#[derive(Debug)]
pub(crate) struct Interrupted(Signal);

impl Signals {
    /// From here on the signals no longer end the process; what is waiting must see to it.
    pub(crate) fn catch() -> io::Result<Self> {
        let mut caught = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGCHLD])?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let known = caught.forever().filter_map(|n| Signal::try_from(n).ok());
            known.map(|signal| sender.send(signal)).all(|sent| sent.is_ok())
        });
        Ok(Self { caught: receiver, asked: Cell::new(None) })
    }

    /// Sleeps until a signal asks to end, or (`None`) a child has changed state or `timeout` has
    /// passed. The caller then looks at its children, so that one wait serves both.
    pub(crate) fn wait(&self, timeout: Duration) -> Option<Signal> {
        let signal = self.caught.recv_timeout(timeout).ok();
        signal.and_then(|signal| self.note(signal))
    }

    /// Fails if a signal has asked to end: for steps that have nothing to do then but stop.
    pub(crate) fn check(&self) -> Result<(), Interrupted> {
        for signal in self.caught.try_iter() {
            self.note(signal);
        }
        self.asked.get().map_or(Ok(()), |signal| Err(Interrupted(signal)))
    }

    fn note(&self, signal: Signal) -> Option<Signal> {
        if signal == Signal::SIGCHLD {
            return None;
        }
        self.asked.set(Some(signal));
        Some(signal)
    }
}

impl Interrupted {
    /// What a shell reports for a process that the signal ended.
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
    fn a_signal_behind_a_childs_is_seen() -> Result<(), mpsc::SendError<Signal>> {
        let (sender, caught) = mpsc::channel();
        let signals = Signals { caught, asked: Cell::new(None) };
        sender.send(Signal::SIGCHLD)?;
        assert!(signals.check().is_ok());
        sender.send(Signal::SIGCHLD)?;
        sender.send(Signal::SIGTERM)?;
        assert!(signals.check().is_err());
        assert!(signals.check().is_err(), "it still asks");
        Ok(())
    }
}

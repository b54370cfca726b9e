//! The machine, and the resources that processes on it use. Only Linux tells: on other systems
//! everything is `None`, which is "unknown".

use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread::{available_parallelism, sleep};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::result::{Machine, Target, Usage};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;

#[cfg(not(target_os = "linux"))]
mod system {
    use crate::result::Usage;

    pub(super) fn hardware() -> (Option<String>, Option<u64>) {
        (None, None)
    }

    pub(super) fn listeners(_port: u16) -> Option<Usage> {
        None
    }

    pub(super) fn tree(_root: u32) -> Option<Usage> {
        None
    }

    pub(super) fn listener(_port: u16) -> Option<u32> {
        None
    }
}

/// A process can end while the others are read, so a failed reading is repeated.
const ATTEMPTS: u32 = 5;
/// On a busy machine, a process takes a while to end.
const PAUSE: Duration = Duration::from_millis(10);

/// Describes the machine, without its host name: a report can be sent to anybody.
pub(crate) fn machine() -> Result<Machine> {
    let (cpu, memory) = system::hardware();
    Ok(Machine {
        cpu: cpu.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        cores: cores()?,
        memory,
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned()),
    })
}

/// Returns the number of cores that this process may use.
pub(crate) fn cores() -> Result<usize> {
    let cores = available_parallelism().context("cannot read how many cores this process may use")?;
    Ok(NonZero::get(cores))
}

/// Returns the id of the process that listens on this port, or `None` if there is not exactly one without a
/// parent that listens too.
pub fn listener(port: u16) -> Option<u32> {
    repeated(|| system::listener(port))
}

fn repeated<T>(mut read: impl FnMut() -> Option<T>) -> Option<T> {
    read().or_else(|| {
        (1..ATTEMPTS).find_map(|_| {
            sleep(PAUSE);
            read()
        })
    })
}

/// Where the resources of a server can be read.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// The processes that listen on this port: a server with all its workers.
    Port(u16),
    /// The folder of a cgroup (version 2), such as a container's.
    Cgroup(PathBuf),
    /// A process and all its descendants.
    Tree(u32),
}

impl Source {
    /// Returns the processes of a target, if the target runs on this machine.
    pub(crate) fn of(target: &Target) -> Option<Self> {
        target.local_port().map(Self::Port)
    }

    /// Returns the CPU time so far and the peak memory, or `None` if any part of them cannot be read:
    /// a sum without some of the processes would look better than the server is.
    pub(crate) fn read(&self) -> Option<Usage> {
        repeated(|| match self {
            Self::Cgroup(path) => cgroup(path),
            Self::Port(port) => system::listeners(*port),
            Self::Tree(root) => system::tree(*root),
        })
    }
}

fn cgroup(path: &Path) -> Option<Usage> {
    let stat = fs::read_to_string(path.join("cpu.stat")).ok()?;
    let microseconds: f64 = stat.lines().find_map(|line| line.strip_prefix("usage_usec "))?.parse().ok()?;
    let peak = fs::read_to_string(path.join("memory.peak")).ok()?;
    Some(Usage { cpu_seconds: microseconds / 1e6, peak_memory: peak.trim().parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_machine_is_described() {
        let machine = machine().unwrap();
        assert!(machine.memory.unwrap() > 1 << 20 && machine.kernel.unwrap().contains('.'));
    }

    #[test]
    fn a_failed_reading_is_repeated() {
        let mut attempts = 0;
        let mut read = |succeeds| {
            attempts += 1;
            (attempts == succeeds).then_some(attempts)
        };
        assert_eq!(repeated(|| read(ATTEMPTS)), Some(ATTEMPTS));
        assert_eq!(repeated(|| read(0)), None);
    }

    #[test]
    fn a_cgroup_without_one_of_its_files_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let source = Source::Cgroup(folder.path().to_owned());
        fs::write(folder.path().join("cpu.stat"), "usage_usec 1500000\nuser_usec 1\n").unwrap();
        assert_eq!(source.read(), None);
        fs::write(folder.path().join("memory.peak"), "4096\n").unwrap();
        assert_eq!(source.read(), Some(Usage { cpu_seconds: 1.5, peak_memory: 4096 }));
    }
}

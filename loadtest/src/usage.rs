//! What processes use, from /proc: where the servers are on this machine, everything is counted.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::result::{Target, Usage};

/// Where a server's use can be read.
#[derive(Clone, Debug)]
pub enum Source {
    /// The processes that hold the listening socket of this port: a server with all its workers.
    Port(u16),
    /// A cgroup (version 2), such as a container's.
    Cgroup(PathBuf),
    /// A process and all below it.
    Tree(u32),
}

impl Source {
    /// The server's own processes, where its URL is on the loopback interface.
    pub fn of(target: &Target) -> Option<Self> {
        let url: ureq::http::Uri = target.url.parse().ok()?;
        let local = matches!(url.host()?, "localhost" | "127.0.0.1" | "[::1]");
        local.then(|| Self::Port(url.port_u16().unwrap_or(80)))
    }

    /// What was used so far; nothing where it cannot be seen.
    pub fn read(&self) -> Option<Usage> {
        match self {
            Self::Cgroup(path) => cgroup(path),
            Self::Port(port) => sum(&holders(*port)),
            Self::Tree(root) => sum(&tree(*root)),
        }
    }
}

fn cgroup(path: &Path) -> Option<Usage> {
    let stat = fs::read_to_string(path.join("cpu.stat")).ok()?;
    let microseconds: f64 = stat.lines().find_map(|line| line.strip_prefix("usage_usec "))?.parse().ok()?;
    let peak = fs::read_to_string(path.join("memory.peak")).ok()?;
    Some(Usage { cpu_seconds: microseconds / 1e6, peak_memory: peak.trim().parse().ok()? })
}

fn sum(processes: &BTreeSet<u32>) -> Option<Usage> {
    let used: Vec<Usage> = processes.iter().filter_map(|process| one(*process)).collect();
    if used.is_empty() {
        return None;
    }
    Some(Usage {
        cpu_seconds: used.iter().map(|usage| usage.cpu_seconds).sum(),
        peak_memory: used.iter().map(|usage| usage.peak_memory).sum(),
    })
}

fn one(process: u32) -> Option<Usage> {
    /// `USER_HZ`: the kernel counts in hundredths of a second for readers, whatever its own tick.
    const TICKS: f64 = 100.0;
    let stat = stat(process)?;
    // utime and stime, then what ended children used: fields 14 to 17 of proc(5).
    let ticks: f64 = stat.get(11..15)?.iter().filter_map(|field| field.parse::<f64>().ok()).sum();
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = peak.trim().trim_end_matches(" kB").parse().ok()?;
    Some(Usage { cpu_seconds: ticks / TICKS, peak_memory: kibibytes * 1024 })
}

/// The fields of /proc/PID/stat from the third on: the second, a name, may hold anything.
fn stat(process: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split(' ').map(str::to_owned).collect())
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn tree(root: u32) -> BTreeSet<u32> {
    let parent = |process: u32| stat(process)?.get(1)?.parse::<u32>().ok();
    let pairs: Vec<(u32, u32)> =
        processes().filter_map(|process| Some((process, parent(process)?))).collect();
    let mut found = BTreeSet::from([root]);
    loop {
        let below =
            pairs.iter().filter(|(process, parent)| found.contains(parent) && !found.contains(process));
        let below: Vec<u32> = below.map(|(process, _)| *process).collect();
        if below.is_empty() {
            return found;
        }
        found.extend(below);
    }
}

/// The processes that hold the socket which listens on this port.
fn holders(port: u16) -> BTreeSet<u32> {
    let sockets: BTreeSet<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| table.lines().filter_map(|line| listening(line, port)).collect::<Vec<_>>())
        .collect();
    processes().filter(|process| holds(*process, &sockets)).collect()
}

/// The name of a listening socket as it appears among a process's open files.
fn listening(line: &str, port: u16) -> Option<String> {
    /// `TCP_LISTEN` of the kernel.
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, local) = fields.get(1)?.rsplit_once(':')?;
    let matches = u16::from_str_radix(local, 16).ok()? == port && *fields.get(3)? == LISTEN;
    matches.then(|| fields.get(9).map(|inode| format!("socket:[{inode}]")))?
}

fn holds(process: u32, sockets: &BTreeSet<String>) -> bool {
    let files = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    files
        .filter_map(|file| fs::read_link(file.path()).ok())
        .any(|file| sockets.contains(&*file.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_listening_process_is_found_by_its_port() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let target = Target { name: "me".to_owned(), url };
        let Source::Port(port) = Source::of(&target).unwrap() else { panic!("no port") };
        // A neighbour's child may hold it too, between its fork and its exec.
        assert!(holders(port).contains(&std::process::id()));
        assert!(Source::Port(port).read().unwrap().peak_memory > 1 << 20);
        drop(listener);
        assert_eq!(Source::Port(port).read(), None);
    }

    #[test]
    fn a_tree_has_its_root_and_what_is_below() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let found = tree(std::process::id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.contains(&std::process::id()) && found.contains(&child.id()), "{found:?}");
    }

    #[test]
    fn a_server_elsewhere_cannot_be_seen() {
        let target = Target { name: "far".to_owned(), url: "http://films.default:5000".to_owned() };
        assert!(Source::of(&target).is_none());
    }
}

//! Reads `/proc`.

use std::collections::BTreeSet;

use procfs::net::{TcpNetEntry, TcpState, tcp, tcp6};
use procfs::process::{FDTarget, Process, all_processes};
use procfs::{CpuInfo, Current as _, Meminfo, ProcError, ProcResult, ticks_per_second};

use crate::result::Usage;

/// Returns the model of the processor and the size of the memory in bytes.
pub(super) fn hardware() -> (Option<String>, Option<u64>) {
    let cpu = CpuInfo::current().ok().and_then(|cpu| cpu.model_name(0).map(str::to_owned));
    (cpu, Meminfo::current().ok().map(|memory| memory.mem_total))
}

/// Sums up the processes that hold the listening sockets of this port.
pub(super) fn listeners(port: u16) -> Option<Usage> {
    sum(&holders(&listening(port)?)?)
}

/// Sums up a process and its descendants.
pub(super) fn tree(root: u32) -> Option<Usage> {
    sum(&descendants(i32::try_from(root).ok()?)?)
}

/// Returns the process that listens on this port. A forked child may hold the socket as well.
pub(super) fn listener(port: u16) -> Option<u32> {
    let holders = holders(&listening(port)?)?;
    let is_child = |process: &&Process| parent(process).is_some_and(|parent| has(&holders, parent));
    let mut roots = holders.iter().filter(|process| !is_child(process));
    let root = roots.next().filter(|_| roots.next().is_none())?;
    u32::try_from(root.pid()).ok()
}

fn parent(process: &Process) -> Option<i32> {
    process.stat().ok().map(|stat| stat.ppid)
}

fn has(processes: &[Process], id: i32) -> bool {
    processes.iter().any(|process| process.pid() == id)
}

/// Returns the sum, or `None` if a process cannot be read.
fn sum(processes: &[Process]) -> Option<Usage> {
    let zero = Usage { cpu_seconds: 0.0, peak_memory: 0 };
    processes.iter().map(usage).try_fold(zero, |sum, usage| {
        let Usage { cpu_seconds, peak_memory } = usage?;
        Some(Usage { cpu_seconds: sum.cpu_seconds + cpu_seconds, peak_memory: sum.peak_memory + peak_memory })
    })
}

/// Returns the resources of a process, and the CPU time of its children that have ended.
fn usage(process: &Process) -> Option<Usage> {
    let stat = process.stat().ok()?;
    let ticks = stat.utime + stat.stime + u64::try_from(stat.cutime + stat.cstime).ok()?;
    // A zombie has CPU time, which its parent has not collected, but no memory.
    let kibibytes = if stat.state == 'Z' { 0 } else { process.status().ok()?.vmhwm? };
    Some(Usage { cpu_seconds: ticks as f64 / ticks_per_second() as f64, peak_memory: kibibytes * 1024 })
}

/// Returns the inodes of the sockets that listen on this port, or `None` if there is none.
fn listening(port: u16) -> Option<BTreeSet<u64>> {
    let v6 = match tcp6() {
        // A kernel without IPv6 has no such table.
        Err(ProcError::NotFound(_)) => Vec::new(),
        table => table.ok()?,
    };
    let is_listening =
        |entry: &TcpNetEntry| entry.state == TcpState::Listen && entry.local_address.port() == port;
    let entries = tcp().ok()?.into_iter().chain(v6).filter(is_listening);
    let sockets: BTreeSet<u64> = entries.map(|entry| entry.inode).collect();
    (!sockets.is_empty()).then_some(sockets)
}

/// Returns the processes that hold these sockets, or `None` if some of them may be hidden: a socket
/// has no holder that can be read, or a holder has a child whose open files cannot be read.
fn holders(sockets: &BTreeSet<u64>) -> Option<Vec<Process>> {
    let (mut holders, mut hidden, mut held) = (Vec::new(), Vec::new(), BTreeSet::new());
    for process in all_processes().ok()?.flatten() {
        match sockets_of(&process) {
            Ok(own) if own.is_disjoint(sockets) => {}
            Ok(own) => {
                held.extend(own.intersection(sockets).copied());
                holders.push(process);
            }
            // The process has ended.
            Err(ProcError::NotFound(_)) => {}
            Err(_) => hidden.push(process),
        }
    }
    let is_child = |process: &Process| parent(process).is_some_and(|parent| has(&holders, parent));
    (held == *sockets && !hidden.iter().any(is_child)).then_some(holders)
}

/// Returns the inodes of the sockets among a process's open files.
fn sockets_of(process: &Process) -> ProcResult<BTreeSet<u64>> {
    let mut sockets = BTreeSet::new();
    for file in process.fd()? {
        match file.map(|file| file.target) {
            Ok(FDTarget::Socket(inode)) => drop(sockets.insert(inode)),
            Err(error @ ProcError::PermissionDenied(_)) => return Err(error),
            // Another kind of file, or a file that was closed meanwhile.
            _ => {}
        }
    }
    Ok(sockets)
}

/// Returns a process and its descendants, or `None` if the process does not exist.
fn descendants(root: i32) -> Option<Vec<Process>> {
    let mut found = vec![Process::new(root).ok()?];
    let all = all_processes().ok()?.flatten();
    let mut others: Vec<(i32, Process)> =
        all.filter_map(|process| Some((process.stat().ok()?.ppid, process))).collect();
    let mut next = 0;
    while let Some(parent) = found.get(next).map(Process::pid) {
        found.extend(others.extract_if(.., |(ppid, _)| *ppid == parent).map(|(_, process)| process));
        next += 1;
    }
    Some(found)
}

#[cfg(test)]
mod tests;

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
    let is_child = |process: &Process| {
        let parent = process.stat().map(|stat| stat.ppid);
        parent.is_ok_and(|parent| holders.iter().any(|holder| holder.pid() == parent))
    };
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
mod tests {
    use std::net::TcpListener;
    use std::process::{Child, Command, id};

    use super::*;

    fn sleep() -> Child {
        Command::new("sleep").arg("60").spawn().unwrap()
    }

    fn process(pid: u32) -> Process {
        Process::new(pid.try_into().unwrap()).unwrap()
    }

    #[test]
    fn a_listening_process_is_found_by_its_port() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // Another test's child may hold the socket too, between its fork and its exec.
        let holders = holders(&listening(port).unwrap()).unwrap();
        assert!(holders.iter().any(|holder| holder.pid() == process(id()).pid()));
        assert!(listeners(port).unwrap().peak_memory > 1 << 20);
        drop(listener);
        assert_eq!(listeners(port), None);
    }

    #[test]
    fn a_tree_has_its_root_and_all_descendants() {
        let mut child = sleep();
        let found: Vec<i32> = descendants(process(id()).pid()).unwrap().iter().map(Process::pid).collect();
        let expected = [process(id()).pid(), process(child.id()).pid()];
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(expected.iter().all(|pid| found.contains(pid)), "{found:?}");
    }

    #[test]
    fn a_sum_with_a_process_that_cannot_be_read_is_unknown() {
        let mut child = sleep();
        let ended = process(child.id());
        assert!(sum(&[process(id()), process(child.id())]).is_some());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(sum(&[process(id()), ended]), None);
    }

    #[test]
    fn a_process_without_a_memory_field_is_unknown() {
        // The kernel's threads have no memory of their own, so their status lacks the field.
        let Some(kernel_thread) = Process::new(2).ok().filter(|process| process.exe().is_err()) else {
            eprintln!("skipped: process 2 is no kernel thread");
            return;
        };
        assert_eq!(usage(&kernel_thread), None);
    }

    #[test]
    fn a_zombie_counts_without_memory() {
        let mut child = sleep();
        let zombie = process(child.id());
        child.kill().unwrap();
        while zombie.stat().unwrap().state != 'Z' {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(usage(&zombie).unwrap().peak_memory, 0);
        child.wait().unwrap();
    }

    #[test]
    fn a_socket_without_a_holder_that_can_be_read_is_unknown() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sockets = listening(listener.local_addr().unwrap().port()).unwrap();
        sockets.insert(u64::MAX);
        assert!(holders(&sockets).is_none());
    }
}

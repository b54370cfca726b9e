use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, id};
use std::thread::sleep as sleep_for;
use std::time::{Duration, Instant};

use super::*;

fn sleep() -> Child {
    Command::new("sleep").arg("60").spawn().unwrap()
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < deadline, "the expected state did not come within a minute");
        sleep_for(Duration::from_millis(5));
    }
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
fn of_the_processes_that_hold_a_socket_the_parent_is_the_listener() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    // The child has the socket as its standard input.
    let mut child =
        Command::new("sleep").arg("60").stdin(OwnedFd::from(socket.try_clone().unwrap())).spawn().unwrap();
    let is_held =
        || holders(&listening(port).unwrap()).is_some_and(|holders| has(&holders, process(child.id()).pid()));
    wait_until(is_held);
    wait_until(|| listener(port) == Some(id()));
    drop(socket);
    // Another test's child may hold the socket too, between its fork and its exec.
    wait_until(|| listener(port) == Some(child.id()));
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until(|| listener(port).is_none());
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
    wait_until(|| zombie.stat().unwrap().state == 'Z');
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

//! Burners run during the measurements, and end with the load test however it ends.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use loadtest::result::Run;
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use procfs::process::{Process, all_processes};
use tempfile::TempDir;

/// Longer than anything takes here on a busy machine.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The folder of a program that stands for wrk.
const STUB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stub");

const WORKLOAD: &str = "tool = \"wrk\"\n[[route]]\nname = \"one\"\nrequests = [{ path = \"/\" }]\n";

/// A load test with two burners that waits in a measurement.
struct LoadTest {
    process: Child,
    burners: Vec<Process>,
    folder: TempDir,
}

impl LoadTest {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name| folder.path().join(name);
        fs::write(file("one.toml"), WORKLOAD).unwrap();
        let path = format!("{STUB}:{}", std::env::var("PATH").unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
        command.env("PATH", path).env("STUB", folder.path()).stdout(Stdio::null());
        command.arg("compare").arg(format!("server={}", server()));
        command.args(["--burners", "2", "--rounds", "1", "--seconds", "1", "--warmup", "0"]);
        command.arg("--workload").arg(file("one.toml")).arg("--out").arg(file("out.json"));
        let process = command.spawn().unwrap();
        let burners = wait_for("two burners", || {
            let burners = burners_of(process.id());
            (burners.len() == 2).then_some(burners)
        });
        Self { process, burners, folder }
    }

    fn signal(&self, signal: Signal) {
        signal::kill(Pid::from_raw(self.process.id().try_into().unwrap()), signal).unwrap();
    }

    /// Lets the generator end with this status.
    fn end_generator(&self, status: u8) {
        fs::write(self.file("part"), status.to_string()).unwrap();
        fs::rename(self.file("part"), self.file("end")).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits until the load test and the burners have ended.
    fn wait(&mut self) -> ExitStatus {
        let status = wait_for("the end of the load test", || self.process.try_wait().unwrap());
        wait_for("the end of the burners", || (!self.burners.iter().any(Process::is_alive)).then_some(()));
        status
    }
}

impl Drop for LoadTest {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // A burner that a failed test leaves would keep a core busy for ever.
        for burner in self.burners.iter().filter(|burner| burner.is_alive()) {
            let _ = signal::kill(Pid::from_raw(burner.pid()), Signal::SIGKILL);
        }
    }
}

/// Starts a server that responds to everything with an empty object. It ends with the test.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}");
        }
    });
    url
}

fn burners_of(parent: u32) -> Vec<Process> {
    let is_burner = |process: &Process| {
        process.stat().is_ok_and(|stat| u32::try_from(stat.ppid) == Ok(parent))
            && process.cmdline().is_ok_and(|words| words.get(1).is_some_and(|word| word == "burn"))
    };
    all_processes().unwrap().flatten().filter(is_burner).collect()
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "still waiting for {what} after {TIMEOUT:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn burners_end_after_the_last_measurement() {
    let mut loadtest = LoadTest::start();
    loadtest.end_generator(0);
    assert!(loadtest.wait().success());
    let run = Run::load(&loadtest.file("out.json")).unwrap();
    assert_eq!(run.options.burners, 2);
    // The generator slept. Burners would have used more.
    let cores = run.rows[0].rounds[0].generator_cores;
    assert!(cores < 0.2, "{cores}");
}

#[test]
fn burners_end_if_the_generator_fails() {
    let mut loadtest = LoadTest::start();
    loadtest.end_generator(1);
    assert_eq!(loadtest.wait().code(), Some(1));
}

#[test]
fn burners_end_with_an_interrupted_load_test() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut loadtest = LoadTest::start();
        loadtest.signal(signal);
        loadtest.end_generator(0);
        assert_eq!(loadtest.wait().code(), Some(130), "{signal}");
    }
}

#[test]
fn burners_end_with_a_load_test_that_is_killed() {
    for signal in [Signal::SIGKILL, Signal::SIGHUP] {
        let mut loadtest = LoadTest::start();
        loadtest.signal(signal);
        assert_eq!(loadtest.wait().signal(), Some(signal as i32));
    }
}

#[test]
fn a_burner_that_ends_early_is_an_error() {
    let mut loadtest = LoadTest::start();
    let burner = Pid::from_raw(loadtest.burners[0].pid());
    signal::kill(burner, Signal::SIGKILL).unwrap();
    loadtest.end_generator(0);
    assert_eq!(loadtest.wait().code(), Some(1));
}

//! Child processes: started so that they cannot outlive this process, waited for, and stopped.
//!
//! Start children on the main thread only. Linux sends the death signal when the *thread* that started
//! a child ends.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _};
use std::iter;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::signals::Signals;

/// Time between two looks at something that is waited for.
const POLL: Duration = Duration::from_millis(20);

/// How to install programs that not every machine has.
const INSTALL: [(&str, &str); 6] = [
    ("buildah", "`apt-get install buildah`"),
    ("cosign", "https://docs.sigstore.dev/cosign/system_config/installation/"),
    ("helm", "https://helm.sh/docs/intro/install/"),
    ("podman", "`apt-get install podman`"),
    ("syft", "https://github.com/anchore/syft#installation"),
    ("tar", "GNU tar"),
];

/// Whether Ctrl-C at the terminal reaches a child directly.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Group {
    /// The child is in our process group: it may read the terminal, which sends it Ctrl-C too.
    Shared,
    /// The child has a process group of its own: it receives signals from us only.
    Own,
}

/// A running child, which is stopped when the guard is dropped.
pub(crate) struct Guard {
    /// The child.
    pub(crate) child: Child,
    signal: Signal,
    timeout: Duration,
}

impl Guard {
    /// Stops `child` by `signal` on drop, and kills it if it still runs after `timeout`.
    pub(crate) fn new(child: Child, signal: Signal, timeout: Duration) -> Self {
        Self { child, signal, timeout }
    }

    /// Sends the signal that stops the child, and does not wait.
    pub(crate) fn begin_stop(&mut self) {
        if self.is_running() {
            send(&self.child, self.signal);
        }
    }

    /// Waits until `is_ready` is true. Fails if the child ends before, or after `timeout`.
    pub(crate) fn wait_until(
        &mut self,
        timeout: Duration,
        signals: Option<&Signals>,
        mut is_ready: impl FnMut() -> bool,
    ) -> Result<()> {
        let ready = until(timeout, signals, || {
            ensure!(self.is_running(), "it has ended by itself");
            Ok(is_ready().then_some(()))
        })?;
        ready.with_context(|| format!("it is not ready after {timeout:?}"))
    }

    /// Tells whether the child still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.begin_stop();
        let _ = until(self.timeout, None, || Ok((!self.is_running()).then_some(())));
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `command`. The child receives the signal `on_death` if this process dies first.
pub(crate) fn spawn(command: &mut Command, group: Group, on_death: Signal) -> Result<Child> {
    if group == Group::Own {
        command.process_group(0);
    }
    send_on_death(command, on_death);
    command.spawn().with_context(|| cannot_run(command))
}

/// Waits until `child` has ended.
///
/// The first signal to this process is passed on as SIGTERM, the next signal kills the child. A child in
/// our process group has received Ctrl-C already, and may ignore it as psql does.
pub(crate) fn wait(child: &mut Child, group: Group, signals: &Signals) -> Result<ExitStatus> {
    let mut was_asked_to_stop = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        match signals.wait(Duration::MAX) {
            None => {}
            Some(Signal::SIGINT) if group == Group::Shared => {}
            Some(_) if was_asked_to_stop => child.kill()?,
            Some(_) => {
                was_asked_to_stop = true;
                send(child, Signal::SIGTERM);
            }
        }
    }
}

/// Runs `command` to its end. Does not start it if a signal has already come.
pub(crate) fn run(command: &mut Command, group: Group, signals: &Signals) -> Result<ExitStatus> {
    signals.check()?;
    wait(&mut spawn(command, group, Signal::SIGTERM)?, group, signals)
}

/// Runs `command` to its end, and fails unless it succeeds. It writes its messages to the terminal, and reads nothing.
pub(crate) fn succeed(command: &mut Command, signals: &Signals) -> Result<()> {
    let status = run(command.stdin(Stdio::null()), Group::Own, signals)?;
    signals.check()?;
    ensure!(status.success(), "`{}` failed ({status}): its messages are above", words(command));
    Ok(())
}

/// Runs `command` and returns what it printed. If it fails, the error has its output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| cannot_run(command))?;
    printed(command, &output)
}

/// Does the same as [`output`], and also returns what the program printed to standard error.
pub(crate) fn output_and_errors(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| cannot_run(command))?;
    Ok(printed(command, &output)? + &String::from_utf8_lossy(&output.stderr))
}

/// Does the same as [`output`] with a given standard input, and stops the program when a signal comes.
pub(crate) fn output_with(command: &mut Command, input: Stdio, signals: &Signals) -> Result<String> {
    // Files, because a program blocks when a pipe is full and nobody reads it.
    let (mut out, mut err) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command.stdin(input).stdout(out.try_clone()?).stderr(err.try_clone()?);
    let status = run(command, Group::Own, signals)?;
    signals.check()?;
    printed(command, &Output { status, stdout: content(&mut out)?, stderr: content(&mut err)? })
}

fn content(file: &mut File) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut content)?;
    Ok(content)
}

fn printed(command: &Command, output: &Output) -> Result<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({}): {}{}", words(command), output.status, text, error.trim_end());
    }
    Ok(text.into_owned())
}

/// Calls `look` until it returns a value or an error. Returns `None` after `timeout`.
///
/// With `signals`, a signal to this process ends the wait with an error.
pub(crate) fn until<T>(
    timeout: Duration,
    signals: Option<&Signals>,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        if let Some(signals) = signals {
            signals.wait(POLL);
            signals.check()?;
        } else {
            thread::sleep(POLL);
        }
    }
}

/// Sends `signal` to a child that nobody has waited for yet, so that its id is still valid.
pub(crate) fn send(child: &Child, signal: Signal) {
    if let Ok(id) = i32::try_from(child.id()) {
        let _ = signal::kill(Pid::from_raw(id), signal);
    }
}

/// Returns the command as a person would type it.
pub(crate) fn words(command: &Command) -> String {
    let words = iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Returns the last lines of a child's log on one line, for an error.
pub(crate) fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    lines[lines.len().saturating_sub(5)..].join(" | ")
}

/// Returns a child's status as a shell passes it on: 128 + n for signal n.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    ExitCode::from(exit_number(status))
}

fn exit_number(status: ExitStatus) -> u8 {
    let number = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    number.and_then(|number| u8::try_from(number).ok()).unwrap_or(1)
}

fn cannot_run(command: &Command) -> String {
    let program = command.get_program();
    let folder = command.get_current_dir().map(|folder| format!(" in {}", folder.display()));
    let install = INSTALL.iter().find(|(name, _)| *name == program);
    let install = install.map(|(_, how)| format!(" How to install it: {how}"));
    format!(
        "cannot run {}{}: is it installed?{}",
        program.display(),
        folder.unwrap_or_default(),
        install.unwrap_or_default()
    )
}

/// Makes the kernel send `signal` to the child when this process dies for any reason.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "prctl must be called by the child itself, between fork and exec")]
fn send_on_death(command: &mut Command, signal: Signal) {
    let parent = Pid::this();
    let request = move || {
        nix::sys::prctl::set_pdeathsig(signal)?;
        // If the parent died before the line above, the signal would never come.
        if nix::unistd::getppid() == parent {
            Ok(())
        } else {
            Err(io::Error::from_raw_os_error(nix::libc::ESRCH))
        }
    };
    // SAFETY: The closure makes two system calls that are safe between fork and exec, and neither
    // allocates nor takes a lock. It runs after setuid, which would undo it.
    unsafe { command.pre_exec(request) };
}

/// Does nothing: other systems have no such signal, so `kill -9` of this process leaves its children.
#[cfg(not(target_os = "linux"))]
fn send_on_death(_: &mut Command, _: Signal) {}

#[cfg(test)]
mod tests;

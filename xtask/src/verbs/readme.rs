//! `cargo xtask readme`: runs the commands of README.md.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use tempfile::NamedTempFile;

use crate::blocks::{self, Block};
use crate::cargo;
use crate::generated::read;
use crate::kubeconfig::{self, kubectl};
use crate::net::{Listen, responds};
use crate::process::{self, Group, Guard};
use crate::signals::Signals;
use crate::terminal::say;

const README: &str = "README.md";

/// The command that runs until it is stopped. It stays up until the end of its section.
const SERVICE: &str = "cargo xtask run";
/// The command may have to build the service first.
const START_TIMEOUT: Duration = Duration::from_mins(20);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Programs that need a cluster.
const CLUSTER: [&str; 2] = ["helm ", "kubectl "];

/// curl ends with success whatever the status of a response, unless its configuration says otherwise.
const CURLRC: &str = "fail-with-body\nsilent\nshow-error\n";

/// Run the commands of README.md in their order, as a newcomer would, and fail with the first that fails.
///
/// The commands for a cluster run in a namespace of their own. They take the cluster of the current
/// context of kubectl; `FILMS_CLUSTER` names its kind if the context does not.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out the blocks of this section, for instance 'Install it' without a cluster; may be repeated.
    #[arg(long, value_name = "SECTION")]
    without: Vec<String>,
    /// Print the commands, and run nothing.
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut blocks = blocks::parse(&read(README)?).context(README)?;
    for section in &args.without {
        let is_there = blocks.iter().any(|block| block.section == *section);
        ensure!(is_there, "--without {section:?}: {README} has no section of this name with commands");
        blocks.retain(|block| block.section != *section);
        say(&format!("Left out: {section}"));
    }
    if args.list {
        for block in &blocks {
            println!("{}", block.commands);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let signals = Signals::catch()?;
    let needs_cluster = blocks.iter().any(|block| CLUSTER.iter().any(|name| block.commands.contains(name)));
    let namespace = needs_cluster.then(Namespace::create).transpose()?;
    let home = tempfile::tempdir()?;
    fs::write(home.path().join(".curlrc"), CURLRC)?;
    let mut service: Option<(String, Guard)> = None;
    for block in &blocks {
        service = service.take_if(|(section, _)| *section == block.section);
        let mut shell = shell(block, home.path(), namespace.as_ref());
        if block.commands == SERVICE {
            service = Some((block.section.clone(), start(&mut shell, &signals)?));
        } else {
            finish(block, &mut shell, &signals)?;
        }
    }
    say(&format!("All {} blocks of {README} passed", blocks.len()));
    Ok(ExitCode::SUCCESS)
}

fn shell(block: &Block, home: &Path, namespace: Option<&Namespace>) -> Command {
    let mut shell = Command::new("sh");
    // The signal that stops the service must reach the service, so it takes the place of the shell.
    let exec = if block.commands == SERVICE { "exec " } else { "" };
    shell.args(["-eux", "-c", &format!("{exec}{}", block.commands)]).stdin(Stdio::null());
    shell.current_dir(cargo::workspace()).env("CURL_HOME", home);
    shell.envs(namespace.map(|namespace| ("KUBECONFIG", namespace.kubeconfig.path())));
    shell
}

fn finish(block: &Block, shell: &mut Command, signals: &Signals) -> Result<()> {
    let since = Instant::now();
    let status = process::run(shell, Group::Own, signals)?;
    signals.check()?;
    let Block { section, commands } = block;
    ensure!(status.success(), "{README}, “{section}”: failed ({status}):\n{commands}");
    say(&format!("{:6.1} s  {section}", since.elapsed().as_secs_f64()));
    Ok(())
}

/// Starts the service and waits until it is ready.
fn start(shell: &mut Command, signals: &Signals) -> Result<Guard> {
    let admin = Listen::from_env("FILMS__ADMIN__LISTEN", 9090)?.reachable();
    let child = process::spawn(shell, Group::Own, Signal::SIGTERM)?;
    let mut service = Guard::new(child, Signal::SIGTERM, STOP_TIMEOUT);
    let ready = service.wait_until(START_TIMEOUT, Some(signals), || responds(admin, "/readyz"));
    ready.with_context(|| format!("`{SERVICE}` must become ready: its messages are above"))?;
    Ok(service)
}

/// A namespace, which is deleted when this is dropped, and a kubeconfig whose context names it: commands that name
/// none leave the user's own namespace alone.
struct Namespace {
    name: String,
    kubeconfig: NamedTempFile,
}

impl Namespace {
    /// Creates a namespace in the cluster of the current context.
    fn create() -> Result<Self> {
        let name = format!("films-readme-{}", std::process::id());
        kubectl(&["create", "namespace", &name]).context("the cluster's blocks need a cluster that runs")?;
        let kubeconfig = kubeconfig::of_namespace(&name)?;
        Ok(Self { name, kubeconfig })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Err(error) = kubectl(&["delete", "namespace", &self.name, "--wait=false"]) {
            say(&format!("The namespace {} is still there: {error:#}", self.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_takes_the_place_of_its_shell() {
        let line = |commands: &str| {
            let block = Block { section: String::new(), commands: commands.to_owned() };
            shell(&block, Path::new("/"), None).get_args().last().map(|line| line.display().to_string())
        };
        assert_eq!(line(SERVICE).as_deref(), Some("exec cargo xtask run"));
        assert_eq!(line("helm test films").as_deref(), Some("helm test films"));
    }

    #[test]
    fn the_first_block_of_the_readme_starts_the_service() -> Result<()> {
        let blocks = blocks::parse(&read(README)?)?;
        assert_eq!(blocks.first().map(|block| block.commands.as_str()), Some(SERVICE));
        Ok(())
    }
}

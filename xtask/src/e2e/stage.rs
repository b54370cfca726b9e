//! The namespaces, the release in one of them, and the two programs that speak to the cluster.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::Args;
use super::images::Images;
use crate::process::{self, Group};
use crate::signals::Signals;
use crate::{cargo, say};

pub(super) const RELEASE: &str = "films";
/// For helm: a small machine takes a while to start everything at once.
const TIMEOUT: &str = "5m";
const POLL: Duration = Duration::from_millis(200);

/// Where everything is played; dropped, it is gone.
pub(super) struct Stage<'a> {
    /// The release's namespace.
    pub(super) namespace: String,
    /// Another like it, for the manifests without Helm.
    pub(super) plain: String,
    /// The namespace of those who come from outside.
    pub(super) outside: String,
    pub(super) images: Images,
    pub(super) signals: &'a Signals,
    keep: bool,
}

impl<'a> Stage<'a> {
    /// Makes the namespaces. Their names are this process's own, so that two runs do not meet.
    pub(super) fn set(args: &Args, signals: &'a Signals) -> Result<Self> {
        let namespace = format!("films-e2e-{}", std::process::id());
        let stage = Self {
            outside: format!("{namespace}-outside"),
            plain: format!("{namespace}-plain"),
            namespace,
            images: Images::of(args),
            signals,
            keep: args.keep,
        };
        for name in stage.namespaces() {
            stage.apply(&json!({
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": { "name": name, "labels": { "pod-security.kubernetes.io/enforce": "restricted" } },
            }))?;
        }
        for name in [&stage.namespace, &stage.plain] {
            stage.apply(&json!({
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": { "name": "default-deny", "namespace": name },
                "spec": { "podSelector": {}, "policyTypes": ["Ingress", "Egress"] },
            }))?;
        }
        say(&format!("Playing in the namespace {}", stage.namespace));
        Ok(stage)
    }

    fn namespaces(&self) -> [&str; 3] {
        [&self.namespace, &self.plain, &self.outside]
    }

    /// Does `work`, and says in one line what came of it and how long it took.
    pub(super) fn step(&self, what: &str, work: impl FnOnce() -> Result<String>) -> Result<()> {
        self.signals.check()?;
        let since = Instant::now();
        let seen = work().with_context(|| what.to_owned())?;
        say(&format!("{:6.1} s  {what}: {seen}", since.elapsed().as_secs_f64()));
        Ok(())
    }

    /// Asks again until the answer is right; then the last wrong one says what was seen instead.
    pub(super) fn until<T>(
        &self,
        patience: Duration,
        expected: &str,
        mut ask: impl FnMut() -> Result<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + patience;
        loop {
            self.signals.check()?;
            match ask() {
                Ok(answer) => return Ok(answer),
                Err(seen) if Instant::now() > deadline => {
                    return Err(seen.context(format!("expected {expected} within {patience:?}")));
                }
                Err(_) => thread::sleep(POLL),
            }
        }
    }

    /// Installs the release, or brings it to the chart's defaults with the settings given.
    pub(super) fn upgrade(&self, settings: &[&str]) -> Result<()> {
        let mut helm = self.helm(&["upgrade", "--install", RELEASE, "helm/films"]);
        helm.args(["--wait", "--wait-for-jobs", "--timeout", TIMEOUT]);
        // As text: a tag may look like a number.
        helm.args(self.images.values.iter().flat_map(|image| ["--set-string", image]));
        helm.args(settings.iter().flat_map(|setting| ["--set", setting]));
        self.run(&mut helm).map(drop)
    }

    /// helm in the release's namespace.
    pub(super) fn helm(&self, args: &[&str]) -> Command {
        let mut helm = Command::new("helm");
        helm.args(args).args(["--namespace", &self.namespace]).current_dir(cargo::workspace());
        helm
    }

    /// kubectl in the release's namespace: what it prints.
    pub(super) fn kubectl(&self, args: &[&str]) -> Result<String> {
        self.run(kubectl(&self.namespace).args(args))
    }

    /// The same, for `get`: the objects that it finds.
    pub(super) fn get(&self, args: &[&str]) -> Result<Value> {
        let text = self.run(kubectl(&self.namespace).arg("get").args(args).arg("--output=json"))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Makes an object that is not the chart's.
    pub(super) fn apply(&self, object: &Value) -> Result<()> {
        let mut file = tempfile::tempfile()?;
        file.write_all(object.to_string().as_bytes())?;
        file.rewind()?;
        let mut kubectl = Command::new("kubectl");
        self.run_with(kubectl.args(["apply", "--filename=-"]), file.into()).map(drop)
    }

    /// Runs a program to its end, unless a signal ends it. What it said is the result, or the error.
    pub(super) fn run(&self, command: &mut Command) -> Result<String> {
        self.run_with(command, Stdio::null())
    }

    fn run_with(&self, command: &mut Command, input: Stdio) -> Result<String> {
        // Files, since a pipe that nobody reads meanwhile would stop the program.
        let (mut out, mut err) = (tempfile::tempfile()?, tempfile::tempfile()?);
        command.stdin(input).stdout(out.try_clone()?).stderr(err.try_clone()?);
        let status = process::run(command, Group::Own, self.signals)?;
        self.signals.check()?;
        let (out, err) = (text(&mut out)?, text(&mut err)?);
        if !status.success() {
            bail!("{} fails ({status}):\n{}{}", shown(command), out, err.trim_end());
        }
        Ok(out)
    }

    /// What a person would look at first.
    pub(super) fn dump(&self) {
        for namespace in self.namespaces() {
            for look in [
                &["get", "pods,jobs", "--output=wide"][..],
                &["get", "events", "--sort-by=.lastTimestamp"],
                &[
                    "logs",
                    "--selector=app.kubernetes.io/instance",
                    "--all-containers",
                    "--prefix",
                    "--tail=20",
                ],
            ] {
                say(&format!("\n# kubectl --namespace {namespace} {}", look.join(" ")));
                let _ = kubectl(namespace).args(look).stdin(Stdio::null()).status();
            }
        }
        say("\nTo look at it yourself, run the scenario again with --keep.\n");
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        let names = self.namespaces().join(" ");
        if self.keep {
            say(&format!("Kept: kubectl delete namespace {names}"));
            return;
        }
        say("Cleaning up");
        let mut kubectl = Command::new("kubectl");
        kubectl.args(["delete", "namespace", "--ignore-not-found", "--timeout=2m"]).args(self.namespaces());
        kubectl.stdin(Stdio::null()).stdout(Stdio::null());
        // In a group of its own: another Ctrl-C should not leave half of it.
        let ended =
            process::spawn(&mut kubectl, Group::Own, Signal::SIGTERM).and_then(|mut child| Ok(child.wait()?));
        if !ended.is_ok_and(|status| status.success()) {
            say(&format!("Still there: kubectl delete namespace {names}"));
        }
    }
}

pub(super) fn kubectl(namespace: &str) -> Command {
    let mut kubectl = Command::new("kubectl");
    kubectl.args(["--namespace", namespace]);
    kubectl
}

fn text(file: &mut File) -> Result<String> {
    let mut text = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn shown(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

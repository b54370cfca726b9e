//! The namespaces, the release, and the two programs that speak to the cluster.

use std::io::{Seek as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::images::{Images, Options};
use crate::cargo;
use crate::process::{self, Group};
use crate::signals::Signals;
use crate::terminal::say;

pub(super) const RELEASE: &str = "films";
/// For helm: a small machine needs a while to start everything at once.
const TIMEOUT: &str = "5m";

/// The namespaces of a run, which are deleted when this is dropped.
pub(super) struct TestCluster<'a> {
    pub(super) namespace: String,
    /// A namespace with the same rules, for the manifests without Helm.
    pub(super) plain: String,
    /// Namespace of the clients.
    pub(super) outside: String,
    pub(super) images: Images,
    pub(super) signals: &'a Signals,
    keep: bool,
}

impl<'a> TestCluster<'a> {
    /// Creates the namespaces. Their names have the id of this process, so that two runs do not meet.
    pub(super) fn create(options: &Options, keep: bool, signals: &'a Signals) -> Result<Self> {
        let namespace = format!("films-e2e-{}", std::process::id());
        let cluster = Self {
            outside: format!("{namespace}-outside"),
            plain: format!("{namespace}-plain"),
            namespace,
            images: Images::of(options)?,
            signals,
            keep,
        };
        for name in cluster.namespaces() {
            cluster.apply(&json!({
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": { "name": name, "labels": { "pod-security.kubernetes.io/enforce": "restricted" } },
            }))?;
        }
        for name in [&cluster.namespace, &cluster.plain] {
            cluster.apply(&json!({
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": { "name": "default-deny", "namespace": name },
                "spec": { "podSelector": {}, "policyTypes": ["Ingress", "Egress"] },
            }))?;
        }
        say(&format!("The namespace of the release is {}", cluster.namespace));
        Ok(cluster)
    }

    fn namespaces(&self) -> [&str; 3] {
        [&self.namespace, &self.plain, &self.outside]
    }

    /// Does `work`, and prints its result and its time in a line.
    pub(super) fn step(&self, name: &str, work: impl FnOnce() -> Result<String>) -> Result<()> {
        self.signals.check()?;
        let since = Instant::now();
        let result = work().with_context(|| name.to_owned())?;
        say(&format!("{:6.1} s  {name}: {result}", since.elapsed().as_secs_f64()));
        Ok(())
    }

    /// Repeats `look` until it succeeds. After `timeout`, fails with the last error of `look`.
    pub(super) fn until<T>(
        &self,
        timeout: Duration,
        expected: &str,
        mut look: impl FnMut() -> Result<T>,
    ) -> Result<T> {
        let mut last = None;
        let found = process::until(timeout, Some(self.signals), || {
            Ok(look().map_err(|error| last = Some(error)).ok())
        })?;
        found.ok_or_else(|| {
            last.unwrap_or_else(|| anyhow!("nothing was seen"))
                .context(format!("expected {expected} within {timeout:?}"))
        })
    }

    /// Installs or upgrades the release, with the chart's defaults and these settings.
    pub(super) fn upgrade(&self, settings: &[&str]) -> Result<()> {
        let mut helm = self.helm_upgrade();
        helm.args(settings.iter().flat_map(|setting| ["--set", setting]));
        self.output(&mut helm).map(drop)
    }

    /// Installs or upgrades the release, with the chart's defaults and these values.
    pub(super) fn upgrade_with(&self, values: &Value) -> Result<()> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(values.to_string().as_bytes())?;
        self.output(self.helm_upgrade().arg("--values").arg(file.path())).map(drop)
    }

    fn helm_upgrade(&self) -> Command {
        let mut helm = self.helm(&["upgrade", "--install", RELEASE, "helm/films"]);
        helm.args(["--wait", "--wait-for-jobs", "--timeout", TIMEOUT]);
        // As text, because a tag may look like a number.
        helm.args(self.images.values.iter().flat_map(|image| ["--set-string", image]));
        helm
    }

    /// Returns helm in the release's namespace.
    pub(super) fn helm(&self, args: &[&str]) -> Command {
        let mut helm = Command::new("helm");
        helm.args(args).args(["--namespace", &self.namespace]).current_dir(cargo::workspace());
        helm
    }

    /// Runs kubectl in the release's namespace, and returns what it prints.
    pub(super) fn kubectl(&self, args: &[&str]) -> Result<String> {
        self.output(kubectl(&self.namespace).args(args))
    }

    /// Runs `kubectl get` in the release's namespace, and returns the objects.
    pub(super) fn get(&self, args: &[&str]) -> Result<Value> {
        let text = self.kubectl(&[&["get"], args, &["--output=json"]].concat())?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Waits until all pods of a Deployment are ready.
    pub(super) fn wait_for_rollout(&self, namespace: &str, name: &str) -> Result<()> {
        let deployment = format!("deployment/{name}");
        self.output(kubectl(namespace).args(["rollout", "status", &deployment, "--timeout=3m"])).map(drop)
    }

    /// Creates an object that is not part of the chart.
    pub(super) fn apply(&self, object: &Value) -> Result<()> {
        self.apply_manifests(&object.to_string())
    }

    /// Creates objects that are not part of the chart, from YAML.
    pub(super) fn apply_manifests(&self, text: &str) -> Result<()> {
        let mut file = tempfile::tempfile()?;
        file.write_all(text.as_bytes())?;
        file.rewind()?;
        let mut kubectl = Command::new("kubectl");
        kubectl.args(["apply", "--filename=-"]);
        process::output_with(&mut kubectl, file.into(), self.signals).map(drop)
    }

    /// Runs a program to its end unless a signal comes, and returns what it prints.
    pub(super) fn output(&self, command: &mut Command) -> Result<String> {
        process::output_with(command, Stdio::null(), self.signals)
    }

    /// Prints what a person would look at first after a failure.
    pub(super) fn dump(&self) {
        const LOGS: &str = "logs --selector=app.kubernetes.io/instance --all-containers --prefix --tail=20";
        let looks = ["get pods,jobs --output=wide", "get events --sort-by=.lastTimestamp", LOGS];
        for namespace in self.namespaces() {
            for look in looks {
                say(&format!("\n# kubectl --namespace {namespace} {look}"));
                let _ = kubectl(namespace).args(look.split(' ')).stdin(Stdio::null()).status();
            }
        }
        say("\nTo look around, run the scenario again with --keep.\n");
    }
}

impl Drop for TestCluster<'_> {
    fn drop(&mut self) {
        let names = self.namespaces().join(" ");
        if self.keep {
            say(&format!("The namespaces stay. To delete them: kubectl delete namespace {names}"));
            return;
        }
        say("Deleting the namespaces");
        let mut kubectl = Command::new("kubectl");
        kubectl.args(["delete", "namespace", "--ignore-not-found", "--timeout=2m"]).args(self.namespaces());
        kubectl.stdin(Stdio::null()).stdout(Stdio::null());
        // In a group of its own, so that another Ctrl-C does not stop it half-way.
        let deleted =
            process::spawn(&mut kubectl, Group::Own, Signal::SIGTERM).and_then(|mut child| Ok(child.wait()?));
        if !deleted.is_ok_and(|status| status.success()) {
            say(&format!("Some namespaces are left. To delete them: kubectl delete namespace {names}"));
        }
    }
}

pub(super) fn kubectl(namespace: &str) -> Command {
    let mut kubectl = Command::new("kubectl");
    kubectl.args(["--namespace", namespace]);
    kubectl
}

/// Fails unless the cluster has a kind of objects. `program` brings it.
pub(super) fn expect_kind(cluster: &TestCluster, kind: &str, program: &str) -> Result<()> {
    let found = cluster.output(Command::new("kubectl").args(["get", "customresourcedefinition", kind]));
    found.map(drop).with_context(|| format!("the cluster has no {kind}: install {program} first"))
}

/// Tells whether a condition of an object is true.
pub(super) fn has_condition(object: &Value, kind: &str) -> bool {
    let mut conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|condition| condition["type"] == kind && condition["status"] == "True")
}

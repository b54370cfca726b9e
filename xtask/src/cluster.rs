//! Local clusters, and how each gets images that no registry serves.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::process;

/// A kind of cluster, on the command line.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ClusterKind {
    /// The cluster of the current context of kubectl
    Current,
    /// kind
    Kind,
    /// minikube
    Minikube,
    /// k3d
    K3d,
    /// A node on this machine that runs containerd, reached by `ctr`
    Containerd,
}

/// A local cluster. The name is `None` for the program's default.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cluster {
    Kind(Option<String>),
    Minikube,
    K3d(Option<String>),
    Containerd,
    /// Runs the images of docker on this machine.
    Docker,
}

/// Names the kind of the cluster if its context does not.
const KIND: &str = "FILMS_CLUSTER";

/// Contexts of clusters that run the images of docker.
const DOCKER_CONTEXTS: [&str; 4] = ["docker-desktop", "rancher-desktop", "orbstack", "colima"];

impl Cluster {
    /// Finds the cluster. Fails if it is not here, or if it is none that images can be loaded into.
    pub(crate) fn find(kind: ClusterKind) -> Result<Self> {
        let cluster = match kind {
            ClusterKind::Current => match env::var(KIND) {
                Ok(kind) => return Self::find(named(&kind)?),
                Err(_) => Self::of_context(current_context()?.trim())?,
            },
            ClusterKind::Kind => Self::Kind(None),
            ClusterKind::Minikube => Self::Minikube,
            ClusterKind::K3d => Self::K3d(None),
            ClusterKind::Containerd => Self::Containerd,
        };
        cluster.check()?;
        Ok(cluster)
    }

    /// Programs that make local clusters name their contexts in a fixed way.
    fn of_context(context: &str) -> Result<Self> {
        if let Some(name) = context.strip_prefix("kind-") {
            return Ok(Self::Kind(Some(name.to_owned())));
        }
        if let Some(name) = context.strip_prefix("k3d-") {
            return Ok(Self::K3d(Some(name.to_owned())));
        }
        if context == "minikube" {
            return Ok(Self::Minikube);
        }
        if DOCKER_CONTEXTS.contains(&context) {
            return Ok(Self::Docker);
        }
        bail!(
            "--load cannot reach the nodes of the context {context}: expected kind-…, k3d-…, minikube, or one of \
             {}. If this is another local cluster, name its kind, for instance `--load containerd`. If not, \
             build with `cargo xtask image --registry REGISTRY`, push the images, and install the chart with \
             `--set image.repository=REGISTRY/films`",
            DOCKER_CONTEXTS.join(", ")
        )
    }

    /// Returns the command that loads an image of docker, or an archive. `None` if there is nothing to do.
    pub(crate) fn load(&self, name: &str, archive: Option<&Path>) -> Option<Command> {
        let (program, arguments, option): (_, &[&str], _) = match self {
            Self::Kind(cluster) => {
                let image = if archive.is_some() { "image-archive" } else { "docker-image" };
                ("kind", &["load", image], cluster.as_ref().map(|name| format!("--name={name}")))
            }
            Self::Minikube => ("minikube", &["image", "load"], None),
            Self::K3d(cluster) => {
                ("k3d", &["image", "import"], cluster.as_ref().map(|name| format!("--cluster={name}")))
            }
            Self::Containerd => ("ctr", &["--namespace", "k8s.io", "images", "import"], None),
            Self::Docker => return None,
        };
        let mut command = Command::new(program);
        command.args(arguments).args(option).arg(archive.map_or_else(|| name.as_ref(), Path::as_os_str));
        Some(command)
    }

    /// Returns whether the cluster's program takes images from docker by their names.
    pub(crate) fn takes_docker_images(&self) -> bool {
        !matches!(self, Self::Containerd)
    }

    /// Fails if no such cluster is here.
    fn check(&self) -> Result<()> {
        let (program, arguments, advice): (_, &[&str], _) = match self {
            Self::Kind(_) => {
                ("kind", &["get", "clusters"], "https://kind.sigs.k8s.io, then `kind create cluster`")
            }
            Self::Minikube => {
                ("minikube", &["status"], "https://minikube.sigs.k8s.io, then `minikube start`")
            }
            Self::K3d(_) => {
                ("k3d", &["cluster", "list", "--no-headers"], "https://k3d.io, then `k3d cluster create`")
            }
            Self::Containerd => {
                ("ctr", &["version"], "https://containerd.io, or set CONTAINERD_ADDRESS to its socket")
            }
            Self::Docker => return Ok(()),
        };
        let clusters = process::output(Command::new(program).args(arguments));
        let clusters = clusters.with_context(|| format!("--load {program} needs a cluster: see {advice}"))?;
        if clusters.trim().is_empty() {
            bail!("--load {program}: {program} has no cluster: see {advice}");
        }
        Ok(())
    }
}

/// Returns the kind that the variable names.
fn named(kind: &str) -> Result<ClusterKind> {
    let found = ClusterKind::from_str(kind, false).ok().filter(|kind| !matches!(kind, ClusterKind::Current));
    found.with_context(|| format!("{KIND} is {kind:?}: expected kind, minikube, k3d or containerd"))
}

fn current_context() -> Result<String> {
    let context = process::output(Command::new("kubectl").args(["config", "current-context"]));
    context.context(
        "--load reads the current context of kubectl; name the cluster instead, for instance `--load kind`",
    )
}

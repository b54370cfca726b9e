//! `cargo xtask image`: builds the images that the chart runs.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::baselines::FILMS;
use crate::cargo;
use crate::images::{self, Image, Names};
use crate::process::{self, Group};
use crate::signals::Signals;
use crate::terminal::say;

/// Build the images that the chart runs, under the names that it pulls.
///
/// Every base image is a build argument of its Dockerfile, for instance
/// `--build-arg RUNTIME_IMAGE=registry.example/distroless/cc`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Build these images only.
    #[arg(value_name = "IMAGE", value_parser = images::keys())]
    images: Vec<String>,
    #[command(flatten)]
    names: Names,
    /// The builder. By default the first of buildah, podman and docker that works here.
    #[arg(long)]
    builder: Option<Builder>,
    /// An argument for the Dockerfiles; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    build_arg: Vec<String>,
    /// Load the images into the local cluster of this kind.
    #[arg(long, value_name = "CLUSTER")]
    load: Option<Cluster>,
    /// Build nothing. Print the names of the images, one a line.
    #[arg(long)]
    list: bool,
    /// Further arguments for the builder, for instance `-- --no-cache`.
    #[arg(last = true, value_name = "ARGS")]
    rest: Vec<OsString>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Builder {
    Buildah,
    Podman,
    Docker,
}

/// A program that runs a cluster on this machine.
#[derive(Clone, Copy, ValueEnum)]
enum Cluster {
    Kind,
    Minikube,
    K3d,
}

impl Builder {
    fn program(self) -> &'static str {
        match self {
            Self::Buildah => "buildah",
            Self::Podman => "podman",
            Self::Docker => "docker",
        }
    }

    /// Finds the first builder that works: docker without its daemon does not.
    fn find() -> Result<Self> {
        let works = |builder: &&Self| process::output(Command::new(builder.program()).arg("info")).is_ok();
        let builder = Self::value_variants().iter().find(works);
        builder.copied().context("nothing here builds images: install buildah or podman, or start docker")
    }

    fn build(self) -> Command {
        let mut command = Command::new(self.program());
        command.arg("build");
        if self == Self::Buildah {
            // By default buildah caches no layer for the next build.
            command.arg("--layers");
        }
        command
    }

    /// Returns the command that writes an image into an archive. With docker, clusters need no archive.
    fn save(self, name: &str, archive: &Path) -> Option<Command> {
        let mut command = Command::new(self.program());
        let target = format!("docker-archive:{}:{name}", archive.display());
        match self {
            Self::Docker => return None,
            Self::Buildah | Self::Podman => command.args(["push", "--quiet", name, &target]),
        };
        Some(command)
    }
}

impl Cluster {
    /// Returns the command that loads an image of docker, or an archive.
    fn load(self, name: &str, archive: Option<&Path>) -> Command {
        let (program, arguments): (_, &[&str]) = match self {
            Self::Kind if archive.is_some() => ("kind", &["load", "image-archive"]),
            Self::Kind => ("kind", &["load", "docker-image"]),
            Self::Minikube => ("minikube", &["image", "load"]),
            Self::K3d => ("k3d", &["image", "import"]),
        };
        let mut command = Command::new(program);
        command.args(arguments).arg(archive.map_or_else(|| name.as_ref(), Path::as_os_str));
        command
    }

    /// Fails if no cluster of this kind is here.
    fn check(self) -> Result<()> {
        let (program, arguments, advice): (_, &[&str], _) = match self {
            Self::Kind => {
                ("kind", &["get", "clusters"], "https://kind.sigs.k8s.io, then `kind create cluster`")
            }
            Self::Minikube => {
                ("minikube", &["status"], "https://minikube.sigs.k8s.io, then `minikube start`")
            }
            Self::K3d => {
                ("k3d", &["cluster", "list", "--no-headers"], "https://k3d.io, then `k3d cluster create`")
            }
        };
        let clusters = process::output(Command::new(program).args(arguments));
        let clusters = clusters.with_context(|| format!("--load {program} needs a cluster: see {advice}"))?;
        if clusters.trim().is_empty() {
            bail!("--load {program}: {program} has no cluster: see {advice}");
        }
        Ok(())
    }
}

/// Runs the verb.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut images = images::all(&cargo::workspace(), &args.names)?;
    images.retain(|image| args.images.is_empty() || args.images.iter().any(|key| key == image.key));
    if args.list {
        for image in &images {
            println!("{}", image.name());
        }
        return Ok(ExitCode::SUCCESS);
    }
    args.load.map_or(Ok(()), Cluster::check)?;
    let builder = args.builder.map_or_else(Builder::find, Ok)?;
    let signals = Signals::catch()?;
    for image in &images {
        finish(&mut build(image, builder, args), &signals)?;
        say(&format!("Built {}", image.name()));
    }
    for image in &images {
        args.load.map_or(Ok(()), |cluster| load(&image.name(), builder, cluster, &signals))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn build(image: &Image, builder: Builder, args: &Args) -> Command {
    let mut command = builder.build();
    command.args(["--file", image.dockerfile, "--tag", &image.name()]);
    command.args(["--label", concat!("org.opencontainers.image.version=", env!("CARGO_PKG_VERSION"))]);
    if let Some(commit) = commit() {
        command.args(["--label", &format!("org.opencontainers.image.revision={commit}")]);
        // The image is built without the repository, so the service cannot find its commit there.
        command.args((image.key == FILMS).then(|| format!("--build-arg=FILMS_COMMIT={commit}")));
    }
    for argument in &args.build_arg {
        command.args(["--build-arg", argument]);
    }
    command.args(&args.rest).arg(image.context).current_dir(cargo::workspace());
    command
}

/// Loads an image into the cluster, through an archive unless docker has built it.
fn load(name: &str, builder: Builder, cluster: Cluster, signals: &Signals) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let archive = folder.path().join("image.tar");
    let save = builder.save(name, &archive);
    let source = save.is_some().then_some(archive.as_path());
    let load = cluster.load(name, source);
    for mut command in save.into_iter().chain([load]) {
        finish(&mut command, signals)?;
    }
    say(&format!("Loaded {name}"));
    Ok(())
}

fn finish(command: &mut Command, signals: &Signals) -> Result<()> {
    let status = process::run(command.stdin(Stdio::null()), Group::Own, signals)?;
    signals.check()?;
    if !status.success() {
        bail!("`{}` failed ({status}): its messages are above", process::words(command));
    }
    Ok(())
}

/// Returns the commit as `films --version` prints it, or `None` outside a repository.
fn commit() -> Option<String> {
    let mut git = Command::new("git");
    git.args(["rev-parse", "--short=12", "HEAD"]).current_dir(cargo::workspace());
    process::output(&mut git).ok().map(|commit| commit.trim().to_owned())
}

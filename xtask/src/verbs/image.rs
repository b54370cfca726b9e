//! `cargo xtask image`: builds the images that the chart runs.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::baselines::FILMS;
use crate::builder::Builder;
use crate::cargo;
use crate::cluster::{Cluster, ClusterKind};
use crate::images::{self, Image, Names};
use crate::process;
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
    #[arg(long, env = "FILMS_BUILDER")]
    builder: Option<Builder>,
    /// An argument for the Dockerfiles; may be repeated. The variable separates them by spaces.
    #[arg(long, env = "FILMS_BUILD_ARGS", value_name = "KEY=VALUE", value_delimiter = ' ')]
    build_arg: Vec<String>,
    /// Load the images into the cluster of the current context of kubectl, or into a cluster of this kind.
    #[arg(long, value_name = "CLUSTER", num_args = 0..=1, default_missing_value = "current")]
    load: Option<ClusterKind>,
    /// Build nothing. Print the names of the images, one a line.
    #[arg(long)]
    list: bool,
    /// Further arguments for the builder, for instance `-- --no-cache`. The variable separates them by spaces.
    #[arg(last = true, env = "FILMS_BUILDER_OPTIONS", value_name = "ARGS", value_delimiter = ' ')]
    rest: Vec<OsString>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut images = images::all(&args.names)?;
    images.retain(|image| args.images.is_empty() || args.images.iter().any(|key| key == image.key));
    if args.list {
        for image in &images {
            println!("{}", image.name());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let cluster = args.load.map(Cluster::find).transpose()?;
    let builder = args.builder.map_or_else(Builder::find, Ok)?;
    if cluster == Some(Cluster::Docker) && builder != Builder::Docker {
        bail!("this cluster runs the images of docker: start docker, or build with --builder docker");
    }
    let signals = Signals::catch()?;
    for image in &images {
        process::succeed(&mut build(image, builder, args), &signals)?;
        say(&format!("Built {}", image.name()));
    }
    for image in &images {
        cluster.as_ref().map_or(Ok(()), |cluster| load(&image.name(), builder, cluster, &signals))?;
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

/// Loads an image into the cluster, through an archive unless the cluster takes images of docker.
fn load(name: &str, builder: Builder, cluster: &Cluster, signals: &Signals) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let archive = folder.path().join("image.tar");
    let by_name = builder == Builder::Docker && cluster.takes_docker_images();
    let Some(mut load) = cluster.load(name, (!by_name).then_some(archive.as_path())) else {
        say(&format!("The cluster runs {name} from docker: nothing to load"));
        return Ok(());
    };
    if !by_name {
        process::succeed(&mut builder.save(name, &archive), signals)?;
    }
    process::succeed(&mut load, signals)?;
    say(&format!("Loaded {name}"));
    Ok(())
}

/// Returns the commit as `films --version` prints it, or `None` outside a repository.
fn commit() -> Option<String> {
    let mut git = Command::new("git");
    git.args(["rev-parse", "--short=12", "HEAD"]).current_dir(cargo::workspace());
    process::output(&mut git).ok().map(|commit| commit.trim().to_owned())
}

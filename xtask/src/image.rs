//! `cargo xtask image`: the images that the chart runs, by whichever builder is there.

use std::ffi::OsString;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::names::{Image, Names};
use crate::process::{self, Group};
use crate::signals::Signals;
use crate::{cargo, say};

/// Build the images that the chart runs.
///
/// Every base image is a build argument of its Dockerfile, for instance
/// `--build-arg RUNTIME_IMAGE=registry.example/distroless/cc`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which; all by default.
    #[arg(value_name = "IMAGE")]
    images: Vec<Image>,
    #[command(flatten)]
    names: Names,
    /// The builder; by default the first of buildah, podman and docker that works here.
    #[arg(long)]
    builder: Option<Builder>,
    /// An argument for the Dockerfiles; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    build_arg: Vec<String>,
    /// Further arguments for the builder, for instance `-- --no-cache`.
    #[arg(last = true, value_name = "ARGS")]
    rest: Vec<OsString>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Builder {
    Buildah,
    Podman,
    Docker,
}

impl Builder {
    fn program(self) -> &'static str {
        match self {
            Self::Buildah => "buildah",
            Self::Podman => "podman",
            Self::Docker => "docker",
        }
    }

    /// The first that can build: of docker the program alone, without its daemon, cannot.
    fn find() -> Result<Self> {
        let works = |builder: &&Self| {
            let mut command = Command::new(builder.program());
            command.arg("info").stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        let Some(builder) = Self::value_variants().iter().find(works) else {
            bail!("nothing here builds images: install buildah or podman, or start docker");
        };
        Ok(*builder)
    }

    fn build(self) -> Command {
        let mut command = Command::new(self.program());
        match self {
            // It keeps no layer for the next build unless it is told to.
            Self::Buildah => command.args(["build", "--layers"]),
            Self::Podman | Self::Docker => command.arg("build"),
        };
        command
    }
}

/// The verb.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let builder = args.builder.map_or_else(Builder::find, Ok)?;
    let images = if args.images.is_empty() { Image::value_variants() } else { &args.images };
    let signals = Signals::catch()?;
    for image in images {
        let name = args.names.of(*image);
        let mut command = build(*image, &name, builder, args);
        let status = process::run(&mut command, Group::Own, &signals)?;
        signals.check()?;
        if !status.success() {
            bail!("{name} could not be built ({status}); {}'s own words are above", builder.program());
        }
        say(&format!("Built {name}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn build(image: Image, name: &str, builder: Builder, args: &Args) -> Command {
    let (dockerfile, context) = image.source();
    let mut command = builder.build();
    command.args(["--file", dockerfile, "--tag", name]);
    command.args(["--label", concat!("org.opencontainers.image.version=", env!("CARGO_PKG_VERSION"))]);
    if let Some(commit) = commit() {
        command.args(["--label", &format!("org.opencontainers.image.revision={commit}")]);
        // The repository is no part of what the image is built from.
        command.args(matches!(image, Image::Films).then(|| format!("--build-arg=FILMS_COMMIT={commit}")));
    }
    for argument in &args.build_arg {
        command.args(["--build-arg", argument]);
    }
    command.args(&args.rest).arg(context).current_dir(cargo::workspace()).stdin(Stdio::null());
    command
}

/// The commit as `films --version` says it; none outside a repository.
fn commit() -> Option<String> {
    let mut git = Command::new("git");
    git.args(["rev-parse", "--short=12", "HEAD"]).current_dir(cargo::workspace());
    let output = git.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_image_has_its_dockerfile() {
        for image in Image::value_variants() {
            let (dockerfile, context) = image.source();
            assert!(cargo::workspace().join(dockerfile).is_file(), "{dockerfile}");
            assert!(cargo::workspace().join(context).is_dir(), "{context}");
        }
    }

    #[test]
    fn base_images_can_be_replaced() -> Result<()> {
        for image in Image::value_variants() {
            let text = fs::read_to_string(cargo::workspace().join(image.source().0))?;
            let mut bases = text.lines().filter_map(|line| line.strip_prefix("FROM "));
            assert!(bases.all(|base| base.starts_with("${")), "{}", image.source().0);
        }
        Ok(())
    }
}

//! Parses the step and runs it.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Subcommand;

use super::cosign::{Expected, Signer};
use super::record::Options;
use super::{binaries, chart, images, index, notes, sbom, sign, verify};

/// Release films, one step at a time. RELEASING.md lists the steps in order.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    step: Step,
}

#[derive(Subcommand)]
enum Step {
    /// Print the section of a version in CHANGELOG.md. Fails if Cargo.toml or Chart.yaml has another version.
    Notes {
        /// The version, which is that of the tag without its `v`.
        version: String,
    },
    /// Build and pack the program for this machine, with the list of its crates inside and as `CycloneDX`.
    ///
    /// Needs `cargo install cargo-auditable cargo-cyclonedx`.
    Binaries,
    /// Push the images that `cargo xtask image` built for this machine's architecture.
    ///
    /// Log in to the registry first. Needs buildah or podman, as the next step does.
    Images {
        /// Registry and prefix of the published images, for instance `registry.example/team/films`.
        #[arg(long, value_name = "PREFIX")]
        registry: String,
        /// Tag of the images that were built. By default the chart's, which is its application version.
        #[arg(long, env = "FILMS_TAG")]
        tag: Option<String>,
    },
    /// Join the images of all architectures, from every `images-ARCHITECTURE.json`, to multi-platform images.
    Index,
    /// List what each image contains, in an SPDX document for each platform. Needs syft.
    Sbom,
    /// Push the chart, whose values name the published images by their digests. Needs helm.
    Chart {
        /// URL of the repository, which becomes the home of the chart.
        #[arg(long, value_name = "URL")]
        source: Option<String>,
    },
    /// Sign the images, the chart and the checksums of all files, and attest how they were built. Needs cosign.
    Sign(Signer),
    /// Verify all signatures and attestations, and the checksums of the files in the folder. Needs cosign.
    ///
    /// The folder needs `release.json`, `SHA256SUMS` and `SHA256SUMS.sigstore.json` of the release.
    Verify(Expected),
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let Args { mut options, step } = args;
    let folder = options.out.display().to_string();
    fs::create_dir_all(&options.out).with_context(|| format!("cannot create {folder}"))?;
    options.out = fs::canonicalize(&options.out)?;
    match step {
        Step::Notes { version } => notes::run(&version),
        Step::Binaries => binaries::run(&options),
        Step::Images { registry, tag } => images::run(&options, registry.trim_end_matches('/'), tag),
        Step::Index => index::run(&options),
        Step::Sbom => sbom::run(&options),
        Step::Chart { source } => chart::run(&options, source.as_deref()),
        Step::Sign(signer) => sign::run(&options, &signer),
        Step::Verify(expected) => verify::run(&options, &expected),
    }?;
    Ok(ExitCode::SUCCESS)
}

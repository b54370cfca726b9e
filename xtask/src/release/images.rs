//! `cargo xtask release images`: this architecture's images.

use std::fs;

use anyhow::{Context, Result, ensure};
use indexmap::IndexMap;

use super::record::{Artifact, Options, Record, VERSION};
use crate::builder::Builder;
use crate::images::{self, Names};
use crate::process;
use crate::terminal::say;

pub(super) fn run(options: &Options, registry: &str, tag: Option<String>) -> Result<()> {
    let builder = builder()?;
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let own_tag = format!("{VERSION}-{architecture}");
    let built = images::all(&Names { registry: None, tag })?;
    let published = images::all(&Names { registry: Some(registry.to_owned()), tag: Some(own_tag) })?;
    let mut record = Record {
        version: VERSION.to_owned(),
        registry: registry.to_owned(),
        images: IndexMap::new(),
        chart: None,
    };
    for (built, published) in built.iter().zip(published) {
        let digest = push(builder, &["push"], &built.name(), &published.name(), options)?;
        say(&format!("Pushed {} as {}", built.name(), published.name()));
        let platforms = IndexMap::from([(format!("linux/{architecture}"), digest.clone())]);
        record
            .images
            .insert(built.key.to_owned(), Artifact { repository: published.repository, digest, platforms });
    }
    record.write(&options.out.join(format!("images-{architecture}.json")))
}

/// Returns the builder that pushes. docker does not tell digests and keeps no list of platforms.
pub(super) fn builder() -> Result<Builder> {
    let builder = Builder::find()?;
    ensure!(builder != Builder::Docker, "docker cannot push a release: install buildah or podman");
    Ok(builder)
}

/// Pushes an image or a list of images by a subcommand of the builder, and returns the digest in the registry.
pub(super) fn push(
    builder: Builder,
    subcommand: &[&str],
    local: &str,
    published: &str,
    options: &Options,
) -> Result<String> {
    let file = tempfile::NamedTempFile::new()?;
    let mut push = builder.command();
    push.args(subcommand)
        .arg(tls(options))
        .args(["--quiet", "--format=oci", "--digestfile"])
        .arg(file.path());
    process::output(push.arg(local).arg(format!("docker://{published}")))?;
    let digest = fs::read_to_string(file.path()).context("the builder wrote no digest")?;
    Ok(digest.trim().to_owned())
}

/// Returns the builder's option for the registry.
pub(super) fn tls(options: &Options) -> String {
    format!("--tls-verify={}", !options.plain_http)
}

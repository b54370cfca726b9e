//! `cargo xtask release verify`: what a user runs before they trust a release.

use std::process::Command;

use anyhow::{Context, Result};

use super::cosign::{Expected, PROVENANCE, SBOM, registry, verify};
use super::record::{FILE, Options, Record};
use super::sign::{BUNDLE, CHECKSUMS};
use crate::process;
use crate::terminal::say;

pub(super) fn run(options: &Options, expected: &Expected) -> Result<()> {
    let record = Record::read(&options.out.join(FILE))?;
    let expected = expected.options(&record.version)?;
    let mut signer: Vec<&str> = expected.iter().map(String::as_str).collect();

    // First the files, because release.json is one of them and says what else there is.
    let path = |name| options.out.join(name).display().to_string();
    verify("verify-blob", &[&signer[..], &["--bundle", &path(BUNDLE)]].concat(), &path(CHECKSUMS))?;
    let mut sha256sum = Command::new("sha256sum");
    sha256sum.args(["--check", "--strict", "--quiet", "--ignore-missing", CHECKSUMS]);
    process::output(sha256sum.current_dir(&options.out)).context("a file is not that of the release")?;

    let registry = registry(options);
    signer.push(&registry);
    let attested = |kind, name: &str| verify("verify-attestation", &[&signer[..], &[kind]].concat(), name);
    for artifact in record.images.values().chain(&record.chart) {
        verify("verify", &signer, &artifact.reference())?;
        attested(PROVENANCE, &artifact.reference())?;
        for (_, name) in artifact.per_platform() {
            verify("verify", &signer, &name)?;
            attested(SBOM, &name)?;
        }
        say(&format!("Verified {}", artifact.reference()));
    }
    say(&format!("Verified the files of films {}", record.version));
    Ok(())
}

//! `cargo xtask release sign`: signatures and attestations.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::record::{FILE, Options, Record};
use super::{cosign, provenance, sbom};
use crate::process;
use crate::terminal::say;

/// The file of checksums in the release's folder.
pub(super) const CHECKSUMS: &str = "SHA256SUMS";
/// The signature of that file.
pub(super) const BUNDLE: &str = "SHA256SUMS.sigstore.json";

pub(super) fn run(options: &Options, signer: &cosign::Signer) -> Result<()> {
    let record = Record::read(&options.out.join(FILE))?;
    let provenance = tempfile::NamedTempFile::new()?;
    fs::write(provenance.path(), provenance::predicate()?.to_string())?;
    let registry = cosign::registry(options);
    let attest = |kind, predicate: &Path, reference: &str| {
        let predicate = format!("--predicate={}", predicate.display());
        signer.run("attest", &[&registry, kind, &predicate, reference])
    };
    for artifact in record.images.values().chain(&record.chart) {
        let reference = artifact.reference();
        signer.run("sign", &[&registry, "--recursive", &reference])?;
        attest(cosign::PROVENANCE, provenance.path(), &reference)?;
        for (platform, reference) in artifact.per_platform() {
            attest(cosign::SBOM, &sbom::path(&options.out, &artifact.repository, platform), &reference)?;
        }
        say(&format!("Signed {reference}"));
    }
    // Again, because the files of other architectures and of later steps have come since the last time.
    write_checksums(&options.out)?;
    let path = |name| options.out.join(name).display().to_string();
    signer.run("sign-blob", &["--bundle", &path(BUNDLE), &path(CHECKSUMS)])?;
    say(&format!("Signed {}", path(CHECKSUMS)));
    Ok(())
}

/// Writes the checksums of all files of the release.
pub(super) fn write_checksums(folder: &Path) -> Result<()> {
    let names = fs::read_dir(folder)?.map(|file| Ok(file?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<Result<Vec<_>>>()?;
    names.retain(|name| !name.starts_with(CHECKSUMS) && !name.starts_with("images-"));
    names.sort();
    let sums = process::output(Command::new("sha256sum").arg("--").args(names).current_dir(folder))?;
    fs::write(folder.join(CHECKSUMS), sums).with_context(|| format!("cannot write {CHECKSUMS}"))
}

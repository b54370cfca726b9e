//! `cargo xtask release sbom`: an SPDX document for each image and platform.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::record::{FILE, Options, Record, VERSION};
use crate::process;
use crate::terminal::say;

pub(super) fn run(options: &Options) -> Result<()> {
    for image in Record::read(&options.out.join(FILE))?.images.values() {
        for (platform, reference) in image.per_platform() {
            let file = path(&options.out, &image.repository, platform);
            let mut syft = Command::new("syft");
            syft.arg("scan").arg(format!("registry:{reference}"));
            syft.arg("--output").arg(format!("spdx-json={}", file.display()));
            syft.env("SYFT_CHECK_FOR_APP_UPDATE", "false");
            syft.env("SYFT_REGISTRY_INSECURE_USE_HTTP", options.plain_http.to_string());
            process::output(&mut syft)?;
            say(&format!("Wrote {}", file.display()));
        }
    }
    Ok(())
}

/// Returns the path of the document of an image for a platform.
pub(super) fn path(folder: &Path, repository: &str, platform: &str) -> PathBuf {
    let name = repository.rsplit('/').next().unwrap_or(repository);
    folder.join(format!("{name}-{VERSION}-{}.spdx.json", platform.replace('/', "-")))
}

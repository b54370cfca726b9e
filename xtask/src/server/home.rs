//! Where things are kept between runs.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nix::unistd::geteuid;

/// The folder for what outlives a run: the data of `cargo xtask run` and a downloaded Postgres.
///
/// It is a folder of the user's and not the checkout's `target/`, so that `cargo clean` does not
/// take the data with it and every checkout shares the download. Root has one in /var/lib, since
/// the server runs as another user there, and that user cannot get into /root.
pub(crate) fn folder() -> Result<PathBuf> {
    let parent = match (env::var_os("XDG_DATA_HOME"), env::var_os("HOME")) {
        (Some(data), _) if !data.is_empty() => PathBuf::from(data),
        _ if geteuid().is_root() => PathBuf::from("/var/lib"),
        (_, Some(home)) => PathBuf::from(home).join(".local/share"),
        _ => bail!("no folder to keep data in: set HOME or XDG_DATA_HOME"),
    };
    let folder = parent.join("films");
    fs::create_dir_all(&folder).with_context(|| unusable(&folder))?;
    if geteuid().is_root() {
        // Whatever root's umask: the server's user must pass through.
        fs::set_permissions(&folder, Permissions::from_mode(0o711)).with_context(|| unusable(&folder))?;
    }
    Ok(folder)
}

/// What to say when something in there cannot be written.
pub(crate) fn unusable(folder: &Path) -> String {
    let folder = folder.display();
    format!("cannot write to {folder}; make it writable, or name another parent by XDG_DATA_HOME")
}

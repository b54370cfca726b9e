//! The folder for everything that stays between runs.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nix::unistd::geteuid;

/// Returns the folder for the data of `cargo xtask run`, a downloaded Postgres and Python environments.
///
/// The folder belongs to the user and is not in `target/`: `cargo clean` does not delete the data, and
/// all checkouts share the downloads. Root's folder is in /var/lib, because the server then runs as
/// another user, who cannot enter /root.
pub(crate) fn folder() -> Result<PathBuf> {
    let parent = match (env::var_os("XDG_DATA_HOME"), env::var_os("HOME")) {
        (Some(data), _) if !data.is_empty() => PathBuf::from(data),
        _ if geteuid().is_root() => PathBuf::from("/var/lib"),
        (_, Some(home)) => PathBuf::from(home).join(".local/share"),
        _ => bail!("there is no folder for data: set HOME or XDG_DATA_HOME"),
    };
    let folder = parent.join("films");
    fs::create_dir_all(&folder).with_context(|| unusable(&folder))?;
    if geteuid().is_root() {
        // The server's user must pass through, whatever root's umask is.
        fs::set_permissions(&folder, Permissions::from_mode(0o711)).with_context(|| unusable(&folder))?;
    }
    Ok(folder)
}

/// Returns the error for a file in this folder that cannot be written.
pub(crate) fn unusable(folder: &Path) -> String {
    let folder = folder.display();
    format!("cannot write to {folder}: make it writable, or set XDG_DATA_HOME to another parent")
}

//! Whose process the server is: Postgres refuses to run as root.

use std::fmt;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use nix::unistd::{User, geteuid};

/// What Linux systems give `nobody`, for one that does not even have that name.
const NOBODY: u32 = 65534;

/// The unprivileged user that the server and its data belong to when we are root.
pub(super) struct Account {
    name: String,
    user: u32,
    group: u32,
}

impl Account {
    /// `None` unless we are root: then the server is ours, like any other process.
    pub(super) fn when_root() -> Option<Self> {
        if !geteuid().is_root() {
            return None;
        }
        let known = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok()?);
        Some(known.map_or_else(
            || Self { name: NOBODY.to_string(), user: NOBODY, group: NOBODY },
            |known| Self { name: known.name, user: known.uid.as_raw(), group: known.gid.as_raw() },
        ))
    }

    /// Lets `command` run as this user. The standard library drops root's other groups as well.
    pub(super) fn apply(&self, command: &mut Command) {
        command.uid(self.user).gid(self.group);
    }

    /// Gives `path` to this user.
    pub(super) fn own(&self, path: &Path) -> Result<()> {
        chown(path, Some(self.user), Some(self.group))
            .with_context(|| format!("cannot give {} to {self}", path.display()))
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user {}", self.name)
    }
}

//! The user that runs the server: Postgres refuses to run as root.

use std::fmt;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use nix::unistd::{User, geteuid};

/// The id of `nobody` on Linux, for a system that lacks the name.
const NOBODY: u32 = 65534;

/// The unprivileged user that owns the server and its data if we are root.
pub(super) struct Account {
    name: String,
    user: u32,
    group: u32,
}

impl Account {
    /// Returns the user, or `None` if we are not root: then the server runs as we do.
    pub(super) fn when_root() -> Option<Self> {
        if !geteuid().is_root() {
            return None;
        }
        let found = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok()?);
        Some(found.map_or_else(
            || Self { name: NOBODY.to_string(), user: NOBODY, group: NOBODY },
            |user| Self { name: user.name, user: user.uid.as_raw(), group: user.gid.as_raw() },
        ))
    }

    /// Makes `command` run as this user. The standard library also drops root's other groups.
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

//! Which Postgres: the machine's own, or a downloaded one.

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, anyhow};
use nix::sys::signal::Signal;

use super::account::Account;
use super::{download, home};
use crate::process::{self, Group};

/// The oldest version that the service supports.
const OLDEST: u32 = 13;

/// Folders with a folder for each version, the start of its name, and where its programs are.
const VERSIONED: &[(&str, &str, &str)] = &[
    ("/usr/lib/postgresql", "", "bin"),          // Debian
    ("/usr", "pgsql-", "bin"),                   // Its own packages for Red Hat
    ("/opt/homebrew/opt", "postgresql@", "bin"), // Homebrew
    ("/usr/local/opt", "postgresql@", "bin"),    // Homebrew on Intel
];

/// The programs of one Postgres, and as whom they are run.
pub(crate) struct Installation {
    programs: PathBuf,
    version: u32,
    account: Option<Account>,
}

impl Installation {
    /// The machine's own Postgres if it has one and `download` does not forbid it, else one from
    /// the network, which is kept.
    pub(crate) fn find(download: bool) -> Result<Self> {
        let own = if download { None } else { Self::of_the_machine() };
        match own {
            Some(installation) => Ok(installation),
            None => Self::at(&download::install(&home::folder()?)?),
        }
    }

    /// The one in PATH is what the user chose; among the others the newest is taken.
    fn of_the_machine() -> Option<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let in_path = env::split_paths(&path).filter_map(|folder| usable(&folder));
        let others = VERSIONED.iter().flat_map(versions);
        let others = others.filter_map(|folder| usable(&folder)).max_by_key(|found| found.version);
        in_path.into_iter().next().or(others)
    }

    /// The programs in `folder`, which must run.
    pub(super) fn at(folder: &Path) -> Result<Self> {
        let program = folder.join("postgres");
        let answer = Command::new(&program).arg("--version").output();
        let answer = answer.with_context(|| format!("cannot run {}", program.display()))?;
        let text = String::from_utf8_lossy(&answer.stdout);
        let version = major_version(&text).ok_or_else(|| {
            let complaint = String::from_utf8_lossy(&answer.stderr);
            anyhow!("{} --version says {text:?} {complaint:?}", program.display())
        })?;
        Ok(Self { programs: folder.to_owned(), version, account: Account::when_root() })
    }

    /// The major version: data folders of different ones are not compatible.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// One of the programs, run in `folder` by the right user. The folder of whoever called us may
    /// be closed to that user.
    pub(super) fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(folder).stdin(Stdio::null());
        if let Some(account) = &self.account {
            account.apply(&mut command);
        }
        command
    }

    /// Whether it has this program: the downloaded one has few.
    pub(crate) fn has(&self, program: &str) -> bool {
        self.programs.join(program).is_file()
    }

    /// One of the programs that any user may run.
    pub(crate) fn client(&self, program: &str) -> Command {
        Command::new(self.programs.join(program))
    }

    /// Starts such a command. It is in a group of its own, out of the reach of Ctrl-C, and is asked
    /// for a fast shutdown (SIGINT) when this process dies.
    pub(super) fn spawn(&self, command: &mut Command) -> Result<Child> {
        let started = process::spawn(command, Group::Own, Signal::SIGINT);
        match &self.account {
            None => started,
            Some(account) => started.with_context(|| {
                format!(
                    "Postgres refuses to run as root and so has to run as {account}, which must \
                     be able to enter all folders on the way (TMPDIR and XDG_DATA_HOME name others)"
                )
            }),
        }
    }

    /// Gives `path` to the user that the programs run as.
    pub(super) fn own(&self, path: &Path) -> Result<()> {
        self.account.as_ref().map_or(Ok(()), |account| account.own(path))
    }
}

impl fmt::Display for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Postgres {}", self.version)?;
        self.account.as_ref().map_or(Ok(()), |account| write!(f, " as {account}"))
    }
}

/// Where links such as /usr/local/bin/initdb lead, if `initdb` and `postgres` are there together
/// and new enough.
fn usable(folder: &Path) -> Option<Installation> {
    let folder = fs::canonicalize(folder.join("initdb")).ok()?.parent()?.to_owned();
    let found = Installation::at(&folder).ok()?;
    (found.version >= OLDEST).then_some(found)
}

fn versions((parent, prefix, programs): &(&str, &str, &str)) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let versions = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    versions.map(|entry| entry.path().join(programs)).collect()
}

/// From, for instance, `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`.
fn major_version(text: &str) -> Option<u32> {
    let version = text.strip_prefix("postgres (PostgreSQL) ")?;
    let end = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_builds_are_understood() {
        let debian = "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n";
        assert_eq!(major_version(debian), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_version("postgres (PostgreSQL) 9.6.24\n"), Some(9));
        assert_eq!(major_version("No version is set for command postgres\n"), None);
    }

    #[test]
    fn versions_are_looked_for_by_prefix() -> Result<()> {
        let folder = tempfile::tempdir()?;
        for name in ["pgsql-9.6", "pgsql-17", "share"] {
            fs::create_dir(folder.path().join(name))?;
        }
        let parent = folder.path().to_string_lossy();
        let mut found = versions(&(&parent, "pgsql-", "bin"));
        found.sort();
        assert_eq!(found, ["pgsql-17/bin", "pgsql-9.6/bin"].map(|name| folder.path().join(name)));
        assert!(versions(&("/no/such/folder", "", "bin")).is_empty());
        Ok(())
    }
}

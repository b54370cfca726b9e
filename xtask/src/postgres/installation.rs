//! The programs of a Postgres.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::account::Account;
use crate::process::{self, Group};

/// The programs of a Postgres, and the user that runs them.
pub(crate) struct Installation {
    programs: PathBuf,
    version: u32,
    account: Option<Account>,
}

impl Installation {
    /// Returns the programs in `folder`. Fails if they do not run here.
    pub(super) fn at(folder: &Path) -> Result<Self> {
        let program = folder.join("postgres");
        let text = process::output(Command::new(&program).arg("--version"))?;
        let version = major_version(&text).with_context(|| {
            format!("`{} --version` printed {text:?}, expected a version", program.display())
        })?;
        Ok(Self { programs: folder.to_owned(), version, account: Account::when_root() })
    }

    /// Returns the major version. Data of different major versions are not compatible.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// Returns a command for a program, run in `folder` by the right user. That user may have no access
    /// to the current folder.
    pub(super) fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(folder).stdin(Stdio::null());
        if let Some(account) = &self.account {
            account.apply(&mut command);
        }
        command
    }

    /// Tells whether a program is installed: the downloaded Postgres has few programs.
    pub(crate) fn has(&self, program: &str) -> bool {
        self.programs.join(program).is_file()
    }

    /// Returns a command for a program that any user may run.
    pub(crate) fn client(&self, program: &str) -> Command {
        Command::new(self.programs.join(program))
    }

    /// Starts a command in a process group of its own, which Ctrl-C does not reach. If this process dies,
    /// the command receives SIGINT, which Postgres takes as a fast shutdown.
    pub(super) fn spawn(&self, command: &mut Command) -> Result<Child> {
        let started = process::spawn(command, Group::Own, Signal::SIGINT);
        match &self.account {
            None => started,
            Some(account) => started.with_context(|| {
                format!(
                    "Postgres does not run as root, so it runs as {account}: that user must be able to \
                     enter every folder of the path (TMPDIR and XDG_DATA_HOME set other folders)"
                )
            }),
        }
    }

    /// Gives `path` to the user that runs the programs.
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

/// Reads a text like `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`.
fn major_version(text: &str) -> Option<u32> {
    let version = text.strip_prefix("postgres (PostgreSQL) ")?;
    let end = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_version_panics(version: u32, rest in "\\PC{0,9}") {
            let text = format!("postgres (PostgreSQL) {version}.{rest}");
            prop_assert_eq!(major_version(&text), Some(version));
            major_version(&format!("postgres (PostgreSQL) {rest}"));
        }
    }

    #[test]
    fn the_version_of_every_build_is_understood() {
        let debian = "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n";
        assert_eq!(major_version(debian), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_version("postgres (PostgreSQL) 9.6.24\n"), Some(9));
        assert_eq!(major_version("No version is set for command postgres\n"), None);
    }
}

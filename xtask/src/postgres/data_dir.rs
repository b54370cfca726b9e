//! The data of a server ("database cluster"), made completely or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

use super::home;
use super::installation::Installation;
use crate::terminal::say;

/// User, password and database of every server here: the service's defaults.
pub(super) const NAME: &str = "dvdrental";

/// Folder of the data in a server's folder.
pub(super) const DATA: &str = "data";

/// A folder whose data stay. It is locked as long as this value exists.
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Locks the folder `name`, and makes it if it does not exist.
    pub(crate) fn lock(name: &str) -> Result<Self> {
        let path = home::folder()?.join(name);
        fs::create_dir_all(&path).with_context(|| home::unusable(&path))?;
        fs::set_permissions(&path, Permissions::from_mode(0o711)).with_context(|| home::unusable(&path))?;
        let file = path.join("lock");
        let lock = OpenOptions::new().create(true).append(true).open(file);
        let lock = lock.with_context(|| home::unusable(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!("{} is in use by another `cargo xtask {name}`: stop that process first", path.display())
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(|| home::unusable(&path)),
        }
    }

    /// Returns the path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Deletes the data.
    pub(crate) fn clear(&self) -> Result<()> {
        remove(&self.path.join(DATA))
    }

    /// Makes the data if there are none. Existing data must be of the installation's version.
    pub(super) fn prepare(&self, installation: &Installation) -> Result<()> {
        let data = self.path.join(DATA);
        match fs::read_to_string(data.join("PG_VERSION")) {
            Ok(version) if version.trim() == installation.version().to_string() => Ok(()),
            Ok(version) => bail!(
                "the data in {} are of Postgres {}, and the Postgres found here is {}, which cannot read \
                 them: run with --fresh to delete them",
                data.display(),
                version.trim(),
                installation.version()
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => create(installation, &self.path, &[], &[]),
            Err(error) => Err(error).with_context(|| home::unusable(&data)),
        }
    }
}

/// Makes the data in `folder`, with a user and a database. Renames them last, so that data of an
/// interrupted run are never used.
pub(super) fn create(
    installation: &Installation,
    folder: &Path,
    options: &[&str],
    settings: &[&str],
) -> Result<()> {
    say(&format!("Creating a database in {}", folder.display()));
    let partial = folder.join("data.partial");
    remove(&partial)?;
    make(installation, &partial)?;
    initialise(installation, folder, &partial, options)?;
    create_database(installation, folder, &partial, settings)?;
    fs::rename(&partial, folder.join(DATA)).with_context(|| home::unusable(folder))
}

/// Makes an empty folder for data, which belongs to the user that runs the server.
pub(super) fn make(installation: &Installation, data: &Path) -> Result<()> {
    DirBuilder::new().mode(0o700).create(data).with_context(|| home::unusable(data))?;
    installation.own(data)
}

/// Requires the password on the loopback interface too, because the machine may have other users. With
/// the C locale, the order of text and the language of the log are the same on every machine.
fn initialise(installation: &Installation, folder: &Path, data: &Path, options: &[&str]) -> Result<()> {
    let mut password = NamedTempFile::new_in(folder).with_context(|| home::unusable(folder))?;
    writeln!(password, "{NAME}")?;
    installation.own(password.path())?;
    let mut command = installation.command("initdb", folder);
    command.arg("--pgdata").arg(data).arg("--pwfile").arg(password.path());
    command.args(["--username", NAME, "--auth=scram-sha-256"]);
    command.args(["--encoding=UTF8", "--locale=C"]).args(options);
    finish(installation, &mut command, "")
}

/// Uses the server's single-user mode: the downloaded Postgres has no client.
fn create_database(installation: &Installation, folder: &Path, data: &Path, settings: &[&str]) -> Result<()> {
    let mut command = installation.command("postgres", folder);
    command.arg("--single").arg("-D").arg(data).args(settings);
    command.args(["--exit_on_error=on", "postgres"]);
    let sql = format!("CREATE DATABASE {NAME}\n");
    finish(installation, &mut command, &sql)
}

/// Runs a program of Postgres to its end. If it fails, the error has what it wrote to stderr.
pub(super) fn finish(installation: &Installation, command: &mut Command, input: &str) -> Result<()> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = installation.spawn(command)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that has already failed does not read. The error below says why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let program = command.get_program().display();
    bail!("{program} failed ({}): {}", output.status, complaint.trim().replace('\n', " | "))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot delete {}", folder.display()))
        }
        _ => Ok(()),
    }
}

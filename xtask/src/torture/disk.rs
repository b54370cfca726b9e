//! A small disk for the data of Postgres, which can be filled.

use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::process;

/// Enough for a primary, a replica, and a replica that is being made.
const SIZE: &str = "size=900m,mode=0711";
const CHUNKS: [usize; 2] = [1 << 20, 1 << 12];

/// A file system of its own in memory, mounted until this is dropped.
pub(super) struct Disk(TempDir);

impl Disk {
    /// Mounts the file system. Only root may.
    pub(super) fn mount() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("films-disk-").tempdir()?;
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711))?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder.path());
        process::output(&mut mount)?;
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes until nothing more fits.
    pub(super) fn fill(&self) -> Result<()> {
        let path = self.filler();
        let mut file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        for size in CHUNKS {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        Ok(())
    }

    pub(super) fn free(&self) -> Result<()> {
        let path = self.filler();
        fs::remove_file(&path).with_context(|| format!("cannot delete {}", path.display()))
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = process::output(Command::new("umount").arg(self.path()));
    }
}

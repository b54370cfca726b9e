//! Finds a Postgres: the machine's own, or a downloaded one.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::download;
use super::home;
use super::installation::Installation;
use super::instance::Instance;
use crate::signals::Signals;

/// The oldest version that the service supports.
const OLDEST: u32 = 13;

/// Folders with a subfolder for each version: the folder, the start of the subfolder's name, and the
/// programs' place in the subfolder.
const VERSIONED: &[(&str, &str, &str)] = &[
    ("/usr/lib/postgresql", "", "bin"),          // Debian
    ("/usr", "pgsql-", "bin"),                   // Postgres' packages for Red Hat
    ("/opt/homebrew/opt", "postgresql@", "bin"), // Homebrew
    ("/usr/local/opt", "postgresql@", "bin"),    // Homebrew on Intel
];

/// Options of every verb that starts a Postgres.
#[derive(clap::Args)]
pub(crate) struct Source {
    /// Use the downloaded Postgres even if the machine has its own.
    #[arg(long)]
    pub(crate) download: bool,
}

/// Starts a temporary Postgres. Catches signals only after a download, which may take a while and leaves
/// nothing to stop.
pub(crate) fn start(source: &Source) -> Result<(Instance, Signals)> {
    let installation = find(source)?;
    let signals = Signals::catch()?;
    let instance = Instance::temporary(&installation, &signals)?;
    Ok((instance, signals))
}

/// Returns the machine's own Postgres. If there is none, or by option, downloads a Postgres once.
pub(crate) fn find(source: &Source) -> Result<Installation> {
    let own = if source.download { None } else { installed() };
    own.map_or_else(|| Installation::at(&download::install(&home::folder()?)?), Ok)
}

/// Prefers a Postgres in PATH, which is the user's choice. Of all others, takes the newest.
fn installed() -> Option<Installation> {
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&path).find_map(|folder| usable(&folder));
    let others = VERSIONED.iter().flat_map(versions).filter_map(|folder| usable(&folder));
    in_path.or_else(|| others.max_by_key(Installation::version))
}

/// Follows links such as /usr/local/bin/initdb. `initdb` and `postgres` must be in the same folder.
fn usable(folder: &Path) -> Option<Installation> {
    let folder = fs::canonicalize(folder.join("initdb")).ok()?.parent()?.to_owned();
    Installation::at(&folder).ok().filter(|found| found.version() >= OLDEST)
}

fn versions((parent, prefix, programs): &(&str, &str, &str)) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let versions = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    versions.map(|entry| entry.path().join(programs)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_by_the_start_of_the_name() -> Result<()> {
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

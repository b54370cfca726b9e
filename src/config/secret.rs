//! Secrets in files.

use std::path::Path;

use super::error::Error;

/// Reads the secret in the file that the setting `key` names. One trailing line break is removed.
pub(super) fn read(key: &str, path: &Path) -> Result<String, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::source(format!("{key} = {}: cannot be read: {error}", path.display())))?;
    Ok(text
        .strip_suffix('\n')
        .map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line))
        .to_owned())
}

//! Settings of the fault switch.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::secret;

/// The fault switch: requests to `/faults/` on the admin port make this instance fail for a limited time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Accepts requests that inject faults (`true`), to try alerts and clients. Leave it off where real users depend
    /// on the instance. With `false`, `/faults/` on the admin port gets 404.
    pub enabled: bool,
    /// File with the token of requests to `/faults/`. Required with `faults.enabled`. The token has at least 16
    /// characters of visible ASCII. One trailing line break is removed. The file is read again for every request.
    pub token_file: Option<PathBuf>,
}

/// Least length of a token, in bytes.
const SHORTEST_TOKEN: usize = 16;

impl Faults {
    /// Reads the token from its file, which may have changed since the last request. Fails if the file cannot be
    /// read, or if the token is too short or cannot be sent in a header.
    pub fn read_token(&self) -> Result<String, Error> {
        const KEY: &str = "faults.token_file";
        let Some(path) = self.token_file.as_deref() else {
            return Err(Error::source(format!(
                "{KEY}: expected the path of a file, because faults.enabled is true"
            )));
        };
        let token = secret::read(KEY, path)?;
        let refused = |problem| Err(Error::source(format!("{KEY} = {}: {problem}", path.display())));
        if token.len() < SHORTEST_TOKEN {
            return refused(format!(
                "the token has {} bytes, expected at least {SHORTEST_TOKEN}",
                token.len()
            ));
        }
        // Other bytes do not survive in a header: spaces at an end are removed, and most others are invalid.
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return refused(
                "the token has a space or a special character, expected visible ASCII".to_owned(),
            );
        }
        Ok(token)
    }
}

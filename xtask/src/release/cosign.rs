//! The calls of cosign, which signs and verifies.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::record::Options;
use crate::process;

/// Type of the statement that says how something was built.
pub(super) const PROVENANCE: &str = "--type=slsaprovenance1";
/// Type of the statement that says what an image contains.
pub(super) const SBOM: &str = "--type=spdxjson";

/// Issuer of the identities of GitHub's workflows.
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// Whoever signs.
#[derive(clap::Args)]
pub(super) struct Signer {
    /// Sign with this private key, whose password is in `COSIGN_PASSWORD`, and write to no public log.
    ///
    /// By default, cosign signs as the workflow or the person that runs it, and the public log says so.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// The signer that is expected.
#[derive(clap::Args)]
pub(super) struct Expected {
    /// URL of the repository whose release workflow signed, for instance `https://github.com/OWNER/REPOSITORY`.
    #[arg(long, value_name = "URL")]
    source: Option<String>,
    /// Public key of the signer. The public log is not read.
    #[arg(long, value_name = "FILE", conflicts_with = "source")]
    key: Option<PathBuf>,
}

impl Signer {
    /// Runs a subcommand of cosign that signs.
    pub(super) fn run(&self, subcommand: &str, arguments: &[&str]) -> Result<()> {
        let mut cosign = Command::new("cosign");
        cosign.args([subcommand, "--yes"]);
        if let Some(key) = &self.key {
            cosign.arg("--key").arg(key).args(["--tlog-upload=false", "--use-signing-config=false"]);
        }
        process::output(cosign.args(arguments)).map(drop)
    }
}

impl Expected {
    /// Returns cosign's options for the expected signer of a version.
    pub(super) fn options(&self, version: &str) -> Result<Vec<String>> {
        match (&self.key, &self.source) {
            (Some(key), _) => {
                Ok(vec![format!("--key={}", key.display()), "--insecure-ignore-tlog".to_owned()])
            }
            (None, Some(source)) => {
                let workflow = format!("{}/.github/workflows/release.yml", source.trim_end_matches('/'));
                let identity = format!("--certificate-identity={workflow}@refs/tags/v{version}");
                Ok(vec![identity, format!("--certificate-oidc-issuer={ISSUER}")])
            }
            (None, None) => bail!("verify must know the signer: give --source URL or --key FILE"),
        }
    }
}

/// Runs a subcommand of cosign that verifies `subject`.
pub(super) fn verify(subcommand: &str, options: &[&str], subject: &str) -> Result<()> {
    let verified = process::output(Command::new("cosign").arg(subcommand).args(options).arg(subject));
    verified.map(drop).with_context(|| format!("{subject} is not accepted"))
}

/// Returns cosign's option for the registry.
pub(super) fn registry(options: &Options) -> String {
    format!("--allow-http-registry={}", options.plain_http)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_workflow_of_the_tag_is_expected_to_have_signed() -> Result<()> {
        let expected = Expected { key: None, source: Some("https://github.example/owner/films/".to_owned()) };
        let identity = "https://github.example/owner/films/.github/workflows/release.yml@refs/tags/v1.0.0";
        assert_eq!(expected.options("1.0.0")?[0], format!("--certificate-identity={identity}"));
        assert!(Expected { key: None, source: None }.options("1.0.0").is_err());
        Ok(())
    }
}

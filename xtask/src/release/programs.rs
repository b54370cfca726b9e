//! The programs that the steps run, and how to install each.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::process::words;

const INSTALL: [(&str, &str); 6] = [
    ("buildah", "`apt-get install buildah`"),
    ("cosign", "https://docs.sigstore.dev/cosign/system_config/installation/"),
    ("helm", "https://helm.sh/docs/intro/install/"),
    ("podman", "`apt-get install podman`"),
    ("syft", "https://github.com/anchore/syft#installation"),
    ("tar", "GNU tar"),
];

/// Runs a program, and returns what it printed to its standard output, then to standard error.
pub(super) fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| cannot_run(command))?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    ensure!(output.status.success(), "`{}` failed ({}): {}", words(command), output.status, text.trim_end());
    Ok(text.into_owned())
}

fn cannot_run(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let install = INSTALL.iter().find(|(name, _)| *name == program);
    let install = install.map_or(String::new(), |(_, how)| format!(" How to install it: {how}"));
    format!("cannot run {program}: is it installed?{install}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_how_to_install_what_is_missing() {
        let error = output(Command::new("syft").env("PATH", "/nowhere")).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot run syft: is it installed? How to install it: https://"),
            "{error}"
        );
    }
}

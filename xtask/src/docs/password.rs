//! The password of the database in the rendered chart: it must be in a Secret and nowhere else. The unit tests of
//! the chart check the notes.

use anyhow::{Result, ensure};

use super::hostile::PASSWORD;
use crate::images;
use crate::process;

/// Renders everything that the chart has beside Postgres, with a password in each URL.
pub(super) fn check() -> Result<()> {
    let mut helm = images::helm_template("films")?;
    let url = |key, host| format!("postgres.external.{key}=postgres://films:{PASSWORD}@{host}/films");
    let urls = [url("url", "a"), url("migrationUrl", "b"), url("readUrl", "c")];
    let on = [
        "loadtest",
        "jaeger",
        "collector",
        "dashboard",
        "prometheusRule",
        "monitoring.rulesConfigMap",
        "serviceMonitor",
    ];
    let on = on.map(|section| format!("{section}.enabled=true"));
    let mode = ["postgres.mode=external".to_owned()];
    helm.args(urls.into_iter().chain(on).chain(mode).flat_map(|value| ["--set".to_owned(), value]));
    only_in_secrets(&process::output(&mut helm)?)
}

fn only_in_secrets(rendered: &str) -> Result<()> {
    let (secrets, others): (Vec<_>, Vec<_>) =
        rendered.split("\n---\n").partition(|document| document.contains("\nkind: Secret\n"));
    ensure!(
        secrets.iter().any(|secret| secret.contains(PASSWORD)),
        "the chart renders no Secret with the password"
    );
    for document in others {
        let source = document.lines().find(|line| line.starts_with("# Source: ")).unwrap_or_default();
        ensure!(
            !document.contains(PASSWORD),
            "the chart shows the password outside of a Secret, in {source}"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_outside_of_a_secret_is_found() {
        let secret =
            "---\n# Source: a.yaml\nkind: Secret\nurl: s3cret\n---\n# Source: b.yaml\nkind: ConfigMap\n";
        assert!(only_in_secrets(secret).is_ok());
        let error = only_in_secrets(&format!("{secret}url: s3cret\n")).unwrap_err().to_string();
        assert_eq!(error, "the chart shows the password outside of a Secret, in # Source: b.yaml");
        assert!(only_in_secrets("# Source: b.yaml\nkind: ConfigMap\n").is_err());
    }
}

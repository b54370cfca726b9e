//! `cargo xtask k8s`: the chart as plain manifests, for users without Helm.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::cargo;
use crate::generated::{File, Mode};
use crate::images;
use crate::process;

/// Values that differ from the chart's defaults. kustomize makes the Secret, because Helm would render
/// another password each time. Migrations run in an init container, because the pod
/// template of a Job is immutable, so a changed Job could not be applied.
const VALUES: [&str; 4] = [
    "postgres.embedded.existingSecret=films-postgres",
    "postgres.embedded.ownerPasswordKey=owner",
    "postgres.embedded.servicePasswordKey=service",
    "migration.run=init",
];

/// Labels that say "made by Helm" to a reader, or to Helm.
const LABELS_OF_HELM: [&str; 2] = ["helm.sh/chart:", "app.kubernetes.io/managed-by:"];

const HEAD: &str = "# Rendered from helm/films by `cargo xtask k8s`; not to be edited.\n";

const KUSTOMIZATION: &str = "# The chart's defaults without Helm: kubectl apply -k k8s/
#
# Rendered from helm/films by `cargo xtask k8s`; not to be edited. To change something, use this folder
# as a base of a kustomization of your own.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
secretGenerator:
  # These passwords are public. Choose others before the first apply. `password` is that of the superuser,
  # which Postgres reads only when it creates its volume. The migration sets the other two again each time.
  - name: films-postgres
    literals:
      - password=dvdrental
      - owner=dvdrental_owner
      - service=dvdrental_service
    options:
      disableNameSuffixHash: true
resources:
";

pub(crate) fn run(mode: &Mode) -> Result<ExitCode> {
    let workspace = cargo::workspace();
    let rendered = files(&render()?)?;
    let mut files = stale(&workspace.join("k8s"), &rendered)?;
    files.extend(rendered.into_iter().map(|(name, text)| (format!("k8s/{name}"), Some(text))));
    mode.apply("k8s", &workspace, &files)?;
    Ok(ExitCode::SUCCESS)
}

fn render() -> Result<String> {
    let mut helm = images::helm_template("films")?;
    helm.args(["--no-hooks", "--skip-tests"]).args(VALUES.iter().flat_map(|value| ["--set", value]));
    process::output(&mut helm)
        .context("the chart cannot be rendered; see https://helm.sh/docs/intro/install/")
}

/// Returns a file for each template of the chart, and the kustomization that lists the files.
fn files(rendered: &str) -> Result<BTreeMap<String, String>> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for document in rendered.split("---\n# Source: films/templates/").skip(1) {
        let (template, text) = document.split_once('\n').context("helm rendered an empty document")?;
        // `helm test` has more than hooks, and `--skip-tests` leaves out hooks only.
        if template.starts_with("tests/") {
            continue;
        }
        ensure!(
            !text.contains("kind: Secret\n"),
            "{template} renders a Secret: expected kustomize to make it"
        );
        let file = files.entry(template.replace('/', "-")).or_insert_with(|| HEAD.to_owned());
        file.push_str("---\n");
        let is_helms = |line: &str| LABELS_OF_HELM.iter().any(|label| line.trim().starts_with(label));
        for line in text.lines().filter(|line| !is_helms(line)) {
            writeln!(file, "{line}")?;
        }
    }
    ensure!(!files.is_empty(), "helm rendered nothing");
    let mut kustomization = KUSTOMIZATION.to_owned();
    for name in files.keys() {
        writeln!(kustomization, "  - {name}")?;
    }
    files.insert("kustomization.yaml".to_owned(), kustomization);
    Ok(files)
}

/// Returns the files in `folder` that are not rendered any more.
fn stale(folder: &Path, rendered: &BTreeMap<String, String>) -> Result<Vec<File>> {
    let mut stale = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !rendered.contains_key(&name) {
            stale.push((format!("k8s/{name}"), None));
        }
    }
    Ok(stale)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RENDERED: &str = "---
# Source: films/templates/service.yaml
kind: Service
metadata:
  labels:
    helm.sh/chart: films-1
    app.kubernetes.io/name: films
---
# Source: films/templates/postgres/service.yaml
kind: Service
---
# Source: films/templates/service.yaml
kind: Deployment
";

    #[test]
    fn a_template_becomes_a_file() -> Result<()> {
        let files = files(RENDERED)?;
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(names, ["kustomization.yaml", "postgres-service.yaml", "service.yaml"]);
        let service = "---\nkind: Service\nmetadata:\n  labels:\n    app.kubernetes.io/name: films\n---\nkind: Deployment\n";
        assert_eq!(files["service.yaml"], format!("{HEAD}{service}"));
        assert!(
            files["kustomization.yaml"]
                .ends_with("resources:\n  - postgres-service.yaml\n  - service.yaml\n")
        );
        Ok(())
    }

    #[test]
    fn a_secret_is_refused() {
        assert!(files("---\n# Source: films/templates/secret.yaml\nkind: Secret\n").is_err());
    }

    #[test]
    fn a_file_that_is_not_rendered_is_deleted() -> Result<()> {
        let folder = tempfile::tempdir()?;
        for name in ["service.yaml", "left.yaml"] {
            fs::write(folder.path().join(name), "")?;
        }
        assert_eq!(stale(folder.path(), &files(RENDERED)?)?, [("k8s/left.yaml".to_owned(), None)]);
        Ok(())
    }
}

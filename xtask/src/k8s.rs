//! `cargo xtask k8s`: the chart as plain manifests, for those who have no Helm.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};

use crate::{cargo, say};

/// What differs from the chart's defaults. The Secret is kustomize's, since Helm would render
/// another password each time. A Job could not be applied again when it has changed: its pod cannot
/// be replaced.
const VALUES: [&str; 2] = ["postgres.embedded.existingSecret=films-postgres", "migration.run=init"];

/// Labels that would tell a reader, or Helm, that these are a release of Helm's.
const HELMS_OWN: [&str; 2] = ["helm.sh/chart:", "app.kubernetes.io/managed-by:"];

const HEAD: &str = "# Rendered from helm/films by `cargo xtask k8s`; not to be edited.\n";

const KUSTOMIZATION: &str = "# The chart's defaults without Helm: kubectl apply -k k8s/
#
# Rendered from helm/films by `cargo xtask k8s`; not to be edited. To change something, use this folder
# as a base of a kustomization of your own.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
secretGenerator:
  # A password for trying things out: everybody can read it here. Choose another before the first apply:
  # Postgres takes it over when it creates its volume, and never again.
  - name: films-postgres
    literals:
      - password=dvdrental
    options:
      disableNameSuffixHash: true
resources:
";

/// Render k8s/ from the chart, for `kubectl apply -k k8s/`; commit the result.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Change nothing; fail if k8s/ is out of date.
    #[arg(long)]
    check: bool,
}

/// The verb.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let folder = cargo::workspace().join("k8s");
    let files = files(&render()?)?;
    if args.check {
        let differing = differing(&folder, &files)?;
        ensure!(
            differing.is_empty(),
            "k8s/ is out of date ({}): run `cargo xtask k8s` and commit the result",
            differing.join(", ")
        );
        say("k8s/ is what the chart renders");
        return Ok(ExitCode::SUCCESS);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot replace {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for (name, text) in &files {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    say(&format!("Rendered {} files into k8s/", files.len()));
    Ok(ExitCode::SUCCESS)
}

fn render() -> Result<String> {
    let mut helm = Command::new("helm");
    helm.args(["template", "films", "helm/films", "--no-hooks", "--skip-tests"]);
    helm.args(VALUES.iter().flat_map(|value| ["--set", value])).current_dir(cargo::workspace());
    let output = helm.output().context("helm is not there: see https://helm.sh/docs/intro/install/")?;
    if !output.status.success() {
        bail!("helm cannot render the chart: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// One file for each of the chart's templates, and the kustomization that lists them.
fn files(rendered: &str) -> Result<BTreeMap<String, String>> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for document in rendered.split("---\n# Source: films/templates/").skip(1) {
        let (template, text) = document.split_once('\n').context("helm rendered an empty document")?;
        // What goes with `helm test`, beside its hooks.
        if template.starts_with("tests/") {
            continue;
        }
        ensure!(
            !text.contains("kind: Secret\n"),
            "{template} renders a Secret: expected kustomize to make it"
        );
        let file = files.entry(template.replace('/', "-")).or_insert_with(|| HEAD.to_owned());
        file.push_str("---\n");
        for line in text.lines().filter(|line| !HELMS_OWN.iter().any(|own| line.trim().starts_with(own))) {
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

/// The names of the files that are missing in `folder`, have another text, or should not be there.
fn differing(folder: &Path, files: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let is = |name: &String| fs::read_to_string(folder.join(name)).ok();
    let mut names: Vec<String> = files
        .iter()
        .filter(|(name, text)| is(name).as_ref() != Some(text))
        .map(|(name, _)| name.clone())
        .collect();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !files.contains_key(&name) {
            names.push(name);
        }
    }
    Ok(names)
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
    fn a_secret_is_not_committed() {
        assert!(files("---\n# Source: films/templates/secret.yaml\nkind: Secret\n").is_err());
    }

    #[test]
    fn every_difference_is_named() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let files = files(RENDERED)?;
        fs::write(folder.path().join("service.yaml"), &files["service.yaml"])?;
        fs::write(folder.path().join("postgres-service.yaml"), "edited")?;
        fs::write(folder.path().join("left.yaml"), "")?;
        let names = differing(folder.path(), &files)?;
        assert_eq!(names, ["kustomization.yaml", "postgres-service.yaml", "left.yaml"]);
        Ok(())
    }
}

//! `cargo xtask release chart`: the chart that installs the published images.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use indexmap::IndexMap;
use serde_json::{Value, json};

use super::notes;
use super::record::{Artifact, FILE, Options, Record, VERSION};
use crate::cargo::workspace;
use crate::generated::read;
use crate::images::{self, CHART, Names, VALUES, parse_yaml};
use crate::process;
use crate::terminal::say;

const ICON: &str = "helm/films/icon.svg";
const README: &str = "helm/films/README.md";

pub(super) fn run(options: &Options, source: Option<&str>) -> Result<()> {
    let mut record = Record::read(&options.out.join(FILE))?;
    let copy = tempfile::tempdir()?;
    let chart = copy.path().join("films");
    process::output(Command::new("cp").arg("-R").arg(workspace().join("helm/films")).arg(&chart))?;
    let original = |file| read(file);
    let (values, readme) = with_published_names(original(VALUES)?, original(README)?, &record)?;
    fs::write(chart.join("values.yaml"), values)?;
    fs::write(chart.join("README.md"), readme)?;
    // JSON is YAML too, and helm writes the file again when it packs the chart.
    let description = description(parse_yaml(CHART, &original(CHART)?)?, &record, source)?;
    fs::write(chart.join("Chart.yaml"), description.to_string())?;

    process::output(Command::new("helm").args(["lint", "--strict"]).arg(&chart))?;
    process::output(Command::new("helm").arg("package").arg(&chart).arg("--destination").arg(&options.out))?;
    let repository = format!("{}/charts", record.registry);
    let mut push = Command::new("helm");
    push.arg("push").arg(options.out.join(format!("films-{VERSION}.tgz"))).arg(format!("oci://{repository}"));
    let printed = process::output_and_errors(push.args(options.plain_http.then_some("--plain-http")))?;
    let digest = printed.lines().find_map(|line| line.strip_prefix("Digest: "));
    let digest = digest.with_context(|| format!("helm push printed no digest: {printed}"))?.trim().to_owned();
    let chart = Artifact { repository: format!("{repository}/films"), digest, platforms: IndexMap::new() };
    say(&format!("Pushed {}", chart.reference()));
    record.chart = Some(chart);
    record.write(&options.out.join(FILE))
}

/// Returns the values with the names and digests of the published images, and the README with their names.
fn with_published_names(mut values: String, mut readme: String, record: &Record) -> Result<(String, String)> {
    for image in images::all(&Names { registry: None, tag: None })? {
        let published = record.images.get(image.key);
        let Artifact { repository, digest, .. } =
            published.with_context(|| format!("{FILE} has no image {}", image.key))?;
        readme = readme.replace(&format!("`{}`", image.repository), &format!("`{repository}`"));
        let Some((before, rest)) = values.split_once(&format!("repository: {}\n", image.repository)) else {
            continue; // not an image of the chart
        };
        values = format!(
            "{before}repository: {repository}\n{}",
            rest.replacen("digest: \"\"", &format!("digest: {digest}"), 1)
        );
        let pointer = format!("/{}", image.value.replace('.', "/"));
        let found = parse_yaml(VALUES, &values)?.pointer(&pointer).cloned().unwrap_or_default();
        ensure!(
            found["repository"] == *repository && found["digest"] == *digest,
            "{VALUES}: {} became {found}, expected {repository}@{digest}",
            image.value
        );
    }
    Ok((values, readme))
}

/// Returns Chart.yaml with what Artifact Hub shows.
fn description(mut chart: Value, record: &Record, source: Option<&str>) -> Result<Value> {
    let changes = notes::changes_of_this_version()?.into_iter();
    let changes: Vec<Value> =
        changes.map(|(kind, text)| json!({"kind": kind, "description": text})).collect();
    let images = record.images.iter().map(|(key, image)| {
        let platforms: Vec<&String> = image.platforms.keys().collect();
        json!({"name": key, "image": image.reference(), "platforms": platforms})
    });
    let images: Vec<Value> = images.collect();
    chart["icon"] = format!("data:image/svg+xml;base64,{}", BASE64_STANDARD.encode(read(ICON)?)).into();
    let annotations = &mut chart["annotations"];
    annotations["artifacthub.io/changes"] = serde_json::to_string_pretty(&changes)?.into();
    annotations["artifacthub.io/images"] = serde_json::to_string_pretty(&images)?.into();
    annotations["artifacthub.io/prerelease"] = VERSION.contains('-').to_string().into();
    if let Some(source) = source.map(|source| source.trim_end_matches('/')) {
        let links = json!([{"name": "support", "url": format!("{source}/issues")}]);
        annotations["artifacthub.io/links"] = links.to_string().into();
        chart["home"] = source.into();
        chart["sources"] = json!([source]);
    }
    Ok(chart)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Result<Record> {
        let registry = "registry.example/team".to_owned();
        let images = images::all(&Names { registry: Some(registry.clone()), tag: None })?;
        let images = images.into_iter().map(|image| {
            let digest = format!("sha256:{}", image.key);
            (
                image.key.to_owned(),
                Artifact { repository: image.repository, digest, platforms: IndexMap::new() },
            )
        });
        Ok(Record { version: VERSION.to_owned(), registry, images: images.collect(), chart: None })
    }

    #[test]
    fn only_the_names_and_digests_of_our_images_change() -> Result<()> {
        let before = read(VALUES)?;
        let (after, readme) = with_published_names(before.clone(), read(README)?, &record()?)?;
        let expected = before.matches("localhost/films").count();
        assert_eq!(after.matches("repository: registry.example/team/films").count(), expected);
        assert_eq!(after.matches("digest: sha256:").count(), expected);
        let changed = before.lines().zip(after.lines()).filter(|(old, new)| old != new).count();
        assert_eq!((changed, after.lines().count()), (2 * expected, before.lines().count()));
        assert!(readme.contains("| `loadtest.image` | `registry.example/team/films-loadtest` |"));
        Ok(())
    }

    #[test]
    fn the_description_links_to_the_source_and_to_nothing_else() -> Result<()> {
        let describe = |source| description(parse_yaml(CHART, &read(CHART)?)?, &record()?, source);
        let chart = describe(None)?;
        assert!(chart["home"].is_null() && chart["sources"].is_null(), "{chart}");
        assert!(chart["annotations"]["artifacthub.io/links"].is_null(), "{chart}");
        assert!(chart["icon"].as_str().is_some_and(|icon| icon.starts_with("data:image/svg+xml;base64,")));
        let parse = |key: &str| parse_yaml(CHART, chart["annotations"][key].as_str().unwrap_or_default());
        assert_eq!(parse("artifacthub.io/images")?[0]["image"], "registry.example/team/films@sha256:films");
        assert!(parse("artifacthub.io/changes")?[0]["description"].is_string());
        assert_eq!(describe(Some("https://git.example/films/"))?["home"], "https://git.example/films");
        Ok(())
    }
}

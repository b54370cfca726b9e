//! Images: their names, as the chart pulls them, and their Dockerfiles.

use std::process::Command;

use anyhow::{Context, Result};
use clap::builder::PossibleValuesParser;
use serde_json::Value;

use crate::baselines::{self, FILMS};
use crate::cargo::workspace;
use crate::generated::read;

/// Values of the chart, in the workspace.
pub(crate) const VALUES: &str = "helm/films/values.yaml";
/// The chart's own description, in the workspace.
pub(crate) const CHART: &str = "helm/films/Chart.yaml";

/// Key of the load test's image, on the command line and in the chart's values.
pub(crate) const LOADTEST: &str = "loadtest";

/// An image of this project.
pub(crate) struct Image {
    /// What the command line calls the image.
    pub(crate) key: &'static str,
    /// Where the chart's values have the image.
    pub(crate) value: String,
    /// Name without the tag.
    pub(crate) repository: String,
    pub(crate) tag: String,
    pub(crate) dockerfile: &'static str,
    pub(crate) context: &'static str,
}

/// Options that replace a part of the chart's names.
#[derive(clap::Args)]
pub(crate) struct Names {
    /// Replace the chart's registry by this prefix, for instance registry.example/team.
    #[arg(long, env = "FILMS_REGISTRY", value_name = "PREFIX")]
    pub(crate) registry: Option<String>,
    /// Replace the chart's tag, which is its application version.
    #[arg(long, env = "FILMS_TAG")]
    pub(crate) tag: Option<String>,
}

impl Image {
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.repository, self.tag)
    }
}

/// Returns what the command line takes as the key of an image.
pub(crate) fn keys() -> PossibleValuesParser {
    let baselines = baselines::all().into_iter().flatten();
    let baselines = baselines.filter(|(_, baseline)| baseline.image.is_some()).map(|(name, _)| name.as_str());
    [FILMS, LOADTEST].into_iter().chain(baselines).collect::<Vec<_>>().into()
}

/// Returns all images, under the names that the chart pulls by default.
pub(crate) fn all(names: &Names) -> Result<Vec<Image>> {
    let values = parse_yaml(VALUES, &read(VALUES)?)?;
    let chart = parse_yaml(CHART, &read(CHART)?)?;
    let version = chart["appVersion"].as_str().with_context(|| format!("{CHART} has no appVersion"))?;
    let tag = names.tag.as_deref().unwrap_or(version);
    let films = repository(&values, "/image/repository")?;
    let loadtest = repository(&values, "/loadtest/image/repository")?;
    let prefix =
        names.registry.as_deref().map_or_else(|| registry(films), |prefix| prefix.trim_end_matches('/'));

    let image = |key, value: String, name: &str, dockerfile, context| Image {
        key,
        value,
        repository: if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") },
        tag: tag.to_owned(),
        dockerfile,
        context,
    };
    let mut images = vec![
        image(FILMS, "image".to_owned(), base(films), "Dockerfile", "."),
        image(LOADTEST, "loadtest.image".to_owned(), base(loadtest), "loadtest/Dockerfile", "."),
    ];
    for (key, baseline) in baselines::all()? {
        if let Some(baselines::Image { name, dockerfile, context }) = &baseline.image {
            images.push(image(key, format!("loadtest.baselines.{key}.image"), name, dockerfile, context));
        }
    }
    Ok(images)
}

/// Returns the command that renders the chart for the oldest version of Kubernetes that it supports.
///
/// Without a version and a cluster, Helm assumes the version that it was built for, which a build from source
/// reports as v1.20.
pub(crate) fn helm_template(release: &str) -> Result<Command> {
    let chart = parse_yaml(CHART, &read(CHART)?)?;
    let version = chart["kubeVersion"].as_str().and_then(|version| version.strip_prefix(">="));
    let version = version.with_context(|| format!("{CHART}: expected a kubeVersion such as >=1.30.0-0"))?;
    let mut helm = Command::new("helm");
    helm.args(["template", release, "helm/films", "--kube-version", version.trim_end_matches("-0")]);
    helm.current_dir(workspace());
    Ok(helm)
}

/// Returns the registry of the chart's default images.
pub(crate) fn chart_registry(values: &Value) -> Result<&str> {
    Ok(registry(repository(values, "/image/repository")?))
}

/// Splits an image's name into repository and tag. A colon before the last slash belongs to a port.
pub(crate) fn split(image: &str) -> (&str, Option<&str>) {
    match image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
        Some((repository, tag)) => (repository, Some(tag)),
        None => (image, None),
    }
}

pub(crate) fn parse_yaml(name: &str, text: &str) -> Result<Value> {
    serde_saphyr::from_str(text).with_context(|| format!("{name} is not valid YAML"))
}

fn repository<'a>(values: &'a Value, pointer: &str) -> Result<&'a str> {
    values
        .pointer(pointer)
        .and_then(Value::as_str)
        .with_context(|| format!("{VALUES} has no text at {pointer}"))
}

fn registry(repository: &str) -> &str {
    repository.rsplit_once('/').map_or("", |(registry, _)| registry)
}

fn base(repository: &str) -> &str {
    repository.rsplit_once('/').map_or(repository, |(_, base)| base)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_splits_into_what_it_was_made_of(
            repository in "([a-z.]{1,5}(:[0-9]{1,5})?/)?[a-z]{1,5}", tag in "[A-Za-z0-9_.-]{1,9}", text: String,
        ) {
            let name = format!("{repository}:{tag}");
            prop_assert_eq!(split(&name), (repository.as_str(), Some(tag.as_str())));
            prop_assert_eq!(split(&repository), (repository.as_str(), None));
            split(&text);
        }
    }

    fn names(registry: Option<&str>, tag: Option<&str>) -> Result<Vec<String>> {
        let names = Names { registry: registry.map(str::to_owned), tag: tag.map(str::to_owned) };
        Ok(all(&names)?.iter().map(Image::name).collect())
    }

    #[test]
    fn by_default_the_names_are_those_that_the_chart_pulls() -> Result<()> {
        let values = parse_yaml(VALUES, &read(VALUES)?)?;
        let chart = parse_yaml(CHART, &read(CHART)?)?;
        let pulled = |value: &str| {
            let image = values.pointer(&format!("/{}", value.replace('.', "/"))).unwrap_or(&Value::Null);
            let tag = image["tag"].as_str().filter(|tag| !tag.is_empty()).or(chart["appVersion"].as_str());
            format!("{}:{}", image["repository"].as_str().unwrap_or_default(), tag.unwrap_or_default())
        };
        for image in all(&Names { registry: None, tag: None })? {
            let in_cluster = baselines::all()?.get(image.key).is_none_or(|baseline| baseline.in_cluster);
            assert!(!in_cluster || image.name() == pulled(&image.value), "{}: {}", image.value, image.name());
        }
        Ok(())
    }

    #[test]
    fn registry_and_tag_can_be_replaced() -> Result<()> {
        let names = names(Some("registry.example:5000/team/"), Some("1"))?;
        assert_eq!(names[0], "registry.example:5000/team/films:1");
        assert!(names.iter().all(|name| name.starts_with("registry.example:5000/team/films")), "{names:?}");
        assert_eq!(split(&names[0]), ("registry.example:5000/team/films", Some("1")));
        assert_eq!(split("registry.example:5000/films"), ("registry.example:5000/films", None));
        Ok(())
    }

    #[test]
    fn every_base_image_can_be_replaced() -> Result<()> {
        for image in all(&Names { registry: None, tag: None })? {
            let text = fs::read_to_string(workspace().join(image.dockerfile))?;
            let mut bases = text.lines().filter_map(|line| line.strip_prefix("FROM "));
            assert!(bases.all(|base| base.starts_with("${")), "{}", image.dockerfile);
            assert!(workspace().join(image.context).is_dir(), "{}", image.context);
        }
        Ok(())
    }
}

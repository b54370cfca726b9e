//! The images of a run, in the forms that the chart and the manifests need.

use anyhow::{Context, Result};

use crate::baselines::FILMS;
use crate::images::{self, LOADTEST, Names, split};

const POSTGRES: &str = "docker.io/library/postgres";
/// The tag in the chart's values.
const POSTGRES_TAG: &str = "17";

/// Options that name images.
#[derive(clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    names: Names,
    /// Use this image of Postgres, and not the chart's.
    #[arg(long, env = "FILMS_POSTGRES_IMAGE", value_name = "IMAGE")]
    postgres_image: Option<String>,
    /// Use this image of Jaeger, and not the chart's.
    #[arg(long, env = "FILMS_JAEGER_IMAGE", value_name = "IMAGE")]
    jaeger_image: Option<String>,
    /// Use this image of the OpenTelemetry Collector, and not the chart's.
    #[arg(long, env = "FILMS_COLLECTOR_IMAGE", value_name = "IMAGE")]
    collector_image: Option<String>,
    /// Use this image of Prometheus.
    #[arg(
        long,
        env = "FILMS_PROMETHEUS_IMAGE",
        value_name = "IMAGE",
        default_value = "docker.io/prom/prometheus:v3.16.0"
    )]
    prometheus_image: String,
    /// Use this image of Alertmanager.
    #[arg(
        long,
        env = "FILMS_ALERTMANAGER_IMAGE",
        value_name = "IMAGE",
        default_value = "docker.io/prom/alertmanager:v0.34.2"
    )]
    alertmanager_image: String,
    /// Use this image of Postgres with `CloudNativePG`, and not the operator's.
    #[arg(long, env = "FILMS_CNPG_POSTGRES_IMAGE", value_name = "IMAGE")]
    cnpg_postgres_image: Option<String>,
    /// Use this image to start the runners of a `TestRun`, and not the k6 operator's.
    #[arg(long, env = "FILMS_K6_STARTER_IMAGE", value_name = "IMAGE")]
    k6_starter_image: Option<String>,
}

pub(super) struct Images {
    /// Values of the chart, each KEY=VALUE.
    pub(super) values: Vec<String>,
    /// Repositories that the manifests name, and the images to use in their place.
    pub(super) replaced: [(String, String); 2],
    pub(super) loadtest: String,
    /// The image of Postgres, for clients and for a server outside of the release.
    pub(super) postgres: String,
    pub(super) prometheus: String,
    pub(super) alertmanager: String,
}

impl Images {
    /// Returns the images that the options name.
    pub(super) fn of(options: &Options) -> Result<Self> {
        let ours = images::all(&options.names)?;
        let find =
            |key| ours.iter().find(|image| image.key == key).with_context(|| format!("no image {key}"));
        let default = images::all(&Names { registry: None, tag: None })?;
        let default = default.into_iter().find(|image| image.key == FILMS).context("no image of films")?;
        let postgres = options.postgres_image.clone().unwrap_or_else(|| POSTGRES.to_owned());

        let mut values: Vec<String> =
            ours.iter().flat_map(|image| setting(&image.value, &image.name())).collect();
        for (key, image) in [
            ("postgres.embedded.image", &options.postgres_image),
            // This pod needs a shell and psql.
            ("tests.image", &options.postgres_image),
            ("jaeger.image", &options.jaeger_image),
            ("collector.image", &options.collector_image),
        ] {
            values.extend(image.iter().flat_map(|image| setting(key, image)));
        }
        // Values that are a whole name.
        for (key, image) in [
            ("postgres.cnpg.imageName", &options.cnpg_postgres_image),
            ("loadtest.k6Operator.starterImage", &options.k6_starter_image),
        ] {
            values.extend(image.as_ref().map(|image| format!("{key}={image}")));
        }
        Ok(Self {
            values,
            replaced: [(default.repository, find(FILMS)?.name()), (POSTGRES.to_owned(), postgres)],
            loadtest: find(LOADTEST)?.name(),
            postgres: options.postgres_image.clone().unwrap_or_else(|| format!("{POSTGRES}:{POSTGRES_TAG}")),
            prometheus: options.prometheus_image.clone(),
            alertmanager: options.alertmanager_image.clone(),
        })
    }
}

fn setting(key: &str, image: &str) -> Vec<String> {
    match split(image) {
        (repository, Some(tag)) => vec![format!("{key}.repository={repository}"), format!("{key}.tag={tag}")],
        (repository, None) => vec![format!("{key}.repository={repository}")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_repository_and_tag() {
        assert_eq!(setting("image", "films:dev"), ["image.repository=films", "image.tag=dev"]);
        assert_eq!(setting("image", "registry:5000/films"), ["image.repository=registry:5000/films"]);
        let both = setting("image", "registry:5000/films:1");
        assert_eq!(both, ["image.repository=registry:5000/films", "image.tag=1"]);
    }
}

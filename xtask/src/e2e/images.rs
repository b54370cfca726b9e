//! The images of a run, in the forms in which the chart, the manifests and a pod want them.

use super::Args;
use crate::names::Image;

const POSTGRES: &str = "docker.io/library/postgres";

pub(super) struct Images {
    /// The chart's values.
    pub(super) values: Vec<String>,
    /// What the manifests name, and what to run instead.
    pub(super) replaced: [(&'static str, String); 2],
    /// The load generator's.
    pub(super) generator: String,
}

impl Images {
    pub(super) fn of(args: &Args) -> Self {
        let postgres = args.postgres_image.clone().unwrap_or_else(|| POSTGRES.to_owned());
        Self {
            values: values(args),
            replaced: [("ghcr.io/films/films", args.names.of(Image::Films)), (POSTGRES, postgres)],
            generator: args.names.of(Image::Loadtest),
        }
    }
}

fn values(args: &Args) -> Vec<String> {
    let ours = [
        ("image", Image::Films),
        ("loadtest.image", Image::Loadtest),
        ("loadtest.flask.image", Image::Flask),
        ("loadtest.quart.image", Image::Quart),
        ("loadtest.ceiling.image", Image::Ceiling),
    ];
    let ours = ours.map(|(key, image)| (key, args.names.of(image)));
    let others = [
        ("postgres.embedded.image", &args.postgres_image),
        // It has a shell and psql.
        ("tests.image", &args.postgres_image),
        ("jaeger.image", &args.jaeger_image),
    ];
    let others = others.into_iter().filter_map(|(key, image)| Some((key, image.clone()?)));
    ours.into_iter().chain(others).flat_map(|(key, image)| setting(key, &image)).collect()
}

/// Repository and tag. A colon before the last slash is a port's.
pub(super) fn split(image: &str) -> (&str, Option<&str>) {
    match image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
        Some((repository, tag)) => (repository, Some(tag)),
        None => (image, None),
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
    fn a_port_is_no_tag() {
        assert_eq!(setting("image", "films:dev"), ["image.repository=films", "image.tag=dev"]);
        assert_eq!(setting("image", "registry:5000/films"), ["image.repository=registry:5000/films"]);
        let both = setting("image", "registry:5000/films:1");
        assert_eq!(both, ["image.repository=registry:5000/films", "image.tag=1"]);
    }
}

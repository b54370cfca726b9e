//! What the images are called, by those who build them and by those who run them.

use clap::ValueEnum;

/// The images of this project.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Image {
    /// The service.
    Films,
    /// wrk, k6 and the program that runs them.
    Loadtest,
    /// The article's Flask application.
    Flask,
    /// The article's Quart application.
    Quart,
    /// axum without a database (and, by its other command, with sqlx's pool).
    Ceiling,
}

impl Image {
    /// Its Dockerfile and the folder that it is built from.
    pub(crate) fn source(self) -> (&'static str, &'static str) {
        match self {
            Self::Films => ("Dockerfile", "."),
            Self::Loadtest => ("loadtest/Dockerfile", "."),
            Self::Flask => ("loadtest/baselines/flask/Dockerfile", "loadtest/baselines/flask"),
            Self::Quart => ("loadtest/baselines/quart/Dockerfile", "loadtest/baselines/quart"),
            Self::Ceiling => ("loadtest/baselines/rust/Dockerfile", "."),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Films => "films",
            Self::Loadtest => "films-loadtest",
            Self::Flask => "films-flask",
            Self::Quart => "films-quart",
            Self::Ceiling => "films-ceiling",
        }
    }
}

/// Where images go, or come from.
#[derive(clap::Args)]
pub(crate) struct Names {
    /// What stands before their names, for instance registry.example/team; nothing by default.
    #[arg(long, env = "FILMS_REGISTRY", value_name = "PREFIX")]
    registry: Option<String>,
    /// Their tag.
    #[arg(long, env = "FILMS_TAG", default_value = "dev")]
    pub(crate) tag: String,
}

impl Names {
    /// The repository of an image: its name without the tag.
    pub(crate) fn repository(&self, image: Image) -> String {
        let prefix = self.registry.as_deref().map(|registry| registry.trim_end_matches('/'));
        prefix.map_or_else(|| image.name().to_owned(), |prefix| format!("{prefix}/{}", image.name()))
    }

    /// Its whole name.
    pub(crate) fn of(&self, image: Image) -> String {
        format!("{}:{}", self.repository(image), self.tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_optional() {
        let names = |registry: Option<&str>| Names { registry: registry.map(str::to_owned), tag: "1".into() };
        assert_eq!(names(None).of(Image::Films), "films:1");
        assert_eq!(
            names(Some("registry.example/team/")).of(Image::Flask),
            "registry.example/team/films-flask:1"
        );
    }
}

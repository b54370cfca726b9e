//! What is sent: a file of `workloads/`, or one like it.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// The workloads that the program carries with it, so that its image needs nothing beside it.
const BUILT_IN: [(&str, &str); 6] = [
    ("article", include_str!("../workloads/article.toml")),
    ("spread", include_str!("../workloads/spread.toml")),
    ("mixed", include_str!("../workloads/mixed.toml")),
    ("slo", include_str!("../workloads/slo.toml")),
    ("spike", include_str!("../workloads/spike.toml")),
    ("soak", include_str!("../workloads/soak.toml")),
];

/// Requests of one or several routes, and the generator that sends them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "tool", rename_all = "lowercase", deny_unknown_fields)]
pub enum Workload {
    /// A closed loop: every connection sends its next request when it has its answer.
    Wrk {
        /// Measured one after another.
        #[serde(rename = "route")]
        routes: Vec<Route>,
    },
    /// An open loop: requests arrive at a rate, whether or not the server keeps up.
    K6 {
        /// The script's name beside `films.js`.
        script: String,
    },
}

/// What is measured at one time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// What it is called in the report.
    pub name: String,
    /// The requests, of which one is chosen by weight each time.
    pub requests: Vec<Request>,
}

/// One form of request. `{id}` in its path or body stands for the id of a film, 1 to 1000.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// How often it is chosen, among the weights of its route.
    #[serde(default = "one")]
    pub weight: u32,
    /// The method.
    #[serde(default = "get")]
    pub method: String,
    /// Path and query.
    pub path: String,
    /// A JSON body.
    #[serde(default)]
    pub body: String,
}

fn one() -> u32 {
    1
}

fn get() -> String {
    "GET".to_owned()
}

impl Workload {
    /// A built-in workload by its name, or one from a `.toml` file.
    pub fn find(name: &str) -> Result<Self> {
        let text = match BUILT_IN.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => (*text).to_owned(),
            None if Path::new(name).extension().is_some_and(|end| end == "toml") => {
                std::fs::read_to_string(name).with_context(|| format!("cannot read the workload {name}"))?
            }
            None => {
                let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
                bail!("there is no workload {name}: expected {} or a .toml file", known.join(", "))
            }
        };
        let workload: Self =
            toml::from_str(&text).with_context(|| format!("the workload {name} is malformed"))?;
        match &workload {
            Self::Wrk { routes }
                if routes.iter().any(|route| route.requests.is_empty()) || routes.is_empty() =>
            {
                bail!("the workload {name} has a route without requests")
            }
            _ => Ok(workload),
        }
    }

    /// The names of what is measured, in its order.
    pub fn routes(&self) -> Vec<String> {
        match self {
            Self::Wrk { routes } => routes.iter().map(|route| route.name.clone()).collect(),
            Self::K6 { script } => vec![script.trim_end_matches(".js").to_owned()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_ones_are_sound() {
        for (name, _) in BUILT_IN {
            assert!(!Workload::find(name).unwrap().routes().is_empty(), "{name}");
        }
        assert_eq!(Workload::find("article").unwrap().routes(), ["one", "list", "post"]);
        assert_eq!(Workload::find("slo").unwrap().routes(), ["slo"]);
    }

    #[test]
    fn an_unknown_one_is_told_the_known_ones() {
        let error = Workload::find("articel").unwrap_err().to_string();
        assert!(error.contains("article, spread, mixed"), "{error}");
    }
}

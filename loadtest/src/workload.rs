//! The requests to send: a built-in workload of `workloads/`, or a `.toml` file of the same form.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// The workloads that are compiled into the program, so that its image needs no other file.
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
    /// A closed loop: every connection waits for a response before it sends its next request.
    Wrk {
        /// Measured one after another.
        #[serde(rename = "route")]
        routes: Vec<Route>,
    },
    /// An open loop: requests arrive at a given rate, whether or not the server keeps up.
    K6 {
        /// File name of a built-in k6 script.
        script: String,
        /// What the script sends, in words.
        requests: String,
    },
}

/// Requests that are measured together.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Name of the route in the report.
    pub name: String,
    /// The requests. Each time, the generator picks a request by weight.
    pub requests: Vec<Request>,
}

/// A request. `{id}` in the path or the body stands for the id of a film, 1 to 1000.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Share of this request among the weights of its route.
    #[serde(default = "default_weight")]
    pub weight: u32,
    /// The HTTP method.
    #[serde(default = "default_method")]
    pub method: String,
    /// Path and query.
    pub path: String,
    /// A JSON body.
    #[serde(default)]
    pub body: String,
}

fn default_weight() -> u32 {
    1
}

fn default_method() -> String {
    "GET".to_owned()
}

/// Shows the requests, with their shares if there are several.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: f64 = self.requests.iter().map(|request| f64::from(request.weight)).sum();
        for (at, Request { weight, method, path, .. }) in self.requests.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            if self.requests.len() > 1 {
                write!(f, "{comma}{:.0} % {method} {path}", f64::from(*weight) * 100.0 / all)?;
            } else {
                write!(f, "{method} {path}")?;
            }
        }
        Ok(())
    }
}

impl Workload {
    /// Returns the built-in workload of this name, or reads a `.toml` file.
    pub fn find(name: &str) -> Result<Self> {
        let text = match BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
            Some((_, text)) => (*text).to_owned(),
            None if Path::new(name).extension().is_some_and(|end| end == "toml") => {
                std::fs::read_to_string(name).with_context(|| format!("cannot read the workload {name}"))?
            }
            None => {
                let names = BUILT_IN.map(|(name, _)| name).join(", ");
                bail!("there is no workload {name}: expected {names} or a .toml file")
            }
        };
        let workload: Self =
            toml::from_str(&text).with_context(|| format!("the workload {name} is malformed"))?;
        if let Self::Wrk { routes } = &workload
            && (routes.is_empty() || routes.iter().any(|route| route.requests.is_empty()))
        {
            bail!("the workload {name} has no route, or a route without requests")
        }
        Ok(workload)
    }

    /// Returns the names of the routes, in the order of measuring.
    pub fn routes(&self) -> Vec<String> {
        match self {
            Self::Wrk { routes } => routes.iter().map(|route| route.name.clone()).collect(),
            Self::K6 { script, .. } => vec![script.trim_end_matches(".js").to_owned()],
        }
    }

    /// Returns the requests of each route in words.
    pub fn descriptions(&self) -> BTreeMap<String, String> {
        match self {
            Self::Wrk { routes } => {
                routes.iter().map(|route| (route.name.clone(), route.to_string())).collect()
            }
            Self::K6 { requests, .. } => {
                self.routes().into_iter().map(|name| (name, requests.clone())).collect()
            }
        }
    }

    /// Returns the program that sends the requests.
    pub fn tool(&self) -> Tool {
        match self {
            Self::Wrk { .. } => Tool::WRK,
            Self::K6 { .. } => Tool::K6,
        }
    }

    /// Tells whether requests arrive at a given rate.
    pub fn is_open_loop(&self) -> bool {
        matches!(self, Self::K6 { .. })
    }
}

/// A load generator, which must be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Name of the program.
    pub name: &'static str,
    /// How to install the program.
    pub install: &'static str,
    version: &'static str,
}

impl Tool {
    /// wrk, for closed loops.
    pub const WRK: Self =
        Self { name: "wrk", install: "apt-get install wrk, or brew install wrk", version: "-v" };
    /// k6, for open loops.
    pub const K6: Self = Self {
        name: "k6",
        install: "see https://grafana.com/docs/k6, or go install go.k6.io/k6@latest",
        version: "version",
    };

    /// Returns the program's name and version. If the program is missing, the error says how to install it.
    pub fn version(&self) -> Result<String> {
        let Self { name, install, version } = self;
        let output = Command::new(name).arg(version).output();
        let output = output.with_context(|| format!("{name} is not installed: {install}"))?;
        // The exit status is of no use: wrk prints its version together with its usage, and fails.
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(format!("{name} {}", text.split_whitespace().nth(1).unwrap_or("of an unknown version")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_workload_can_be_read() {
        for (name, _) in BUILT_IN {
            assert!(!Workload::find(name).unwrap().routes().is_empty(), "{name}");
        }
        assert_eq!(Workload::find("article").unwrap().routes(), ["one", "list", "post"]);
        assert_eq!(Workload::find("article").unwrap().tool(), Tool::WRK);
        assert_eq!(Workload::find("slo").unwrap().routes(), ["slo"]);
        assert_eq!(Workload::find("slo").unwrap().tool(), Tool::K6);
    }

    #[test]
    fn requests_are_described_with_their_shares() {
        let of =
            |name: &str, route: &str| Workload::find(name).unwrap().descriptions().remove(route).unwrap();
        assert_eq!(of("article", "post"), "POST /reviews/");
        assert_eq!(of("mixed", "mixed"), "80 % GET /films/{id}/, 10 % GET /films/, 10 % POST /reviews/");
        assert!(of("soak", "soak").starts_with("80 %"), "{}", of("soak", "soak"));
    }

    #[test]
    fn the_error_for_an_unknown_workload_lists_the_built_in_workloads() {
        let error = Workload::find("articel").unwrap_err().to_string();
        assert!(error.contains("article, spread, mixed"), "{error}");
    }

    #[test]
    fn the_error_for_a_missing_tool_says_how_to_install_it() {
        let missing = Tool { name: "no-such-generator", ..Tool::K6 };
        let error = missing.version().unwrap_err().to_string();
        assert!(error.contains("no-such-generator is not installed: see https://grafana.com"), "{error}");
    }
}

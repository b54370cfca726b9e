//! The fault switch, in every pod of the release.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use ureq::http::Request;

use super::prometheus::{Alertmanager, Prometheus};
use crate::e2e::cluster::TestCluster;
use crate::e2e::forward::{self, Forward};
use crate::e2e::install::pods;

/// A fault with its parameters, and the alert that it must cause.
pub(super) struct Trial {
    pub(super) fault: &'static str,
    pub(super) parameters: Value,
    pub(super) alert: &'static str,
    /// The time of the fault. A request ends a fault that would run for [`LONG`].
    seconds: u64,
}

const LONG: u64 = 300;
/// Longer than the hold time of an alert.
const SHORT: u64 = 20;
const TIMEOUT: Duration = Duration::from_mins(3);

pub(super) fn trials() -> [Trial; 6] {
    let trial = |fault, parameters, alert| Trial { fault, parameters, alert, seconds: LONG };
    [
        trial("errors", json!({ "share": 0.5 }), "FilmsAvailabilityBudgetBurn"),
        trial("latency", json!({ "milliseconds": 2000 }), "FilmsLatencyBudgetBurn"),
        trial("slow_query", json!({ "milliseconds": 2000 }), "FilmsWriterWaits"),
        trial("exhausted_pool", json!({}), "FilmsPoolExhausted"),
        trial("cut_connections", json!({}), "FilmsDatabaseUnreachable"),
        Trial { seconds: SHORT, ..trial("unready", json!({}), "FilmsUnready") },
    ]
}

/// The admin ports of all pods, and the token of their fault switches.
pub(super) struct Switch {
    admin: Vec<Forward>,
    token: String,
}

impl Switch {
    pub(super) fn open(cluster: &TestCluster) -> Result<Self> {
        let forward = |pod: &String| Forward::to(&cluster.namespace, &format!("pod/{pod}"), 9090);
        let admin = pods(cluster)?.iter().map(forward).collect::<Result<_>>()?;
        let token = cluster.kubectl(&["get", "secret", "films-faults", "--output=jsonpath={.data.token}"])?;
        let token = String::from_utf8(BASE64_STANDARD.decode(token.trim())?)?;
        Ok(Self { admin, token })
    }

    /// Starts a fault, waits for its alert and the end of the fault, and waits until no alert is left.
    pub(super) fn try_out(
        &self,
        cluster: &TestCluster,
        (prometheus, alertmanager): (&Prometheus, &Alertmanager),
        trial: &Trial,
    ) -> Result<String> {
        let Trial { fault, parameters, alert, seconds } = trial;
        let mut body = json!({ "seconds": seconds });
        let members = body.as_object_mut().context("the body is an object")?;
        members.extend(parameters.as_object().context("the parameters are an object")?.clone());
        let since = Instant::now();
        self.send("POST", fault, &body.to_string())?;
        let mut fired = BTreeSet::new();
        let arrived = cluster.until(TIMEOUT, &format!("{alert} at Alertmanager"), || {
            fired.extend(alertmanager.firing()?);
            ensure!(
                fired.contains(*alert),
                "Alertmanager has {fired:?}, and Prometheus {:?}",
                prometheus.alerts()?
            );
            Ok(since.elapsed())
        })?;
        if *seconds == LONG {
            self.send("DELETE", fault, "")?;
        } else {
            thread::sleep((since + Duration::from_secs(*seconds)).saturating_duration_since(Instant::now()));
        }
        let since = Instant::now();
        let resolved = cluster.until(TIMEOUT, "no alert at Alertmanager after the fault", || {
            let firing = alertmanager.firing()?;
            fired.extend(firing.iter().cloned());
            ensure!(firing.is_empty(), "Alertmanager has {firing:?}");
            Ok(since.elapsed())
        })?;
        fired.remove(*alert);
        let others = if fired.is_empty() { String::new() } else { format!(", beside it {fired:?}") };
        Ok(format!(
            "{alert} arrived after {:.0} s, all resolved {:.0} s after the end{others}",
            arrived.as_secs_f64(),
            resolved.as_secs_f64()
        ))
    }

    fn send(&self, method: &str, fault: &str, body: &str) -> Result<()> {
        for admin in &self.admin {
            let request = Request::builder()
                .method(method)
                .uri(admin.at(&format!("/faults/{fault}/")))
                .header("authorization", format!("Bearer {}", self.token))
                .header("content-type", "application/json");
            forward::send(request.body(body.to_owned())?)?.expect(200)?;
        }
        Ok(())
    }
}

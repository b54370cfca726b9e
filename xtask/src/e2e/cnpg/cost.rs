//! What synchronous replication costs, in reviews per second.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::database::set_synchronous;
use crate::e2e::client::Client;
use crate::e2e::cluster::TestCluster;

const TURNS: usize = 3;
const SECONDS: u64 = 10;
const BODY: &str = r#"{"film_id":{id},"rating":4}"#;

pub(super) fn run(cluster: &TestCluster) -> Result<()> {
    cluster.step("cost of synchronous replication", || {
        let mut rates = [Vec::new(), Vec::new()];
        for _ in 0..TURNS {
            for (replicas, rates) in (0..).zip(&mut rates) {
                set_synchronous(cluster, replicas)?;
                rates.push(reviews_per_second(cluster)?);
            }
        }
        let [asynchronous, synchronous] = &rates;
        Ok(format!(
            "{} reviews a second asynchronously, {} synchronously, in turns",
            listed(asynchronous),
            listed(synchronous)
        ))
    })
}

/// Sends as many reviews as the service takes, over 64 connections.
fn reviews_per_second(cluster: &TestCluster) -> Result<f64> {
    let (url, time) = (format!("http://films.{}:5000", cluster.namespace), format!("--duration={SECONDS}s"));
    let wrk = ["wrk", "--threads=1", "--connections=64", &time, "--script=/workloads/wrk.lua", &url];
    let request = ["--", "1", "POST", "/reviews/", BODY];
    let command = [&wrk[..], &request].concat();
    let client = Client::start(cluster, "wrk", &cluster.images.loadtest, "", &command, &[])?;
    client.wait(Duration::from_secs(SECONDS + 60))?;
    rate(&client.log()?)
}

/// Reads the line of figures that the script prints.
fn rate(log: &str) -> Result<f64> {
    let line = log.lines().find_map(|line| line.strip_prefix("loadtest: "));
    let figures: Value =
        serde_json::from_str(line.with_context(|| format!("wrk printed no figures:\n{log}"))?)?;
    let number = |key: &str| figures[key].as_f64().with_context(|| format!("wrk printed no {key}"));
    anyhow::ensure!(figures["errors"]["status"] == 0, "expected no failed review, got {figures}");
    Ok(number("requests")? / number("seconds")?)
}

fn listed(rates: &[f64]) -> String {
    rates.iter().map(|rate| format!("{rate:.0}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_stored_reviews() -> Result<()> {
        let log = |status| {
            format!(
                "Running\nloadtest: {{\"requests\":500,\"seconds\":2.0,\"errors\":{{\"status\":{status}}}}}\n"
            )
        };
        assert!((rate(&log(0))? - 250.0).abs() < f64::EPSILON);
        assert!(rate(&log(1)).is_err(), "a review failed");
        assert!(rate("").is_err());
        Ok(())
    }
}

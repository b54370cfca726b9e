//! Whether accepted reviews are stored: the article's Flask application never committed.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use loadtest::result::{Options, Round, Run};
use postgres::{Client, NoTls};

use super::servers::{BenchServer, BenchServers, stores_reviews};
use crate::net;
use crate::terminal::say;

/// Reviews that are sent to each server.
const REVIEWS: i64 = 5;
const TIMEOUT: Duration = Duration::from_secs(10);
/// The route of a workload that only sends reviews.
const ROUTE: &str = "post";

/// Sends a few reviews to each server, and checks that they are stored when the response comes.
pub(super) fn check(database: &str, servers: &BenchServers) -> Result<()> {
    for BenchServer { name, address, .. } in &servers.0 {
        if stores_reviews(name)? {
            check_server(database, name, &format!("http://{address}"))?;
        }
    }
    Ok(())
}

fn check_server(database: &str, name: &str, url: &str) -> Result<()> {
    let before = count(database)?;
    for _ in 0..REVIEWS {
        let request = net::agent(TIMEOUT).post(format!("{url}/reviews/"));
        let request = request.header("content-type", "application/json");
        let response = request.send(r#"{"film_id":995,"rating":4}"#);
        let status = response.with_context(|| format!("{name} did not accept a review"))?.status();
        ensure!(status == 200, "{name} did not accept a review: expected status 200, got {status}");
    }
    let stored = count(database)? - before;
    ensure!(
        stored == REVIEWS,
        "{name} accepted {REVIEWS} reviews, and {stored} are stored: it does not commit"
    );
    Ok(())
}

/// Compares the accepted reviews of a result file with the rows of the table.
///
/// More rows than accepted reviews are right: the warm-up and requests without a response in time are
/// stored too, and are not counted.
pub(super) fn check_total(database: &str, before: i64, result: &Path) -> Result<()> {
    let Some(accepted) = accepted(&Run::load(result)?)? else {
        say("This workload does not count accepted reviews, so they are not compared with the stored ones");
        return Ok(());
    };
    let stored = u64::try_from(count(database)? - before).context("reviews disappeared during the run")?;
    ensure!(
        stored >= accepted,
        "{accepted} reviews were accepted, and only {stored} are stored: a server does not commit"
    );
    say(&format!("{accepted} reviews were accepted during measurements, and {stored} are stored in all"));
    Ok(())
}

/// Returns the number of reviews that servers with a database accepted, or `None` if no route counts them.
fn accepted(run: &Run) -> Result<Option<u64>> {
    let Options { reference, repeat, .. } = &run.options;
    let mut accepted = None;
    for row in run.rows.iter().filter(|row| row.route == ROUTE) {
        let server =
            if repeat.as_ref() == Some(&row.target) { reference.as_ref() } else { Some(&row.target) };
        if server.map_or(Ok(false), |name| stores_reviews(name))? {
            let reviews: u64 = row.rounds.iter().map(Round::successes).sum();
            *accepted.get_or_insert(0) += reviews;
        }
    }
    Ok(accepted)
}

pub(super) fn count(database: &str) -> Result<i64> {
    let mut client = Client::connect(database, NoTls).context("cannot count the reviews")?;
    Ok(client.query_one("select count(*) from review", &[])?.get(0))
}

#[cfg(test)]
mod tests;

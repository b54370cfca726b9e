//! Whether what was answered is stored: the article's own Flask application never committed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use postgres::{Client, NoTls};

use super::contestants::{Contestant, Contestants};
use crate::say;

/// How many reviews each server is given to lose.
const REVIEWS: i64 = 5;

/// Posts a few reviews to each server and looks whether they are there as soon as they are answered.
pub(super) fn check(database: &str, contestants: &Contestants) -> Result<()> {
    // The ceiling has no database, which is its point.
    for Contestant { name, address, .. } in contestants.0.iter().filter(|one| one.name != "ceiling") {
        check_one(database, name, &format!("http://{address}"))?;
    }
    Ok(())
}

fn check_one(database: &str, name: &str, url: &str) -> Result<()> {
    let before = count(database)?;
    for _ in 0..REVIEWS {
        let answer = ureq::post(format!("{url}/reviews/"))
            .header("content-type", "application/json")
            .send(r#"{"film_id":995,"rating":4}"#);
        answer.with_context(|| format!("{name} does not take a review"))?;
    }
    let stored = count(database)? - before;
    if stored != REVIEWS {
        bail!("{name} answered {REVIEWS} reviews with 200, but {stored} are stored: it does not commit");
    }
    Ok(())
}

/// Compares what the load test saw accepted with the rows. Reviews that were under way when a
/// measurement ended, and those of the warm-up, are stored without being counted, so there may be
/// more rows, and never fewer.
pub(super) fn check_total(database: &str, before: i64, result: &Path) -> Result<()> {
    let text = fs::read(result).with_context(|| format!("no result in {}", result.display()))?;
    let accepted = accepted(&serde_json::from_slice(&text)?);
    let stored = count(database)? - before;
    if stored < accepted {
        bail!("{accepted} reviews were accepted, but only {stored} are stored: a server does not commit");
    }
    say(&format!("{accepted} reviews were accepted while the clock ran, and {stored} are stored in all"));
    Ok(())
}

/// Accepted reviews of the servers that have a database.
fn accepted(result: &serde_json::Value) -> i64 {
    let rows = result["rows"].as_array().into_iter().flatten();
    let posts = rows.filter(|row| row["route"] == "post" && row["target"] != "ceiling");
    let rounds = posts.flat_map(|row| row["rounds"].as_array().into_iter().flatten());
    rounds.filter_map(|round| Some(round["requests"].as_i64()? - round["errors"]["status"].as_i64()?)).sum()
}

/// How many reviews there are.
pub(super) fn count(database: &str) -> Result<i64> {
    let mut client = Client::connect(database, NoTls).context("cannot count the reviews")?;
    Ok(client.query_one("select count(*) from review", &[])?.get(0))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::{env, thread};

    use super::*;

    /// Takes every review and stores none, as the article's application did.
    fn liar() -> Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 1024]);
                let _ =
                    stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}");
            }
        });
        Ok(url)
    }

    #[test]
    fn a_server_that_does_not_commit_is_caught() -> Result<()> {
        let database = env::var("DATABASE_URL").context("DATABASE_URL; `cargo xtask test` sets it")?;
        // A table of its own: other tests may write to the database's.
        let setup = "create schema if not exists liar; create table if not exists liar.review (rating int)";
        Client::connect(&database, NoTls)?.batch_execute(setup)?;
        let own = format!("{database}?options=-csearch_path%3Dliar");
        let error = check_one(&own, "liar", &liar()?).map_err(|error| error.to_string());
        assert!(error.as_ref().is_err_and(|error| error.contains("liar answered 5 reviews")), "{error:?}");
        Ok(())
    }

    #[test]
    fn accepted_reviews_are_those_of_servers_with_a_database() {
        let round = |requests, bad| serde_json::json!({"requests": requests, "errors": {"status": bad}});
        let result = serde_json::json!({"rows": [
            {"route": "post", "target": "films", "rounds": [round(100, 1), round(50, 0)]},
            {"route": "post", "target": "ceiling", "rounds": [round(1000, 0)]},
            {"route": "one", "target": "films", "rounds": [round(1000, 0)]},
        ]});
        assert_eq!(accepted(&result), 149);
    }
}

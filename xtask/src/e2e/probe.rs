//! A client that changes a film by SQL and reads it from the service, to find reads that are too old.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::client::Client;
use super::cluster::TestCluster;
use super::record::longest_gap;

const SCRIPT: &str = include_str!("probe.sh");

/// What the client has seen.
pub(super) struct Seen {
    /// Times of the ends of committed changes, in milliseconds since 1970.
    committed: Vec<u64>,
    /// Changes whose end is unknown.
    failed: usize,
    /// The last committed year before each read, and the year in the response, if there was one.
    reads: Vec<(u64, Option<u64>)>,
}

/// Starts the client. `connection` has libpq's variables; the Postgres must admit pods of the outside namespace.
pub(super) fn start<'a>(cluster: &'a TestCluster, connection: &[(&str, String)]) -> Result<Client<'a>> {
    let films = ("FILMS", format!("films.{}", cluster.namespace));
    let env = [connection, &[films, ("PGCONNECT_TIMEOUT", "2".to_owned())]].concat();
    let command = ["bash", "-euo", "pipefail", "/client/script"];
    let client = Client::start(cluster, "probe", &cluster.images.postgres, SCRIPT, &command, &env)?;
    cluster.until(Duration::from_secs(30), "a change and a read of a film", || {
        let seen = Seen::parse(&client.log()?)?;
        ensure!(!seen.committed.is_empty() && seen.answered() > 0, "the log of the pod probe has neither");
        Ok(())
    })?;
    Ok(client)
}

impl Seen {
    /// Reads the log of the client.
    pub(super) fn parse(log: &str) -> Result<Self> {
        let mut seen = Self { committed: Vec::new(), failed: 0, reads: Vec::new() };
        for line in log.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["change", _, _, ended, "committed"] => seen.committed.push(ended.parse()?),
                ["change", .., "failed"] => seen.failed += 1,
                ["read", committed, year] => {
                    let committed = committed.parse().with_context(|| line.to_owned())?;
                    seen.reads.push((committed, year.parse().ok()));
                }
                _ => {}
            }
        }
        Ok(seen)
    }

    fn answered(&self) -> usize {
        self.reads.iter().filter(|(_, year)| year.is_some()).count()
    }

    pub(super) fn gap(&self) -> Duration {
        longest_gap(&self.committed)
    }

    /// Checks that no read is older than what was committed before it, and that reads work at the end.
    pub(super) fn check(&self) -> Result<String> {
        ensure!(
            self.reads.last().is_some_and(|(_, year)| year.is_some()),
            "the last read of the film failed"
        );
        let stale = self.reads.iter().filter(|(committed, year)| year.is_some_and(|year| year < *committed));
        let stale = stale.count();
        ensure!(stale == 0, "{stale} of {} reads are older than an earlier commit", self.reads.len());
        Ok(format!(
            "{} changes of a film ({} failed) and {} reads of it ({} failed), none of them stale",
            self.committed.len() + self.failed,
            self.failed,
            self.reads.len(),
            self.reads.len() - self.answered()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_must_not_be_older_than_a_commit_before_it() -> Result<()> {
        let log = "change 1 100 150 committed\nread 1 1\nchange 2 160 400 failed\nread 1 2\nread 1 \n\
                   change 3 410 1150 committed\nread 3 3\n";
        let seen = Seen::parse(log)?;
        assert_eq!(seen.gap(), Duration::from_secs(1));
        assert_eq!(
            seen.check()?,
            "3 changes of a film (1 failed) and 4 reads of it (1 failed), none of them stale"
        );
        let error = Seen::parse(&format!("{log}read 3 2\n"))?.check().unwrap_err().to_string();
        assert_eq!(error, "1 of 5 reads are older than an earlier commit");
        let error = Seen::parse(&format!("{log}read 3 \n"))?.check().unwrap_err().to_string();
        assert_eq!(error, "the last read of the film failed");
        Ok(())
    }
}

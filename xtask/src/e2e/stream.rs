//! A stream of reviews from a pod in another namespace, which knows what became of each.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::client::Client;
use super::cluster::TestCluster;
use super::record::Record;

const SCRIPT: &str = include_str!("reviews.js");

pub(super) struct Stream {
    pub(super) rate: u64,
    pub(super) seconds: u64,
    /// Seconds for which a client tries a review again.
    pub(super) retry: u64,
}

impl Stream {
    /// Starts to send, and waits until the first review is acknowledged.
    pub(super) fn start<'a>(&self, cluster: &'a TestCluster) -> Result<Client<'a>> {
        let mut command = vec!["k6", "run", "--quiet", "--no-usage-report", "--no-summary"];
        command.extend(["--log-format=raw", "/client/script"]);
        let env = [
            ("URL", format!("http://films.{}:5000/reviews/", cluster.namespace)),
            ("RATE", self.rate.to_string()),
            ("SECONDS", self.seconds.to_string()),
            ("RETRY", self.retry.to_string()),
        ];
        let client = Client::start(cluster, "reviews", &cluster.images.loadtest, SCRIPT, &command, &env)?;
        cluster.until(Duration::from_mins(1), "the first acknowledged review", || {
            ensure!(Record::parse(&client.log()?).acknowledged() > 0, "no review is acknowledged");
            Ok(())
        })?;
        Ok(client)
    }

    pub(super) fn finish(&self, client: &Client) -> Result<Record> {
        client.wait(Duration::from_secs(self.seconds + self.retry + 60))?;
        let record = Record::parse(&client.log()?);
        let (sent, expected) = (record.sent() as u64, self.rate * self.seconds / 2);
        ensure!(sent >= expected, "expected at least {expected} reviews to be sent, found {sent}");
        Ok(record)
    }
}

//! What became of the reviews of a stream, and whether the database agrees.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// The query whose result [`counts`] reads.
pub(super) const COUNTS: &str = "select film_id, rating, count(*) from review group by film_id, rating";

/// The number of reviews by film and rating.
pub(super) type Counts = BTreeMap<(u64, u64), u64>;

/// A request and its response.
struct Attempt {
    number: u64,
    /// Milliseconds since 1970, on the clock of the client.
    sent: u64,
    ended: u64,
    /// 0 without a response.
    status: u16,
}

pub(super) struct Record(Vec<Attempt>);

impl Record {
    /// Reads the lines of `reviews.js`.
    pub(super) fn parse(log: &str) -> Self {
        let attempt = |line: &str| {
            let mut numbers = line.strip_prefix("review ")?.split(' ').map(str::parse);
            let mut next = || numbers.next()?.ok();
            let (number, sent, ended, status) = (next()?, next()?, next()?, next()?);
            Some(Attempt { number, sent, ended, status: u16::try_from(status).ok()? })
        };
        Self(log.lines().filter_map(attempt).collect())
    }

    pub(super) fn sent(&self) -> usize {
        self.0.iter().map(|attempt| attempt.number).collect::<BTreeSet<_>>().len()
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.0.iter().filter(|attempt| attempt.status == 200).count()
    }

    /// Returns the longest time without an acknowledgement, from the first one to the last response of any kind:
    /// an outage that lasts to the end of the stream counts too.
    pub(super) fn gap(&self) -> Duration {
        let acknowledged = self.0.iter().filter(|attempt| attempt.status == 200);
        let mut times: Vec<_> = acknowledged.map(|attempt| attempt.ended).collect();
        times.sort_unstable();
        times.extend(self.0.iter().map(|attempt| attempt.ended).max());
        longest_gap(&times)
    }

    pub(super) fn slowest(&self) -> Duration {
        Duration::from_millis(
            self.0.iter().map(|attempt| attempt.ended - attempt.sent).max().unwrap_or_default(),
        )
    }

    pub(super) fn statuses(&self) -> BTreeMap<u16, usize> {
        let mut statuses = BTreeMap::new();
        for attempt in &self.0 {
            *statuses.entry(attempt.status).or_default() += 1;
        }
        statuses
    }

    /// Returns the reviews that were never acknowledged.
    pub(super) fn given_up(&self) -> usize {
        self.sent() - self.acknowledged()
    }

    /// Checks the reviews in the database: every acknowledged review is there, and nothing else but reviews
    /// whose request failed, because such a request may have stored its review.
    pub(super) fn check(&self, before: &Counts, after: &Counts) -> Result<String> {
        let (mut acknowledged, mut failed) = (Counts::new(), Counts::new());
        for Attempt { number, status, .. } in &self.0 {
            let counts = if *status == 200 { &mut acknowledged } else { &mut failed };
            *counts.entry((1 + number % 1000, 1 + number / 1000 % 5)).or_default() += 1;
        }
        let of = |counts: &Counts, key| counts.get(key).copied().unwrap_or_default();
        let (mut lost, mut surplus, mut invented) = (0, 0, 0);
        for key in before.keys().chain(after.keys()).chain(acknowledged.keys()).collect::<BTreeSet<_>>() {
            let expected = of(before, key) + of(&acknowledged, key);
            let found = of(after, key);
            lost += expected.saturating_sub(found);
            surplus += found.saturating_sub(expected);
            invented += found.saturating_sub(expected + of(&failed, key));
        }
        ensure!(
            lost == 0 && invented == 0,
            "expected every acknowledged review and no other in the database: {lost} of {} are missing, and {invented} \
             are there that nobody sent",
            self.acknowledged()
        );
        Ok(format!(
            "{} reviews acknowledged, none missing, {surplus} more stored whose request failed, statuses {:?}",
            self.acknowledged(),
            self.statuses()
        ))
    }
}

/// Returns the longest time between two of these times, which are in milliseconds.
pub(super) fn longest_gap(times: &[u64]) -> Duration {
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
    Duration::from_millis(gaps.max().unwrap_or_default())
}

/// Reads the output of psql for [`COUNTS`].
pub(super) fn counts(text: &str) -> Result<Counts> {
    let row = |line: &str| {
        let numbers = line.split('|').map(|number| number.parse().ok()).collect::<Option<Vec<u64>>>()?;
        let [film, rating, count] = numbers[..] else { return None };
        Some(((film, rating), count))
    };
    let row = |line| row(line).with_context(|| format!("expected a row of counts, got {line}"));
    text.lines().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "review 0 1000 1010 200\nother\nreview 1 1020 1500 503\nreview 1 1700 1730 200\n";

    #[test]
    fn a_record_knows_the_longest_time_without_an_acknowledgement() {
        let record = Record::parse(LOG);
        assert_eq!((record.acknowledged(), record.given_up()), (2, 0));
        assert_eq!(record.gap(), Duration::from_millis(720));
        let without_end = Record::parse(&format!("{LOG}review 2 1740 9730 503\n"));
        assert_eq!(without_end.gap(), Duration::from_secs(8));
        assert_eq!(record.slowest(), Duration::from_millis(480));
        assert_eq!(record.statuses(), BTreeMap::from([(200, 2), (503, 1)]));
    }

    #[test]
    fn acknowledged_reviews_must_be_stored() -> Result<()> {
        let record = Record::parse(LOG);
        let before = counts("1|1|5\n")?;
        for (after, found) in [("1|1|6\n2|1|1\n", "0 more"), ("1|1|6\n2|1|2\n", "1 more")] {
            let text = record.check(&before, &counts(after)?)?;
            assert!(text.contains(found), "{text}");
        }
        for (after, found) in [
            ("1|1|6\n", "1 of 2 are missing"),
            ("1|1|6\n2|1|3\n", "1 are there"),
            ("1|1|7\n2|1|1\n", "1 are there"),
        ] {
            let error = record.check(&before, &counts(after)?).unwrap_err().to_string();
            assert!(error.contains(found), "{error}");
        }
        assert!(counts("1|2").is_err());
        Ok(())
    }
}

//! Percentiles of a histogram whose buckets are counted cumulatively, as Prometheus has them.

use prometheus::proto;

/// The buckets of one or more histograms with the same bounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Histogram {
    /// The upper bound of each bucket, and the number of values up to the bound.
    buckets: Vec<(f64, u64)>,
    count: u64,
}

impl Histogram {
    /// Adds the values of a histogram.
    pub(super) fn add(&mut self, other: &proto::Histogram) {
        let buckets = other.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite());
        for (at, bucket) in buckets.enumerate() {
            match self.buckets.get_mut(at) {
                Some((_, count)) => *count += bucket.cumulative_count(),
                None => self.buckets.push((bucket.upper_bound(), bucket.cumulative_count())),
            }
        }
        self.count += other.get_sample_count();
    }

    /// Returns the values that were added after `earlier`.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        let before = earlier.buckets.iter().map(|(_, count)| *count).chain(std::iter::repeat(0));
        let buckets = self
            .buckets
            .iter()
            .zip(before)
            .map(|((bound, now), before)| (*bound, now.saturating_sub(before)));
        Self { buckets: buckets.collect(), count: self.count.saturating_sub(earlier.count) }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Estimates the value that this share of all values does not exceed, or returns `None` without values. Inside
    /// a bucket, values count as evenly spread. A value above the last bound is estimated as the bound.
    pub(super) fn percentile(&self, share: f64) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let rank = share * float(self.count);
        let (mut lower, mut below) = (0.0, 0);
        for (bound, count) in &self.buckets {
            if float(*count) >= rank && *count > below {
                let part = (rank - float(below)) / float(*count - below);
                return Some(lower + (bound - lower) * part);
            }
            (lower, below) = (*bound, *count);
        }
        Some(lower)
    }
}

/// Returns a count as a number to calculate with. A count beyond 2^53 is rounded.
#[expect(clippy::cast_precision_loss, reason = "rounded counts do for rates and percentiles")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(counts: [u64; 3], count: u64) -> Histogram {
        Histogram { buckets: [1.0, 2.0, 4.0].into_iter().zip(counts).collect(), count }
    }

    #[test]
    fn a_percentile_lies_in_its_bucket() {
        let values = histogram([10, 10, 20], 20);
        for (share, expected) in [(0.25, 0.5), (0.5, 1.0), (0.75, 3.0), (1.0, 4.0)] {
            assert_eq!(values.percentile(share), Some(expected), "{share}");
        }
    }

    #[test]
    fn a_percentile_above_the_last_bound_is_the_bound() {
        assert_eq!(histogram([0, 0, 1], 100).percentile(0.99), Some(4.0));
        assert_eq!(histogram([0, 0, 0], 3).percentile(0.5), Some(4.0));
    }

    #[test]
    fn without_values_there_is_no_percentile() {
        assert_eq!(histogram([0, 0, 0], 0).percentile(0.5), None);
        assert_eq!(Histogram::default().percentile(0.5), None);
    }

    #[test]
    fn only_later_values_count() {
        let (earlier, now) = (histogram([1, 2, 2], 3), histogram([1, 5, 6], 9));
        assert_eq!(now.since(&earlier), histogram([0, 3, 4], 6));
        assert_eq!(now.since(&Histogram::default()), now);
    }
}

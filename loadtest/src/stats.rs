//! Statistics of few samples that scatter.

/// The median and the range of some samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Returns the spread, if there is a sample.
    pub(crate) fn of(samples: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = samples.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let half = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) };
        Some(Self { median, min, max })
    }
}

/// A ratio with its interval of 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Ratio {
    /// Returns how much noise the ratio of a server to itself shows: the factor, at least 1, by which its
    /// interval reaches away from 1.
    pub(crate) fn noise(self) -> f64 {
        self.high.max(self.low.recip()).max(1.0)
    }

    /// Returns the ratio with an interval that is wider by the noise at both ends.
    pub(crate) fn widened(self, noise: f64) -> Self {
        Self { low: self.low / noise, high: self.high * noise, ..self }
    }

    /// Tells whether the whole interval is above 1, or below it.
    pub(crate) fn is_difference(self) -> bool {
        self.low > 1.0 || self.high < 1.0
    }
}

/// Returns the ratio of figures from the same rounds: the geometric mean of the rounds' ratios, with
/// Student's interval of their logarithms. A change that affects both figures of a round, such as
/// another program on the machine, cancels out. Fewer than two rounds have no scatter, so no interval.
pub(crate) fn paired_ratio(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<Ratio> {
    let logs: Vec<f64> = pairs.into_iter().map(|(a, b)| (a / b).ln()).collect();
    let (mean, variance) = mean_and_variance(&logs)?;
    let count = logs.len() as f64;
    Some(interval(mean, (variance / count).sqrt(), count - 1.0))
}

/// Returns the ratio of figures from independent rounds of two runs, with Welch's interval.
pub(crate) fn unpaired_ratio(a: &[f64], b: &[f64]) -> Option<Ratio> {
    let logs = |samples: &[f64]| samples.iter().map(|sample| sample.ln()).collect::<Vec<_>>();
    let (mean_a, variance_a) = mean_and_variance(&logs(a))?;
    let (mean_b, variance_b) = mean_and_variance(&logs(b))?;
    let (count_a, count_b) = (a.len() as f64, b.len() as f64);
    let (square_a, square_b) = (variance_a / count_a, variance_b / count_b);
    let error = (square_a + square_b).sqrt();
    // Degrees of freedom by Welch and Satterthwaite.
    let freedom = (square_a + square_b).powi(2)
        / (square_a.powi(2) / (count_a - 1.0) + square_b.powi(2) / (count_b - 1.0));
    let freedom = if freedom.is_finite() { freedom } else { count_a + count_b - 2.0 };
    Some(interval(mean_a - mean_b, error, freedom))
}

fn mean_and_variance(samples: &[f64]) -> Option<(f64, f64)> {
    if samples.len() < 2 || samples.iter().any(|sample| !sample.is_finite()) {
        return None;
    }
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let variance = samples.iter().map(|sample| (sample - mean).powi(2)).sum::<f64>() / (count - 1.0);
    Some((mean, variance))
}

fn interval(log: f64, error: f64, freedom: f64) -> Ratio {
    let half = student_95(freedom) * error;
    Ratio { value: log.exp(), low: (log - half).exp(), high: (log + half).exp() }
}

/// Returns the 97.5th percentile of Student's distribution, from the usual table. Between two entries
/// it takes the entry with fewer degrees of freedom, which gives the wider interval.
fn student_95(freedom: f64) -> f64 {
    const TABLE: [(f64, f64); 17] = [
        (1.0, 12.706),
        (2.0, 4.303),
        (3.0, 3.182),
        (4.0, 2.776),
        (5.0, 2.571),
        (6.0, 2.447),
        (7.0, 2.365),
        (8.0, 2.306),
        (9.0, 2.262),
        (10.0, 2.228),
        (12.0, 2.179),
        (15.0, 2.131),
        (20.0, 2.086),
        (30.0, 2.042),
        (60.0, 2.000),
        (120.0, 1.980),
        (f64::INFINITY, 1.960),
    ];
    // A whole number may have been rounded down a little.
    let below = TABLE.iter().take_while(|(entry, _)| *entry <= freedom + 1e-9).last();
    below.map_or(TABLE[0].1, |(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-3 * b.abs(), "{a} is not {b}");
    }

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_middle_samples() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).unwrap().median, 2.5);
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_paired_ratio_equals_another_programs_result() {
        // By Python's statistics module: exp(mean(logs) ± 2.776 stdev(logs) / sqrt(5)).
        let pairs = [(10.2, 5.0), (9.8, 5.1), (10.5, 4.9), (9.9, 5.0), (10.1, 5.2)];
        let ratio = paired_ratio(pairs).unwrap();
        close(ratio.value, 2.003_79);
        close(ratio.low, 1.897_62);
        close(ratio.high, 2.115_91);
    }

    #[test]
    fn a_change_of_both_figures_cancels_out() {
        let pairs = [(10.0, 5.0), (20.0, 10.0), (2.0, 1.0)];
        let ratio = paired_ratio(pairs).unwrap();
        close(ratio.value, 2.0);
        close(ratio.low, 2.0);
        close(ratio.high, 2.0);
    }

    #[test]
    fn a_ratio_inside_the_noise_is_no_difference() {
        let again = Ratio { value: 0.99, low: 0.94, high: 1.04 };
        close(again.noise(), 1.0 / 0.94);
        let ratio = |low, high| Ratio { value: 1.0, low, high }.widened(again.noise());
        assert!(!ratio(1.02, 1.05).is_difference() && !ratio(0.95, 0.98).is_difference());
        assert!(ratio(1.07, 1.1).is_difference() && ratio(0.8, 0.93).is_difference());
        assert!(Ratio { value: 1.03, low: 1.02, high: 1.05 }.is_difference(), "without noise");
    }

    #[test]
    fn a_single_round_has_no_ratio() {
        assert_eq!(paired_ratio([(2.0, 1.0)]), None);
        assert_eq!(paired_ratio([(2.0, 1.0), (0.0, 1.0)]), None);
        assert_eq!(unpaired_ratio(&[1.0], &[1.0, 2.0]), None);
    }

    #[test]
    fn an_unpaired_ratio_of_scattered_samples_has_a_wide_interval() {
        let calm = unpaired_ratio(&[100.0, 101.0, 99.0], &[100.0, 100.5, 99.5]).unwrap();
        let wild = unpaired_ratio(&[100.0, 150.0, 60.0], &[100.0, 100.5, 99.5]).unwrap();
        assert!(calm.low > 0.97 && calm.high < 1.03, "{calm:?}");
        assert!(wild.low < 0.5 && wild.high > 2.0, "{wild:?}");
    }

    #[test]
    fn students_table_is_rounded_to_the_wider_interval() {
        assert_eq!(student_95(4.0), 2.776);
        assert_eq!(student_95(4.9), 2.776);
        assert_eq!(student_95(1000.0), 1.980);
        assert_eq!(student_95(0.5), 12.706);
    }
}

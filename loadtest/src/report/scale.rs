//! Places figures on an axis.

/// An axis, which maps figures to places between 0 and 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    log: bool,
}

/// Ratio of the largest to the smallest figure from which a linear axis would hide the small figures.
const WIDE: f64 = 8.0;

impl Scale {
    /// Returns an axis for bars. The axis begins at zero, because the length of a bar is its figure.
    pub(super) fn from_zero(figures: impl Iterator<Item = f64>) -> Self {
        let high = figures.fold(0.0, f64::max);
        Self { low: 0.0, high: if high > 0.0 { high * 1.02 } else { 1.0 }, log: false }
    }

    /// Returns an axis for dots, which is logarithmic if the figures are far apart.
    pub(super) fn around(figures: impl Iterator<Item = f64> + Clone) -> Self {
        let (low, high) =
            (figures.clone().fold(f64::INFINITY, f64::min), figures.clone().fold(0.0, f64::max));
        if low > 0.0 && high / low >= WIDE {
            return Self { low: low / 1.15, high: high * 1.15, log: true };
        }
        Self::from_zero(figures)
    }

    pub(super) fn is_log(self) -> bool {
        self.log
    }

    pub(super) fn place(self, figure: f64) -> f64 {
        let place = if self.log {
            (figure / self.low).ln() / (self.high / self.low).ln()
        } else {
            (figure - self.low) / (self.high - self.low)
        };
        place.clamp(0.0, 1.0)
    }

    /// Returns round figures on the axis, few enough to be read.
    pub(super) fn ticks(self) -> Vec<f64> {
        if !self.log {
            return self.linear();
        }
        let fine = self.decades(&[1.0, 2.0, 5.0]);
        if fine.len() <= 7 { fine } else { self.decades(&[1.0]) }
    }

    fn decades(self, steps: &[f64]) -> Vec<f64> {
        let decades = (-9..=12).map(|exponent| 10f64.powi(exponent));
        let all = decades.flat_map(|decade| steps.iter().map(move |step| step * decade));
        all.filter(|tick| (self.low..=self.high).contains(tick)).collect()
    }

    fn linear(self) -> Vec<f64> {
        let rough = (self.high - self.low) / 4.0;
        let decade = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].iter().map(|step| step * decade).find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        (0..=5).map(|tick| f64::from(tick) * step).filter(|tick| *tick <= self.high).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_begin_at_zero() {
        let scale = Scale::from_zero([900.0, 41_000.0].into_iter());
        assert_eq!(scale.place(0.0), 0.0);
        assert_eq!(scale.ticks(), [0.0, 20_000.0, 40_000.0]);
    }

    #[test]
    fn figures_far_apart_have_a_logarithmic_axis() {
        let scale = Scale::around([0.5, 50.0].into_iter());
        assert!(scale.is_log());
        assert!((scale.place(5.0) - 0.5).abs() < 1e-9);
        assert!(!Scale::around([1.0, 3.0].into_iter()).is_log());
        assert!(!Scale::around([0.0, 3.0].into_iter()).is_log());
    }

    #[test]
    fn an_axis_without_figures_places_everything_at_zero() {
        assert_eq!(Scale::around([].into_iter()).place(0.0), 0.0);
    }
}

//! Buckets of histograms.

/// Upper bounds of the buckets of durations, in seconds.
///
/// A request takes some ten microseconds on an idle instance and milliseconds on a busy instance. The
/// bounds of the OpenTelemetry conventions start at 5 ms, above most requests.
pub(crate) const SECONDS: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    10.0,
];

//! A strict reader of the `OpenMetrics` text format, for what a page of this service may contain.

use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Page {
    pub(super) samples: Vec<Sample>,
}

#[derive(Debug)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
    pub(super) exemplar: Option<Exemplar>,
}

#[derive(Debug)]
pub(super) struct Exemplar {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
    pub(super) timestamp: f64,
}

impl Sample {
    /// Returns trace id and span id of the exemplar.
    pub(super) fn exemplar_ids(&self) -> (String, String) {
        let labels = &self.exemplar.as_ref().unwrap().labels;
        (labels["trace_id"].clone(), labels["span_id"].clone())
    }
}

impl Page {
    /// Reads a page. Panics if it breaks a rule.
    pub(super) fn parse(page: &str) -> Self {
        let body = page.strip_suffix("# EOF\n").expect("the page ends with # EOF");
        assert!(!body.contains("# EOF") && !body.lines().any(str::is_empty), "{page}");
        let (mut samples, mut seen) = (Vec::new(), BTreeSet::new());
        for family in body.split("# TYPE ").skip(1) {
            let mut lines = family.lines();
            let (name, kind) = lines.next().unwrap().split_once(' ').unwrap();
            assert!(seen.insert(name.to_owned()), "{name} comes twice");
            let unit = name.ends_with("_seconds").then(|| format!("# UNIT {name} seconds"));
            let mut lines = lines.peekable();
            assert_eq!(
                lines.next_if(|line| line.starts_with("# UNIT ")).map(str::to_owned),
                unit,
                "{family}"
            );
            assert!(lines.next().unwrap().starts_with(&format!("# HELP {name} ")), "{family}");
            let family: Vec<_> = lines.map(Sample::parse).collect();
            for sample in &family {
                sample.check(name, kind);
            }
            check_buckets(&family);
            samples.extend(family);
        }
        Self { samples }
    }
}

impl Sample {
    fn parse(line: &str) -> Self {
        let (sample, exemplar) = line.split_once(" # ").unzip();
        let sample = sample.unwrap_or(line);
        let (series, value) = sample.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let value = value.parse().unwrap();
        Self {
            name: name.to_owned(),
            labels: labels_of(labels),
            value,
            exemplar: exemplar.map(Exemplar::parse),
        }
    }

    fn check(&self, family: &str, kind: &str) {
        let suffixes: &[&str] = match kind {
            "counter" => &["_total"],
            "info" => &["_info"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_count", "_sum"],
            other => panic!("unexpected type {other}"),
        };
        let suffix = self.name.strip_prefix(family).unwrap_or_else(|| panic!("{self:?} in {family}"));
        assert!(suffixes.contains(&suffix), "{self:?} in {family}, a {kind}");
        assert!(kind != "info" || (self.value - 1.0).abs() < f64::EPSILON, "{self:?}");
        assert_eq!(self.labels.contains_key("le"), suffix == "_bucket", "{self:?}");
        assert!(self.exemplar.is_none() || suffix == "_bucket", "{self:?}");
    }

    fn bound(&self) -> Option<f64> {
        let bound = self.labels.get("le")?;
        assert!(bound == "+Inf" || bound.contains('.'), "{self:?}");
        Some(bound.trim_start_matches('+').parse().unwrap())
    }
}

/// Checks that the buckets of a series ascend up to infinity, and that each exemplar is in its own bucket.
fn check_buckets(samples: &[Sample]) {
    let (mut lower, mut below) = (f64::NEG_INFINITY, 0.0);
    for sample in samples {
        let Some(bound) = sample.bound() else {
            assert!(lower.is_infinite(), "no bucket of +Inf before {sample:?}");
            continue;
        };
        if lower == f64::INFINITY {
            (lower, below) = (f64::NEG_INFINITY, 0.0);
        }
        assert!(bound > lower && sample.value >= below, "{sample:?} after {lower}");
        if let Some(exemplar) = &sample.exemplar {
            assert!(exemplar.value <= bound && exemplar.value > lower, "{sample:?} after {lower}");
            assert!(exemplar.timestamp > 1.7e9, "{sample:?}");
        }
        (lower, below) = (bound, sample.value);
    }
}

impl Exemplar {
    fn parse(text: &str) -> Self {
        let (labels, rest) = text.strip_prefix('{').unwrap().split_once(' ').unwrap();
        let (value, timestamp) = rest.split_once(' ').unwrap();
        let labels = labels_of(labels);
        let length: usize =
            labels.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
        assert!(length <= 128, "{text}");
        Self { labels, value: value.parse().unwrap(), timestamp: timestamp.parse().unwrap() }
    }
}

/// Reads labels without escaped characters, up to the closing brace.
fn labels_of(text: &str) -> BTreeMap<String, String> {
    let text = text.strip_suffix('}').unwrap();
    let label = |label: &str| {
        let (name, value) = label.split_once("=\"").unwrap();
        (name.to_owned(), value.trim_end_matches('"').to_owned())
    };
    text.split("\",").filter(|label| !label.is_empty()).map(label).collect()
}

//! Metrics in the text format of [OpenMetrics 1.0](https://prometheus.io/docs/specs/om/open_metrics_spec/),
//! with exemplars. The crate prometheus writes only the older format, which has none.

use std::fmt::{self, Display, Formatter};
use std::time::UNIX_EPOCH;

use prometheus::proto::{Histogram, LabelPair, Metric, MetricFamily, MetricType};

use super::exemplars::{self, Exemplar};

/// The metrics of a scrape. `Display` writes the page.
#[derive(Debug)]
pub(crate) struct OpenMetrics<'a>(pub(crate) &'a [MetricFamily]);

impl OpenMetrics<'_> {
    pub(crate) const CONTENT_TYPE: &'static str =
        "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

impl Display for OpenMetrics<'_> {
    fn fmt(&self, page: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|family| write_family(page, family))?;
        page.write_str("# EOF\n")
    }
}

fn write_family(page: &mut Formatter<'_>, family: &MetricFamily) -> fmt::Result {
    // Samples have the same name as in the older format. Some families have a shorter name.
    let sample = family.name();
    let (name, kind) = match (family.get_field_type(), sample.strip_suffix("_info")) {
        (MetricType::COUNTER, _) => (sample.strip_suffix("_total").unwrap_or(sample), "counter"),
        (MetricType::HISTOGRAM, _) => (sample, "histogram"),
        (MetricType::GAUGE, Some(name)) => (name, "info"),
        (MetricType::GAUGE, None) => (sample, "gauge"),
        (MetricType::SUMMARY | MetricType::UNTYPED, _) => (sample, "unknown"),
    };
    writeln!(page, "# TYPE {name} {kind}")?;
    if name.ends_with("_seconds") {
        writeln!(page, "# UNIT {name} seconds")?;
    }
    writeln!(page, "# HELP {name} {}", Escaped(family.help()))?;
    family.get_metric().iter().try_for_each(|metric| write_metric(page, sample, family, metric))
}

fn write_metric(page: &mut Formatter<'_>, name: &str, family: &MetricFamily, metric: &Metric) -> fmt::Result {
    let labels = Labels(metric.get_label(), None);
    match family.get_field_type() {
        MetricType::HISTOGRAM => write_histogram(page, name, metric.get_label(), metric.get_histogram()),
        MetricType::COUNTER => writeln!(page, "{name}{labels} {}", Float(metric.get_counter().get_value())),
        _ => writeln!(page, "{name}{labels} {}", Float(metric.get_gauge().get_value())),
    }
}

fn write_histogram(
    page: &mut Formatter<'_>,
    name: &str,
    labels: &[LabelPair],
    histogram: &Histogram,
) -> fmt::Result {
    let exemplars = exemplars::of(name, labels);
    let finite = histogram.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite());
    let buckets = finite.map(|bucket| (bucket.upper_bound(), bucket.cumulative_count()));
    let all = (f64::INFINITY, histogram.get_sample_count());
    for (at, (bound, count)) in buckets.chain([all]).enumerate() {
        write!(page, "{name}_bucket{} {count}", Labels(labels, Some(bound)))?;
        if let Some(Some(exemplar)) = exemplars.get(at) {
            write!(page, " # {exemplar}")?;
        }
        writeln!(page)?;
    }
    let labels = Labels(labels, None);
    writeln!(page, "{name}_count{labels} {}", histogram.get_sample_count())?;
    writeln!(page, "{name}_sum{labels} {}", Float(histogram.get_sample_sum()))
}

impl Display for Exemplar {
    fn fmt(&self, page: &mut Formatter<'_>) -> fmt::Result {
        let Self { trace_id, span_id, value, at } = self;
        let at = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        write!(page, "{{trace_id=\"{trace_id}\",span_id=\"{span_id}\"}} {value} {at:.3}")
    }
}

/// The labels of a sample in braces, with the upper bound of a bucket.
struct Labels<'a>(&'a [LabelPair], Option<f64>);

impl Display for Labels<'_> {
    fn fmt(&self, page: &mut Formatter<'_>) -> fmt::Result {
        let Self(labels, bound) = self;
        let mut before = "{";
        for label in *labels {
            write!(page, "{before}{}=\"{}\"", label.name(), Escaped(label.value()))?;
            before = ",";
        }
        if let Some(bound) = bound {
            // The specification requires `1.0` here. The older format has `1`.
            let point = if bound.fract() == 0.0 { ".0" } else { "" };
            write!(page, "{before}le=\"{}{point}\"", Float(*bound))?;
            before = ",";
        }
        if before == "," { page.write_str("}") } else { Ok(()) }
    }
}

/// A number as the specification writes it.
struct Float(f64);

impl Display for Float {
    fn fmt(&self, page: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            f64::INFINITY => page.write_str("+Inf"),
            f64::NEG_INFINITY => page.write_str("-Inf"),
            number => write!(page, "{number}"),
        }
    }
}

/// A text with its backslashes, quotes and line breaks escaped.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, page: &mut Formatter<'_>) -> fmt::Result {
        let text = self.0.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
        page.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanId, TraceId};
    use prometheus::{GaugeVec, Histogram, HistogramOpts, IntCounter, Opts, Registry};
    use proptest::prelude::*;

    use super::*;

    /// Reads an escaped text as the specification describes it.
    fn unescaped(text: &str) -> String {
        let mut characters = text.chars();
        let mut read = || match characters.next()? {
            '\\' => characters.next().map(|escaped| if escaped == 'n' { '\n' } else { escaped }),
            other => Some(other),
        };
        std::iter::from_fn(&mut read).collect()
    }

    proptest! {
        #[test]
        fn a_label_and_a_number_read_back_as_they_were_written(label in "(?s).{0,20}", number in any::<f64>()) {
            let build = GaugeVec::new(Opts::new("build_info", label.clone() + "."), &["version"]).unwrap();
            build.with_label_values(&[&label]).set(number);
            let page = OpenMetrics(&prometheus::core::Collector::collect(&build)).to_string();
            let lines: Vec<_> = page.split('\n').collect();
            prop_assert_eq!(lines.len(), 5, "{}", page);
            let help = lines[1].strip_prefix("# HELP build ").unwrap();
            prop_assert_eq!(unescaped(help), label.clone() + ".");
            let (shown, value) = lines[2].strip_prefix("build_info{version=\"").unwrap().rsplit_once("\"} ").unwrap();
            prop_assert_eq!(unescaped(shown), label);
            let value: f64 = value.parse().unwrap();
            prop_assert!(value.total_cmp(&number).is_eq() || value.is_nan() && number.is_nan(), "{}", value);
        }
    }

    #[test]
    fn a_page_has_types_units_and_an_end() {
        let registry = Registry::new();
        let reads = IntCounter::new("reads_total", "Reads.\nAll of them.").unwrap();
        reads.inc_by(3);
        let build = GaugeVec::new(Opts::new("build_info", "The \"build\"."), &["version"]).unwrap();
        build.with_label_values(&[r#"1\2"x"#]).set(1.0);
        let options = HistogramOpts::new("wait_seconds", "Waits.").buckets(vec![0.5, 1.0]);
        let wait = Histogram::with_opts(options).unwrap();
        wait.observe(0.75);
        registry.register(Box::new(reads)).unwrap();
        registry.register(Box::new(build)).unwrap();
        registry.register(Box::new(wait)).unwrap();
        let expected = r#"# TYPE build info
# HELP build The \"build\".
build_info{version="1\\2\"x"} 1
# TYPE reads counter
# HELP reads Reads.\nAll of them.
reads_total 3
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
# HELP wait_seconds Waits.
wait_seconds_bucket{le="0.5"} 0
wait_seconds_bucket{le="1.0"} 1
wait_seconds_bucket{le="+Inf"} 1
wait_seconds_count 1
wait_seconds_sum 0.75
# EOF
"#;
        assert_eq!(OpenMetrics(&registry.gather()).to_string(), expected);
    }

    #[test]
    fn an_exemplar_has_its_ids_its_value_and_its_time() {
        let exemplar = Exemplar {
            trace_id: TraceId::from(7_u128),
            span_id: SpanId::from(8_u64),
            value: 0.000_25,
            at: UNIX_EPOCH + std::time::Duration::from_millis(1_500),
        };
        let ids = r#"{trace_id="00000000000000000000000000000007",span_id="0000000000000008"}"#;
        assert_eq!(exemplar.to_string(), format!("{ids} 0.00025 1.500"));
    }
}

//! Recorded output of wrk and k6 is read correctly.

use loadtest::generator::parse_wrk;
use loadtest::k6;
use loadtest::result::{Errors, Latency};
use proptest::prelude::*;
use serde_json::{Value, json};

const K6: &str = include_str!("k6.json");

#[test]
fn wrk_output_is_read() {
    let round = parse_wrk(include_str!("wrk.txt")).unwrap();
    assert_eq!((round.requests, round.seconds), (75_343, 2.100_064));
    assert_eq!(round.errors, Errors::default());
    assert_eq!(
        round.latency_ms,
        Latency { mean: 0.689_836, p50: 0.488, p90: 0.966, p99: 5.525, p999: 11.247, max: 12.535 }
    );
    // wrk's own line says 35876.53.
    assert!((round.rate() - 35_876.53).abs() < 0.01, "{}", round.rate());
}

#[test]
fn error_responses_are_no_throughput() {
    let output = include_str!("wrk.txt").replace(r#""status":0"#, r#""status":75343"#);
    let round = parse_wrk(&output).unwrap();
    assert_eq!((round.errors.total(), round.rate()), (75_343, 0.0));
}

#[test]
fn output_of_wrk_without_a_result_line_is_an_error() {
    let error = parse_wrk("unable to connect to 127.0.0.1:1 Connection refused").unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");
}

#[test]
fn a_k6_summary_is_read() {
    let round = k6::parse(K6, 10).unwrap();
    assert_eq!((round.requests, round.errors.status, round.dropped), (5808, 1368, 194));
    // Of k6's 2900.72 requests a second, 4440 of 5808 succeeded.
    assert!((round.rate() - 2_217.494).abs() < 0.01, "{}", round.rate());
    assert_eq!((round.latency_ms.p50, round.latency_ms.max), (0.514_057, 9.341_659));
    assert_eq!(round.failed_thresholds, ["dropped_iterations: count==0", "http_req_failed: rate==0"]);
}

#[test]
fn a_metric_that_k6_lacks_is_an_error_that_names_it() {
    for (metric, value) in
        [("http_reqs", "count"), ("http_req_failed", "passes"), ("http_req_duration", "avg")]
    {
        let mut summary: Value = serde_json::from_str(K6).unwrap();
        summary["metrics"].as_object_mut().unwrap().remove(metric).unwrap();
        let error = format!("{:#}", k6::parse(&summary.to_string(), 10).unwrap_err());
        assert_eq!(error, format!("k6's summary lacks the value {value} of the metric {metric}"));
    }
}

#[test]
fn a_value_that_k6_lacks_is_an_error_that_names_metric_and_value() {
    let mut summary: Value = serde_json::from_str(K6).unwrap();
    summary["metrics"]["http_req_duration"]["values"].as_object_mut().unwrap().remove("p(99)").unwrap();
    let error = format!("{:#}", k6::parse(&summary.to_string(), 10).unwrap_err());
    assert_eq!(error, "k6's summary lacks the value p(99) of the metric http_req_duration");
}

#[test]
fn k6_has_no_metric_of_dropped_iterations_if_it_dropped_none() {
    let mut summary: Value = serde_json::from_str(K6).unwrap();
    summary["metrics"].as_object_mut().unwrap().remove("dropped_iterations").unwrap();
    assert_eq!(k6::parse(&summary.to_string(), 10).unwrap().dropped, 0);
}

proptest! {
    #[test]
    fn a_line_of_wrk_reads_back(requests in any::<u64>(), seconds in 0.0..1e6_f64, times in any::<[u16; 6]>()) {
        let [mean, p50, p90, p99, p999, max] = times.map(f64::from);
        let latency_ms = Latency { mean, p50, p90, p99, p999, max };
        let line = json!({
            "requests": requests, "seconds": seconds, "latency_ms": latency_ms, "errors": Errors::default(),
        });
        let round = parse_wrk(&format!("Running 1s test\nloadtest: {line}\n")).unwrap();
        prop_assert_eq!((round.requests, round.latency_ms), (requests, latency_ms));
        // serde_json reads a number to the last digit but one.
        prop_assert!((round.seconds - seconds).abs() <= seconds * 1e-12, "{}", round.seconds);
    }

    #[test]
    fn no_output_of_a_generator_panics(text in any::<String>(), at in 0..K6.len(), inserted in "[0-9{}\\[\\],:\"eE.-]{0,3}") {
        let _ = (parse_wrk(&text), parse_wrk(&format!("loadtest: {text}")), k6::parse(&text, 10));
        let at = (0..=at).rev().find(|at| K6.is_char_boundary(*at)).unwrap();
        let (before, after) = K6.split_at(at);
        let _ = k6::parse(&format!("{before}{inserted}{after}"), 10).map(|round| round.rate());
    }
}

//! What wrk and k6 really said once is read as they meant it.

use loadtest::generator::{parse_k6, parse_wrk};
use loadtest::result::{Errors, Latency};

#[test]
fn wrk_is_read() {
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
fn bad_answers_are_no_throughput() {
    let said = include_str!("wrk.txt").replace(r#""status":0"#, r#""status":75343"#);
    let round = parse_wrk(&said).unwrap();
    assert_eq!((round.errors.total(), round.rate()), (75_343, 0.0));
}

#[test]
fn silence_is_an_error() {
    assert!(
        parse_wrk("unable to connect to 127.0.0.1:1 Connection refused")
            .unwrap_err()
            .to_string()
            .contains("refused")
    );
}

#[test]
fn k6_is_read() {
    let round = parse_k6(include_str!("k6.json"), 10).unwrap();
    assert_eq!((round.requests, round.errors.status, round.dropped), (5808, 1368, 194));
    // Of k6's 2900.72 a second, 4440 of 5808 were good.
    assert!((round.rate() - 2_217.494).abs() < 0.01, "{}", round.rate());
    assert_eq!((round.latency_ms.p50, round.latency_ms.max), (0.514_057, 9.341_659));
    assert_eq!(round.failed_thresholds, ["dropped_iterations: count==0", "http_req_failed: rate==0"]);
}

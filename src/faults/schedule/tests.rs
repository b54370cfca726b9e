//! The schedule, on a paused clock.

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const LATENCY: Fault = Fault::Latency(Duration::from_millis(300));

/// Returns how many of the next 1,000 requests fail.
fn failures(faults: &Faults) -> usize {
    (0..1000).filter(|_| faults.fails_request()).count()
}

#[tokio::test(start_paused = true)]
async fn a_fault_ends_at_its_time() {
    let faults = Faults::new();
    faults.start(LATENCY, 10 * SECOND).unwrap();
    sleep(4 * SECOND).await;
    assert_eq!(faults.running(), [(LATENCY, 6 * SECOND)]);
    sleep(6 * SECOND).await;
    assert_eq!(faults.running(), []);
    assert!(!faults.is_running(Kind::Latency));
}

#[tokio::test(start_paused = true)]
async fn a_fault_replaces_one_of_its_kind_and_no_other() {
    let faults = Faults::new();
    faults.start(LATENCY, 10 * SECOND).unwrap();
    faults.start(Fault::Unready, 10 * SECOND).unwrap();
    let shorter = Fault::Latency(SECOND);
    faults.start(shorter, 20 * SECOND).unwrap();
    assert_eq!(faults.running(), [(shorter, 20 * SECOND), (Fault::Unready, 10 * SECOND)]);
    // The end of the replaced fault does not end its successor.
    sleep(15 * SECOND).await;
    assert_eq!(faults.running(), [(shorter, 5 * SECOND)]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_the_delay_or_with_the_fault() {
    let faults = Faults::new();
    let waited = async |kind| {
        let since = Instant::now();
        faults.delay(kind).await;
        since.elapsed()
    };
    assert_eq!(waited(Kind::SlowQuery).await, Duration::ZERO, "no fault runs");
    faults.start(Fault::SlowQuery(2 * SECOND), 3 * SECOND).unwrap();
    assert_eq!(waited(Kind::Latency).await, Duration::ZERO, "another fault runs");
    assert_eq!(waited(Kind::SlowQuery).await, 2 * SECOND);
    assert_eq!(waited(Kind::SlowQuery).await, SECOND, "the fault ends");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_all_faults_and_their_waits_and_starts_no_more() {
    let faults = Faults::new();
    faults.start(Fault::SlowQuery(60 * SECOND), 600 * SECOND).unwrap();
    faults.start(Fault::ExhaustedPool, 600 * SECOND).unwrap();
    let since = Instant::now();
    let stop = async {
        sleep(SECOND).await;
        faults.stop();
    };
    tokio::join!(faults.delay(Kind::SlowQuery), faults.ended(Kind::ExhaustedPool), stop);
    assert_eq!(since.elapsed(), SECOND);
    assert_eq!(faults.start(Fault::Unready, SECOND), Err(Stopped));
    assert_eq!(faults.running(), []);
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_fault_ends_when_the_fault_begins() {
    let faults = Faults::new();
    let start = async {
        sleep(SECOND).await;
        faults.start(Fault::Unready, SECOND).unwrap();
    };
    let since = Instant::now();
    tokio::join!(faults.begun(Kind::Unready), start);
    assert_eq!(since.elapsed(), SECOND);
    faults.ended(Kind::Unready).await;
    assert_eq!(since.elapsed(), 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_share_of_failed_requests_is_the_one_requested() {
    let faults = Faults::new();
    assert_eq!(failures(&faults), 0, "no fault runs");
    for (share, expected) in [(0.001, 1), (0.25, 250), (0.5, 500), (1.0, 1000)] {
        faults.start(Fault::Errors(share), SECOND).unwrap();
        let failures = failures(&faults);
        assert!(failures.abs_diff(expected) <= 3, "{failures} for {share}");
    }
    faults.end(Kind::Latency);
    assert_eq!(failures(&faults), 1000, "another kind was ended");
    faults.end(Kind::Errors);
    assert_eq!(failures(&faults), 0);
}

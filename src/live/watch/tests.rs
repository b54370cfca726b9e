//! Viewers and samples, on a paused clock.

use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use tokio::time::sleep;

use super::*;

const HOUR: Duration = Duration::from_hours(1);

/// Counts how often the registry is read.
#[derive(Clone)]
struct Readings(Arc<AtomicUsize>, Desc);

impl Readings {
    fn new() -> Self {
        let desc = Desc::new("readings".to_owned(), "As the test wants".to_owned(), vec![], [].into());
        Self(Arc::default(), desc.unwrap())
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Collector for Readings {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.1]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Vec::new()
    }
}

fn live() -> (Arc<Live>, Readings) {
    let (registry, readings) = (Registry::new(), Readings::new());
    registry.register(Box::new(readings.clone())).unwrap();
    (Arc::new(Live::new(registry)), readings)
}

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sampled_while_nobody_watches() {
    let (live, readings) = live();
    sleep(HOUR).await;
    assert_eq!((readings.count(), tasks()), (0, 0));

    let mut viewer = live.watch().unwrap();
    for _ in 0..3 {
        assert!(viewer.next().await.is_some());
    }
    // One reading at the start, and one for each event.
    assert_eq!((readings.count(), tasks()), (4, 1));

    drop(viewer);
    sleep(HOUR).await;
    assert_eq!((readings.count(), tasks()), (4, 0));

    assert!(live.watch().unwrap().next().await.is_some(), "the next viewer");
}

#[tokio::test(start_paused = true)]
async fn all_viewers_share_one_sample_a_second() {
    let (live, readings) = live();
    let mut viewers: Vec<_> = (0..MOST_VIEWERS).map(|_| live.watch().unwrap()).collect();
    let started = Instant::now();
    for _ in 0..10 {
        let mut events = Vec::new();
        for viewer in &mut viewers {
            events.push(viewer.next().await.unwrap().into_bytes());
        }
        assert!(events.iter().all(|event| event.as_ptr() == events[0].as_ptr()), "the same bytes");
    }
    assert_eq!(started.elapsed(), 10 * PERIOD);
    assert_eq!((readings.count(), tasks()), (11, 1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_viewer_misses_events() {
    let (live, readings) = live();
    let mut viewer = live.watch().unwrap();
    sleep(HOUR).await;
    let before = readings.count();
    assert!(before > 3000, "the slow viewer is not waited for: {before}");
    assert!(viewer.next().await.is_some(), "the latest event");
    assert_eq!(readings.count(), before, "and no older ones");
    viewer.next().await;
    assert_eq!(readings.count(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_viewer_who_leaves_makes_room() {
    let (live, _) = live();
    let mut viewers: Vec<_> = (0..MOST_VIEWERS).map(|_| live.watch().unwrap()).collect();
    assert!(live.watch().is_err());
    viewers.pop();
    assert!(live.watch().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_new_viewer_after_the_last_one_causes_no_early_sample() {
    let (live, readings) = live();
    let viewer = live.watch().unwrap();
    sleep(PERIOD / 4).await;
    drop(viewer);
    let mut viewer = live.watch().unwrap();
    let came = Instant::now();
    viewer.next().await;
    assert_eq!((came.elapsed(), readings.count(), tasks()), (PERIOD * 3 / 4, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_every_stream_with_a_last_event() {
    let (live, _) = live();
    let mut early = live.watch().unwrap();
    early.next().await;
    live.stop();
    let mut late = live.watch().unwrap();
    for viewer in [&mut early, &mut late] {
        assert_eq!(viewer.next().await, Some(Event::STOPPED));
        assert_eq!(viewer.next().await, None);
    }
    sleep(HOUR).await;
    assert_eq!(tasks(), 0);
}

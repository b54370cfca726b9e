//! Waiting for a state. After a fixed pause a busy machine may not have reached the state yet.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use tokio::time::sleep;

/// Time after which a wait fails its test. It is far longer than anything takes on a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(1);

const PAUSE: Duration = Duration::from_millis(10);

/// Calls `look` until it returns `Ok`. An `Err` holds the current state, for the message of a failure.
pub(crate) async fn until<T, E: Debug>(expected: &str, mut look: impl AsyncFnMut() -> Result<T, E>) -> T {
    let since = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(state) => {
                assert!(since.elapsed() < TIMEOUT, "not within {TIMEOUT:?}: {expected}; instead: {state:#?}");
            }
        }
        sleep(PAUSE).await;
    }
}

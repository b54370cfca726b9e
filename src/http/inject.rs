//! Injects the faults `latency` and `errors` into the requests of the public port.
//!
//! The observer sees these requests like any other: metrics, spans and log lines show the injected time and
//! failures.

use axum::response::{IntoResponse as _, Response};

use super::error::Error;
use crate::faults::{Faults, Kind};

/// Holds a request back for as long as the faults demand. Returns the response if the request must fail; no
/// handler has seen the request then.
pub(super) async fn inject(faults: &Faults) -> Option<Response> {
    faults.delay(Kind::Latency).await;
    faults.fails_request().then(|| Error::Injected.into_response())
}

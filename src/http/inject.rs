//! Injects the faults `latency` and `errors` into the requests of the public port.
//!
//! The observer sees these requests like any other: metrics, spans and log lines show the injected time and
//! failures.

use axum::response::{IntoResponse as _, Response};

use super::error::Error;
use crate::faults::{Faults, Kind};

/// Holds a request back for as long as the faults demand. If it must fail, drops `response` before its handler
/// has run.
pub(super) async fn unless_injected(faults: &Faults, response: impl Future<Output = Response>) -> Response {
    faults.delay(Kind::Latency).await;
    if faults.fails_request() { Error::Injected.into_response() } else { response.await }
}

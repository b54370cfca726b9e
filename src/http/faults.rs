//! `/faults/` on the admin port: starts, lists and ends injected faults.

use std::ops::RangeInclusive;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use subtle::ConstantTimeEq as _;
use tracing::warn;

use super::error::Error;
use super::extract::NoQuery;
use super::json_body::JsonBody;
use super::routes::Route;
use super::state::AdminState;
use crate::api::{FaultRequest, Json, RunningFault, RunningFaults};
use crate::faults::{Fault, Faults, Kind, Stopped};

const SECONDS: RangeInclusive<u64> = 1..=600;
const MILLISECONDS: RangeInclusive<u64> = 1..=60_000;

pub(super) fn routes() -> [Route<AdminState>; 2] {
    [
        Route::get("/faults/", list_faults).delete(end_faults),
        Route::post("/faults/{fault}/", start_fault).delete(end_fault),
    ]
}

/// The faults, for a request with the token.
struct Authorized(Faults);

impl FromRequestParts<AdminState> for Authorized {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AdminState) -> Result<Self, Error> {
        let Some(switch) = &state.faults else { return Err(Error::NoSuchRoute) };
        let token = switch.settings.read_token().map_err(|error| {
            // Requests of the admin port have no log line of their own.
            warn!(%error, "the token of a request to /faults/ cannot be checked, so the request gets 500");
            Error::TokenFile(error)
        })?;
        let sent = parts.headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let sent = sent.and_then(bearer_token).unwrap_or_default();
        // Takes as long for a wrong first byte as for a wrong last one.
        let is_right = bool::from(sent.ct_eq(token.as_bytes()));
        if is_right { Ok(Self(switch.faults.clone())) } else { Err(Error::Unauthorized) }
    }
}

/// Returns the token of an `Authorization: Bearer` (RFC 6750), whose scheme has no case.
fn bearer_token(authorization: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = authorization.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

/// The fault in the path, its second segment.
struct Named(Kind);

impl FromRequestParts<AdminState> for Named {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &AdminState) -> Result<Self, Error> {
        let name = parts.uri.path().split('/').nth(2).unwrap_or_default();
        Kind::named(name).map(Self).ok_or(Error::NoSuchFault)
    }
}

async fn list_faults(Authorized(faults): Authorized, _: NoQuery) -> Result<Json<RunningFaults>, Error> {
    running(&faults)
}

async fn start_fault(
    Authorized(faults): Authorized,
    Named(kind): Named,
    _: NoQuery,
    JsonBody(body): JsonBody<FaultRequest>,
) -> Result<Json<RunningFaults>, Error> {
    let (fault, length) = body.and_then(|body| requested(kind, body)).map_err(Error::InvalidFault)?;
    faults.start(fault, length).map_err(|Stopped| Error::Stopping)?;
    running(&faults)
}

async fn end_fault(
    Authorized(faults): Authorized,
    Named(kind): Named,
    _: NoQuery,
) -> Result<Json<RunningFaults>, Error> {
    faults.end(kind);
    running(&faults)
}

async fn end_faults(Authorized(faults): Authorized, _: NoQuery) -> Result<Json<RunningFaults>, Error> {
    faults.end_all();
    running(&faults)
}

/// Returns the fault that a body requests, and how long it runs; or what is wrong with the body.
fn requested(kind: Kind, body: FaultRequest) -> Result<(Fault, Duration), String> {
    let FaultRequest { seconds, milliseconds, share } = body;
    let length = Duration::from_secs(within("seconds", Some(seconds), SECONDS)?);
    let takes = |name, given: bool, takes: &[Kind]| {
        let is_surplus = given && !takes.contains(&kind);
        if is_surplus {
            Err(format!("{name}: the fault {} has no such parameter", kind.name()))
        } else {
            Ok(())
        }
    };
    takes("milliseconds", milliseconds.is_some(), &[Kind::Latency, Kind::SlowQuery])?;
    takes("share", share.is_some(), &[Kind::Errors])?;
    let delay = || within("milliseconds", milliseconds, MILLISECONDS).map(Duration::from_millis);
    let fault = match kind {
        Kind::Latency => Fault::Latency(delay()?),
        Kind::SlowQuery => Fault::SlowQuery(delay()?),
        Kind::Errors => match share {
            Some(share) if share > 0.0 && share <= 1.0 => Fault::Errors(share),
            other => return Err(format!("share: expected a number above 0 up to 1, {}", found(other))),
        },
        Kind::ExhaustedPool => Fault::ExhaustedPool,
        Kind::CutConnections => Fault::CutConnections,
        Kind::Unready => Fault::Unready,
    };
    Ok((fault, length))
}

fn within(name: &str, value: Option<u64>, range: RangeInclusive<u64>) -> Result<u64, String> {
    value.filter(|value| range.contains(value)).ok_or_else(|| {
        format!("{name}: expected a whole number from {} to {}, {}", range.start(), range.end(), found(value))
    })
}

fn found(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "and it is missing".to_owned(), |value| format!("not {}", value.to_string()))
}

fn running(faults: &Faults) -> Result<Json<RunningFaults>, Error> {
    let running = faults.running().into_iter().map(|(fault, left)| RunningFault {
        fault: fault.kind().name(),
        seconds_left: left.as_secs() + u64::from(left.subsec_nanos() > 0),
        milliseconds: fault.delay().and_then(|delay| u64::try_from(delay.as_millis()).ok()),
        share: fault.share(),
    });
    Ok(Json::encode(&RunningFaults { faults: running.collect() })?)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn requests() -> impl Strategy<Value = FaultRequest> {
        let seconds = prop_oneof![0..700_u64, any::<u64>()];
        let milliseconds = option::of(prop_oneof![0..70_000_u64, any::<u64>()]);
        let share = option::of(prop_oneof![-0.5..1.5_f64, any::<f64>()]);
        (seconds, milliseconds, share).prop_map(|(seconds, milliseconds, share)| FaultRequest {
            seconds,
            milliseconds,
            share,
        })
    }

    proptest! {
        #[test]
        fn a_fault_that_is_accepted_has_an_end_and_values_in_range(body in requests()) {
            for kind in Kind::ALL {
                let Ok((fault, length)) = requested(kind, body) else { continue };
                prop_assert_eq!(fault.kind(), kind);
                prop_assert!((1..=600).contains(&length.as_secs()) && length.as_secs() == body.seconds);
                let milliseconds = fault.delay().map(|delay| delay.as_millis());
                prop_assert!(milliseconds.is_none_or(|delay| (1..=60_000).contains(&delay)));
                prop_assert_eq!(milliseconds, body.milliseconds.map(u128::from));
                prop_assert!(fault.share().is_none_or(|share| share > 0.0 && share <= 1.0));
                prop_assert_eq!(fault.share(), body.share);
            }
        }

        #[test]
        fn a_token_reads_back_from_its_header(token in "[!-~]([ -~]{0,20}[!-~])?", scheme in "(?i)bearer") {
            let header = format!("{scheme} {token} ");
            prop_assert_eq!(bearer_token(header.as_bytes()), Some(token.as_bytes()));
        }

        #[test]
        fn only_the_scheme_bearer_has_a_token(bytes in vec(any::<u8>(), 0..30)) {
            let is_bearer = bytes.len() >= 7 && bytes[..7].eq_ignore_ascii_case(b"bearer ");
            prop_assert_eq!(bearer_token(&bytes).is_some(), is_bearer);
        }
    }
}

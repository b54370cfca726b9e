//! Chooses the content coding of a response (RFC 9110, section 12.5.3).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::api::Coding;

/// The coding that the client likes best, if it accepts one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AcceptedCoding(pub(super) Option<Coding>);

impl<S: Sync> FromRequestParts<S> for AcceptedCoding {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let is_sent = parts.headers.contains_key(header::ACCEPT_ENCODING);
        Ok(Self(if is_sent { best(&accepted(parts)) } else { None }))
    }
}

impl IntoParams for AcceptedCoding {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let parameter = ParameterBuilder::new()
            .name("accept-encoding")
            .parameter_in(ParameterIn::Header)
            .description(Some("A body of 1 KiB or more is compressed if this names `zstd`, `br` or `gzip`."))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        vec![parameter.build()]
    }
}

/// Whether the client accepts gzip, even if it likes another coding better.
pub(super) struct AcceptsGzip(pub(super) bool);

impl<S: Sync> FromRequestParts<S> for AcceptsGzip {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let accepted = accepted(parts);
        let weight = weight(&accepted, Coding::Gzip.name()).or_else(|| weight(&accepted, "*"));
        Ok(Self(weight > Some(0)))
    }
}

/// Returns what the `Accept-Encoding` headers of a request list.
fn accepted(parts: &Parts) -> String {
    let headers = parts.headers.get_all(header::ACCEPT_ENCODING).iter();
    headers.filter_map(|header| header.to_str().ok()).collect::<Vec<_>>().join(",")
}

/// Returns the coding of the highest weight, and of our preference among equals. Without a weight above that
/// of `identity`, the body stays as it is.
fn best(accepted: &str) -> Option<Coding> {
    let least = weight(accepted, "identity").unwrap_or(0);
    let weight = |coding: &Coding| weight(accepted, coding.name()).or_else(|| weight(accepted, "*"));
    let acceptable =
        Coding::ALL.into_iter().filter(|coding| weight(coding) > Some(0) && weight(coding) >= Some(least));
    // The last of equals is the maximum, so the order is reversed.
    acceptable.rev().max_by_key(weight)
}

/// Returns the weight of a coding in thousandths, if the list names it.
fn weight(accepted: &str, name: &str) -> Option<u16> {
    accepted.split(',').find_map(|item| {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let is_named = coding.trim().eq_ignore_ascii_case(name)
            || (name == "gzip" && coding.trim().eq_ignore_ascii_case("x-gzip"));
        is_named.then(|| thousandths(parameters))
    })
}

/// Reads a weight such as `q=0.5`. One that is malformed makes the coding unacceptable.
pub(super) fn thousandths(parameters: &str) -> u16 {
    let parameters = parameters.trim();
    if parameters.is_empty() {
        return 1000;
    }
    let value = parameters.strip_prefix("q=").or_else(|| parameters.strip_prefix("Q="));
    let value = value.and_then(|value| value.parse::<f32>().ok()).filter(|value| (0.0..=1.0).contains(value));
    // A float that is at most 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
    value.map_or(0, |value| (value * 1000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_weight_decides_and_then_our_preference() {
        use Coding::{Brotli, Gzip, Zstd};
        for (accepted, expected) in [
            ("gzip, deflate, br, zstd", Some(Zstd)),
            ("gzip, deflate, br", Some(Brotli)),
            ("GZIP", Some(Gzip)),
            ("x-gzip", Some(Gzip)),
            ("*", Some(Zstd)),
            ("*;q=0.5, gzip;q=0.6", Some(Gzip)),
            ("zstd;q=0, *", Some(Brotli)),
            ("br;q=0.2,gzip;q=0.8", Some(Gzip)),
            ("gzip;q=0.8, identity", None),
            ("identity;q=0.5, gzip;q=0.5", Some(Gzip)),
            ("identity;q=0, gzip;q=0.001", Some(Gzip)),
            ("gzip;q=0", None),
            ("gzip;q=2", None),
            ("gzip;q=x", None),
            ("*;q=0", None),
            ("deflate, compress", None),
            ("identity", None),
            ("", None),
        ] {
            assert_eq!(best(accepted), expected, "{accepted}");
        }
    }
}

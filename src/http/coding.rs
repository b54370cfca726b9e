//! Chooses the content coding of a response (RFC 9110, section 12.5.3).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use crate::api::Coding;

/// The coding that the client prefers, if it accepts one that this service has.
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

/// Whether the client accepts gzip, even if it prefers another coding.
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

/// Returns the coding with the highest weight. If several codings have this weight, it is the first of them in
/// [`Coding::ALL`]. Returns `None` if the client accepts no coding, or gives `identity` a greater weight.
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

/// Reads a weight such as `q=0.5`, in thousandths. A weight that is not a number from 0 to 1 makes the coding
/// unacceptable. Like most servers, this also reads numbers that RFC 9110 does not allow, such as `q=.5`.
pub(super) fn thousandths(parameters: &str) -> u16 {
    let parameters = parameters.trim();
    if parameters.is_empty() {
        return 1000;
    }
    let value = parameters.strip_prefix("q=").or_else(|| parameters.strip_prefix("Q="));
    let value = value.and_then(|value| value.parse::<f32>().ok()).filter(|value| (0.0..=1.0).contains(value));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
    value.map_or(0, |value| (value * 1000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 7] = ["zstd", "br", "gzip", "x-gzip", "identity", "*", "deflate"];

    /// Writes a list by the grammar of RFC 9110, with weights in thousandths.
    fn written(list: &[(&str, u16, String)]) -> String {
        let item = |(name, weight, space): &(&str, u16, String)| {
            format!("{name}{space};{space}q={}.{:03}", weight / 1000, weight % 1000)
        };
        list.iter().map(item).collect::<Vec<_>>().join(",")
    }

    proptest! {
        #[test]
        fn every_weight_of_the_grammar_is_read_exactly(weight in 0..=1000_u16, digits in 0..=3_usize) {
            let text = format!("{}.{:03}", weight / 1000, weight % 1000);
            let shown = &text[..text.len() - (3 - digits)];
            let cut = 10_u16.pow(u32::try_from(3 - digits).unwrap());
            for parameters in [format!("q={shown}"), format!(" Q={shown} ")] {
                prop_assert_eq!(thousandths(&parameters), weight / cut * cut, "{}", parameters);
            }
        }

        #[test]
        fn any_text_gives_a_weight_in_range(text in any::<String>(), number in any::<f32>()) {
            for parameters in [format!("q={text}"), format!("q={number}"), text] {
                prop_assert!(thousandths(&parameters) <= 1000, "{}", parameters);
                best(&parameters);
            }
        }

        #[test]
        fn the_chosen_coding_is_listed_and_no_other_has_a_greater_weight(
            list in vec((prop::sample::select(&NAMES), 0..=1000_u16, " ?"), 0..5),
        ) {
            let of = |name: &str| list.iter().find(|(listed, ..)| *listed == name).map(|(_, weight, _)| *weight);
            let weight = |coding: Coding| match coding {
                Coding::Gzip => {
                    list.iter().find(|(name, ..)| ["gzip", "x-gzip"].contains(name)).map(|(_, weight, _)| *weight)
                }
                _ => of(coding.name()),
            }.or_else(|| of("*")).unwrap_or(0);
            let likes = Coding::ALL.into_iter().map(weight).max().unwrap();
            let is_plain = likes == 0 || likes < of("identity").unwrap_or(0);
            let chosen = best(&written(&list)).map(weight);
            prop_assert_eq!(chosen, (!is_plain).then_some(likes), "{}", written(&list));
        }
    }

    #[test]
    fn the_highest_weight_decides_and_then_the_order_of_preference() {
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

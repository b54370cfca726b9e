//! Extractors for paths and queries. A request that they refuse gets a problem that says what was
//! expected; axum's own extractors respond in plain text.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, de};
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use super::error::Error;

/// The id in a path, its second segment: digits, up to the largest `integer` of Postgres.
pub(super) struct Id(pub(super) i32);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let expected = || Error::InvalidPath(format!("expected an id from 0 to {}", i32::MAX));
        let segment = parts.uri.path().split('/').nth(2).unwrap_or_default();
        let text = percent_decode_str(segment).decode_utf8().map_err(|_| expected())?;
        // `parse` alone would accept a sign, and one film would have two addresses.
        let has_digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
        has_digits_only.then(|| text.parse().ok()).flatten().map(Self).ok_or_else(expected)
    }
}

impl IntoParams for Id {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(0))
            .maximum(Some(i32::MAX));
        let parameter = ParameterBuilder::new()
            .name("film_id")
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some("The film's id."))
            .example(Some(995.into()))
            .schema(Some(schema));
        vec![parameter.build()]
    }
}

/// The query. A key that `T` does not have is refused.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let query = axum::extract::Query::try_from_uri(&parts.uri);
        query.map(|query| Self(query.0)).map_err(|rejection| {
            let text = rejection.body_text();
            // Drops the general sentence that axum puts before the cause.
            let detail = text.split_once("query string: ").map_or(text.as_str(), |(_, detail)| detail);
            Error::InvalidQuery(detail.to_owned())
        })
    }
}

/// The query of a route without parameters. It refuses every key, because a key that is silently
/// ignored misleads the client.
pub(super) struct NoQuery;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoParameters {}

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        // Most requests have no query, and need no parser for it.
        if parts.uri.query().is_some() {
            Query::<NoParameters>::from_request_parts(parts, state).await?;
        }
        Ok(Self)
    }
}

/// Deserializes an integer in a query.
pub(super) fn integer<'de, D: Deserializer<'de>>(input: D) -> Result<i32, D::Error> {
    let expected = format_args!("expected an integer from {} to {}", i32::MIN, i32::MAX);
    String::deserialize(input)?.parse().map_err(|_| de::Error::custom(expected))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use futures_util::FutureExt as _;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    fn id(segment: &str) -> Option<i32> {
        let (mut parts, ()) = Request::get(format!("/films/{segment}/")).body(()).unwrap().into_parts();
        Id::from_request_parts(&mut parts, &()).now_or_never().unwrap().ok().map(|id| id.0)
    }

    proptest! {
        #[test]
        fn every_id_reads_back_from_its_path(film_id in 0..=i32::MAX) {
            prop_assert_eq!(id(&film_id.to_string()), Some(film_id));
        }

        #[test]
        fn a_segment_is_an_id_only_if_it_has_nothing_but_digits(text in any::<String>(), number in any::<i64>()) {
            for segment in [text, number.to_string()] {
                let digits = segment.bytes().all(|byte| byte.is_ascii_digit());
                let expected = segment.parse().ok().filter(|_| digits);
                prop_assert_eq!(id(&utf8_percent_encode(&segment, NON_ALPHANUMERIC).to_string()), expected);
            }
        }

        #[test]
        fn no_percent_encoding_panics(segment in "[%0-9a-fA-F]{1,12}") {
            id(&segment);
        }
    }
}

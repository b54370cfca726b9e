//! The header `Idempotency-Key`, of draft-ietf-httpapi-idempotency-key-header-07.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::error::Error;

const NAME: HeaderName = HeaderName::from_static("idempotency-key");

/// Longest key, in characters. Stripe has the same limit.
const LONGEST: usize = 255;

/// The idempotency key of a request, if it has one.
pub(super) struct IdempotencyKey(pub(super) Option<Arc<str>>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let mut values = parts.headers.get_all(NAME).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let key = if values.next().is_none() { parse(value) } else { None };
        key.map(|key| Self(Some(key.into()))).ok_or_else(|| {
            let expected = format!("expected one key of 1 to {LONGEST} characters, such as \"{EXAMPLE}\"");
            Error::InvalidIdempotencyKey(expected)
        })
    }
}

const EXAMPLE: &str = "8e03978e-40d5-43dd-bc93-6894a57f9324";

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some(PATTERN));
        let parameter = ParameterBuilder::new()
            .name(NAME.as_str())
            .parameter_in(ParameterIn::Header)
            .description(Some(
                "The client's name for this review, such as a UUID, in quotes. A request with a key may be sent \
                 again: one review is stored.",
            ))
            .example(Some(format!("\"{EXAMPLE}\"").into()))
            .schema(Some(schema));
        vec![parameter.build()]
    }
}

/// The keys in the OpenAPI document. [`parse`] accepts all of them, and also keys of 128 to 255 characters in
/// quotes.
const PATTERN: &str = r#"^("([ !#-\[\]-~]|\\["\\]){1,127}"|[!#-+\--:<-\[\]-~]{1,255})$"#;

/// Returns the key: a string of RFC 8941, section 3.3.3, without parameters; or the same characters without
/// quotes, as many clients send them. A comma without quotes could separate two keys.
fn parse(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let key = match text.strip_prefix('"') {
        Some(rest) => unescaped(rest.strip_suffix('"')?)?,
        None if text.contains(['"', '\\', ',', ';', ' ']) => return None,
        None => text.to_owned(),
    };
    let is_printable = key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    (is_printable && (1..=LONGEST).contains(&key.len())).then_some(key)
}

/// Returns the content of a string. A quote or a backslash in it follows a backslash.
fn unescaped(content: &str) -> Option<String> {
    let mut characters = content.chars();
    let mut key = String::with_capacity(content.len());
    while let Some(character) = characters.next() {
        key.push(match character {
            '"' => return None,
            '\\' => characters.next().filter(|escaped| ['"', '\\'].contains(escaped))?,
            other => other,
        });
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Option<String> {
        parse(&HeaderValue::try_from(text).unwrap())
    }

    #[test]
    fn a_key_may_have_quotes_and_escaped_characters() {
        for (text, key) in [
            (r#""8e03978e-40d5-43dd-bc93-6894a57f9324""#, "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            (r#""a b,c;d""#, "a b,c;d"),
            (r#""a\"b\\c""#, r#"a"b\c"#),
        ] {
            assert_eq!(parsed(text).as_deref(), Some(key));
        }
    }

    #[test]
    fn anything_else_is_no_key() {
        let (long, longer) = ("k".repeat(255), "k".repeat(256));
        assert_eq!(parsed(&long), Some(long));
        let text = [
            "", r#""""#, r#"""#, r#""a"#, r#"a""#, r#""a"b""#, r#""\a""#, r#""a\""#, "a,b", "a b", "a;b",
            r#""a";b"#, "a\tb", "ä",
        ];
        for text in text.into_iter().chain([longer.as_str()]) {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_printable_key_survives_its_quotes(key in "[ -~]{1,255}") {
            let quoted = format!("\"{}\"", key.replace('\\', r"\\").replace('"', r#"\""#));
            prop_assert_eq!(parsed(&quoted), Some(key));
        }

        #[test]
        fn what_matches_the_documented_pattern_is_a_key(text in prop::string::string_regex(PATTERN.trim_matches(['^', '$'])).unwrap()) {
            prop_assert!(parsed(&text).is_some(), "{text}");
        }
    }
}

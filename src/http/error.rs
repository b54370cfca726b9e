//! The failures of requests, and their responses: RFC 9457 problem details.
//!
//! A client's mistake is explained to the client. An internal failure is not: the body of a 5xx says
//! only that the service failed, and the log line of the request says why.

use std::sync::Arc;
use std::time::Duration;

use crate::api::{EncodingError, Json, Problem};
use crate::db;
use axum::http::header::InvalidHeaderValue;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// When a client may retry, in seconds. An overload, or a restart of Postgres, lasts about this long.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Sent if not even the problem could be encoded.
const INTERNAL: &str =
    r#"{"type":"urn:problem-type:films:internal","title":"The service failed","status":500}"#;

/// Why a request failed.
#[derive(Debug)]
pub(super) enum Error {
    NoSuchRoute,
    NoSuchFilm(i32),
    MethodNotAllowed,
    InvalidHost(usize),
    InvalidPath(String),
    InvalidQuery(String),
    UnsupportedMediaType,
    UnsupportedContentCoding,
    BodyTooLarge(usize),
    BodyTimeout(Duration),
    BodyLost,
    InvalidJson(String),
    InvalidReview(String),
    UnknownFilm(i32),
    Timeout(Duration),
    Database(db::Error),
    Encoding(String),
    Metrics(prometheus::Error),
    Panicked,
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        Self::Database(error)
    }
}

impl From<EncodingError> for Error {
    fn from(error: EncodingError) -> Self {
        Self::Encoding(error.to_string())
    }
}

impl From<InvalidHeaderValue> for Error {
    fn from(error: InvalidHeaderValue) -> Self {
        Self::Encoding(error.to_string())
    }
}

/// The cause of an internal failure, for the request's log line and span. It is an extension of the
/// response and is never sent.
#[derive(Clone, Debug)]
pub(super) struct InternalError {
    pub(super) kind: &'static str,
    pub(super) text: Arc<str>,
}

impl Error {
    /// Returns the status, the name in `type` (stable: clients may branch on it), and the title.
    fn class(&self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::NoSuchRoute => (S::NOT_FOUND, "no-such-route", "There is no such route"),
            Self::NoSuchFilm(_) => (S::NOT_FOUND, "no-such-film", "There is no such film"),
            Self::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method-not-allowed", "The route does not support this method")
            }
            Self::InvalidHost(_) => (S::BAD_REQUEST, "invalid-host", "The request does not name one host"),
            Self::InvalidPath(_) => (S::BAD_REQUEST, "invalid-path", "The path is malformed"),
            Self::InvalidQuery(_) => (S::BAD_REQUEST, "invalid-query", "The query is malformed"),
            Self::UnsupportedMediaType => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is not declared as JSON")
            }
            Self::UnsupportedContentCoding => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unsupported-content-coding", "The body is compressed")
            }
            Self::BodyTooLarge(_) => (S::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large"),
            Self::BodyTimeout(_) => (S::REQUEST_TIMEOUT, "body-timeout", "The body took too long to arrive"),
            Self::BodyLost => (S::BAD_REQUEST, "body-lost", "The body could not be read to its end"),
            Self::InvalidJson(_) => (S::BAD_REQUEST, "invalid-json", "The body is not JSON"),
            Self::InvalidReview(_) | Self::Database(db::Error::Refused(_)) => {
                (S::UNPROCESSABLE_ENTITY, "invalid-review", "The body is not a review")
            }
            Self::UnknownFilm(_) => {
                (S::UNPROCESSABLE_ENTITY, "unknown-film", "The film of this review does not exist")
            }
            Self::Timeout(_) => (S::GATEWAY_TIMEOUT, "timeout", "The request took too long"),
            Self::Database(db::Error::Overloaded(_)) => {
                (S::SERVICE_UNAVAILABLE, "overloaded", "The service has too many requests")
            }
            Self::Database(db::Error::Query(_) | db::Error::Panicked)
            | Self::Encoding(_)
            | Self::Metrics(_)
            | Self::Panicked => (S::INTERNAL_SERVER_ERROR, "internal", "The service failed"),
            Self::Database(_) => (S::SERVICE_UNAVAILABLE, "unavailable", "The service is unavailable"),
        }
    }

    /// Returns what the client can do.
    fn detail(&self) -> Option<String> {
        Some(match self {
            Self::NoSuchFilm(id) => format!("no film has the id {id}"),
            Self::UnknownFilm(id) => format!("film_id: no film has the id {id}"),
            Self::InvalidHost(count) => format!("expected one Host header, not {count}"),
            Self::InvalidPath(text)
            | Self::InvalidQuery(text)
            | Self::InvalidJson(text)
            | Self::InvalidReview(text) => text.clone(),
            Self::UnsupportedMediaType => "expected the header content-type: application/json".to_owned(),
            Self::UnsupportedContentCoding => "expected a body without content-encoding".to_owned(),
            Self::BodyTooLarge(size) => format!("expected at most {size} bytes"),
            Self::BodyTimeout(limit) => format!("expected all of it within {limit:?}"),
            Self::Database(db::Error::Refused(_)) => "the database has a rule against this review".to_owned(),
            _ => return None,
        })
    }

    /// Returns the cause of an internal failure.
    fn cause(&self) -> Option<String> {
        Some(match self {
            Self::Timeout(limit) => format!("no response within {limit:?}"),
            Self::Database(error) => error.to_string(),
            Self::Encoding(error) => error.clone(),
            Self::Metrics(error) => error.to_string(),
            Self::Panicked => "a handler panicked".to_owned(),
            _ => return None,
        })
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, name, title) = self.class();
        let problem = Problem {
            r#type: format!("urn:problem-type:films:{name}"),
            title,
            status: status.as_u16(),
            detail: self.detail(),
        };
        let (status, body, cause) = match Json::encode(&problem) {
            Ok(body) => (status, body.into_bytes(), self.cause()),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, INTERNAL.into(), Some(error.to_string())),
        };
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if matches!(self, Self::UnsupportedContentCoding) {
            response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if let Some(text) = cause {
            response.extensions_mut().insert(InternalError { kind: name, text: text.into() });
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_header_that_cannot_be_sent_is_an_internal_failure() {
        let error = Error::from(HeaderValue::try_from("line\nbreak").unwrap_err());
        let response = error.into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.extensions().get::<InternalError>().unwrap().kind, "internal");
    }

    #[test]
    fn docs_list_every_problem_type() {
        let database = |error| Error::Database(error);
        let errors = [
            Error::NoSuchRoute,
            Error::NoSuchFilm(0),
            Error::MethodNotAllowed,
            Error::InvalidHost(0),
            Error::InvalidPath(String::new()),
            Error::InvalidQuery(String::new()),
            Error::UnsupportedMediaType,
            Error::UnsupportedContentCoding,
            Error::BodyTooLarge(0),
            Error::BodyTimeout(Duration::ZERO),
            Error::BodyLost,
            Error::InvalidJson(String::new()),
            Error::InvalidReview(String::new()),
            Error::UnknownFilm(0),
            Error::Timeout(Duration::ZERO),
            Error::Encoding(String::new()),
            Error::Metrics(prometheus::Error::AlreadyReg),
            Error::Panicked,
            database(db::Error::Overloaded(0)),
            database(db::Error::Closed),
            database(db::Error::Panicked),
        ];
        let row = |error: &Error| {
            let (status, name, _) = error.class();
            format!("| {} | `{name}` |", status.as_u16())
        };
        let classes: BTreeSet<String> = errors.iter().map(row).collect();
        let table =
            include_str!("../../docs/api.md").lines().skip_while(|line| *line != "| status | name | cause |");
        let rows = table.skip(2).take_while(|line| line.starts_with('|'));
        let documented = rows.map(|line| line.split_inclusive('|').take(3).collect::<String>());
        assert_eq!(documented.collect::<BTreeSet<_>>(), classes);
        // A new variant must be added here, and to the list above: without it this does not compile.
        let is_listed = |error: &Error| match error {
            Error::NoSuchRoute
            | Error::NoSuchFilm(_)
            | Error::MethodNotAllowed
            | Error::InvalidHost(_)
            | Error::InvalidPath(_)
            | Error::InvalidQuery(_)
            | Error::UnsupportedMediaType
            | Error::UnsupportedContentCoding
            | Error::BodyTooLarge(_)
            | Error::BodyTimeout(_)
            | Error::BodyLost
            | Error::InvalidJson(_)
            | Error::InvalidReview(_)
            | Error::UnknownFilm(_)
            | Error::Timeout(_)
            | Error::Database(_)
            | Error::Encoding(_)
            | Error::Metrics(_)
            | Error::Panicked => true,
        };
        assert!(errors.iter().all(is_listed));
    }

    #[test]
    fn the_fallback_body_is_a_problem() {
        let body: serde_json::Value = serde_json::from_str(INTERNAL).unwrap();
        let (status, name, title) = Error::Panicked.class();
        assert_eq!(body["status"], status.as_u16());
        assert_eq!(body["type"], format!("urn:problem-type:films:{name}"));
        assert_eq!(body["title"], title);
    }
}

//! The failures of requests, and their responses: RFC 9457 problem details.
//!
//! A client's mistake is explained to the client. An internal failure is not: the body of a 5xx says
//! only that the service failed, and the log line of the request says why.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::InvalidHeaderValue;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::problem::ProblemKind;
use crate::api::{EncodingError, Json, Problem};
use crate::config;
use crate::db;
use crate::faults::Kind;
use crate::live::TooManyViewers;

/// Time after which a client may retry, in seconds. An overload, or a restart of Postgres, lasts about this long.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// The body if not even the problem could be encoded.
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
    InvalidIdempotencyKey(String),
    InvalidReview(String),
    UnknownFilm(i32),
    IdempotencyKeyReused,
    Timeout(Duration),
    TooManyViewers(TooManyViewers),
    Database(db::Error),
    Encoding(String),
    Metrics(prometheus::Error),
    Panicked,
    Injected,
    Unauthorized,
    TokenFile(config::Error),
    NoSuchFault,
    InvalidFault(String),
    Stopping,
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        Self::Database(error)
    }
}

impl From<TooManyViewers> for Error {
    fn from(error: TooManyViewers) -> Self {
        Self::TooManyViewers(error)
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
    fn kind(&self) -> ProblemKind {
        match self {
            Self::NoSuchRoute => ProblemKind::NO_SUCH_ROUTE,
            Self::NoSuchFilm(_) => ProblemKind::NO_SUCH_FILM,
            Self::MethodNotAllowed => ProblemKind::METHOD_NOT_ALLOWED,
            Self::InvalidHost(_) => ProblemKind::INVALID_HOST,
            Self::InvalidPath(_) => ProblemKind::INVALID_PATH,
            Self::InvalidQuery(_) => ProblemKind::INVALID_QUERY,
            Self::UnsupportedMediaType => ProblemKind::UNSUPPORTED_MEDIA_TYPE,
            Self::UnsupportedContentCoding => ProblemKind::UNSUPPORTED_CONTENT_CODING,
            Self::BodyTooLarge(_) => ProblemKind::BODY_TOO_LARGE,
            Self::BodyTimeout(_) => ProblemKind::BODY_TIMEOUT,
            Self::BodyLost => ProblemKind::BODY_LOST,
            Self::InvalidJson(_) => ProblemKind::INVALID_JSON,
            Self::InvalidIdempotencyKey(_) => ProblemKind::INVALID_IDEMPOTENCY_KEY,
            Self::InvalidReview(_) | Self::Database(db::Error::Refused(_)) => ProblemKind::INVALID_REVIEW,
            Self::UnknownFilm(_) => ProblemKind::UNKNOWN_FILM,
            Self::IdempotencyKeyReused => ProblemKind::IDEMPOTENCY_KEY_REUSED,
            Self::Database(db::Error::KeyInUse(_)) => ProblemKind::IDEMPOTENCY_KEY_IN_USE,
            Self::Timeout(_) => ProblemKind::TIMEOUT,
            Self::Injected => ProblemKind::INJECTED_FAULT,
            Self::Unauthorized => ProblemKind::UNAUTHORIZED,
            Self::NoSuchFault => ProblemKind::NO_SUCH_FAULT,
            Self::InvalidFault(_) => ProblemKind::INVALID_FAULT,
            Self::TooManyViewers(_) => ProblemKind::TOO_MANY_VIEWERS,
            Self::Database(db::Error::Overloaded(_)) => ProblemKind::OVERLOADED,
            Self::Database(db::Error::Query(_) | db::Error::Panicked)
            | Self::Encoding(_)
            | Self::Metrics(_)
            | Self::TokenFile(_)
            | Self::Panicked => ProblemKind::INTERNAL,
            Self::Database(_) | Self::Stopping => ProblemKind::UNAVAILABLE,
        }
    }

    /// Returns what the client can do, if it can do something.
    fn detail(&self) -> Option<String> {
        Some(match self {
            Self::NoSuchFilm(id) => format!("no film has the id {id}"),
            Self::UnknownFilm(id) => format!("film_id: no film has the id {id}"),
            Self::InvalidHost(count) => format!("expected one Host header, not {count}"),
            Self::InvalidPath(text)
            | Self::InvalidQuery(text)
            | Self::InvalidJson(text)
            | Self::InvalidIdempotencyKey(text)
            | Self::InvalidReview(text)
            | Self::InvalidFault(text) => text.clone(),
            Self::UnsupportedMediaType => "expected the header content-type: application/json".to_owned(),
            Self::UnsupportedContentCoding => "expected a body without content-encoding".to_owned(),
            Self::BodyTooLarge(size) => format!("expected at most {size} bytes"),
            Self::BodyTimeout(limit) => format!("expected all of it within {limit:?}"),
            Self::TooManyViewers(error) => format!("{error}; close one of their pages, or retry"),
            Self::Unauthorized => {
                "expected Authorization: Bearer with the token in faults.token_file".to_owned()
            }
            Self::NoSuchFault => format!("expected one of {}", Kind::ALL.map(Kind::name).join(", ")),
            Self::Stopping => "the instance is stopping and starts no fault".to_owned(),
            Self::IdempotencyKeyReused => "send this review with a new key".to_owned(),
            Self::Database(db::Error::KeyInUse(limit)) => {
                format!("the other request has not ended within {limit:?}; retry with the same key")
            }
            Self::Database(db::Error::Refused(_)) => "the database has a rule against this review".to_owned(),
            _ => return None,
        })
    }

    /// Returns the cause for the log, unless the client alone has made the mistake.
    fn cause(&self) -> Option<String> {
        Some(match self {
            // A conflict of two requests is no failure of the service, and the client is told about it.
            Self::Database(db::Error::KeyInUse(_)) => return None,
            Self::Timeout(limit) => format!("no response within {limit:?}"),
            Self::TooManyViewers(error) => error.to_string(),
            Self::Database(error) => error.to_string(),
            Self::Encoding(error) => error.clone(),
            Self::Metrics(error) => error.to_string(),
            Self::TokenFile(error) => error.to_string(),
            Self::Panicked => "a handler panicked".to_owned(),
            Self::Injected => "the fault errors is injected".to_owned(),
            _ => return None,
        })
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let kind = self.kind();
        let ProblemKind { status, name, title, .. } = kind;
        let problem = Problem { r#type: kind.uri(), title, status: status.as_u16(), detail: self.detail() };
        let (status, body, cause) = match Json::encode(&problem) {
            Ok(body) => (status, body.into_bytes(), self.cause()),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, INTERNAL.into(), Some(error.to_string())),
        };
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::CONFLICT) {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if matches!(self, Self::UnsupportedContentCoding) {
            response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if matches!(self, Self::Unauthorized) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(text) = cause {
            response.extensions_mut().insert(InternalError { kind: name, text: text.into() });
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_cannot_be_sent_is_an_internal_failure() {
        let error = Error::from(HeaderValue::try_from("line\nbreak").unwrap_err());
        let response = error.into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.extensions().get::<InternalError>().unwrap().kind, "internal");
    }

    #[test]
    fn the_fallback_body_is_a_problem() {
        let body: serde_json::Value = serde_json::from_str(INTERNAL).unwrap();
        let kind = ProblemKind::INTERNAL;
        assert_eq!(body["status"], kind.status.as_u16());
        assert_eq!(body["type"], kind.uri());
        assert_eq!(body["title"], kind.title);
    }
}

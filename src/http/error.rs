//! Every failure, and the one place that gives it a status: RFC 9457 problem details.
//!
//! A client's mistake is explained to it. What goes wrong on this side is not: the body of a 5xx
//! says that it did, and the log line of the request says why.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::db;

/// When a client may try again, in seconds. An overload is over, or a restarted Postgres back, in
/// about this time.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Why a request is not answered as asked.
#[derive(Debug)]
pub(super) enum Error {
    NoSuchRoute,
    NoSuchFilm(i32),
    MethodNotAllowed,
    InvalidPath(String),
    InvalidQuery(String),
    UnsupportedMediaType,
    BodyTooLarge(usize),
    BodyTimeout(Duration),
    BodyLost,
    InvalidJson(String),
    InvalidReview(String),
    UnknownFilm(i32),
    Timeout(Duration),
    Database(db::Error),
    Encoding(serde_json::Error),
    Metrics(prometheus::Error),
    Panicked,
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        Self::Database(error)
    }
}

/// What went wrong on this side, for the request's log line and span. It travels beside the
/// response and is never sent.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    pub(super) kind: &'static str,
    pub(super) text: Arc<str>,
}

/// The body of a failure.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Error {
    /// The status, the name in `type` (stable: clients may branch on it), and the title.
    fn class(&self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::NoSuchRoute => (S::NOT_FOUND, "no-such-route", "There is nothing at this path"),
            Self::NoSuchFilm(_) => (S::NOT_FOUND, "no-such-film", "There is no such film"),
            Self::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method-not-allowed", "This path does not take this method")
            }
            Self::InvalidPath(_) => (S::BAD_REQUEST, "invalid-path", "The path is malformed"),
            Self::InvalidQuery(_) => (S::BAD_REQUEST, "invalid-query", "The query is malformed"),
            Self::UnsupportedMediaType => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is not declared as JSON")
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
                (S::SERVICE_UNAVAILABLE, "overloaded", "There are too many requests just now")
            }
            Self::Database(db::Error::Query(_) | db::Error::Panicked)
            | Self::Encoding(_)
            | Self::Metrics(_)
            | Self::Panicked => (S::INTERNAL_SERVER_ERROR, "internal", "Something is wrong on this side"),
            Self::Database(_) => {
                (S::SERVICE_UNAVAILABLE, "unavailable", "The service cannot answer just now")
            }
        }
    }

    /// What a client can do about it.
    fn detail(&self) -> Option<String> {
        Some(match self {
            Self::NoSuchFilm(id) => format!("no film has the id {id}"),
            Self::UnknownFilm(id) => format!("film_id: no film has the id {id}"),
            Self::InvalidPath(text)
            | Self::InvalidQuery(text)
            | Self::InvalidJson(text)
            | Self::InvalidReview(text) => text.clone(),
            Self::UnsupportedMediaType => "expected the header content-type: application/json".to_owned(),
            Self::BodyTooLarge(size) => format!("expected at most {size} bytes"),
            Self::BodyTimeout(limit) => format!("expected all of it within {limit:?}"),
            Self::Database(db::Error::Refused(_)) => "the database has a rule against this review".to_owned(),
            _ => return None,
        })
    }

    fn cause(&self) -> Option<String> {
        Some(match self {
            Self::Timeout(limit) => format!("no answer within {limit:?}"),
            Self::Database(error) => error.to_string(),
            Self::Encoding(error) => error.to_string(),
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
        // Strings and a number always have a JSON form.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (status, content_type, body).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if let Some(text) = self.cause() {
            response.extensions_mut().insert(Cause { kind: name, text: text.into() });
        }
        response
    }
}

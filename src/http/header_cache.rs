//! Responses that clients revalidate, with their headers from a cache.

use axum::http::header::{self, HeaderMap, HeaderValue, InvalidHeaderValue};
use axum::response::Response;
use parking_lot::Mutex;

use super::coding::AcceptedCoding;
use super::error::Error;
use super::etag::{IfNoneMatch, REVALIDATE, not_modified, whole};
use super::json::APPLICATION_JSON;
use crate::api::{Coding, Json};
use crate::db::Version;
use crate::version::VERSION;

/// Caches must not hand out a coding to clients that accept another one.
const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("accept-encoding");

/// The headers of the last response in each form. Versions change seldom, and filling a map of headers costs more
/// than copying one.
#[derive(Debug, Default)]
pub(super) struct HeaderCache(Mutex<[Option<(Version, HeaderMap)>; FORMS]>);

/// How a body is sent.
#[derive(Clone, Copy)]
enum Form {
    /// The only form that the body has.
    Only,
    /// As it is, although the body has codings.
    Plain,
    Coded(Coding),
}

const FORMS: usize = 2 + Coding::ALL.len();

impl HeaderCache {
    /// Responds with the body as it is, or with 304 if the client has it already.
    pub(super) fn respond<T>(
        &self,
        if_none_match: &IfNoneMatch,
        version: Version,
        body: Json<T>,
    ) -> Result<Response, Error> {
        let form = if body.has_codings() { Form::Plain } else { Form::Only };
        let headers = self.headers(version, form)?;
        if if_none_match.matches(&headers) {
            return Ok(not_modified(headers));
        }
        Ok(whole(headers, body.into_bytes()))
    }

    /// Responds with the body in the accepted coding, or with 304 if the client has it already.
    pub(super) async fn respond_coded<T>(
        &self,
        if_none_match: &IfNoneMatch,
        accepted: AcceptedCoding,
        version: Version,
        body: Json<T>,
    ) -> Result<Response, Error> {
        let Some(coding) = accepted.0.filter(|_| body.has_codings()) else {
            return self.respond(if_none_match, version, body);
        };
        let headers = self.headers(version, Form::Coded(coding))?;
        if if_none_match.matches(&headers) {
            return Ok(not_modified(headers));
        }
        // In a box, so that responses without a coding do not pay for the space.
        let coded = Box::pin(body.coded(coding)).await;
        match coded.map_err(|error| Error::Encoding(error.to_string()))? {
            Some(coded) => Ok(whole(headers, coded)),
            None => self.respond(if_none_match, version, body),
        }
    }

    fn headers(&self, version: Version, form: Form) -> Result<HeaderMap, InvalidHeaderValue> {
        let last = &mut self.0.lock()[form.position()];
        if let Some((last_version, headers)) = last
            && *last_version == version
        {
            return Ok(headers.clone());
        }
        let headers = form.headers(version)?;
        *last = Some((version, headers.clone()));
        Ok(headers)
    }
}

impl Form {
    fn position(self) -> usize {
        match self {
            Self::Only => 0,
            Self::Plain => 1,
            Self::Coded(coding) => 2 + coding as usize,
        }
    }

    /// Returns the headers of a version. Its tag is strong: equal tags mean equal bytes. It contains the build,
    /// because another build may encode the same films differently.
    fn headers(self, version: Version) -> Result<HeaderMap, InvalidHeaderValue> {
        let coding = if let Self::Coded(coding) = self { Some(coding.name()) } else { None };
        let separator = if coding.is_some() { "-" } else { "" };
        let etag = format!("\"{VERSION}-{version}{separator}{}\"", coding.unwrap_or_default());
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, APPLICATION_JSON);
        headers.insert(header::ETAG, etag.try_into()?);
        headers.insert(header::CACHE_CONTROL, REVALIDATE);
        if !matches!(self, Self::Only) {
            headers.insert(header::VARY, ACCEPT_ENCODING);
        }
        if let Some(coding) = coding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        Ok(headers)
    }
}

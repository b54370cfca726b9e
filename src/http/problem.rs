//! The kinds of failures, as clients see them. `docs/api.md` and the OpenAPI document list the same.

use axum::http::StatusCode;

/// A kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProblemKind {
    pub(super) status: StatusCode,
    /// The end of `type`. Stable: clients may branch on it.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What leads to this failure, for the documentation.
    pub(super) cause: &'static str,
}

/// Defines the constants, and a list with each of them.
macro_rules! kinds {
    ($(#[$text:meta])* $list:ident: $($constant:ident: $status:ident, $name:literal, $title:literal, $cause:literal;)*) => {
        impl ProblemKind {
            $(pub(super) const $constant: Self =
                Self { status: StatusCode::$status, name: $name, title: $title, cause: $cause };)*

            $(#[$text])*
            pub(super) const $list: &[Self] = &[$(Self::$constant),*];
        }
    };
}

kinds! {
    /// Every kind of the public port, in the order of the documentation.
    ALL:
    INVALID_HOST: BAD_REQUEST, "invalid-host", "The request does not name one host",
        "An HTTP/1.1 request has no `Host` header, or a request has several.";
    INVALID_PATH: BAD_REQUEST, "invalid-path", "The path is malformed",
        "The id in the path is not a number from 0 to 2147483647.";
    INVALID_QUERY: BAD_REQUEST, "invalid-query", "The query is malformed",
        "A parameter is unknown or has an invalid value.";
    INVALID_JSON: BAD_REQUEST, "invalid-json", "The body is not JSON",
        "The body is malformed JSON.";
    INVALID_IDEMPOTENCY_KEY: BAD_REQUEST, "invalid-idempotency-key", "The idempotency key is malformed",
        "`Idempotency-Key` is not one key of 1 to 255 printable ASCII characters, in quotes or without.";
    BODY_LOST: BAD_REQUEST, "body-lost", "The body could not be read to its end",
        "The client's connection broke before the body was complete.";
    NO_SUCH_FILM: NOT_FOUND, "no-such-film", "There is no such film",
        "No film has this id.";
    NO_SUCH_ROUTE: NOT_FOUND, "no-such-route", "There is no such route",
        "No route has this path.";
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED, "method-not-allowed", "The route does not support this method",
        "The route does not support this method. `Allow` lists the methods that it supports.";
    BODY_TIMEOUT: REQUEST_TIMEOUT, "body-timeout", "The body took too long to arrive",
        "The body did not arrive within `http.body_timeout`.";
    IDEMPOTENCY_KEY_IN_USE: CONFLICT, "idempotency-key-in-use", "Another request has this idempotency key",
        "Another request with this `Idempotency-Key` has not ended. Retry after the time in `Retry-After`.";
    BODY_TOO_LARGE: PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large",
        "The body is larger than `http.max_body_size`.";
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is not declared as JSON",
        "The content type is not `application/json`.";
    UNSUPPORTED_CONTENT_CODING: UNSUPPORTED_MEDIA_TYPE, "unsupported-content-coding", "The body is compressed",
        "The body has a `Content-Encoding` other than `identity`.";
    INVALID_REVIEW: UNPROCESSABLE_ENTITY, "invalid-review", "The body is not a review",
        "The body is not a review, or the rating is out of range.";
    UNKNOWN_FILM: UNPROCESSABLE_ENTITY, "unknown-film", "The film of this review does not exist",
        "The film of the review does not exist.";
    IDEMPOTENCY_KEY_REUSED: UNPROCESSABLE_ENTITY, "idempotency-key-reused", "Another review has this idempotency key",
        "Another review was stored with this `Idempotency-Key`.";
    INTERNAL: INTERNAL_SERVER_ERROR, "internal", "The service failed",
        "The service failed. The log line of the request says why.";
    OVERLOADED: SERVICE_UNAVAILABLE, "overloaded", "The service has too many requests",
        "The queue is full. Retry after the time in `Retry-After`.";
    TOO_MANY_VIEWERS: SERVICE_UNAVAILABLE, "too-many-viewers", "Too many pages watch the traffic",
        "16 viewers read `/events`. Retry after the time in `Retry-After`.";
    UNAVAILABLE: SERVICE_UNAVAILABLE, "unavailable", "The service is unavailable",
        "The database is unreachable or too slow. Retry after the time in `Retry-After`.";
    TIMEOUT: GATEWAY_TIMEOUT, "timeout", "The request took too long",
        "The request took longer than `http.request_timeout`.";
}

kinds! {
    #[cfg(test)]
    /// The kinds of `/faults/` on the admin port and of injected failures, in the order of the documentation.
    /// The OpenAPI document leaves them out, because a client receives them only while an operator injects a fault.
    OF_FAULTS:
    UNAUTHORIZED: UNAUTHORIZED, "unauthorized", "The request has no valid token",
        "The header `Authorization: Bearer TOKEN` is missing, or has another token than `faults.token_file`.";
    NO_SUCH_FAULT: NOT_FOUND, "no-such-fault", "There is no such fault",
        "No fault has this name.";
    INVALID_FAULT: UNPROCESSABLE_ENTITY, "invalid-fault", "The body does not start this fault",
        "A parameter is missing, out of range, or not one of this fault.";
    INJECTED_FAULT: INTERNAL_SERVER_ERROR, "injected-fault", "An operator made this request fail",
        "On the public port: the fault `errors` is injected.";
}

impl ProblemKind {
    /// Returns the `type` of the problem.
    pub(super) fn uri(self) -> String {
        format!("urn:problem-type:films:{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docs_list_every_kind_of_failure_in_this_order() {
        let row = |kind: &ProblemKind| {
            let ProblemKind { status, name, cause, .. } = kind;
            format!("| {} | `{name}` | {cause} |", status.as_u16())
        };
        for (page, kinds) in [
            (include_str!("../../docs/api.md"), ProblemKind::ALL),
            (include_str!("../../docs/faults.md"), ProblemKind::OF_FAULTS),
        ] {
            let table = page.lines().skip_while(|line| *line != "| status | name | cause |");
            let documented: Vec<_> = table.skip(2).take_while(|line| line.starts_with('|')).collect();
            assert_eq!(documented, kinds.iter().map(row).collect::<Vec<_>>());
        }
    }
}

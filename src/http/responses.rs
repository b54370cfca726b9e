//! The responses of an operation in the OpenAPI document: success, and a response for each status of its
//! failures.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder};

use super::problem::ProblemKind as Kind;

/// Responses by their status, as `#[utoipa::path]` takes them.
pub(super) type Responses = BTreeMap<String, RefOr<Response>>;

/// The name of a header, and its meaning.
type HeaderText = (&'static str, &'static str);

/// The headers of every read.
const REVALIDATED: [HeaderText; 2] = [
    ("etag", "Changes whenever a response to this operation can change, and differs between codings."),
    ("cache-control", "`no-cache`: a stored response must be revalidated before it is used."),
];

/// The headers of a page of a list.
pub(super) const PAGE_HEADERS: [HeaderText; 3] = [
    ("link", "`<…>; rel=\"next\"` leads to the next page, if `limit` cut this one off."),
    ("vary", "`accept-encoding`, if the body is large enough to be compressed."),
    ("content-encoding", "The coding, if the body is compressed."),
];

/// The failures that every request can get.
const ALWAYS: [Kind; 4] = [Kind::INVALID_HOST, Kind::INVALID_QUERY, Kind::INTERNAL, Kind::TIMEOUT];

/// The failures that every request for the database can get.
pub(super) const DATABASE: [Kind; 2] = [Kind::OVERLOADED, Kind::UNAVAILABLE];

/// Returns the responses with a body or, after `If-None-Match`, with 304.
pub(super) fn read(schema: impl Into<RefOr<Schema>>, description: &str, headers: &[HeaderText]) -> Responses {
    let headers = || REVALIDATED.iter().chain(headers);
    let not_modified = ResponseBuilder::new().description("`If-None-Match` has the current `ETag`.");
    BTreeMap::from([
        ("200".to_owned(), with_headers(json(schema, description), headers())),
        // A response without a body has no coding.
        (
            "304".to_owned(),
            with_headers(not_modified, headers().filter(|(name, _)| *name != "content-encoding")),
        ),
    ])
}

fn with_headers<'a>(
    response: ResponseBuilder,
    headers: impl Iterator<Item = &'a HeaderText>,
) -> RefOr<Response> {
    let add = |response: ResponseBuilder, (name, text): &HeaderText| {
        response.header(*name, header(text, Type::String))
    };
    headers.fold(response, add).build().into()
}

/// Returns the response of a request that stores its body. Unlike a read, it has no `ETag`.
pub(super) fn created(
    schema: impl Into<RefOr<Schema>>,
    description: &str,
    headers: &[HeaderText],
) -> Responses {
    BTreeMap::from([("200".to_owned(), with_headers(json(schema, description), headers.iter()))])
}

fn json(schema: impl Into<RefOr<Schema>>, description: &str) -> ResponseBuilder {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content("application/json", content)
}

/// Returns a response for each status of these failures and of those of every request.
pub(super) fn failures(kinds: &[Kind]) -> Responses {
    let mut by_status = BTreeMap::<StatusCode, Vec<Kind>>::new();
    for kind in Kind::ALL.iter().filter(|kind| kinds.contains(kind) || ALWAYS.contains(kind)) {
        by_status.entry(kind.status).or_default().push(*kind);
    }
    by_status
        .into_iter()
        .map(|(status, kinds)| (status.as_str().to_owned(), failure(status, &kinds)))
        .collect()
}

fn failure(status: StatusCode, kinds: &[Kind]) -> RefOr<Response> {
    let causes = kinds.iter().map(|kind| format!("`{}`: {}", kind.name, kind.cause));
    let content = ContentBuilder::new()
        .schema(Some(problem(status, kinds)))
        .examples_from_iter(kinds.iter().map(|kind| (kind.name, example(*kind))))
        .build();
    let mut response = ResponseBuilder::new()
        .description(causes.collect::<Vec<_>>().join("\n\n"))
        .content("application/problem+json", content);
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::CONFLICT) {
        response = response.header("retry-after", header("When to retry, in seconds.", Type::Integer));
    }
    if kinds.contains(&Kind::UNSUPPORTED_CONTENT_CODING) {
        let text = "`identity`, if the problem is `unsupported-content-coding`.";
        response = response.header("accept-encoding", header(text, Type::String));
    }
    response.build().into()
}

fn header(description: &str, r#type: Type) -> Header {
    HeaderBuilder::new()
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(r#type)))
        .build()
}

fn example(kind: Kind) -> Example {
    let Kind { status, title, .. } = kind;
    let problem = json!({"type": kind.uri(), "title": title, "status": status.as_u16()});
    ExampleBuilder::new().value(Some(problem)).build()
}

/// Returns the schema of a problem of these kinds.
fn problem(status: StatusCode, kinds: &[Kind]) -> Schema {
    let status = [Value::from(status.as_u16())];
    let narrowed = ObjectBuilder::new()
        .property("type", types(kinds))
        .property("status", ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some(status)));
    AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(narrowed).build().into()
}

/// Returns the schema of `type` for these kinds. Another version may have more of them, so they are no `enum`,
/// from which clients are generated that refuse the others.
pub(super) fn types(kinds: &[Kind]) -> ObjectBuilder {
    let uris: Vec<_> = kinds.iter().map(|kind| kind.uri()).collect();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^urn:problem-type:films:[a-z-]+$"))
        .extensions(Some(Extensions::from_iter([("x-extensible-enum", uris)])))
}

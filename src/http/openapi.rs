//! `GET /openapi.json`: the description of the public port, from the handlers and the types that serve.

use std::sync::{Arc, LazyLock};

use axum::response::Response;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoResponses, OpenApi};

use super::error::Error;
use super::etag::IfNoneMatch;
use super::extract::NoQuery;
use super::fixed::Fixed;
use super::problem::ProblemKind;
use super::responses::{self, Responses};
use super::routes::Route;
use super::state::AppState;
use super::{films, list_reviews, reviews};
use crate::api::{
    EncodingError, Film, FilmList, FilmReviews, ListedFilm, ListedReview, Problem, Ratings, Review,
};

/// Every operation of the public port.
#[derive(OpenApi)]
#[openapi(
    info(title = "films", description = DESCRIPTION),
    paths(
        films::list_films,
        films::get_film,
        list_reviews::list_reviews,
        reviews::create_review,
        get_openapi
    ),
    components(schemas(Film, FilmList, FilmReviews, ListedFilm, ListedReview, Problem, Ratings, Review)),
)]
struct Api;

const DESCRIPTION: &str = "A film catalogue with reviews.

Every path with `GET` also responds to `HEAD`, and every path to `OPTIONS`: 204 with the methods in `Allow`. A path without its trailing slash is redirected with 308 and `Location`. Unknown query parameters are refused.

A failure has a body of the type `application/problem+json` (RFC 9457). Beside the failures that each operation lists, an unknown path gets 404 `no-such-route`, and a method that its path does not have gets 405 `method-not-allowed` with `Allow`. Input that is not well-formed HTTP gets 400, 414 or 431 with an empty body.";

pub(super) fn routes() -> [Route<Arc<AppState>>; 1] {
    [Route::get("/openapi.json", get_openapi)]
}

/// Describes the API
///
/// Returns this document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "description",
    params(IfNoneMatch),
    responses(DocumentResponses)
)]
async fn get_openapi(_: NoQuery, if_none_match: IfNoneMatch) -> Result<Response, Error> {
    static DOCUMENT: LazyLock<Result<Fixed, String>> = LazyLock::new(|| {
        let text = openapi_document().map_err(|error| error.to_string())?;
        Fixed::new(text.into(), "application/json").map_err(|error| error.to_string())
    });
    let document = DOCUMENT.as_ref().map_err(|error| Error::Encoding(error.clone()))?;
    Ok(document.respond(&if_none_match))
}

struct DocumentResponses;

impl IntoResponses for DocumentResponses {
    fn responses() -> Responses {
        let any = ObjectBuilder::new().schema_type(Type::Object);
        let mut responses = responses::read(Schema::from(any), "An OpenAPI 3.1 document.", &[]);
        responses.extend(responses::failures(&[]));
        responses
    }
}

/// Returns the OpenAPI document that `/openapi.json` serves.
pub fn openapi_document() -> Result<String, EncodingError> {
    let mut api = Api::openapi();
    let schemas = api.components.iter_mut().flat_map(|components| components.schemas.iter_mut());
    for (name, schema) in schemas {
        if let (true, RefOr::T(Schema::Object(problem))) = (name == "Problem", schema) {
            let types = responses::types(ProblemKind::ALL)
                .description(Some("Names the kind of failure. Stable: clients may branch on it."));
            problem.properties.insert("type".to_owned(), types.build().into());
        }
    }
    Ok(serde_json::to_string_pretty(&api)? + "\n")
}

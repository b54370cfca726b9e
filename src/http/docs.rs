//! `GET /docs/`: Swagger UI, which shows the OpenAPI document to people. All of it comes from this program.

use std::borrow::Cow;
use std::io::Read as _;
use std::sync::{Arc, LazyLock};

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use flate2::read::GzDecoder;
use utoipa_swagger_ui::{Config, SwaggerFile, serve};

use super::coding::AcceptsGzip;
use super::error::Error;
use super::etag::IfNoneMatch;
use super::fixed::Fixed;
use super::routes::Route;
use super::state::AppState;

/// The files that the page loads. Swagger UI has further files, for other kinds of pages.
const FILES: [&str; 8] = [
    "index.html",
    "index.css",
    "swagger-ui.css",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "swagger-initializer.js",
    "favicon-16x16.png",
    "favicon-32x32.png",
];

/// Allows nothing from another host, and no script or style in the text of the page. The stylesheet of Swagger UI
/// contains pictures.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

static ASSETS: LazyLock<Result<Vec<Asset>, String>> =
    LazyLock::new(|| FILES.iter().map(|name| Asset::load(name)).collect());

pub(super) fn routes() -> [Route<Arc<AppState>>; 2] {
    [Route::get("/docs/", get_docs), Route::get("/docs/{*file}", get_docs)]
}

async fn get_docs(
    if_none_match: IfNoneMatch,
    AcceptsGzip(accepts_gzip): AcceptsGzip,
    request: Request,
) -> Result<Response, Error> {
    let name =
        request.uri().path().strip_prefix("/docs/").filter(|name| !name.is_empty()).unwrap_or(FILES[0]);
    let assets = ASSETS.as_ref().map_err(|error| Error::Encoding(error.clone()))?;
    let asset = assets.iter().find(|asset| asset.name == name).ok_or(Error::NoSuchRoute)?;
    asset.respond(&if_none_match, accepts_gzip)
}

/// A file of the page.
struct Asset {
    name: &'static str,
    file: SwaggerFile<'static>,
    /// The file as it is stored, compressed or not.
    stored: Fixed,
}

impl Asset {
    fn load(name: &'static str) -> Result<Self, String> {
        // The path is relative to the page. `none` keeps the page from a service that would check the document.
        let config = Config::from("../openapi.json").validator_url("none");
        let file = serve(name, Arc::new(config)).map_err(|error| error.to_string())?;
        let file = file.ok_or_else(|| format!("Swagger UI has no file {name}"))?;
        let bytes = match &file.bytes {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.clone().into(),
        };
        let stored = Fixed::new(bytes, &file.content_type).map_err(|error| error.to_string())?;
        Ok(Self { name, file, stored })
    }

    fn respond(&self, if_none_match: &IfNoneMatch, accepts_gzip: bool) -> Result<Response, Error> {
        let mut response = if self.file.gzpipped && !accepts_gzip {
            self.plain()?.respond(if_none_match)
        } else {
            self.stored.respond(if_none_match)
        };
        let has_body = response.headers().contains_key(header::CONTENT_TYPE);
        let headers = response.headers_mut();
        if self.file.gzpipped {
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        if self.file.gzpipped && accepts_gzip && has_body {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Ok(response)
    }

    /// Decompresses the file, for a client that does not accept gzip.
    fn plain(&self) -> Result<Fixed, Error> {
        let mut plain = Vec::new();
        let read = GzDecoder::new(&*self.file.bytes).read_to_end(&mut plain);
        read.map_err(|error| Error::Encoding(error.to_string()))?;
        Ok(Fixed::new(plain.into(), &self.file.content_type)?)
    }
}

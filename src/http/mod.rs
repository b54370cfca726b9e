//! Everything that knows HTTP, and nothing that knows SQL.
//!
//! `router` puts the service together, and `routes` finds the handler of a request. `films`, `reviews` and
//! `list_reviews` hold the handlers of the API. `openapi` describes them, and `docs` shows the description.
//! `page` has the handlers of the page in `ui/`, and `admin` those for probes and metrics, whose format
//! `exposition` chooses. `faults` has the handlers of the fault switch, and `inject` makes public requests slow or
//! fail. `observe` wraps every public request with its span, timeout and log line. Only `error` gives a failed
//! request its status.

mod admin;
mod coding;
mod cors;
mod docs;
mod error;
mod etag;
mod exposition;
mod extract;
mod faults;
mod films;
mod fixed;
mod header_cache;
mod idempotency_key;
mod inject;
mod json;
mod json_body;
mod list_query;
mod list_reviews;
mod metrics;
mod observe;
mod openapi;
mod page;
mod problem;
mod responses;
mod reviews;
mod router;
mod routes;
mod state;

pub use openapi::openapi_document;
pub(crate) use page::Endless;
pub(crate) use router::Service;

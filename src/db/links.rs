//! How the span of a query and the spans of the requests that share it find each other.

use opentelemetry::trace::TraceContextExt as _;
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The spans of one who asks.
pub(super) struct Caller {
    request: Span,
    /// Ends when the query starts.
    wait: Span,
}

impl Caller {
    /// The one that asks now, and waits from now on.
    pub(super) fn waits(batch: &'static str) -> Self {
        Self { request: Span::current(), wait: info_span!("wait for batch", batch.name = batch) }
    }

    pub(super) fn waits_no_longer(&mut self) {
        self.wait = Span::none();
    }

    fn is_recorded(&self) -> bool {
        !self.request.is_disabled() && self.request.context().span().span_context().is_sampled()
    }
}

/// The query's span, made as a child of the first caller whose trace is recorded, and linked both
/// ways with every other's: the span of a wait leads on to the query.
pub(super) fn query_span<'a>(
    callers: impl Iterator<Item = &'a Caller> + Clone,
    make: impl FnOnce() -> Span,
) -> Span {
    let parent = callers.clone().position(Caller::is_recorded).unwrap_or_default();
    let span = callers.clone().nth(parent).map_or_else(Span::none, |caller| caller.request.in_scope(make));
    for (place, caller) in callers.enumerate() {
        if place != parent {
            span.follows_from(&caller.request);
            caller.wait.follows_from(&span);
        }
    }
    span
}

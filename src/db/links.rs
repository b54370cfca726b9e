//! How the span of a query and the spans of the requests that share it find each other.

use opentelemetry::trace::TraceContextExt as _;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The query's span, made as a child of the first caller whose trace is recorded, and linked both
/// ways with every other's. A caller comes with the span of its wait, which leads on to the query.
pub(super) fn query_span<'a>(
    callers: impl Iterator<Item = (&'a Span, &'a Span)> + Clone,
    make: impl FnOnce() -> Span,
) -> Span {
    let recorded = |(caller, _): (&Span, &Span)| {
        !caller.is_disabled() && caller.context().span().span_context().is_sampled()
    };
    let parent = callers.clone().position(recorded).unwrap_or_default();
    let span = callers.clone().nth(parent).map_or_else(Span::none, |(caller, _)| caller.in_scope(make));
    for (place, (caller, wait)) in callers.enumerate() {
        if place != parent {
            span.follows_from(caller);
            wait.follows_from(&span);
        }
    }
    span
}

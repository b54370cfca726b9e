//! Links the span of a query with the spans of the requests that share it.

use tracing::{Span, info_span};

/// The spans of a request, if its trace is recorded.
pub(super) struct RequestSpans {
    request: Span,
    /// Ends when the query starts.
    wait: Span,
}

impl RequestSpans {
    /// Opens the span of the wait, below the current span.
    pub(super) fn enqueued(query: &'static str) -> Self {
        let request = Span::current();
        let is_recorded = !request.is_disabled();
        let wait = is_recorded.then(|| info_span!("wait for batch", query));
        Self { request, wait: wait.unwrap_or_else(Span::none) }
    }

    /// Ends the span of the wait. If it is recorded, calls `in_wait` in it first.
    pub(super) fn started(&mut self, in_wait: impl FnOnce()) {
        if !self.wait.is_disabled() {
            self.wait.in_scope(in_wait);
        }
        self.wait = Span::none();
    }
}

/// Creates the span of a query as a child of the first request whose trace is recorded. Every other
/// recorded request is linked with it in both directions: the span of its wait leads to the query.
pub(super) fn query_span<'a>(
    requests: impl Iterator<Item = &'a RequestSpans>,
    create: impl FnOnce() -> Span,
) -> Span {
    let mut recorded = requests.filter(|spans| !spans.request.is_disabled());
    let Some(parent) = recorded.next() else { return Span::none() };
    let span = parent.request.in_scope(create);
    for spans in recorded {
        span.follows_from(&spans.request);
        spans.wait.follows_from(&span);
    }
    span
}

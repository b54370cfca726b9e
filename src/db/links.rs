//! How the span of a query and the spans of the requests that share it find each other.

use tracing::{Span, info_span};

/// The spans of one who asks, where its trace is recorded.
pub(super) struct Caller {
    request: Span,
    /// Ends when the query starts.
    wait: Span,
}

impl Caller {
    /// The one that asks now, and waits from now on.
    pub(super) fn waits(batch: &'static str) -> Self {
        let request = Span::current();
        let is_recorded = !request.is_disabled();
        let wait = is_recorded.then(|| info_span!("wait for batch", batch.name = batch));
        Self { request, wait: wait.unwrap_or_else(Span::none) }
    }

    pub(super) fn waits_no_longer(&mut self) {
        self.wait = Span::none();
    }
}

/// The query's span, made as a child of the first caller whose trace is recorded, and linked both
/// ways with every other's: the span of a wait leads on to the query.
pub(super) fn query_span<'a>(callers: impl Iterator<Item = &'a Caller>, make: impl FnOnce() -> Span) -> Span {
    let mut recorded = callers.filter(|caller| !caller.request.is_disabled());
    let Some(parent) = recorded.next() else { return Span::none() };
    let span = parent.request.in_scope(make);
    for caller in recorded {
        span.follows_from(&caller.request);
        caller.wait.follows_from(&span);
    }
    span
}

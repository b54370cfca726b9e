//! Decides which requests are traced, before the request's spans are created. The sampler of the SDK runs
//! after a span is built, when most of the cost of tracing is already spent.

use std::sync::OnceLock;

use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, TraceContextExt as _};
use opentelemetry_sdk::trace::{Config, IdGenerator as _, RandomIdGenerator, SamplingDecision, ShouldSample};

/// The sampler. Not set if traces are not exported.
static SAMPLER: OnceLock<Box<dyn ShouldSample>> = OnceLock::new();

/// Starts sampling, with the sampler that `OTEL_TRACES_SAMPLER` names.
pub(super) fn start() {
    // Fails harmlessly on a second call, in tests: the variables, and so the sampler, are the same.
    let _ = SAMPLER.set(Config::default().sampler);
}

/// Returns the context that the spans of a request belong to, or `None` if the request is not sampled.
///
/// `client` returns the context that the client sent. If the client sent none, the decision uses a random
/// trace id, which is then discarded: the SDK creates the id of the trace itself, equally at random.
pub(crate) fn sampled(client: impl FnOnce() -> Context) -> Option<Context> {
    let sampler = SAMPLER.get()?;
    let client = client();
    let sent = client.span().span_context().trace_id();
    let is_sent = client.span().span_context().is_valid();
    let trace_id = if is_sent { sent } else { RandomIdGenerator::default().new_trace_id() };
    let result = sampler.should_sample(Some(&client), trace_id, "request", &SpanKind::Server, &[], &[]);
    (result.decision != SamplingDecision::Drop).then_some(client)
}

//! Which requests are traced. It is decided before a span is made: the SDK's own sampler drops one only
//! when everything is there, and most of what tracing costs was spent by then.

use std::sync::OnceLock;

use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, TraceContextExt as _};
use opentelemetry_sdk::trace::{Config, IdGenerator as _, RandomIdGenerator, SamplingDecision, ShouldSample};

/// Absent where traces are not exported.
static SAMPLER: OnceLock<Box<dyn ShouldSample>> = OnceLock::new();

/// Samples by `OTEL_TRACES_SAMPLER` from now on.
pub(super) fn start() {
    // The second call of a test is harmless: the variables are the process's.
    let _ = SAMPLER.set(Config::default().sampler);
}

/// What a request's spans continue, where they are to be recorded.
///
/// Without a trace of the client's the decision is made on an id that is then thrown away, because the
/// SDK makes the trace's own: as random, and passed on to others as a flag.
pub(crate) fn sampled(client: impl FnOnce() -> Context) -> Option<Context> {
    let sampler = SAMPLER.get()?;
    let client = client();
    let given = client.span().span_context().trace_id();
    let is_given = client.span().span_context().is_valid();
    let trace_id = if is_given { given } else { RandomIdGenerator::default().new_trace_id() };
    let result = sampler.should_sample(Some(&client), trace_id, "request", &SpanKind::Server, &[], &[]);
    (result.decision != SamplingDecision::Drop).then_some(client)
}

//! Formats of log lines: JSON for programs, text for people. Both contain the ids of the current trace and
//! span, so that a log line can be found from its trace and the other way round.

use std::fmt;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use serde::ser::{SerializeMap as _, Serializer as _};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Compact, Format, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Returns the ids of the current span, if a span is being recorded.
///
/// The OpenTelemetry layer activates a span's context while the span is entered. Reading that context is
/// cheaper than a look-up in the subscriber.
pub(super) fn current_span() -> Option<SpanContext> {
    Context::map_current(|context| Some(context.span().span_context().clone()).filter(SpanContext::is_valid))
}

/// Writes a line as JSON: `{"timestamp":…,"level":…,"target":…,"message":…, fields…,"trace_id":…,"span_id":…}`
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Vec::with_capacity(256);
        write_json(&mut line, event).map_err(|_| fmt::Error)?;
        writeln!(out, "{}", String::from_utf8_lossy(&line))
    }
}

fn write_json(line: &mut Vec<u8>, event: &Event<'_>) -> Result<(), serde_json::Error> {
    let mut timestamp = String::new();
    // Cannot fail: the target is a string.
    let _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));

    let mut serializer = serde_json::Serializer::new(line);
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("timestamp", &timestamp)?;
    map.serialize_entry("level", event.metadata().level().as_str())?;
    map.serialize_entry("target", event.metadata().target())?;
    let mut fields = Fields { map, result: Ok(()) };
    event.record(&mut fields);
    let Fields { mut map, result } = fields;
    result?;
    if let Some(span) = current_span() {
        map.serialize_entry("trace_id", &span.trace_id().to_string())?;
        map.serialize_entry("span_id", &span.span_id().to_string())?;
    }
    map.end()
}

/// Writes the fields of an event as entries of a JSON object. A visitor cannot return an error, so the
/// first error is stored and returned at the end.
struct Fields<M: serde::ser::SerializeMap> {
    map: M,
    result: Result<(), M::Error>,
}

impl<M: serde::ser::SerializeMap> Fields<M> {
    fn entry(&mut self, field: &Field, value: &(impl serde::Serialize + ?Sized)) {
        if self.result.is_ok() {
            self.result = self.map.serialize_entry(field.name(), value);
        }
    }
}

impl<M: serde::ser::SerializeMap> Visit for Fields<M> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.entry(field, &value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.entry(field, &value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.entry(field, &value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.entry(field, &value);
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.entry(field, value);
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.entry(field, &format!("{value:?}"));
    }
}

/// Writes a line in the compact format of `tracing`, after the ids of trace and span.
pub(super) struct Text(Format<Compact>);

impl Text {
    pub(super) fn new() -> Self {
        Self(Format::default().compact())
    }
}

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if let Some(span) = current_span() {
            write!(out, "{} {} ", span.trace_id(), span.span_id())?;
        }
        self.0.format_event(context, out, event)
    }
}

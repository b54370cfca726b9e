//! Spans and log records, reduced to what the tests look at.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Kind;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1 as trace;
use serde_json::{Map, Value};

pub(crate) use trace::span::SpanKind;
pub(crate) use trace::status::StatusCode;

#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) resource: Map<String, Value>,
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    pub(crate) trace_id: String,
    pub(crate) id: String,
    /// Id of the parent. Empty for a root span.
    pub(crate) parent: String,
    pub(crate) trace_state: String,
    pub(crate) status: StatusCode,
    pub(crate) attributes: Map<String, Value>,
    /// Trace id and span id of each link.
    pub(crate) links: Vec<(String, String)>,
    /// The name of each event.
    pub(crate) events: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) resource: Map<String, Value>,
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    pub(crate) severity: String,
    pub(crate) body: Value,
    pub(crate) attributes: Map<String, Value>,
}

impl Span {
    pub(super) fn new(resource: &Map<String, Value>, span: trace::Span) -> Self {
        let links = span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect();
        Self {
            resource: resource.clone(),
            kind: span.kind(),
            trace_id: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            trace_state: span.trace_state,
            status: span.status.map_or(StatusCode::Unset, |status| status.code()),
            name: span.name,
            attributes: attributes(span.attributes),
            links,
            events: span.events.into_iter().map(|event| event.name).collect(),
        }
    }

    /// Returns trace id and span id, as links have them.
    pub(crate) fn ids(&self) -> (String, String) {
        (self.trace_id.clone(), self.id.clone())
    }

    /// Returns whether the parents of this span, looked up in `spans`, lead to `ancestor`.
    pub(crate) fn descends_from(&self, ancestor: &Self, spans: &[Self]) -> bool {
        let mut id = &self.parent;
        while *id != ancestor.id {
            let Some(parent) = spans.iter().find(|span| span.id == *id) else { return false };
            id = &parent.parent;
        }
        self.trace_id == ancestor.trace_id
    }

    #[track_caller]
    pub(crate) fn assert_attributes(&self, expected: &Value) {
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(self.attributes.get(name), Some(value), "{name} of {self:#?}");
        }
    }
}

impl Log {
    pub(super) fn new(resource: &Map<String, Value>, record: LogRecord) -> Self {
        Self {
            resource: resource.clone(),
            trace_id: hex(&record.trace_id),
            span_id: hex(&record.span_id),
            severity: record.severity_text,
            body: value(record.body),
            attributes: attributes(record.attributes),
        }
    }
}

pub(super) fn resource(resource: Option<Resource>) -> Map<String, Value> {
    attributes(resource.unwrap_or_default().attributes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn attributes(pairs: Vec<KeyValue>) -> Map<String, Value> {
    pairs.into_iter().map(|pair| (pair.key, value(pair.value))).collect()
}

fn value(value: Option<AnyValue>) -> Value {
    match value.and_then(|value| value.value) {
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::BoolValue(yes)) => yes.into(),
        Some(Kind::IntValue(number)) => number.into(),
        Some(Kind::DoubleValue(number)) => number.into(),
        Some(Kind::ArrayValue(array)) => {
            array.values.into_iter().map(|item| self::value(Some(item))).collect()
        }
        _ => Value::Null,
    }
}

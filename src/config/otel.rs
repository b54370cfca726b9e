//! The `OTEL_*` variables that the Rust SDK does not read by itself. Endpoints, headers, timeouts,
//! samplers, batches and resource attributes it does, and they are left to it.

use std::collections::BTreeMap;

use super::Error;

/// Which signals leave the process, and which trace context is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, as the variables are")]
pub struct Otel {
    /// Spans go to an OTLP endpoint.
    pub traces: bool,
    /// Metrics go to an OTLP endpoint, beside `/metrics`.
    pub metrics: bool,
    /// Log lines go to an OTLP endpoint, beside stdout.
    pub logs: bool,
    /// What the service is called; it goes over `service.name` among the resource attributes, which
    /// the SDK has the other way round.
    pub service_name: Option<String>,
    /// W3C `traceparent` and `tracestate` are accepted.
    pub trace_context: bool,
}

impl Otel {
    /// Reads the variables: <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.
    pub(super) fn from_variables(variables: &BTreeMap<String, String>) -> Result<Self, Error> {
        // An empty variable is an unset one, says the specification.
        let get = |name: &str| variables.get(name).map(|v| v.trim()).filter(|v| !v.is_empty());
        let propagators =
            list("OTEL_PROPAGATORS", get("OTEL_PROPAGATORS"), &["tracecontext", "baggage", "none"])?;
        let trace_context = propagators.is_empty() || propagators.contains(&"tracecontext");
        let disabled = get("OTEL_SDK_DISABLED").is_some_and(|v| v.eq_ignore_ascii_case("true"));

        let signal = |name: &str, exporters: &[&str]| -> Result<bool, Error> {
            let variable = format!("OTEL_{name}_EXPORTER");
            let chosen = list(&variable, get(&variable), exporters)?;
            let own = format!("OTEL_EXPORTER_OTLP_{name}_");
            for variable in [format!("{own}PROTOCOL"), "OTEL_EXPORTER_OTLP_PROTOCOL".to_owned()] {
                list(&variable, get(&variable), &["grpc", "http/protobuf"])?;
            }
            let endpoint = get(&format!("{own}ENDPOINT")).or(get("OTEL_EXPORTER_OTLP_ENDPOINT"));
            Ok(!disabled && endpoint.is_some() && (chosen.is_empty() || chosen.contains(&"otlp")))
        };
        Ok(Self {
            traces: signal("TRACES", &["otlp", "none"])?,
            // `/metrics` is always there, so `prometheus` only says that OTLP is not wanted.
            metrics: signal("METRICS", &["otlp", "prometheus", "none"])?,
            logs: signal("LOGS", &["otlp", "none"])?,
            service_name: get("OTEL_SERVICE_NAME").map(str::to_owned),
            trace_context,
        })
    }
}

/// A comma-separated list of which each item must be one of `known`; nothing where unset.
fn list<'a>(variable: &str, value: Option<&'a str>, known: &[&str]) -> Result<Vec<&'a str>, Error> {
    let items: Vec<&str> =
        value.unwrap_or_default().split(',').map(str::trim).filter(|v| !v.is_empty()).collect();
    match items.iter().find(|item| !known.contains(item)) {
        Some(item) => Err(Error::variable(variable, item, format_args!("one of {}", known.join(", ")))),
        None => Ok(items),
    }
}

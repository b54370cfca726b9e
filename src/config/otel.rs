//! The `OTEL_*` variables that the OpenTelemetry SDK for Rust does not read. The SDK itself reads endpoints,
//! headers, timeouts, samplers, batch sizes and resource attributes.

mod checks;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::error::Error;

/// Selects the exported signals, and says whether trace context is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each signal has its own switch, as the variables do")]
pub struct Otel {
    /// Exports spans to an OTLP endpoint.
    pub traces: bool,
    /// Exports metrics to an OTLP endpoint, in addition to `/metrics`.
    pub metrics: bool,
    /// Exports log lines to an OTLP endpoint, in addition to stdout.
    pub logs: bool,
    /// Name of the service. Overrides `service.name` of `OTEL_RESOURCE_ATTRIBUTES`, which the SDK would
    /// prefer.
    pub service_name: Option<String>,
    /// Accepts the W3C headers `traceparent` and `tracestate`.
    pub trace_context: bool,
}

impl Otel {
    /// Reads the settings from the `variables` of the specification:
    /// <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.
    pub(super) fn from_variables(variables: &BTreeMap<String, String>) -> Result<Self, Error> {
        // The specification treats an empty variable as unset.
        let get = |name: &str| variables.get(name).map(|v| v.trim()).filter(|v| !v.is_empty());
        checks::check(variables)?;
        let propagators =
            list("OTEL_PROPAGATORS", get("OTEL_PROPAGATORS"), &["tracecontext", "baggage", "none"])?;
        let trace_context = propagators.is_empty() || propagators.contains(&"tracecontext");
        let disabled = get("OTEL_SDK_DISABLED").is_some_and(|v| v.eq_ignore_ascii_case("true"));

        let is_exported = |signal: &str, exporters: &[&str]| -> Result<bool, Error> {
            let variable = format!("OTEL_{signal}_EXPORTER");
            let chosen = list(&variable, get(&variable), exporters)?;
            let own = format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT");
            let endpoint = get(&own).or(get("OTEL_EXPORTER_OTLP_ENDPOINT"));
            Ok(!disabled && endpoint.is_some() && (chosen.is_empty() || chosen.contains(&"otlp")))
        };
        Ok(Self {
            traces: is_exported("TRACES", &["otlp", "none"])?,
            // `/metrics` exists in any case, so `prometheus` only turns the export over OTLP off.
            metrics: is_exported("METRICS", &["otlp", "prometheus", "none"])?,
            logs: is_exported("LOGS", &["otlp", "none"])?,
            service_name: get("OTEL_SERVICE_NAME").map(str::to_owned),
            trace_context,
        })
    }
}

/// Returns the items of a comma-separated list, each of which must be one of `choices`. An unset variable is
/// an empty list.
fn list<'a>(variable: &str, value: Option<&'a str>, choices: &[&str]) -> Result<Vec<&'a str>, Error> {
    let items: Vec<&str> =
        value.unwrap_or_default().split(',').map(str::trim).filter(|v| !v.is_empty()).collect();
    match items.iter().find(|item| !choices.contains(item)) {
        Some(item) => Err(Error::variable(variable, item, format_args!("one of {}", choices.join(", ")))),
        None => Ok(items),
    }
}

//! Refuses values of `OTEL_*` variables that the SDK would replace by its defaults without a message.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::config::error::Error;

type Variables = BTreeMap<String, String>;

/// Longest time in milliseconds: 30 days, as for the service's own settings.
const LONGEST: u64 = 30 * 24 * 60 * 60 * 1000;

/// Range of the sizes of queues and exports. The SDK reserves the memory of a queue when it starts.
const QUEUE: RangeInclusive<u64> = 1..=1_000_000;

/// Range of the limits of a span. The SDK reads them as 32-bit integers.
const LIMIT: RangeInclusive<u64> = 0..=u32::MAX as u64;

/// Variables that are numbers, with their ranges.
const NUMBERS: [(&str, RangeInclusive<u64>); 10] = [
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", QUEUE),
    ("OTEL_BLRP_MAX_QUEUE_SIZE", QUEUE),
    ("OTEL_BLRP_SCHEDULE_DELAY", 1..=LONGEST),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", QUEUE),
    ("OTEL_BSP_MAX_QUEUE_SIZE", QUEUE),
    ("OTEL_BSP_SCHEDULE_DELAY", 1..=LONGEST),
    ("OTEL_METRIC_EXPORT_INTERVAL", 1..=LONGEST),
    ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", LIMIT),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", LIMIT),
    ("OTEL_SPAN_LINK_COUNT_LIMIT", LIMIT),
];

const SAMPLERS: [&str; 6] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

/// Returns the first error in the `variables`.
pub(super) fn check(variables: &Variables) -> Result<(), Error> {
    for (name, range) in NUMBERS {
        number(variables, name, &range)?;
    }
    one_of(variables, "OTEL_TRACES_SAMPLER", &SAMPLERS)?;
    ratio(variables, "OTEL_TRACES_SAMPLER_ARG")?;
    pairs(variables, "OTEL_RESOURCE_ATTRIBUTES")?;
    for signal in ["", "TRACES_", "METRICS_", "LOGS_"] {
        let name = |name: &str| format!("OTEL_EXPORTER_OTLP_{signal}{name}");
        one_of(variables, &name("PROTOCOL"), &["grpc", "http/protobuf"])?;
        // No compression is built in.
        one_of(variables, &name("COMPRESSION"), &["none"])?;
        number(variables, &name("TIMEOUT"), &(1..=LONGEST))?;
        pairs(variables, &name("HEADERS"))?;
    }
    let temporality = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    one_of(variables, temporality, &["cumulative", "delta", "lowmemory"])
}

/// Returns the value of a variable. The specification treats an empty variable as unset.
fn get<'a>(variables: &'a Variables, name: &str) -> Option<&'a str> {
    variables.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
}

fn one_of(variables: &Variables, name: &str, choices: &[&str]) -> Result<(), Error> {
    // The SDK ignores case in the values of the exporters' variables only.
    let is_chosen = |value: &str| match name.strip_prefix("OTEL_EXPORTER_") {
        Some(_) => choices.iter().any(|choice| choice.eq_ignore_ascii_case(value)),
        None => choices.contains(&value),
    };
    match get(variables, name) {
        Some(value) if !is_chosen(value) => {
            Err(Error::variable(name, value, format_args!("one of {}", choices.join(", "))))
        }
        _ => Ok(()),
    }
}

fn number(variables: &Variables, name: &str, range: &RangeInclusive<u64>) -> Result<(), Error> {
    match get(variables, name) {
        Some(value) if !value.parse().is_ok_and(|number| range.contains(&number)) => {
            Err(Error::variable(name, value, format_args!("{} to {}", range.start(), range.end())))
        }
        _ => Ok(()),
    }
}

fn ratio(variables: &Variables, name: &str) -> Result<(), Error> {
    match get(variables, name) {
        Some(value) if !value.parse().is_ok_and(|ratio: f64| (0.0..=1.0).contains(&ratio)) => {
            Err(Error::variable(name, value, "0.0 to 1.0"))
        }
        _ => Ok(()),
    }
}

/// Checks a list of `key=value` pairs. The error does not show the list, because a header may be a password.
fn pairs(variables: &Variables, name: &str) -> Result<(), Error> {
    let is_valid = |pair: &str| {
        pair.split_once('=').is_some_and(|(key, value)| is_token(key.trim()) && !value.trim().is_empty())
    };
    let mut list = get(variables, name).unwrap_or_default().split_terminator(',');
    if list.all(is_valid) {
        return Ok(());
    }
    Err(Error::secret_variable(name, "key=value pairs, separated by commas"))
}

/// Returns whether `name` can be the name of a header.
fn is_token(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_allowed)
}

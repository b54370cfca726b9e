//! The filter of log lines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Selects log lines: a level, or `target=level` pairs separated by commas.
///
/// The pattern of the schema allows these, and a span after a target. It must not allow a text that the loader
/// refuses. The loader also reads the other directives of [`EnvFilter`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend(
    "x-expected" = "a level (error, warn, info, debug, trace) or target=level pairs",
    "pattern" = pattern(),
))]
pub struct LogFilter(String);

fn pattern() -> String {
    let level = "(error|warn|info|debug|trace|off|ERROR|WARN|INFO|DEBUG|TRACE|OFF)";
    // A span of a target: `films[{film_id=7}]=debug`.
    let span = r#"\[[a-z_]*(\{[a-z_.]+(="?[A-Za-z0-9_]+"?)?\})?\]"#;
    let directive = format!("([A-Za-z_][A-Za-z0-9_:]*({span})?=)?{level}");
    format!("^{directive}(,{directive})*$")
}

impl LogFilter {
    /// Returns the filter for a layer of `tracing-subscriber`.
    pub fn to_env_filter(&self) -> EnvFilter {
        // Never ignores a part of the text: `try_from` has parsed all of it.
        EnvFilter::new(&self.0)
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl TryFrom<String> for LogFilter {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // `tracing-subscriber` would read a space as a part of the target's name.
        let text = text.split(',').map(str::trim).collect::<Vec<_>>().join(",");
        let expected = format!("expected a level ({}) or target=level pairs", LEVELS.join(", "));
        if let Some(word) = text.split(',').find(|part| is_unknown_word(part)) {
            let hint = nearest(word).map(|near| format!(", did you mean {near}?"));
            let hint = hint.as_deref().unwrap_or(",");
            return Err(format!("{word} is not a level{hint} {expected}, such as {word}=trace"));
        }
        EnvFilter::try_new(&text).map(|_| Self(text)).map_err(|_| expected)
    }
}

/// The levels of log lines.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Returns the level that a misspelt word most likely means.
fn nearest(word: &str) -> Option<&'static str> {
    let likeness = |level: &str| strsim::jaro_winkler(level, &word.to_lowercase());
    let near = LEVELS.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    near.filter(|near| likeness(near) > 0.7)
}

/// Returns whether a part of a filter is a word that is not a level. `tracing-subscriber` would read it as a
/// target and log nothing else, so a misspelt level would turn the log off.
fn is_unknown_word(part: &str) -> bool {
    !part.is_empty() && !part.contains(['=', '[']) && part.parse::<LevelFilter>().is_err()
}

impl From<LogFilter> for String {
    fn from(filter: LogFilter) -> Self {
        filter.0
    }
}

//! `cargo xtask docs`: the generated parts of the documents.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use loadtest::report::{picture, verdict};
use loadtest::result::Run;
use serde_json::Value;

use super::{instruments, schema, service, table};
use crate::baselines::{self, Baseline};
use crate::cargo;
use crate::generated::{self, Mode, between, read};

/// The comparison that README.md shows: a result of `cargo xtask bench`.
const COMPARISON: &str = "docs/comparison.json";
const PICTURE: &str = "docs/comparison.svg";
const README: &str = "README.md";
const CONFIGURATION: &str = "docs/configuration.md";
const METRICS: &str = "docs/metrics.md";
const OPENAPI: &str = "docs/openapi.json";
const BASELINES: &str = "loadtest/baselines/README.md";

pub(crate) fn run(mode: &Mode) -> Result<ExitCode> {
    let comparison = Run::parse(&read(COMPARISON)?).context(COMPARISON)?;
    let verdict = verdict(&comparison).with_context(|| format!("{COMPARISON} has no verdict"))?;
    let files = [
        (README, "verdict", format!("{verdict}\n")),
        (CONFIGURATION, "settings", settings(&schema::of_service()?)?),
        (METRICS, "instruments", instruments::of_service()?),
        (BASELINES, "baselines", baselines_table()?),
    ];
    let files = files.map(|(name, part, table)| {
        let (begin, end) = (format!("<!-- {part}: written by"), format!("<!-- end of {part}"));
        let text = between(&read(name)?, &begin, &end, &table).context(name)?;
        Ok((name.to_owned(), Some(text)))
    });
    let picture = (PICTURE.to_owned(), Some(picture(&comparison)));
    let openapi = (OPENAPI.to_owned(), Some(service::prints(&["openapi"])?));
    let files = files.into_iter().chain([Ok(picture), Ok(openapi)]).collect::<Result<Vec<_>>>()?;
    mode.apply("docs", &cargo::workspace(), &files)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns a row for each setting of the service. Every setting needs a description.
fn settings(schema: &Value) -> Result<String> {
    let rows = table::rows(schema, &Value::Null)?;
    for row in &rows {
        ensure!(row[2].len() > 20, "{}: the description is too short: {}", row[0], row[2]);
    }
    Ok(generated::table(&table::HEADER, &rows))
}

fn baselines_table() -> Result<String> {
    let rows = baselines::all()?.iter().map(|(name, Baseline { title, workers, .. })| {
        vec![format!("`{name}`"), title.clone(), workers.clone()]
    });
    Ok(generated::table(&["baseline", "made of", "workers"], &rows.collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(description: &str) -> Value {
        json!({
            "properties": {"http": {"$ref": "#/$defs/Http", "default": {"timeout": "5s"}}},
            "$defs": {"Http": {"properties": {
                "timeout": {"type": "string", "default": "5s", "description": description},
            }}},
        })
    }

    #[test]
    fn a_setting_has_its_default_and_its_meaning() -> Result<()> {
        let table = settings(&schema("Limits the time of a request."))?;
        assert!(
            table.ends_with("|---|---|---|\n| `http.timeout` | `5s` | Limits the time of a request. |\n")
        );
        Ok(())
    }

    #[test]
    fn every_setting_is_explained() {
        let error = settings(&schema("A time.")).unwrap_err().to_string();
        assert_eq!(error, "`http.timeout`: the description is too short: A time.");
    }
}

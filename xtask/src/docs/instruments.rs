//! The table of metrics in docs/metrics.md.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::service;
use crate::generated;

const HEADER: [&str; 6] = ["instrument", "name in Prometheus", "type", "unit", "attributes", "meaning"];

/// A metric in the list that `films metrics` prints.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Instrument {
    name: String,
    name_in_prometheus: String,
    r#type: String,
    unit: String,
    attributes: Vec<String>,
    meaning: String,
}

/// Returns a row for each metric of the service.
pub(super) fn of_service() -> Result<String> {
    table(&service::prints(&["metrics"])?)
}

fn table(list: &str) -> Result<String> {
    let list: Vec<Instrument> = serde_json::from_str(list).context("`films metrics` printed another list")?;
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
    let row = |instrument: &Instrument| {
        let Instrument { name, meaning, .. } = instrument;
        ensure!(meaning.ends_with('.'), "the meaning of {name} is not a sentence: {meaning}");
        let attributes: Vec<_> = instrument.attributes.iter().map(|name| code(name)).collect();
        Ok(vec![
            code(name),
            code(&instrument.name_in_prometheus),
            instrument.r#type.clone(),
            code(&instrument.unit),
            attributes.join(", "),
            meaning.clone(),
        ])
    };
    Ok(generated::table(&HEADER, &list.iter().map(row).collect::<Result<Vec<_>>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(meaning: &str) -> String {
        format!(
            r#"[{{"name": "a.b", "name_in_prometheus": "a_b_total", "type": "counter", "unit": "{{x}}",
                 "attributes": ["c", "d.e"], "meaning": "{meaning}"}}]"#
        )
    }

    #[test]
    fn a_metric_has_its_names_type_unit_attributes_and_meaning() -> Result<()> {
        let table = table(&list("All of them."))?;
        assert!(
            table.ends_with("| `a.b` | `a_b_total` | counter | `{x}` | `c`, `d.e` | All of them. |\n"),
            "{table}"
        );
        Ok(())
    }

    #[test]
    fn every_metric_is_explained_in_a_sentence() {
        let error = table(&list("all")).unwrap_err().to_string();
        assert_eq!(error, "the meaning of a.b is not a sentence: all");
    }
}

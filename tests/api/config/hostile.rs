//! The hostile values of the chart's tests: the service must refuse the `config` of each file too.

use super::*;

/// Returns the section `config` of a values file as a file of its own, if the file has the section.
fn config_of(values: &str) -> Option<String> {
    let rest = values.split_inclusive('\n').skip_while(|line| !line.starts_with("config:"));
    let mut lines = rest.take_while(|line| line.starts_with("config:") || line.starts_with(' '));
    let first = lines.next()?.strip_prefix("config:")?.trim_start();
    Some(
        lines
            .map(|line| line.strip_prefix("  ").unwrap_or(line))
            .fold(first.to_owned(), |text, line| text + line),
    )
}

#[tokio::test]
async fn hostile_values_of_the_chart_are_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("helm/films/tests/hostile");
    let (mut accepted, mut count) = (Vec::new(), 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let values = entry.unwrap().path();
        let name = values.file_name().unwrap().to_string_lossy().into_owned();
        let content = std::fs::read_to_string(&values).unwrap();
        let Some(config) = config_of(&content) else { continue };
        if content.contains("\n# only the chart: ") {
            continue;
        }
        let path = file(&format!("hostile-{name}"), &config);
        let ended = run_with(&[], &["config", "--config", text(&path)]).await;
        if ended.code == Some(0) {
            accepted.push(name);
        } else {
            refusal(&ended);
        }
        count += 1;
    }
    assert!(accepted.is_empty(), "the service accepts: {accepted:?}");
    assert!(count > 40, "found only {count} files with config");
}

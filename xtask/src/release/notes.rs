//! `cargo xtask release notes`: the version's section of CHANGELOG.md.

use anyhow::{Context, Result, ensure};

use super::record::VERSION;
use crate::generated::read;
use crate::images::{CHART, parse_yaml};

const FILE: &str = "CHANGELOG.md";

pub(super) fn run(version: &str) -> Result<()> {
    compare(version, VERSION, &read(CHART)?)?;
    println!("{}", section(&read(FILE)?, version)?);
    Ok(())
}

fn compare(expected: &str, package: &str, chart: &str) -> Result<()> {
    let chart = parse_yaml(CHART, chart)?;
    let chart = ["version", "appVersion"].map(|key| (CHART, key, chart[key].as_str().unwrap_or_default()));
    for (file, key, found) in [("Cargo.toml", "workspace.package.version", package)].into_iter().chain(chart)
    {
        ensure!(
            found == expected,
            "{file}: {key} is {found:?}, expected the version of the release, {expected:?}"
        );
    }
    Ok(())
}

/// Returns the changes of this version. A rehearsal comes before the version has its section.
pub(super) fn changes_of_this_version() -> Result<Vec<(String, String)>> {
    let changelog = read(FILE)?;
    Ok(changes(section(&changelog, VERSION).or_else(|_| section(&changelog, "Unreleased"))?))
}

/// Returns the text of a section without its heading, which is `NAME` or `NAME - YYYY-MM-DD`.
fn section<'a>(changelog: &'a str, name: &str) -> Result<&'a str> {
    let mut sections = changelog.split("\n## ").filter_map(|section| section.split_once('\n'));
    let found = sections.find(|(heading, _)| heading.split(' ').next() == Some(name));
    let text = found.with_context(|| {
        format!("{FILE} has no section {name}: expected a line `## {name} - YYYY-MM-DD` above its changes")
    })?;
    ensure!(!changes(text.1).is_empty(), "{FILE}: the section {name} lists no change");
    Ok(text.1.trim())
}

/// Returns the kind of each change of a section in lower case, and its text.
fn changes(section: &str) -> Vec<(String, String)> {
    let mut kind = String::new();
    let mut changes = Vec::new();
    for line in section.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            kind = heading.to_lowercase();
        } else if let Some(change) = line.strip_prefix("- ") {
            changes.push((kind.clone(), change.to_owned()));
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGELOG: &str = "# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-02-01\n\n### Added\n\n- A.\n\n\
                             ### Fixed\n\n- B.\n\n## 0.1.0 - 2026-01-01\n\n### Added\n\n- C.\n";

    #[test]
    fn the_section_of_a_version_ends_at_the_next_one() -> Result<()> {
        assert_eq!(section(CHANGELOG, "0.1.0")?, "### Added\n\n- C.");
        let expected =
            [("added", "A."), ("fixed", "B.")].map(|(kind, text)| (kind.to_owned(), text.to_owned()));
        assert_eq!(changes(section(CHANGELOG, "0.2.0")?), expected);
        Ok(())
    }

    #[test]
    fn a_section_that_is_missing_or_empty_is_an_error() {
        let error = |name| section(CHANGELOG, name).unwrap_err().to_string();
        assert!(error("0.1").starts_with("CHANGELOG.md has no section 0.1: expected a line"));
        assert_eq!(error("Unreleased"), "CHANGELOG.md: the section Unreleased lists no change");
    }

    #[test]
    fn every_file_must_have_the_version_of_the_release() {
        let chart = "version: 0.2.0\nappVersion: 0.2.0\n";
        assert!(compare("0.2.0", "0.2.0", chart).is_ok());
        for (package, chart, place) in [
            ("0.1.0", chart, "Cargo.toml: workspace.package.version is \"0.1.0\""),
            ("0.2.0", "version: 0.1.0\nappVersion: 0.2.0\n", "helm/films/Chart.yaml: version is \"0.1.0\""),
            ("0.2.0", "version: 0.2.0\n", "helm/films/Chart.yaml: appVersion is \"\""),
        ] {
            let error = compare("0.2.0", package, chart).unwrap_err().to_string();
            assert!(error.starts_with(place), "{error}");
        }
    }
}

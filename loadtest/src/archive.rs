//! The files in which a run is stored next to earlier runs, in a folder or in a ConfigMap.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use crate::report::{html, markdown};
use crate::result::{Run, write_whole};

/// Files by name.
pub type Files = BTreeMap<String, String>;

/// Returns the files of a run: `result.json` and its reports, which the next run replaces, and the result
/// under a name of its own, which stays.
pub fn files(run: &Run) -> Result<Files> {
    let result = serde_json::to_string(run)?;
    Ok(Files::from([
        (own_name(run), result.clone()),
        ("result.json".to_owned(), result),
        ("report.md".to_owned(), markdown(run)),
        ("report.html".to_owned(), html(run)),
    ]))
}

/// Writes files to a folder, each of them completely or not at all.
pub fn write(folder: &Path, files: &Files) -> Result<()> {
    files.iter().try_for_each(|(name, text)| write_whole(&folder.join(name), text))
}

/// Returns the names of stored results to delete so that `new` fits within `limit` bytes: the oldest first,
/// and only as many as needed. No other file is ever deleted.
pub(crate) fn surplus<'a>(stored: &'a Files, new: &Files, limit: usize) -> Vec<&'a str> {
    let earlier: Vec<_> = stored.iter().filter(|(name, _)| !new.contains_key(*name)).collect();
    let mut total = size(new) + size(earlier.iter().copied());
    let mut surplus = Vec::new();
    // The names contain the time, so their order is that of the runs.
    for file in earlier.into_iter().filter(|(name, _)| name.starts_with("result-")) {
        if total < limit {
            break;
        }
        total -= size([file]);
        surplus.push(file.0.as_str());
    }
    surplus
}

/// Returns the size of files with their names.
pub(crate) fn size<'a>(files: impl IntoIterator<Item = (&'a String, &'a String)>) -> usize {
    files.into_iter().map(|(name, text)| name.len() + text.len()).sum()
}

/// Returns a name such as `result-20261126T131211Z.json`, which is also valid as a key of a ConfigMap.
fn own_name(run: &Run) -> String {
    format!("result-{}.json", run.started.replace(['-', ':'], ""))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::result::sample;

    fn stored(names: &[&str]) -> Files {
        names.iter().map(|name| ((*name).to_owned(), "x".repeat(100))).collect()
    }

    #[test]
    fn each_run_has_a_result_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = sample();
        for started in ["2026-11-26T13:12:11Z", "2026-11-27T13:12:11Z"] {
            run.started = started.to_owned();
            write(folder.path(), &files(&run).unwrap()).unwrap();
        }
        let mut names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        let expected = [
            "report.html",
            "report.md",
            "result-20261126T131211Z.json",
            "result-20261127T131211Z.json",
            "result.json",
        ];
        assert_eq!(names, expected);
        let load = |name: &str| Run::load(&folder.path().join(name)).unwrap().started;
        assert_eq!(load("result-20261126T131211Z.json"), "2026-11-26T13:12:11Z");
        assert_eq!(load("result.json"), "2026-11-27T13:12:11Z");
    }

    #[test]
    fn only_the_oldest_results_are_surplus_and_only_as_many_as_needed() {
        let earlier = stored(&["mine.txt", "result-2.json", "result-1.json", "result-3.json", "result.json"]);
        let new = stored(&["result-4.json", "result.json"]);
        assert_eq!(surplus(&earlier, &new, 10_000), [""; 0]);
        // Six files of about 112 bytes.
        assert_eq!(surplus(&earlier, &new, 600), ["result-1.json"]);
        assert_eq!(surplus(&earlier, &new, 500), ["result-1.json", "result-2.json"]);
        assert_eq!(surplus(&earlier, &new, 1), ["result-1.json", "result-2.json", "result-3.json"]);
    }
}

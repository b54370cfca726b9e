//! Values that the chart must refuse, a file for each: helm/films/tests/hostile.
//!
//! The comments at the top of a file say how: `# expected:` is a part of Helm's message, `# release:` is another
//! name of the release. `# only the chart:` says why the service accepts the `config` of the file;
//! tests/api/config/hostile.rs checks that the service refuses it in every other file.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::{self, ScopedJoinHandle, available_parallelism};

use anyhow::{Context, Result, anyhow, ensure};

use crate::cargo;
use crate::images;
use crate::process;

const FOLDER: &str = "helm/films/tests/hostile";

/// The template that a refusal of the templates must name.
const CHECKS: &str = "execution error at (films/templates/values/checks.yaml:";

/// The password in the values. No message may show it.
pub(super) const PASSWORD: &str = "s3cret";

/// Renders the chart with the values of each file. Fails unless Helm refuses all of them as expected.
pub(super) fn check() -> Result<()> {
    let files = files(&cargo::workspace().join(FOLDER))?;
    ensure!(!files.is_empty(), "{FOLDER} has no file");
    let mistake = |file: &PathBuf| Some(format!("{}: {:#}", file.display(), refused(file).err()?));
    let share = files.len().div_ceil(available_parallelism().map_or(1, usize::from));
    let mistakes = thread::scope(|scope| {
        let work = |files: &[PathBuf]| files.iter().filter_map(mistake).collect::<Vec<_>>();
        let threads: Vec<_> = files.chunks(share).map(|files| scope.spawn(move || work(files))).collect();
        let results = threads.into_iter().map(ScopedJoinHandle::join);
        results.collect::<Result<Vec<_>, _>>().map_err(|_| anyhow!("a thread that runs Helm panicked"))
    })?;
    let mistakes = mistakes.concat();
    ensure!(
        mistakes.is_empty(),
        "the chart does not refuse hostile values as expected:\n{}",
        mistakes.join("\n")
    );
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

fn refused(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file)?;
    let expected = comment(&text, "expected").context("found no comment `# expected: MESSAGE`")?;
    let mut helm = images::helm_template(comment(&text, "release").unwrap_or("films"))?;
    verdict(process::output(helm.arg("--values").arg(file)).map_err(|error| format!("{error:#}")), expected)
}

/// Returns the text of the comment `# name: text` at the top of a file.
fn comment<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let comments = text.lines().map_while(|line| line.strip_prefix("# "));
    comments.filter_map(|line| line.split_once(": ")).find(|(found, _)| *found == name).map(|(_, text)| text)
}

/// Compares what Helm printed with the expected message.
fn verdict(rendered: Result<String, String>, expected: &str) -> Result<()> {
    let message = rendered.err().context("the chart renders, expected a refusal")?;
    let in_one_line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(in_one_line.contains(expected), "found {in_one_line:?}, expected {expected:?} in it");
    let is_located = !message.contains("execution error at") || message.contains(CHECKS);
    ensure!(is_located, "the message does not contain {CHECKS:?}: {in_one_line}");
    ensure!(!message.contains(PASSWORD), "the message shows a password: {in_one_line}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_stand_at_the_top() {
        let text = "# expected: a: b\n# release: x\nkey: 1\n# only the chart: no\n";
        assert_eq!(comment(text, "expected"), Some("a: b"));
        assert_eq!(comment(text, "release"), Some("x"));
        assert_eq!(comment(text, "only the chart"), None);
    }

    #[test]
    fn only_the_expected_refusal_without_a_password_is_right() {
        let wrong = |rendered| verdict(rendered, "at '/a' b").unwrap_err().to_string();
        assert!(wrong(Ok(String::new())).contains("renders"));
        assert!(wrong(Err("other".to_owned())).contains("found \"other\", expected \"at '/a' b\""));
        assert!(wrong(Err("at '/a' b s3cret".to_owned())).contains("password"));
        let elsewhere = "execution error at (films/templates/server/pdb.yaml:1:1): at '/a' b".to_owned();
        assert!(wrong(Err(elsewhere)).contains("does not contain"));
        assert!(verdict(Err("Error: at '/a'\n b".to_owned()), "at '/a' b").is_ok());
    }
}

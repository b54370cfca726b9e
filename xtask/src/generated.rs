//! Generated files: their parts between markers, and whether they are up to date.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::cargo;
use crate::terminal::say;

/// Options of a verb that generates files.
#[derive(clap::Args)]
pub(crate) struct Mode {
    /// Change nothing. Fail if a file is out of date.
    #[arg(long)]
    pub(crate) check: bool,
}

/// The path of a generated file in the workspace, and the expected text. `None` if the file must not
/// exist.
pub(crate) type File = (String, Option<String>);

impl Mode {
    /// Writes or deletes the files that are not as they must be. With `--check`, fails instead.
    pub(crate) fn apply(&self, verb: &str, workspace: &Path, files: &[File]) -> Result<()> {
        let mut outdated = Vec::new();
        for file in files {
            if read_if_there(&workspace.join(&file.0))? != file.1 {
                outdated.push(file);
            }
        }
        if self.check {
            let names: Vec<&str> = outdated.iter().map(|(name, _)| name.as_str()).collect();
            ensure!(
                names.is_empty(),
                "out of date: {}. Run `cargo xtask {verb}` and commit the result",
                names.join(", ")
            );
        }
        for (name, text) in outdated {
            let path = workspace.join(name);
            match text {
                Some(text) => write(&path, text).map(|()| say(&format!("Wrote {name}"))),
                None => fs::remove_file(&path).map(|()| say(&format!("Deleted {name}"))),
            }
            .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(path, text)
}

fn read_if_there(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Reads a file of the workspace.
pub(crate) fn read(name: &str) -> Result<String> {
    let path = cargo::workspace().join(name);
    read_if_there(&path)?.with_context(|| format!("{} does not exist", path.display()))
}

/// Returns `text` with `new` between the line that contains `begin` and the line that contains `end`.
pub(crate) fn between(text: &str, begin: &str, end: &str, new: &str) -> Result<String> {
    let Some((before, rest)) = text.split_once(begin) else { bail!("the marker {begin:?} is missing") };
    let (begin_line, rest) = rest.split_once('\n').unwrap_or((rest, ""));
    let at = rest.find(end).with_context(|| format!("the marker {end:?} is missing after {begin:?}"))?;
    let end_line = rest[..at].rfind('\n').map_or(0, |newline| newline + 1);
    Ok(format!("{before}{begin}{begin_line}\n{new}{}", &rest[end_line..]))
}

/// Returns a Markdown table.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let header: Vec<String> = header.iter().map(|&cell| cell.to_owned()).collect();
    let rule = format!("|{}\n", "---|".repeat(header.len()));
    let rows = rows.iter().map(|cells| {
        let cells: Vec<String> =
            cells.iter().map(|cell| cell.replace('\n', " ").replace('|', "\\|")).collect();
        line(&cells)
    });
    [line(&header), rule].into_iter().chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn only_the_text_between_the_markers_changes(before in "[a-z\n]{0,9}", after in "[a-z\n]{0,9}", new in "[a-z\n]{0,9}") {
            let page = |text: &str| format!("{before}<!-- begin: by hand -->\n{text}\n<!-- end -->{after}");
            let expected = page(&new);
            let found = between(&page("old\nlines"), "<!-- begin", "<!-- end", &format!("{new}\n"));
            prop_assert_eq!(found.unwrap(), expected);
        }

        #[test]
        fn no_text_between_markers_panics(text in "[be\nä]{0,12}") {
            let _ = between(&text, "b", "e", "");
        }
    }

    #[test]
    fn every_difference_is_named_and_then_mended() -> Result<()> {
        let folder = tempfile::tempdir()?;
        for name in ["same", "edited", "stale"] {
            fs::write(folder.path().join(name), name)?;
        }
        let files: Vec<File> =
            [("same", Some("same")), ("edited", Some("new")), ("a/missing", Some("new")), ("stale", None)]
                .map(|(name, text)| (name.to_owned(), text.map(str::to_owned)))
                .into();
        let error = Mode { check: true }.apply("k8s", folder.path(), &files).unwrap_err().to_string();
        assert_eq!(
            error,
            "out of date: edited, a/missing, stale. Run `cargo xtask k8s` and commit the result"
        );
        Mode { check: false }.apply("k8s", folder.path(), &files)?;
        Mode { check: true }.apply("k8s", folder.path(), &files)
    }

    #[test]
    fn new_text_stands_between_the_markers() -> Result<()> {
        let text = "a\n  # begin: more\nold\n  # end\nz\n";
        assert_eq!(between(text, "# begin", "# end", "new\n")?, "a\n  # begin: more\nnew\n  # end\nz\n");
        for text in ["a\n# end\n", "a\n# begin\nold\n"] {
            assert!(between(text, "# begin", "# end", "new\n").is_err(), "{text}");
        }
        Ok(())
    }

    #[test]
    fn a_bar_does_not_end_a_cell() {
        let rows = [vec!["a".to_owned(), String::new(), "B | C\nD.".to_owned()]];
        assert_eq!(table(&["x", "y", "z"], &rows), "| x | y | z |\n|---|---|---|\n| a |  | B \\| C D. |\n");
    }
}

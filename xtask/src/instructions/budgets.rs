//! The budget of each hot path: the committed file, and the comparison with it.

use std::collections::BTreeMap;
use std::env::consts;
use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::cargo;
use crate::generated::{self, Mode};
use crate::terminal::say;

/// File of the budgets, in the workspace.
pub(super) const FILE: &str = "xtask/instructions.toml";
const UPDATE: &str = "`cargo xtask instructions --update` writes the file again";

/// In per cent of the budget. Counts of the same build differ by less than half a per cent.
const TOLERANCE: i64 = 5;
/// In per cent. Further below the budget, a later regression of some per cent would not be found.
const SLACK: i64 = 10;

/// The file. By default it has no budgets, for a run that sets them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Budgets {
    toolchain: String,
    /// Instructions of a request, by the name of the path.
    instructions: BTreeMap<String, u64>,
}

/// How a count compares with its budget.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    Within,
    Above,
    Below,
}

impl Budgets {
    /// Reads the committed budgets, which must be those of the paths `names`.
    pub(super) fn load(names: &[&str]) -> Result<Self> {
        Self::parse(&generated::read(FILE).context(UPDATE)?, names)
    }

    fn parse(text: &str, names: &[&str]) -> Result<Self> {
        let budgets: Self = toml::from_str(text).with_context(|| format!("{FILE} is malformed: {UPDATE}"))?;
        if let Some(name) = names.iter().find(|name| !budgets.instructions.contains_key(**name)) {
            bail!("{FILE} has no budget for {name}: {UPDATE}");
        }
        if let Some(name) = budgets.instructions.keys().find(|name| !names.contains(&name.as_str())) {
            bail!("{FILE} has a budget for {name}, which is not counted: {UPDATE}");
        }
        Ok(budgets)
    }

    /// Returns a line of the printed table.
    pub(super) fn row(&self, name: &str, now: u64) -> String {
        match self.instructions.get(name) {
            None => format!("{name:<14} {now:>9}"),
            Some(budget) => {
                let difference = per_mille(now, *budget);
                let sign = if difference < 0 { '-' } else { '+' };
                let (whole, tenth) = (difference.abs() / 10, difference.abs() % 10);
                format!("{name:<14} {now:>9} {budget:>9} {:>10}", format!("{sign}{whole}.{tenth} %"))
            }
        }
    }

    /// Compares a count with its budget.
    pub(super) fn verdict(&self, name: &str, now: u64) -> Verdict {
        match self.instructions.get(name).map(|budget| per_mille(now, *budget)) {
            Some(difference) if difference > 10 * TOLERANCE => Verdict::Above,
            Some(difference) if difference < -10 * SLACK => Verdict::Below,
            _ => Verdict::Within,
        }
    }

    /// Warns if another toolchain has set the budgets: it may be the cause of a difference.
    pub(super) fn warn_of_another_toolchain(&self) -> Result<()> {
        let now = toolchain()?;
        if now != self.toolchain {
            say(&format!("The budgets are those of {}, and this is {now}", self.toolchain));
        }
        Ok(())
    }
}

/// Writes `counts` as the budgets.
pub(super) fn write(counts: &[(&str, u64)]) -> Result<()> {
    let file = (FILE.to_owned(), Some(text(&toolchain()?, counts)));
    Mode { check: false }.apply("instructions --update", &cargo::workspace(), &[file])
}

fn text(toolchain: &str, counts: &[(&str, u64)]) -> String {
    let mut text = format!(
        "# Instructions that one request may take, written by `cargo xtask instructions --update`.\n\
         toolchain = \"{toolchain}\"\n\n[instructions]\n"
    );
    for (name, count) in counts {
        let _ = writeln!(text, "{name} = {count}");
    }
    text
}

/// Returns by how much `now` is above `budget`.
fn per_mille(now: u64, budget: u64) -> i64 {
    let difference = i128::from(now) - i128::from(budget);
    i64::try_from(1000 * difference / i128::from(budget.max(1))).unwrap_or(i64::MAX)
}

/// Returns the compiler and the architecture: both change the number of instructions.
fn toolchain() -> Result<String> {
    Ok(format!("{} for {}", cargo::version(Command::new("rustc").arg("--version"))?, consts::ARCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budgets() -> Budgets {
        Budgets { toolchain: String::new(), instructions: [("one".to_owned(), 10_000)].into() }
    }

    #[test]
    fn a_small_difference_is_within_the_budget() {
        for (now, expected) in [
            (8_989, Verdict::Below),
            (9_000, Verdict::Within),
            (10_500, Verdict::Within),
            (10_511, Verdict::Above),
            (u64::MAX, Verdict::Above),
        ] {
            assert_eq!(budgets().verdict("one", now), expected, "{now}");
        }
    }

    #[test]
    fn a_row_has_the_difference_in_per_cent() {
        assert_eq!(budgets().row("one", 10_120), "one                10120     10000     +1.2 %");
        assert_eq!(budgets().row("one", 9_950), "one                 9950     10000     -0.5 %");
        assert_eq!(budgets().row("other", 5), "other                  5");
    }

    #[test]
    fn a_written_file_can_be_read() -> Result<()> {
        let written = text("rustc 1.2.3", &[("one", 7), ("post", 9)]);
        let read = Budgets::parse(&written, &["one", "post"])?;
        assert_eq!((read.toolchain.as_str(), read.instructions["post"]), ("rustc 1.2.3", 9));
        Ok(())
    }

    #[test]
    fn every_path_has_a_budget_and_every_budget_a_path() {
        let written = text("rustc 1.2.3", &[("one", 7), ("post", 9)]);
        for (names, expected) in
            [(&["one", "list", "post"][..], "no budget for list"), (&["one"][..], "a budget for post")]
        {
            let error = Budgets::parse(&written, names).map_err(|error| error.to_string());
            assert!(error.as_ref().is_err_and(|error| error.contains(expected)), "{error:?}");
        }
    }
}

//! What may be claimed, and the words for why not.

use crate::result::Run;
use crate::stats::{Ratio, paired_ratio};
use crate::summary::{self, Summary};

use super::figures::whole;

/// The ratio of two targets on a route, or why there is none.
pub(crate) fn ratio(
    run: &Run,
    summaries: &[Summary<'_>],
    route: &str,
    over: &str,
    under: &str,
) -> Result<Ratio, String> {
    unmarked(summaries, route, over)?;
    unmarked(summaries, route, under)?;
    open_loop(run).map_or(Ok(()), Err)?;
    summary::ratio(summaries, route, over, under).ok_or_else(too_few)
}

/// The ratio of a target to another tool's single figure. Its interval knows of the target's scatter only.
pub(crate) fn ratio_to_figure(
    run: &Run,
    summaries: &[Summary<'_>],
    route: &str,
    over: &str,
    figure: f64,
) -> Result<Ratio, String> {
    let row = unmarked(summaries, route, over)?.row;
    open_loop(run).map_or(Ok(()), Err)?;
    paired_ratio(row.rounds.iter().map(|round| (round.rate(), figure))).ok_or_else(too_few)
}

/// The row, if its figure is its server's.
pub(crate) fn unmarked<'a, 'b>(
    summaries: &'a [Summary<'b>],
    route: &str,
    target: &str,
) -> Result<&'a Summary<'b>, String> {
    let summary = find(summaries, route, target)
        .ok_or_else(|| format!("nothing was measured of a target “{target}” on a route “{route}”"))?;
    if summary.marks.is_empty() {
        return Ok(summary);
    }
    Err(format!("{target} is marked on {route}: {}", marks(summary)))
}

pub(crate) fn find<'a, 'b>(
    summaries: &'a [Summary<'b>],
    route: &str,
    target: &str,
) -> Option<&'a Summary<'b>> {
    summaries.iter().find(|summary| summary.row.route == route && summary.row.target == target)
}

/// The marks of a row, in words.
pub(crate) fn marks(summary: &Summary<'_>) -> String {
    summary.marks.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Why a run with a given load knows no ratio.
pub(crate) fn open_loop(run: &Run) -> Option<String> {
    run.options.rate.map(|rate| {
        format!(
            "the load was given ({} requests a second by the workload), so requests per second say whether \
             it was met, not how fast a server is",
            whole(u64::from(rate))
        )
    })
}

fn too_few() -> String {
    "it takes at least two common rounds, with good answers in each, to know how far they scatter".to_owned()
}

//! The order of the report.

use crate::format::count;
use crate::result::Run;
use crate::summary::Summaries;

use super::blocks::Block;
use super::{charts, method, summary_table, tables};

pub(super) fn title(run: &Run) -> String {
    format!("Load test “{}”", run.options.workload)
}

/// Returns the parts of the report, in order.
pub(super) fn document(run: &Run) -> Vec<Block> {
    let summaries = Summaries::of(run);
    let mut blocks = vec![Block::Title(title(run))];
    blocks.extend(interrupted(&summaries));
    blocks.extend(summary_table::blocks(&summaries));
    blocks.extend(charts::blocks(&summaries));
    blocks.extend(tables::load(&summaries));
    blocks.extend(tables::spread(&summaries));
    blocks.extend(tables::latency(&summaries));
    blocks.extend(tables::resources(&summaries));
    blocks.extend(method::method(run));
    blocks.extend(method::limits(run));
    blocks
}

fn interrupted(summaries: &Summaries<'_>) -> Option<Block> {
    let run = summaries.run;
    run.interrupted.then(|| {
        Block::Warning(format!(
            "Interrupted: this run was stopped before its end. It was to have {}; the figures below come from {}, and \
             measurements that had not begun are missing.",
            count(run.options.rounds, "round"),
            summaries.rounds()
        ))
    })
}

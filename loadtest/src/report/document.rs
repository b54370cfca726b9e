//! The order of the report.

use crate::format::count;
use crate::result::Run;
use crate::summary::Summaries;

use super::blocks::Block;
use super::{charts, method, summary_table, tables, verdict};

pub(super) fn title(run: &Run) -> String {
    format!("Load test “{}”", run.options.workload)
}

/// Returns the parts of the report, in order.
pub(super) fn document(run: &Run) -> Vec<Block> {
    let summaries = Summaries::of(run);
    let mut blocks = vec![Block::Title(title(run)), Block::Text(verdict::origin(run))];
    blocks.extend(interrupted(&summaries));
    blocks.extend(verdict::sentence(&summaries).map(Block::Verdict));
    blocks.push(charts::throughput(&summaries));
    blocks.extend(summary_table::blocks(&summaries));
    blocks.extend(routes(&summaries));
    blocks.extend(charts::details(&summaries));
    blocks.extend(tables::load(&summaries));
    blocks.extend(tables::spread(&summaries));
    blocks.extend(tables::latency(&summaries));
    blocks.extend(tables::resources(&summaries));
    blocks.extend(method::method(run));
    blocks.extend(method::limits(run));
    blocks
}

/// Returns what the names of the routes stand for, if the run says it.
fn routes(summaries: &Summaries<'_>) -> Option<Block> {
    let described = summaries.routes().into_iter().filter_map(|route| {
        let requests = summaries.run.routes.get(route)?;
        Some(format!("{route}: {requests}"))
    });
    let lines: Vec<_> = described.collect();
    (!lines.is_empty()).then_some(Block::List(lines))
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

//! How the run was measured, and what its figures cannot say.

use crate::format::{bytes, count, whole};
use crate::result::{Machine, Run};

use super::blocks::Block;

/// With burners, no process can use all of the time by which the flags judge.
const BURNERS: &str = "The burners took CPU time from the generator and the observed processes, too. One of those may \
                       have been the limit although no flag says that it was always busy.";

pub(super) fn method(run: &Run) -> [Block; 2] {
    let options = &run.options;
    let mut lines = vec![
        format!("Workload “{}”, {}", options.workload, load(run)),
        format!(
            "{} of {} s for each route and target, after a warm-up of {} s; the targets took turns, and their order \
             rotated from round to round",
            count(options.rounds, "round"),
            options.seconds,
            options.warmup_seconds
        ),
        format!("Generator: {}, on {}", run.generator, count(options.threads as u64, "thread")),
        format!("Machine of the generator: {}{}", machine(&run.machine), burners(options.burners)),
        format!("From {} to {}", run.started, run.finished),
    ];
    lines.extend(run.targets.iter().map(|target| format!("{}: {}", target.name, target.url)));
    lines.extend(run.metadata.iter().map(|(name, value)| format!("{name}: {value}")));
    [Block::Heading("How it was measured".to_owned()), Block::List(lines)]
}

fn load(run: &Run) -> String {
    let connections = run.options.connections;
    match run.options.rate {
        Some(rate) => format!(
            "an open loop: {} requests a second arrive, sent by at most {}",
            whole(rate.into()),
            count(connections, "user")
        ),
        None => format!("a closed loop over {}", count(connections, "connection")),
    }
}

fn burners(number: u32) -> String {
    match number {
        0 => String::new(),
        _ => {
            format!("; {} ran during the measurements: processes that only compute", count(number, "burner"))
        }
    }
}

fn machine(machine: &Machine) -> String {
    let memory = machine.memory.map_or_else(|| "memory unknown".to_owned(), bytes);
    let kernel = machine.kernel.as_deref().unwrap_or("unknown");
    format!("{}, {}, {memory}, kernel {kernel}", machine.cpu, count(machine.cores as u64, "core"))
}

pub(super) fn limits(run: &Run) -> [Block; 2] {
    let mut lines = vec![
        "The intervals cover the scatter of these rounds. They do not cover another machine, another day or another \
         build."
            .to_owned(),
        format!(
            "This is a single workload at {}. Other requests, more connections or a larger database may rank the \
             targets differently.",
            count(run.options.connections, if run.options.rate.is_some() { "user" } else { "connection" })
        ),
        "The targets are compared as they were configured for this run. A figure belongs to that configuration, not \
         to a language or a framework."
            .to_owned(),
    ];
    lines.extend(shared(run));
    lines.extend((run.options.burners > 0).then(|| BURNERS.to_owned()));
    lines.extend(run.options.ceiling.as_deref().map(ceiling));
    if !run.external.is_empty() {
        let idle = if run.options.burners > 0 { " and without the burners" } else { "" };
        lines.push(format!(
            "Figures of other tools were measured once, at another moment{idle}: they show the order of magnitude and \
             have no spread."
        ));
    }
    [Block::Heading("What this cannot say".to_owned()), Block::List(lines)]
}

/// Servers on the generator's machine compete with the generator.
fn shared(run: &Run) -> Option<String> {
    let local = run.targets.iter().filter(|target| target.is_local());
    let local: Vec<_> = local.map(|target| target.name.as_str()).collect();
    (!local.is_empty()).then(|| {
        format!(
            "The generator ran on the same machine as {}: they took CPU time from each other, and there was no network \
             between them.",
            local.join(", ")
        )
    })
}

fn ceiling(name: &str) -> String {
    format!(
        "{name} has no database. It shows the limit of HTTP and the generator on this machine; a server that comes near \
         it is limited by them. The figure of {name} is no goal for a server that does real work."
    )
}

#[cfg(test)]
mod tests {
    use crate::report::markdown;
    use crate::result::sample;

    #[test]
    fn burners_are_part_of_the_method_and_of_the_verdict() {
        let mut run = sample();
        assert!(!markdown(&run).contains("burner"));
        run.options.burners = 2;
        let report = markdown(&run);
        for text in [
            "**On this machine, with 2 burners, films responds to 25.4 to 28.3 (one)",
            "times as many requests as flask.**",
            "kernel 6.1.0; 2 burners ran during the measurements: processes that only compute\n",
            "The burners took CPU time from the generator",
            "at another moment and without the burners: they show",
        ] {
            assert!(report.contains(text), "{text} in {report}");
        }
    }

    #[test]
    fn an_unknown_machine_is_shown_as_unknown() {
        let mut run = sample();
        assert!(markdown(&run).contains("Example CPU @ 2.50GHz, 4 cores, 16.0 GiB, kernel 6.1.0"));
        (run.machine.memory, run.machine.kernel) = (None, None);
        assert!(markdown(&run).contains("Example CPU @ 2.50GHz, 4 cores, memory unknown, kernel unknown"));
    }
}

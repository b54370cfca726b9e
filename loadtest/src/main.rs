//! Runs the verbs: `compare` measures, `report` and `history` show.

mod args;
mod observed;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result};
use args::{Compare, Files, History, Report, Verb};
use clap::Parser as _;
use loadtest::archive;
use loadtest::burners;
use loadtest::config_map::ConfigMap;
use loadtest::report::{html, markdown, markdown_table, picture, verdict};
use loadtest::result::Run;
use loadtest::{history, regression};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Exit code after Ctrl-C, as in shells.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let outcome = match Verb::parse() {
        Verb::Compare(arguments) => compare(&arguments),
        Verb::Report(arguments) => show(&arguments),
        Verb::History(arguments) => history(&arguments),
        Verb::Burn => burners::burn().map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("loadtest: {error:#}");
        ExitCode::FAILURE
    })
}

fn compare(arguments: &Compare) -> Result<ExitCode> {
    let config_map = arguments.config_map.as_deref().map(ConfigMap::new).transpose()?;
    if let Some(folder) = &arguments.folder {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let run = arguments.plan(stop_on_signal()?)?.run()?;
    run.write(&arguments.out)?;
    write(&arguments.files, &run)?;
    eprintln!("The result is in {}", arguments.out.display());
    // Storing may fail, and the figures must be printed nevertheless.
    let stored = store(&run, config_map.as_ref(), arguments.folder.as_deref());
    print!("{}", markdown(&run));
    stored?;
    if run.interrupted {
        eprintln!("Interrupted: the result contains the measurements so far");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let verdicts: Vec<_> = arguments.require.iter().map(|rule| (rule, rule.check(&run))).collect();
    for (rule, verdict) in &verdicts {
        println!("{rule}: {verdict}");
    }
    // Printed again, because `kubectl logs` and a terminal show the end.
    println!("\n{}", verdict(&run).unwrap_or_default());
    print!("\n{}", markdown_table(&run));
    let passes =
        run.failed_thresholds().next().is_none() && verdicts.iter().all(|(_, verdict)| verdict.holds());
    Ok(if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns a flag that the first signal sets. The second signal ends the program at once.
fn stop_on_signal() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, INTERRUPTED.into(), Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

fn store(run: &Run, map: Option<&ConfigMap>, folder: Option<&Path>) -> Result<()> {
    let files = archive::files(run)?;
    folder.map_or(Ok(()), |folder| archive::write(folder, &files))?;
    map.map_or(Ok(()), |map| map.store(&files))
}

fn show(arguments: &Report) -> Result<ExitCode> {
    let before = Run::load(&arguments.before)?;
    let Some(after) = &arguments.after else {
        print!("{}", markdown(&before));
        write(&arguments.files, &before)?;
        return Ok(ExitCode::SUCCESS);
    };
    let comparison = regression::compare(&before, &Run::load(after)?, arguments.tolerance);
    print!("{comparison}");
    // Without a judged row there is no evidence for the second run.
    let passes = comparison.judged() > 0 && !comparison.has_regressed();
    Ok(if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn history(arguments: &History) -> Result<ExitCode> {
    let runs = arguments.results.iter().map(|path| Run::load(path)).collect::<Result<_>>()?;
    let history = history::History::of(runs, arguments.target.as_deref());
    print!("{}", history.markdown());
    write_file(arguments.html.as_deref(), || history.html())?;
    Ok(ExitCode::SUCCESS)
}

fn write(files: &Files, run: &Run) -> Result<()> {
    write_file(files.markdown.as_deref(), || markdown(run))?;
    write_file(files.html.as_deref(), || html(run))?;
    write_file(files.svg.as_deref(), || picture(run))
}

fn write_file(path: Option<&Path>, text: impl FnOnce() -> String) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    fs::write(path, text()).with_context(|| format!("cannot write {}", path.display()))
}

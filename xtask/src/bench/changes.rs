//! Changes of a film during the load test: they show what changes cost readers.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use postgres::{Client, NoTls};

use crate::terminal::say;

/// Every film keeps its content, so that all servers give the same responses. The catalogue has a new
/// version nevertheless.
const STATEMENT: &str = "update film set title = title where film_id = 1";

/// Returns what a reader of the report must know about the changes.
pub(super) fn description(rate: u32) -> String {
    format!("at most {rate} a second during the load test, one after the other")
}

/// Does `work`, and changes a film `rate` times a second until `work` is done. Fails if a change fails.
pub(super) fn during<T>(database: &str, rate: Option<u32>, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let Some(rate) = rate else { return work() };
    let mut client = Client::connect(database, NoTls).context("cannot connect to change films")?;
    let (running, stopped) = mpsc::channel();
    thread::scope(|scope| {
        let changes = scope.spawn(move || {
            let outcome = repeat(rate, &stopped, || change(&mut client));
            // Said at once, because the load test may go on for minutes.
            outcome.inspect_err(|error| say(&format!("{error:#}. No film is changed from now on")))
        });
        let done = work();
        drop(running);
        let outcome = changes.join().map_err(|_| anyhow!("the thread that changes films panicked"))?;
        let done = done?;
        say(&outcome.context("the run is worthless: films were not changed to its end")?);
        Ok(done)
    })
}

fn change(client: &mut Client) -> Result<()> {
    let changed = client.execute(STATEMENT, &[]).context("cannot change film 1")?;
    ensure!(changed == 1, "cannot change film 1: expected one film with this id, found {changed}");
    Ok(())
}

/// Calls `change` `rate` times a second until `stopped` has no sender. Returns in words how often.
fn repeat(rate: u32, stopped: &Receiver<()>, mut change: impl FnMut() -> Result<()>) -> Result<String> {
    let begin = Instant::now();
    let (mut next, mut count) = (begin, 0_u32);
    loop {
        change()?;
        count += 1;
        // Changes that came too late are not made up for, because a burst is another load.
        next = Instant::now().max(next + Duration::from_secs(1) / rate);
        let pause = next.saturating_duration_since(Instant::now());
        if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
            break;
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    let reached = f64::from(count) / seconds;
    Ok(format!("Film changes: {count} in {seconds:.0} s, {reached:.1} a second; planned: {rate} a second"))
}

#[cfg(test)]
mod tests;

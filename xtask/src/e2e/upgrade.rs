//! Upgrades that nobody outside notices.

use anyhow::{Result, ensure};

use super::forward::Forward;
use super::install::pods;
use super::load::under_load;
use super::stage::Stage;

/// Longer than two pods take to come and go one after the other.
const SECONDS: u64 = 60;

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.step("upgrade of the configuration, under load", || {
        expect_large_body(stage, 422)?;
        // Enough for every review there is.
        let counts = rolls(stage, &["config.http.max_body_size=100"])?;
        expect_large_body(stage, 413)?;
        Ok(format!("in force; {counts}"))
    })?;
    stage.step("rollout of new pods, under load", || {
        let counts = rolls(stage, &["podAnnotations.rolled=again"])?;
        expect_large_body(stage, 422)?;
        Ok(counts)
    })
}

/// Upgrades while requests arrive, until the last pod of those before is gone.
fn rolls(stage: &Stage, settings: &[&str]) -> Result<String> {
    let before = pods(stage)?;
    let counts = under_load(stage, SECONDS, || {
        stage.upgrade(settings)?;
        let after = pods(stage)?;
        ensure!(
            after.iter().all(|pod| !before.contains(pod)),
            "expected {} to replace every pod of {before:?}, saw {after:?}",
            settings.join(" and ")
        );
        Ok(())
    })?;
    Ok(format!("{} pods replaced; {counts}", before.len()))
}

/// A review of 200 bytes is read, and found to be about no film, or is too large to be read.
fn expect_large_body(stage: &Stage, expected: u16) -> Result<()> {
    let api = Forward::to(&stage.namespace, "service/films", 5000)?;
    let body = format!(r#"{{"film_id":999999,"rating":4{}}}"#, " ".repeat(200));
    let answer = api.post("/reviews/", &body)?;
    ensure!(
        answer.status == expected,
        "expected {expected} for a review of {} bytes, saw {}: {}",
        body.len(),
        answer.status,
        answer.body
    );
    Ok(())
}

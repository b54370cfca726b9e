//! More pods, and fewer, while requests arrive.

use anyhow::{Result, ensure};

use super::install::pods;
use super::load::under_load;
use super::stage::Stage;

/// Longer than pods take to come and go.
const SECONDS: u64 = 60;

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.step("scale out and in, under load", || {
        let counts = under_load(stage, SECONDS, || {
            for replicas in [3, 1] {
                stage.upgrade(&[&format!("replicas={replicas}")])?;
                let seen = pods(stage)?;
                ensure!(seen.len() == replicas, "expected {replicas} pods, saw {seen:?}");
            }
            Ok(())
        })?;
        Ok(format!("three pods and one; {counts}"))
    })
}

//! More pods, and fewer, while requests arrive.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::install::pods;
use super::load::under_load;
use super::stage::Stage;

const SECONDS: u64 = 90;

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.step("scale out and in, under load", || {
        let counts = under_load(stage, SECONDS, || {
            for replicas in [3, 1] {
                stage.upgrade(&[&format!("replicas={replicas}")])?;
                expect_pods(stage, replicas)?;
            }
            Ok(())
        })?;
        Ok(format!("three pods and one; {counts}"))
    })
}

fn expect_pods(stage: &Stage, expected: usize) -> Result<()> {
    stage.until(Duration::from_secs(30), &format!("{expected} pods"), || {
        let seen = pods(stage)?;
        ensure!(seen.len() == expected, "saw {seen:?}");
        Ok(())
    })
}

//! What faults do to a whole pool, rather than to one query.

use std::future::pending;

use super::pool::Pool;
use crate::faults::{Faults, Kind};

/// Starts to inject faults into a pool, on the current runtime.
pub(super) fn inject(faults: &Faults, pool: &Pool) {
    tokio::spawn(exhaust(faults.clone(), pool.clone()));
    tokio::spawn(close_idle(faults.clone(), pool.clone()));
}

/// While the fault `exhausted_pool` runs, holds every connection that queries give back.
async fn exhaust(faults: Faults, pool: Pool) {
    loop {
        faults.begun(Kind::ExhaustedPool).await;
        let hold = async {
            let _permits = pool.acquire_all().await;
            pending::<()>().await;
        };
        tokio::select! {
            () = faults.ended(Kind::ExhaustedPool) => {}
            () = hold => {}
        }
    }
}

/// When the fault `cut_connections` begins, closes the connections that no query uses.
async fn close_idle(faults: Faults, pool: Pool) {
    loop {
        faults.begun(Kind::CutConnections).await;
        pool.close_idle();
        faults.ended(Kind::CutConnections).await;
    }
}

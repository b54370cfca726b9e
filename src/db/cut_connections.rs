//! The fault `cut_connections`: connections break, as if the network had cut them.

use std::io;

use crate::faults::{Faults, Kind};

/// Does the work of a connection. While the fault runs, the work fails as on a connection that was lost.
pub(super) async fn unless_cut<T>(
    faults: Option<&Faults>,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let Some(faults) = faults else { return work.await };
    tokio::select! {
        biased;
        () = faults.begun(Kind::CutConnections) => {
            let text = "the fault cut_connections is injected";
            Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::ConnectionAborted, text)))
        }
        result = work => result,
    }
}

//! What the service does after each SQLSTATE.
//! Codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
//!
//! | code or class | meaning | the connection | the query |
//! |---|---|---|---|
//! | severity FATAL or PANIC (`57P01`, `57P02`, `57P05`, `25P03`, `25P04`, …) | Postgres ends the session | given up | a read runs once more |
//! | `0A000` | a prepared statement is out of date, because a column's type changed | given up | runs once more |
//! | `26000`, `42P05` | a prepared statement is gone or is somebody else's: `discard all`, or a pooler | given up | runs once more |
//! | `25006` | the server became read-only, for instance by a failover | given up | runs once more |
//! | `25P02`, `25001` | the session is in a transaction that the service did not begin | given up | runs once more |
//! | `08`, `40`, `53`, `55P03`, `57` | the words of a pooler, a conflict, a full disk, too few resources, a lock, a cancelled query | kept | fails with 503 |
//! | `42P01` | `films migrate` has not run yet | kept | fails with 503 |
//! | `22`, `23` | a row that the table refuses | kept | fails with 422 |
//! | any other | a defect, or a schema that the migrations did not make | kept | fails with 500 |
//!
//! An ERROR rolls its statement back, so running a write once more stores nothing twice.
//!
//! Others decide alike: pgjdbc prepares again after `0A000` and `26000` (`QueryExecutorBase.willHealOnRetry`),
//! Rails after `0A000` (`is_cached_plan_failure?`), and HikariCP evicts after `0A000` and `57P01` to `57P03`
//! (`ProxyConnection.ERROR_STATES`). sqlx decides nothing by SQLSTATE: its pool pings a connection, and
//! a connection in any of these states responds to a ping.

/// `undefined_table`: `films migrate` has not created it yet.
pub(super) const UNDEFINED_TABLE: &str = "42P01";

/// `lock_not_available`: a lock was not granted within `lock_timeout`.
pub(super) const LOCK_NOT_AVAILABLE: &str = "55P03";

/// `read_only_sql_transaction`: the server is a standby, or was made read-only.
pub(super) const READ_ONLY_SQL_TRANSACTION: &str = "25006";

/// Classes and codes after which a later retry may succeed.
const TEMPORARY: [&str; 7] =
    ["08", "40", "53", "57", READ_ONLY_SQL_TRANSACTION, LOCK_NOT_AVAILABLE, UNDEFINED_TABLE];

/// Codes of a session that no longer fits its server, its schema or its client. A new session does.
const STALE_SESSION: [&str; 6] = ["0A000", "26000", "42P05", READ_ONLY_SQL_TRANSACTION, "25P02", "25001"];

/// Classes of a value that its column cannot hold, and of a violated constraint.
const REFUSED_ROW: [&str; 2] = ["22", "23"];

/// Returns whether a later retry may succeed.
pub(super) fn is_temporary(code: &str) -> bool {
    TEMPORARY.iter().any(|prefix| code.starts_with(prefix))
}

/// Returns whether the session must be replaced although Postgres keeps it open.
pub(super) fn is_stale_session(code: &str) -> bool {
    STALE_SESSION.contains(&code)
}

/// Returns whether the error is what a pooler in transaction mode causes: a prepared statement that is gone
/// or already there, or a parameter of the session that the pooler refuses (`08P01`, `protocol_violation`).
pub(super) fn suggests_pooler(code: &str) -> bool {
    ["26000", "42P05", "08P01"].contains(&code)
}

/// Returns whether the table refused a row.
pub(super) fn is_refused_row(code: &str) -> bool {
    REFUSED_ROW.iter().any(|class| code.starts_with(class))
}

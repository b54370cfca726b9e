//! The service with a Postgres that refuses, locks, changes or fails.

mod causes;
mod given_up;
mod locked_film;
mod parameters;
mod pool;
mod pooler;
mod stale_session;
mod unusable;

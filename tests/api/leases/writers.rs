//! Writers that change a film in the ways that clients of Postgres do. Each has a film of its own.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgPool};
use tokio::time::sleep;

/// How a writer changes its film.
#[derive(Clone, Copy, Debug)]
pub(super) enum Habit {
    Plain,
    /// Within a savepoint, after one that is rolled back.
    Savepoint,
    /// With constraints that are checked at once, and a pause before the commit.
    Immediate,
    /// Prepared, and committed later by its name.
    TwoPhases,
    /// At `repeatable read`, tried again while Postgres refuses it.
    RepeatableRead,
    /// With many other films in one statement.
    Bulk,
    /// In a transaction that stays open for some time.
    Long,
}

pub(super) const HABITS: [Habit; 7] = [
    Habit::Plain,
    Habit::Savepoint,
    Habit::Immediate,
    Habit::TwoPhases,
    Habit::RepeatableRead,
    Habit::Bulk,
    Habit::Long,
];

/// Time between two changes of a film.
const BETWEEN: Duration = Duration::from_millis(250);
const PAUSE: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_millis(30);

/// What the writers know about each film. Its title is a number from `committed` to `sent`.
#[derive(Debug, Default)]
pub(super) struct Changes {
    films: [Change; HABITS.len()],
    done: AtomicBool,
}

#[derive(Debug, Default)]
struct Change {
    /// The last number that was sent.
    sent: AtomicU64,
    /// The last number whose commit was confirmed.
    committed: AtomicU64,
}

impl Changes {
    pub(super) fn committed(&self, film_id: i32) -> u64 {
        self.film(film_id).committed.load(Ordering::SeqCst)
    }

    pub(super) fn sent(&self, film_id: i32) -> u64 {
        self.film(film_id).sent.load(Ordering::SeqCst)
    }

    pub(super) fn is_done(&self) -> bool {
        self.done.load(Ordering::SeqCst)
    }

    pub(super) fn end(&self) {
        self.done.store(true, Ordering::SeqCst);
    }

    fn film(&self, film_id: i32) -> &Change {
        &self.films[usize::try_from(film_id).unwrap() - 1]
    }
}

/// Writes with all habits until the changes end.
pub(super) async fn write(pool: &PgPool, changes: &Changes) {
    let writers = HABITS.into_iter().zip(1..).map(async |(habit, film_id)| {
        // The pool has fewer connections than there are writers.
        let mut connection = pool.connect_options().connect().await.unwrap();
        let change = changes.film(film_id);
        for number in 1.. {
            change.sent.store(number, Ordering::SeqCst);
            habit.change(&mut connection, film_id, number).await;
            change.committed.store(number, Ordering::SeqCst);
            if changes.is_done() {
                break;
            }
            // Without a pause, some writer would hold the lock all the time.
            sleep(BETWEEN).await;
        }
    });
    join_all(writers).await;
}

impl Habit {
    async fn change(self, connection: &mut PgConnection, film_id: i32, number: u64) {
        let update = format!("update film set title = '{number}' where film_id = {film_id}");
        // Names of prepared transactions belong to the whole server, and backends have different ids.
        let name = format!("films_{}", backend(connection).await);
        let statements = match self {
            Self::Plain => vec![update],
            Self::Savepoint => {
                let wrong = format!("update film set title = '0' where film_id = {film_id}");
                vec![
                    "begin".into(),
                    "savepoint a".into(),
                    wrong,
                    "rollback to a".into(),
                    "savepoint b".into(),
                    update,
                    "release b".into(),
                    "commit".into(),
                ]
            }
            Self::Immediate => {
                vec![
                    "begin".into(),
                    "set constraints all immediate".into(),
                    update,
                    pause(PAUSE),
                    "commit".into(),
                ]
            }
            Self::TwoPhases => {
                vec![
                    "begin".into(),
                    update,
                    format!("prepare transaction '{name}'"),
                    pause(PAUSE),
                    format!("commit prepared '{name}'"),
                ]
            }
            Self::RepeatableRead => return repeat(connection, &update).await,
            Self::Bulk => {
                vec![format!("update film set title = '{number}' where film_id = {film_id} or film_id > 100")]
            }
            Self::Long => vec!["begin".into(), update, pause(LONG), "commit".into()],
        };
        for statement in statements {
            connection.execute(AssertSqlSafe(statement)).await.unwrap();
        }
    }
}

async fn backend(connection: &mut PgConnection) -> i32 {
    sqlx::query_scalar("select pg_backend_pid()").fetch_one(connection).await.unwrap()
}

fn pause(length: Duration) -> String {
    format!("select pg_sleep({})", length.as_secs_f64())
}

/// Runs a statement at `repeatable read` until its commit succeeds.
async fn repeat(connection: &mut PgConnection, statement: &str) {
    loop {
        let mut transaction = connection.begin_with("begin isolation level repeatable read").await.unwrap();
        let written = transaction.execute(AssertSqlSafe(statement.to_owned())).await;
        let committed = match written {
            Ok(_) => transaction.commit().await,
            Err(error) => Err(error),
        };
        match committed {
            Ok(()) => return,
            Err(error) => {
                let code = error.as_database_error().and_then(DatabaseError::code).unwrap_or_default();
                assert_eq!(code, "40001", "{error}");
                sleep(PAUSE).await;
            }
        }
    }
}

//! Processes that end without a stop: what was acknowledged is stored, and what was begun can be repeated.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::PgPool;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::support::database::{count, until_disconnected};
use crate::support::http::{POST_REVIEW, read_response};
use crate::support::{Films, command, run, variables};

const CLIENTS: usize = 8;

/// What became of the reviews of a client.
#[derive(Clone, Copy, Default)]
struct Posted {
    acknowledged: i64,
    /// Without a response, or with a failure: stored or not.
    unknown: i64,
}

/// Posts reviews on one connection after another until `stop` is set or the instance is gone.
async fn post(to: SocketAddr, acknowledged: watch::Sender<i64>, stop: watch::Receiver<bool>) -> Posted {
    let mut posted = Posted::default();
    while let Ok(mut stream) = TcpStream::connect(to).await {
        loop {
            if *stop.borrow() {
                return posted;
            }
            let sent = stream.write_all(POST_REVIEW).await;
            let response = read_response(&mut stream).await.filter(|_| sent.is_ok());
            if response.as_ref().is_some_and(|response| response.starts_with("HTTP/1.1 200 ")) {
                posted.acknowledged += 1;
                acknowledged.send_modify(|count| *count += 1);
            } else {
                posted.unknown += 1;
                if response.is_none() {
                    break;
                }
            }
        }
    }
    posted
}

/// Starts clients, runs `disturb`, and returns the sum of what they posted.
async fn under_load(to: SocketAddr, disturb: impl AsyncFnOnce(watch::Receiver<i64>)) -> Posted {
    let (acknowledged, seen) = watch::channel(0);
    let (stop, stopped) = watch::channel(false);
    let clients = join_all((0..CLIENTS).map(|_| post(to, acknowledged.clone(), stopped.clone())));
    let disturb = async {
        disturb(seen).await;
        stop.send_replace(true);
    };
    let (clients, ()) = tokio::join!(clients, disturb);
    clients.into_iter().fold(Posted::default(), |sum, client| Posted {
        acknowledged: sum.acknowledged + client.acknowledged,
        unknown: sum.unknown + client.unknown,
    })
}

async fn until_acknowledged(seen: &mut watch::Receiver<i64>, more: i64) {
    let target = *seen.borrow() + more;
    seen.wait_for(|count| *count >= target).await.unwrap();
}

fn check(stored: i64, posted: Posted) {
    let Posted { acknowledged, unknown } = posted;
    assert!(stored >= acknowledged, "{acknowledged} acknowledged, {stored} stored");
    assert!(
        stored <= acknowledged + unknown,
        "{acknowledged} acknowledged, {unknown} unknown, {stored} stored"
    );
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn acknowledged_reviews_survive_kills_of_the_instance(pool: PgPool) {
    let mut sum = Posted::default();
    for _ in 0..5 {
        let films = Films::start(&pool).await;
        let posted = under_load(films.http, async |mut seen| {
            until_acknowledged(&mut seen, 100).await;
            films.signal("KILL");
        });
        let posted = posted.await;
        sum = Posted {
            acknowledged: sum.acknowledged + posted.acknowledged,
            unknown: sum.unknown + posted.unknown,
        };
        // A backend finishes the statement of its dead client.
        until_disconnected(&pool).await;
    }
    check(count(&pool, "review").await, sum);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn acknowledged_reviews_survive_a_storm_of_ended_backends(pool: PgPool) {
    let films = Films::start(&pool).await;
    let posted = under_load(films.http, async |mut seen| {
        for _ in 0..20 {
            until_acknowledged(&mut seen, 20).await;
            sqlx::query(
                "select pg_terminate_backend(pid) from pg_stat_activity
                 where datname = current_database() and application_name = 'films'",
            )
            .execute(&pool)
            .await
            .unwrap();
        }
        until_acknowledged(&mut seen, 20).await;
    });
    let posted = posted.await;
    check(count(&pool, "review").await, posted);
}

#[sqlx::test(migrations = false)]
async fn a_migration_that_was_killed_can_be_repeated(pool: PgPool) {
    let variables = variables(&pool);
    for pause in 0..12 {
        let mut migrate = command(&variables, &["migrate"]).spawn().unwrap();
        // Any moment will do.
        sleep(Duration::from_millis(pause * 4)).await;
        migrate.kill().await.unwrap();
    }
    assert_eq!(run(&variables, &["migrate"]).await.code, Some(0));
    Films::start(&pool).await;
}

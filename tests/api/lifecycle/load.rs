//! SIGTERM while clients send requests without a pause.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::join_all;
use sqlx::PgPool;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::database::count;
use crate::support::h2::H2;
use crate::support::http::{GET_FILM, POST_REVIEW, read_response};
use crate::support::{Films, until};

/// A client that sends the same request again and again, on one connection until the instance closes
/// it.
#[derive(Clone, Copy)]
struct Client {
    to: SocketAddr,
    request: &'static [u8],
    /// The client opens no connection while the instance is unready, like a load balancer. Any other
    /// client stops only when its connection is refused.
    heeds_readiness: bool,
}

/// What the test and its clients tell each other.
#[derive(Default)]
struct Shared {
    responses: AtomicUsize,
    unready: AtomicBool,
}

/// What happened to a client's requests.
#[derive(Debug, Default)]
struct Outcome {
    responses: usize,
    /// Responses with `Connection: close`.
    closed: usize,
    /// Requests without a response, on a connection that has had one.
    lost: usize,
    /// First requests of a connection, without a response.
    reset: usize,
    /// Connections that were refused.
    refused: usize,
}

impl Client {
    async fn run(self, shared: &Shared) -> Outcome {
        let mut outcome = Outcome::default();
        while !(self.heeds_readiness && shared.unready.load(Ordering::Relaxed)) {
            let Ok(stream) = TcpStream::connect(self.to).await else {
                outcome.refused += 1;
                break;
            };
            self.use_connection(stream, shared, &mut outcome).await;
        }
        outcome
    }

    async fn use_connection(self, mut stream: TcpStream, shared: &Shared, outcome: &mut Outcome) {
        for number in 0.. {
            let sent = stream.write_all(self.request).await;
            let response = if sent.is_ok() { read_response(&mut stream).await } else { None };
            let Some(response) = response else {
                let without = if number == 0 { &mut outcome.reset } else { &mut outcome.lost };
                *without += 1;
                return;
            };
            assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
            outcome.responses += 1;
            shared.responses.fetch_add(1, Ordering::Relaxed);
            if response.contains("connection: close") {
                outcome.closed += 1;
                return;
            }
        }
    }
}

/// A socket that is closed resets the connections that nobody has accepted yet. The instance accepts
/// them all before, so only a connection that arrives in the microseconds between is reset. No client
/// that heeds readiness connects so late.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn sigterm_under_load_loses_no_request(pool: PgPool) {
    let mut films = Films::start_with(&pool, &[("FILMS__SHUTDOWN__LAME_DUCK", "3s")]).await;
    let shared = Shared::default();
    let clients: Vec<_> = (0..20)
        .map(|n| Client {
            to: films.http,
            request: if n % 2 == 0 { GET_FILM } else { POST_REVIEW },
            heeds_readiness: n % 4 < 2,
        })
        .collect();
    let stop = async {
        until("traffic", async || match shared.responses.load(Ordering::Relaxed) {
            1000.. => Ok(()),
            fewer => Err(fewer),
        })
        .await;
        films.signal("TERM");
        films.until_readiness(|response| response.status == 503).await;
        shared.unready.store(true, Ordering::Relaxed);
        films.ended().await
    };
    let (outcomes, status) = tokio::join!(join_all(clients.iter().map(|client| client.run(&shared))), stop);

    assert_eq!(status.code(), Some(0));
    let mut accepted = 0;
    for (client, outcome) in clients.iter().zip(&outcomes) {
        assert!(outcome.responses > 0 && outcome.closed > 0 && outcome.lost == 0, "{outcomes:#?}");
        let expected = if client.heeds_readiness { (0, 0) } else { (outcome.reset.min(1), 1) };
        assert_eq!((outcome.reset, outcome.refused), expected, "{outcomes:#?}");
        if client.request == POST_REVIEW {
            accepted += outcome.responses;
        }
    }
    assert_eq!(count(&pool, "review").await, i64::try_from(accepted).unwrap());
}

/// Over HTTP/2, the instance says which requests it has not served, and a client may send them again.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_signal_under_http2_load_loses_no_request(pool: PgPool) {
    let mut stored = 0;
    for signal in ["TERM", "INT"] {
        let mut films = Films::start(&pool).await;
        let responses = AtomicUsize::new(0);
        let client = async || {
            let mut client = H2::connect(films.http, 1 << 20).await;
            loop {
                match client.post().await {
                    Ok(status) => assert_eq!(status, 200),
                    Err(error) => return error,
                }
                responses.fetch_add(1, Ordering::Relaxed);
            }
        };
        let stop = async {
            until("traffic", async || match responses.load(Ordering::Relaxed) {
                200.. => Ok(()),
                fewer => Err(fewer),
            })
            .await;
            films.signal(signal);
        };
        let (ends, ()) = tokio::join!(join_all((0..10).map(|_| client())), stop);
        assert!(ends.iter().all(|end| end.is_go_away() || end.is_io()), "{ends:?}");
        stored += responses.load(Ordering::Relaxed);
        assert_eq!(films.ended().await.code(), Some(0));
        assert_eq!(count(&pool, "review").await, i64::try_from(stored).unwrap(), "{signal}: {ends:?}");
    }
}

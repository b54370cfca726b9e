//! The page at `/` and its events.

use std::collections::BTreeSet;
use std::time::Instant;

use futures_util::future::join_all;
use sqlx::PgPool;
use tokio::time::timeout;

use crate::support::h2::H2;
use crate::support::http::{REVIEW, send};
use crate::support::viewer::Viewer;
use crate::support::{Films, TIMEOUT, until};

const MOST_VIEWERS: usize = 16;

/// Returns the parts that the page and its scripts name, followed from one to the next.
async fn parts(films: &Films) -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::new(), vec!["/".to_owned()]);
    while let Some(path) = open.pop() {
        let text = films.get(&path).await.body;
        for name in text.split('"').skip(1).step_by(2) {
            let path = name.strip_prefix("./").map(|name| format!("/ui/{name}"));
            let path = path.or_else(|| name.starts_with("/ui/").then(|| name.to_owned()));
            if let Some(path) = path.filter(|path| found.insert(path.clone())) {
                open.push(path);
            }
        }
    }
    found
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_page_has_a_policy_and_its_parts_have_their_types(pool: PgPool) {
    let films = Films::start(&pool).await;
    let page = films.get("/").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy: Vec<_> = page.header("content-security-policy").split("; ").collect();
    assert_eq!(policy[0], "default-src 'self'");
    assert!(policy.contains(&"frame-ancestors 'none'"), "{policy:?}");

    let parts = parts(&films).await;
    assert!(parts.len() >= 4, "{parts:?}");
    for path in parts {
        let part = films.get(&path).await;
        let expected = match path.rsplit_once('.').unwrap().1 {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("an unexpected part: {other}"),
        };
        assert_eq!((part.status, part.header("content-type")), (200, expected), "{path}");
        assert_eq!(part.header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn without_http_ui_there_is_no_page(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__UI", "false")]).await;
    for path in ["/", "/ui/page.css", "/ui/page.js", "/events"] {
        films.get(path).await.problem(404, "no-such-route");
    }
    assert_eq!(films.get("/films/995/").await.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn events_show_the_traffic(pool: PgPool) {
    let films = Films::start(&pool).await;
    let mut viewer = Viewer::connect(films.http).await.unwrap_or_else(|status| panic!("{status}"));
    let posts = join_all((0..20).map(|_| films.post("/reviews/", REVIEW)));
    assert!(posts.await.iter().all(|response| response.status == 200));
    for _ in 0..5 {
        assert_eq!(films.get("/films/995/").await.status, 200);
    }
    films.get("/films/0/").await.problem(404, "no-such-film");

    let (mut requests, mut reads) = (0.0, 0.0);
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    let mut seen = BTreeSet::new();
    let since = Instant::now();
    // A busy machine may need several seconds for the requests.
    while requests == 0.0 || reads == 0.0 || seen.len() < 2 {
        assert!(since.elapsed() < TIMEOUT, "{requests} requests, {reads} reads, batches of {seen:?}");
        let traffic = viewer.traffic().await;
        requests += number(&traffic["requests"]);
        reads += number(&traffic["reads"]["lease"]) + number(&traffic["reads"]["batch"]);
        assert_eq!(traffic["failures"], 0.0, "{traffic}");
        if number(&traffic["requests"]) > 0.0 {
            let (p50, p99) = (number(&traffic["latency"]["p50"]), number(&traffic["latency"]["p99"]));
            assert!(0.0 < p50 && p50 <= p99, "{traffic}");
        }
        if let Some(size) = traffic["batch_size"]["reviews"].as_f64() {
            assert!((1.0..=20.0).contains(&size) && number(&traffic["queries"]) > 0.0, "{traffic}");
            seen.insert("reviews");
        }
        if traffic["batch_size"]["reads"].is_f64() {
            seen.insert("reads");
        }
    }
    // A sample covers a second or a little more, so the rates are at most the numbers of requests.
    assert!(requests <= 26.0 && reads <= 6.0, "{requests} {reads}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn failures_of_the_service_are_shown(pool: PgPool) {
    let films = Films::start(&pool).await;
    let mut viewer = Viewer::connect(films.http).await.unwrap_or_else(|status| panic!("{status}"));
    sqlx::query("alter table film drop column title cascade").execute(&pool).await.unwrap();
    assert_eq!(films.get("/films/1/").await.status, 500);
    let shown = async { while viewer.traffic().await["failures"].as_f64().unwrap() == 0.0 {} };
    timeout(TIMEOUT, shown).await.expect("an event with the failure");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn requests_of_the_page_are_no_traffic(pool: PgPool) {
    let films = Films::start(&pool).await;
    let mut viewer = Viewer::connect(films.http).await.unwrap_or_else(|status| panic!("{status}"));
    for path in ["/", "/ui/page.css", "/events?nope"] {
        films.get(path).await;
    }
    for _ in 0..2 {
        let traffic = viewer.traffic().await;
        assert_eq!(traffic["requests"], 0.0, "{traffic}");
        assert!(traffic["latency"]["p99"].is_null() && traffic["batch_size"]["reads"].is_null(), "{traffic}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_seventeenth_viewer_is_refused_until_another_leaves(pool: PgPool) {
    let films = Films::start(&pool).await;
    let mut viewers = Vec::new();
    for _ in 0..MOST_VIEWERS {
        viewers.push(Viewer::connect(films.http).await.unwrap_or_else(|status| panic!("{status}")));
    }
    let refused = films.get("/events").await;
    let detail = refused.problem(503, "too-many-viewers");
    assert!(detail.starts_with("16 viewers"), "{detail}");
    assert_eq!(refused.header("retry-after"), "1");

    viewers.pop();
    // The service notices when it sends the next event.
    let mut last = until("a place", async || Viewer::connect(films.http).await).await;
    last.traffic().await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_stop_ends_the_streams_with_a_last_event(pool: PgPool) {
    // Fails if the process waits for its viewers.
    let mut films = Films::start_with(&pool, &[("FILMS__SHUTDOWN__GRACE", "1h")]).await;
    let mut viewer = Viewer::connect(films.http).await.unwrap_or_else(|status| panic!("{status}"));
    let mut h2 = H2::connect(films.http, 65_535).await;
    let mut stream = h2.get("/events").await.unwrap();
    viewer.traffic().await;
    films.signal("TERM");
    let last = async {
        loop {
            match viewer.next().await {
                Some((name, _)) if name == "traffic" => {}
                Some((name, _)) => return (name, viewer.next().await),
                None => panic!("no last event"),
            }
        }
    };
    let last = timeout(TIMEOUT, last).await.expect("the last event");
    assert_eq!(last, ("stopped".to_owned(), None));
    let mut text = Vec::new();
    while let Some(data) = stream.data().await {
        text.extend_from_slice(&data.expect("the stream ends as it should"));
    }
    assert!(text.ends_with(b"event: stopped\ndata: {}\n\n"), "{}", String::from_utf8_lossy(&text));
    assert_eq!(films.ended().await.code(), Some(0));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_viewer_is_not_idle(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__HEADER_TIMEOUT", "2s")]).await;
    let mut viewer = Viewer::connect(films.http).await.unwrap_or_else(|status| panic!("{status}"));
    // An idle connection is closed after three seconds.
    for _ in 0..6 {
        viewer.traffic().await;
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_viewer_who_does_not_read_is_disconnected(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__WRITE_TIMEOUT", "1s")]).await;
    let mut stalled = H2::connect(films.http, 10).await;
    let stream = stalled.get("/events").await.unwrap();
    // Whether the client reads why depends on which of two events it sees first.
    let _ = stalled.ended().await;
    drop(stream);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn head_takes_no_place(pool: PgPool) {
    let films = Films::start(&pool).await;
    for _ in 0..=MOST_VIEWERS {
        assert_eq!(send(films.http, "HEAD", "/events", &[], "").await.status, 200);
    }
}

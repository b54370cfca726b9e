//! A query that many requests share.

use super::scrape::sample;
use super::*;

/// Requests that are sent while another one's query holds the only connection, so that they are one
/// batch, in this order. Returns the span of that batch's query.
async fn one_batch(
    pool: &PgPool,
    collector: &Collector,
    paths: impl IntoIterator<Item = String>,
    traceparent: impl Fn(usize) -> String,
) -> (Films, Span) {
    let patient = [
        // Each thread has its own batches.
        ("FILMS__HTTP__THREADS", "1"),
        ("FILMS__DATABASE__POOL_SIZE", "1"),
        ("FILMS__DATABASE__QUERY_TIMEOUT", "1m"),
        ("FILMS__HTTP__REQUEST_TIMEOUT", "1m"),
    ];
    let films = start(pool, collector, &patient).await;
    let mut lock = pool.begin().await.unwrap();
    sqlx::query("lock table film in access exclusive mode").execute(&mut *lock).await.unwrap();
    let mut answers = vec![ask(films.http, "/films/999/".to_owned(), format!("00-{TRACE}-{SPAN}-00"))];
    until("the first query waits for the lock", || async {
        let waiting = "select true from pg_locks where relation = 'film'::regclass and not granted";
        sqlx::query_scalar::<_, bool>(waiting).fetch_optional(pool).await.unwrap()
    })
    .await;
    for (queued, path) in paths.into_iter().enumerate() {
        answers.push(ask(films.http, path, traceparent(queued)));
        until("the request is queued", || async {
            let page = films.admin("/metrics").await.body;
            let queue = sample(&page, "batch_queue", &[r#"batch_name="film""#]);
            queue.filter(|queue| queue.total_cmp(&f64::from(u32::try_from(queued).unwrap() + 1)).is_eq())
        })
        .await;
    }
    let size = answers.len() - 1;
    lock.rollback().await.unwrap();
    for answer in answers {
        assert_eq!(answer.await.unwrap().status, 200);
    }
    let query = collector.span(|span| span.attributes.get("batch.size") == Some(&json!(size))).await;
    (films, query)
}

fn ask(to: SocketAddr, path: String, traceparent: String) -> tokio::task::JoinHandle<Answer> {
    tokio::spawn(async move { send(to, "GET", &path, &[("traceparent", &traceparent)], "").await })
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn requests_that_share_a_query_are_linked_with_its_span(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let paths: Vec<String> = (1..=10).map(|id| format!("/films/{id}/")).collect();
    let sampled = |place| format!("00-{:032x}-{SPAN}-01", place + 1);
    let (_films, query) = one_batch(&pool, &collector, paths.clone(), sampled).await;

    let mut below = 0;
    for path in paths {
        let is_wanted =
            |span: &Span| span.kind == SpanKind::Server && span.attributes["url.path"] == path.as_str();
        let request = collector.span(is_wanted).await;
        let spans = collector.spans();
        if descends(&query, &request, &spans) {
            below += 1;
        } else {
            assert!(query.links.contains(&request.ids()), "{path} is not linked from {query:#?}");
            let links_back =
                |span: &&Span| span.trace_id == request.trace_id && span.links.contains(&query.ids());
            assert!(spans.iter().any(|span| links_back(&span)), "{path} has no link to its query");
        }
    }
    assert_eq!((below, query.links.len()), (1, 9));
    assert_eq!(collector.spans().iter().filter(|span| span.kind == SpanKind::Client).count(), 1);
}

/// Where few requests are sampled, the first of a batch is most often not one of them.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_sampled_request_shows_its_query_whoever_was_first_in_the_batch(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let paths = (1..=4).map(|id| format!("/films/{id}/"));
    let only_the_third = |place| format!("00-{:032x}-{SPAN}-{:02x}", place + 1, u8::from(place == 2));
    let (films, query) = one_batch(&pool, &collector, paths, only_the_third).await;
    films.stop().await;
    let request = collector.server_span().await;
    assert_attributes(&request, &json!({"url.path": "/films/3/"}));
    let spans = collector.spans();
    assert!(descends(&query, &request, &spans) || query.links.contains(&request.ids()), "{spans:#?}");
}

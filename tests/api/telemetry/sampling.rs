//! Which traces are recorded.

use sqlx::PgPool;

use super::instances::{SPAN, TRACE, get_traced, start};
use crate::support::collector::{Collector, GRPC, SpanKind};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_sampler_can_record_nothing(pool: PgPool) {
    for (sampler, argument) in [("always_off", ""), ("traceidratio", "0"), ("parentbased_traceidratio", "0")]
    {
        let collector = Collector::start(GRPC).await;
        let sampler = [("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", argument)];
        let films = start(&pool, &collector, &sampler).await;
        assert_eq!(films.get("/films/995/").await.status, 200);
        films.stop().await;
        assert!(collector.spans().is_empty(), "{sampler:?}");
        assert!(!collector.metrics().is_empty(), "{sampler:?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn parent_based_samplers_follow_the_client(pool: PgPool) {
    for (sampler, flag, is_traced) in [
        ("parentbased_always_off", "01", true),
        ("parentbased_always_on", "00", false),
        ("always_on", "00", true),
        ("always_off", "01", false),
    ] {
        let collector = Collector::start(GRPC).await;
        let films = start(&pool, &collector, &[("OTEL_TRACES_SAMPLER", sampler)]).await;
        let client = format!("00-{TRACE}-{SPAN}-{flag}");
        get_traced(&films, "/films/995/", &client).await;
        films.stop().await;
        let kinds: Vec<_> = collector.spans().into_iter().map(|span| span.kind).collect();
        let whole = kinds.contains(&SpanKind::Server) && kinds.contains(&SpanKind::Client);
        assert_eq!((whole, !kinds.is_empty()), (is_traced, is_traced), "{sampler}, {flag}: {kinds:?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_ratio_records_about_this_share_of_the_traces(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let settings = [
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
        // A read under a lease has no query.
        ("FILMS__DATABASE__LEASES", "false"),
    ];
    let films = start(&pool, &collector, &settings).await;
    for _ in 0..400 {
        films.get("/films/995/").await;
    }
    films.stop().await;
    let spans = collector.spans();
    let of_kind = |kind| spans.iter().filter(|span| span.kind == kind).count();
    // Ten standard deviations to either side.
    assert!((100..300).contains(&of_kind(SpanKind::Server)), "{} traces", of_kind(SpanKind::Server));
    assert_eq!(of_kind(SpanKind::Client), of_kind(SpanKind::Server), "each request has its query");
}

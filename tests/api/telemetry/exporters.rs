//! Variables of the exporters: headers, timeouts, TLS, sizes of exports, temporality.

use std::time::{Duration, Instant};

use sqlx::PgPool;

use super::instances::{spawn, start};
use crate::support::collector::{Collector, GRPC, HTTP, Temporality};
use crate::support::unreachable::silent_server;

const SIGNALS: [&str; 3] = ["TRACES", "METRICS", "LOGS"];

/// The time after which an export is given up by default.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn headers_are_sent_with_every_export(pool: PgPool) {
    for protocol in [GRPC, HTTP] {
        let collector = Collector::start(protocol).await;
        let headers = [("OTEL_EXPORTER_OTLP_HEADERS", "x-one=a%20b, x-two=c")];
        let films = spawn(&pool, &[&collector.variables(), headers.as_slice()].concat()).await;
        films.get("/films/").await;
        films.stop().await;
        for signal in SIGNALS {
            let exports: Vec<_> =
                collector.exports().into_iter().filter(|export| export.signal == signal).collect();
            assert!(!exports.is_empty(), "{protocol} {signal}");
            for export in exports {
                assert_eq!(export.headers["x-one"], "a b", "{protocol} {export:?}");
                assert_eq!(export.headers["x-two"], "c", "{protocol} {export:?}");
            }
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn headers_of_a_signal_override_the_others(pool: PgPool) {
    for protocol in [GRPC, HTTP] {
        let collector = Collector::start(protocol).await;
        let own = SIGNALS
            .map(|signal| (format!("OTEL_EXPORTER_OTLP_{signal}_HEADERS"), format!("x-sent={signal}")));
        let mut headers = vec![("OTEL_EXPORTER_OTLP_HEADERS", "x-sent=all")];
        headers.extend(own.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let films = spawn(&pool, &[collector.variables(), headers].concat()).await;
        films.get("/films/").await;
        films.stop().await;
        let exports = collector.exports();
        for signal in SIGNALS {
            assert!(exports.iter().any(|export| export.signal == signal), "{protocol} {signal}");
        }
        for export in exports {
            assert_eq!(export.headers["x-sent"], export.signal, "{protocol} {export:?}");
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_endpoint_of_a_signal_receives_only_that_signal(pool: PgPool) {
    for (signal, path) in [("TRACES", "traces"), ("METRICS", "metrics"), ("LOGS", "logs")] {
        let collector = Collector::start(HTTP).await;
        let name = |name: &str| format!("OTEL_EXPORTER_OTLP_{signal}_{name}");
        let endpoint = format!("{}/v1/{path}", collector.endpoint());
        let variables: [(&str, &str); 3] = [
            (&name("ENDPOINT"), &endpoint),
            (&name("PROTOCOL"), HTTP),
            // The protocol of all signals would not fit.
            ("OTEL_EXPORTER_OTLP_PROTOCOL", GRPC),
        ];
        let films = spawn(&pool, &variables).await;
        films.get("/films/").await;
        films.stop().await;
        let exports = collector.exports();
        assert!(!exports.is_empty() && exports.iter().all(|export| export.signal == signal), "{exports:?}");
    }
}

/// An endpoint without a scheme is reached over TLS, which this collector does not speak.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_endpoint_without_a_scheme_is_reached_without_tls_if_so_configured(pool: PgPool) {
    for signal in ["", "TRACES_", "METRICS_", "LOGS_"] {
        let collector = Collector::start(GRPC).await;
        let name = |name: &str| format!("OTEL_EXPORTER_OTLP_{signal}{name}");
        let address = collector.endpoint().trim_start_matches("http://");
        let variables: [(&str, &str); 3] =
            [(&name("ENDPOINT"), address), (&name("PROTOCOL"), GRPC), (&name("INSECURE"), "true")];
        let films = spawn(&pool, &variables).await;
        films.get("/films/").await;
        films.stop().await;
        let exports = collector.exports();
        let is_wanted = |wanted: &str| signal.is_empty() || signal.starts_with(wanted);
        for wanted in SIGNALS.into_iter().filter(|wanted| is_wanted(wanted)) {
            assert!(exports.iter().any(|export| export.signal == wanted), "{wanted}: {exports:?}");
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_export_is_given_up_after_its_timeout(pool: PgPool) {
    let endpoint = format!("http://{}", silent_server().await);
    for (signal, failure) in [
        ("TRACES", "BatchSpanProcessor.ExportError"),
        ("METRICS", "PeriodicReader.ExportError"),
        ("LOGS", "BatchLogProcessor.ExportError"),
    ] {
        let own = format!("{signal}_");
        for of in ["", &own] {
            let since = Instant::now();
            let variables: [(&str, &str); 6] = [
                (&format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"), &endpoint),
                (&format!("OTEL_EXPORTER_OTLP_{of}TIMEOUT"), "50"),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", GRPC),
                ("OTEL_BSP_SCHEDULE_DELAY", "20"),
                ("OTEL_BLRP_SCHEDULE_DELAY", "20"),
                ("OTEL_METRIC_EXPORT_INTERVAL", "20"),
            ];
            let films = spawn(&pool, &variables).await;
            films.get("/films/").await;
            films.until_logged(|line| line.to_string().contains(failure)).await;
            assert!(since.elapsed() < DEFAULT_TIMEOUT, "{of} {failure}");
        }
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_export_has_no_more_spans_or_log_lines_than_the_limit(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let sizes = [
        ("OTEL_BSP_SCHEDULE_DELAY", "60000"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "7"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "60000"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "2"),
    ];
    let films = start(&pool, &collector, &sizes).await;
    for id in 1..=10 {
        films.get(&format!("/films/{id}/")).await;
    }
    films.stop().await;
    let exports = collector.exports();
    for (signal, most) in [("TRACES", 7), ("LOGS", 2)] {
        let sizes = exports.iter().filter(|export| export.signal == signal).map(|export| export.size);
        assert_eq!(sizes.max(), Some(most), "{signal}: {exports:?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn spans_and_log_lines_that_do_not_fit_into_the_queue_are_dropped(pool: PgPool) {
    // The first export never ends, so that everything after it waits.
    let endpoint = format!("http://{}", silent_server().await);
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", GRPC),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "2"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "1"),
    ];
    let films = spawn(&pool, &variables).await;
    for _ in 0..10 {
        films.get("/films/").await;
    }
    for dropped in ["BatchSpanProcessor.SpanDroppingStarted", "BatchLogProcessor.LogDroppingStarted"] {
        films.until_logged(|line| line.to_string().contains(dropped)).await;
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_temporality_of_metrics_can_be_chosen(pool: PgPool) {
    use Temporality::{Cumulative, Delta};
    for (preference, histogram, observed) in [
        ("", Cumulative, Cumulative),
        ("cumulative", Cumulative, Cumulative),
        ("delta", Delta, Delta),
        ("lowmemory", Delta, Cumulative),
    ] {
        let collector = Collector::start(GRPC).await;
        let preferred = ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", preference);
        let often = ("OTEL_METRIC_EXPORT_INTERVAL", "100");
        let films = spawn(&pool, &[&collector.variables(), [preferred, often].as_slice()].concat()).await;
        films.get("/films/").await;
        // The last export, after the stop, lacks what is observed.
        let temporality = async |name: &str| collector.metric(name).await.temporality.unwrap();
        assert_eq!(temporality("http.server.request.duration").await, histogram, "{preference}");
        assert_eq!(temporality("films.reads").await, observed, "{preference}");
        assert_eq!(temporality("http.server.active_requests").await, Cumulative, "{preference}");
    }
}

//! The resource that names the service in everything that is exported.

use sqlx::PgPool;

use super::instances::spawn;
use crate::support::collector::{Collector, GRPC};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_resource_names_the_service_and_its_version(pool: PgPool) {
    let collector = Collector::start(GRPC).await;
    let films = spawn(&pool, &collector.variables()).await;
    films.get("/films/").await;
    let resource = collector.server_span().await.resource;
    assert_eq!(resource["service.name"], "films");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_standard_variables_change_the_resource(pool: PgPool) {
    for (more, name) in [
        (
            [("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"), ("OTEL_SERVICE_NAME", "")],
            "films",
        ),
        (
            [
                ("OTEL_RESOURCE_ATTRIBUTES", "service.name=lost,deployment.environment.name=test"),
                ("OTEL_SERVICE_NAME", "catalogue"),
            ],
            "catalogue",
        ),
        (
            [
                ("OTEL_RESOURCE_ATTRIBUTES", "service.name=found,deployment.environment.name=test"),
                ("OTEL_SERVICE_NAME", ""),
            ],
            "found",
        ),
    ] {
        let collector = Collector::start(GRPC).await;
        let films = spawn(&pool, &[&collector.variables(), more.as_slice()].concat()).await;
        films.get("/films/").await;
        let resource = collector.server_span().await.resource;
        assert_eq!(resource["service.name"], name, "{more:?}");
        assert_eq!(resource["deployment.environment.name"], "test", "{more:?}");
    }
}

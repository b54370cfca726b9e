//! Every instrument of the service. The table registers them, and `cargo xtask docs` writes it into
//! docs/metrics.md.

use serde_json::{Value, json};

use super::instrument::{Instrument, Kind};

pub(crate) const REQUEST_DURATION: Instrument = Instrument {
    name: "http.server.request.duration",
    kind: Kind::Histogram,
    unit: "s",
    attributes: &[
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "url.scheme",
        "error.type",
    ],
    meaning: "Time from the head of a request to the head of its response.",
};

pub(crate) const ACTIVE_REQUESTS: Instrument = Instrument {
    name: "http.server.active_requests",
    kind: Kind::UpDownCounter,
    unit: "{request}",
    attributes: &["http.request.method", "url.scheme"],
    meaning: "Requests under way.",
};

pub(crate) const BATCH_SIZE: Instrument = Instrument {
    name: "batch.size",
    kind: Kind::Histogram,
    unit: "{request}",
    attributes: &["query"],
    meaning: "Requests that shared one query.",
};

pub(crate) const BATCH_WAIT: Instrument = Instrument {
    name: "batch.wait",
    kind: Kind::Histogram,
    unit: "s",
    attributes: &["query"],
    meaning: "Time that a request waited in the queue before its query started.",
};

pub(crate) const BATCH_QUEUE: Instrument = Instrument {
    name: "batch.queue",
    kind: Kind::Gauge,
    unit: "{request}",
    attributes: &["query"],
    meaning: "Requests that wait for a query.",
};

pub(crate) const READS: Instrument = Instrument {
    name: "films.reads",
    kind: Kind::Counter,
    unit: "{request}",
    attributes: &["query", "source"],
    meaning: "Reads, by the source of the response.",
};

pub(crate) const LEASES: Instrument = Instrument {
    name: "films.leases",
    kind: Kind::Counter,
    unit: "{query}",
    attributes: &["outcome"],
    meaning: "Queries that requested a read lease.",
};

pub(crate) const QUERY_FAILURES: Instrument = Instrument {
    name: "films.query.failures",
    kind: Kind::Counter,
    unit: "{query}",
    attributes: &["query", "error.type", "db.response.status_code"],
    meaning: "Queries that failed, each for all requests of its batch, and reviews whose film stayed locked.",
};

pub(crate) const CONNECTION_COUNT: Instrument = Instrument {
    name: "db.client.connection.count",
    kind: Kind::UpDownCounter,
    unit: "{connection}",
    attributes: &["db.client.connection.pool.name", "db.client.connection.state"],
    meaning: "Connections to Postgres, by state.",
};

pub(crate) const CONNECTION_MAX: Instrument = Instrument {
    name: "db.client.connection.max",
    kind: Kind::UpDownCounter,
    unit: "{connection}",
    attributes: &["db.client.connection.pool.name"],
    meaning: "Most connections to Postgres at once.",
};

pub(crate) const READY: Instrument = Instrument {
    name: "films.ready",
    kind: Kind::Gauge,
    unit: "",
    attributes: &[],
    meaning: "Whether this instance is ready: 1 or 0.",
};

pub(crate) const DATABASE_REACHABLE: Instrument = Instrument {
    name: "films.database.reachable",
    kind: Kind::Gauge,
    unit: "",
    attributes: &["db.client.connection.pool.name"],
    meaning: "Whether the last check reached the server: 1 or 0.",
};

pub(crate) const REPLICA_LAG: Instrument = Instrument {
    name: "films.replica.lag",
    kind: Kind::Gauge,
    unit: "s",
    attributes: &[],
    meaning: "Age of the last transaction that the replica has replayed, or 0 if it has replayed all that it received.",
};

pub(crate) const FAULTS: Instrument = Instrument {
    name: "films.faults",
    kind: Kind::Gauge,
    unit: "",
    attributes: &["fault"],
    meaning: "Whether this fault is injected: 1 or 0. Only with `faults.enabled`.",
};

pub(crate) const BUILD_INFO: Instrument = Instrument {
    name: "films.build_info",
    kind: Kind::Gauge,
    unit: "",
    attributes: &["version", "commit"],
    meaning: "Version and commit of this build. The value is always 1.",
};

const ALL: [Instrument; 15] = [
    REQUEST_DURATION,
    ACTIVE_REQUESTS,
    BATCH_SIZE,
    BATCH_WAIT,
    BATCH_QUEUE,
    READS,
    LEASES,
    QUERY_FAILURES,
    CONNECTION_COUNT,
    CONNECTION_MAX,
    READY,
    DATABASE_REACHABLE,
    REPLICA_LAG,
    FAULTS,
    BUILD_INFO,
];

/// Returns the list of instruments that `films metrics` prints.
pub fn instruments() -> Vec<Value> {
    let row = |instrument: Instrument| {
        json!({
            "name": instrument.name,
            "name_in_prometheus": instrument.name_in_prometheus(),
            "type": instrument.kind,
            "unit": instrument.unit,
            "attributes": instrument.attributes,
            "meaning": instrument.meaning,
        })
    };
    ALL.map(row).into()
}

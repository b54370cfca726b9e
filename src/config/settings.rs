//! Every setting except those of the database: one struct for each section of the configuration.

use std::net::Ipv4Addr;
use std::num::NonZero;
use std::thread::available_parallelism;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::database::Database;
use super::faults::Faults;
use super::log_filter::LogFilter;
use super::origins::Origins;
use super::otel::Otel;
use super::values::{self, Address, Delay, LogFormat, Timeout};

/// The configuration of `films`. Durations are text with units (`500ms`, `5s`, `1m 30s`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The API's port and its limits.
    pub http: Http,
    /// The port for probes and metrics.
    pub admin: Admin,
    /// The connection to PostgreSQL, and the limits on its use.
    pub database: Database,
    /// How long the idempotency keys of reviews are stored.
    pub reviews: Reviews,
    /// When an instance is ready.
    pub readiness: Readiness,
    /// How an instance stops.
    pub shutdown: Shutdown,
    /// Which log lines are written, and in which format.
    pub log: Log,
    /// The fault switch: requests to `/faults/` on the admin port make this instance fail for a limited time.
    pub faults: Faults,
    /// Settings from the standard `OTEL_*` variables. They have no keys in the configuration.
    #[serde(skip)]
    pub otel: Otel,
}

/// The API's port and its limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address and port of the API. Port 0 picks a free port, which the log names.
    pub listen: Address,
    /// Longest time from the request's headers to the response. A slower request gets 504.
    pub request_timeout: Timeout,
    /// Longest time for a request body to arrive. A slower request gets 408. Must be less than
    /// `http.request_timeout`.
    #[schemars(extend("x-less-than" = {
        "key": "http.request_timeout", "because": "the body is a part of the request",
    }))]
    pub body_timeout: Timeout,
    /// Longest time for a connection to send the headers of its next request, counted from the previous
    /// response. An idle connection is closed after the same time, over HTTP/1.1 and HTTP/2.
    pub header_timeout: Timeout,
    /// Longest time for which a client may read nothing of a response that waits for it. Then the connection is
    /// closed. Over HTTP/2, this counts for every part of a response of up to 16 kB.
    pub write_timeout: Timeout,
    /// Largest request body, in bytes. A request with a larger body gets 413.
    #[schemars(range(min = 1, max = 1_073_741_824))]
    pub max_body_size: usize,
    /// Most client connections at once. A further connection takes the place of the one that has waited
    /// for its client longest. While all of them wait for the service, further connections wait in the
    /// kernel's backlog.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections: usize,
    /// Number of threads that handle requests. Client connections are distributed among the threads. If
    /// omitted: the number of available cores (a container's CPU limit, rounded down), at least 1.
    #[schemars(range(min = 1, max = 1024))]
    pub threads: Option<usize>,
    /// Serves pages for browsers (`true`): the catalogue and the live traffic at `/`, with its events at
    /// `/events`, and the documentation of the API at `/docs/`. With `false`, they get 404, and `/openapi.json`
    /// is still served.
    pub ui: bool,
    /// Origins of pages in browsers that may use the API, separated by commas: `https://example.org,
    /// http://localhost:8080`. `*` stands for every origin. If empty, browsers let no page of another origin
    /// read a response.
    pub cors_origins: Origins,
}

impl Http {
    /// Returns the number of threads: the setting, or the number of available cores.
    pub fn threads(&self) -> usize {
        self.threads.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get))
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: Address::new((Ipv4Addr::UNSPECIFIED, 5000)),
            request_timeout: Timeout::from_secs(10),
            body_timeout: Timeout::from_secs(5),
            header_timeout: Timeout::from_secs(60),
            write_timeout: Timeout::from_secs(30),
            max_body_size: 16 * 1024,
            max_connections: 10_000,
            threads: None,
            ui: true,
            cors_origins: Origins::default(),
        }
    }
}

/// The port for probes and metrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Address and port of `/healthz`, `/readyz`, `/metrics` and, with `faults.enabled`, `/faults/`. Do not
    /// expose it to the public network.
    pub listen: Address,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: Address::new((Ipv4Addr::UNSPECIFIED, 9090)) }
    }
}

/// How long the idempotency keys of reviews are stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reviews {
    /// Time for which the `Idempotency-Key` of a review is stored. A retry within this time stores no second
    /// review.
    pub idempotency_ttl: Timeout,
    /// Most keys that are stored. If there are more, the oldest are deleted before their time. A million keys
    /// of 36 characters take about 200 MB.
    #[schemars(range(min = 1000, max = 1_000_000_000))]
    pub idempotency_keys: u64,
}

impl Default for Reviews {
    fn default() -> Self {
        Self { idempotency_ttl: Timeout::from_secs(24 * 60 * 60), idempotency_keys: 1_000_000 }
    }
}

/// When an instance is ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Readiness {
    /// Makes the instance unready while the database is unreachable (`true`), so that traffic goes to other
    /// instances. With `false` the instance stays ready, and requests that need the database get 503. Choose
    /// `false` if all instances share one database: removing all of them from the load balancer helps nobody.
    pub database: bool,
    /// Time between two checks of the database. `/readyz` reports the result of the last check.
    pub interval: Timeout,
}

impl Default for Readiness {
    fn default() -> Self {
        Self { database: true, interval: Timeout::from_secs(1) }
    }
}

/// How an instance stops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Shutdown {
    /// Time to keep serving after SIGTERM, while `/readyz` reports "not ready" and every response over HTTP/1.1
    /// carries `Connection: close`. Load balancers move their traffic away during this time. Ctrl-C skips it.
    pub lame_duck: Delay,
    /// Longest time for open requests to finish after the lame duck. Requests that take longer are cut off.
    pub grace: Delay,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { lame_duck: Delay::from_secs(5), grace: Delay::from_secs(20) }
    }
}

/// Which log lines are written, and in which format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Selects log lines: a level (`error`, `warn`, `info`, `debug`, `trace`) or `target=level` pairs. The
    /// variable `RUST_LOG` is an alias. `info,films::http=debug` adds a line for every request.
    pub filter: LogFilter,
    /// Format of log lines: `json`, `text`, or `auto`, which is text on a terminal and JSON elsewhere.
    #[serde(deserialize_with = "values::name")]
    pub format: LogFormat,
    /// A request that takes longer writes a log line with its route, status and duration, its wait for a
    /// batch, the size of the batch and the duration of the query. `0s` turns these lines off.
    pub slow_request: Delay,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: LogFilter::default(), format: LogFormat::default(), slow_request: Delay::from_secs(1) }
    }
}

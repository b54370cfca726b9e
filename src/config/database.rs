//! Settings of the database, and the type of its connection URLs.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnectOptions;
use url::Url;

use super::values::Timeout;

/// The connection to `PostgreSQL`, and the limits on its use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// Connection URL. The variable `DATABASE_URL` is an alias. Missing parts come from libpq's `PG*`
    /// variables, then from the development defaults: `localhost:5432`, and `dvdrental` as user,
    /// password and database.
    pub url: Option<DatabaseUrl>,
    /// Connection URL of a replica for reading films and reviews. New reviews go to `database.url`. Missing
    /// parts are filled in as for `database.url`. Reads are as fresh as the replica, which lags behind the
    /// primary. Two replicas behind one address lag differently. Reads never fall back to the primary: while
    /// the replica is unreachable, reads fail and the instance is not ready. If omitted, `database.url` serves
    /// reads and reviews.
    pub read_url: Option<DatabaseUrl>,
    /// File with the database password. It overrides the passwords of both URLs. The variable
    /// `DATABASE_PASSWORD_FILE` is an alias. One trailing line break is removed. The file is read again for
    /// every new connection.
    pub password_file: Option<PathBuf>,
    /// Most connections to the primary. The replica of `database.read_url` gets as many more. The limit
    /// includes the readiness check. More connections than the database has cores make it slower, not
    /// faster.
    #[schemars(range(min = 1, max = 10_000))]
    pub pool_size: u32,
    /// Most requests that share one query. 1 turns batching off: every request runs its own query, on up
    /// to `database.pool_size` connections at once.
    #[schemars(range(min = 1, max = 10_000), extend("x-at-most" = {
        "key": "database.queue_size", "because": "a batch is taken from its queue",
    }))]
    pub max_batch_size: usize,
    /// Most requests that may wait for one kind of query (`get_film`, `list_films`, `list_reviews`,
    /// `create_review`). A further request gets 503 at once. The limit for reads is divided among
    /// `http.threads`, but never below `database.max_batch_size`. Must be at least `database.max_batch_size`.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub queue_size: usize,
    /// Most cached responses for one kind of read (`get_film`, `list_films`, `list_reviews`). Every batch reads
    /// the present version, of the catalogue or of a film's reviews, and uses only cached responses of this
    /// version. 0 turns the cache off.
    #[schemars(range(max = 10_000_000))]
    pub cache_entries: usize,
    /// Most memory for cached responses of one kind of read (`get_film`, `list_films`, `list_reviews`), in
    /// bytes. With leases it can be twice as much, because the worker threads may still use responses that the
    /// cache has evicted. Compressed copies of lists come on top. A list larger than this limit is read from
    /// the database every time.
    #[schemars(range(max = 1_099_511_627_776_u64))]
    pub cache_size: usize,
    /// Keeps prepared statements in the sessions of Postgres (`true`). Set `false` for a pooler in transaction
    /// mode that does not track them, such as PgBouncer before 1.21: each query then runs in a transaction of
    /// its own, which costs two round trips more. `films migrate` and `films seed` need a URL that leads to
    /// Postgres itself.
    pub prepared_statements: bool,
    /// Uses read leases: cached responses are used for some milliseconds without a query, and no read is
    /// stale, because a change of a film waits that long before its commit. The column
    /// `film_catalogue.lease` has the length. Has no effect with `database.read_url`, or if
    /// `database.prepared_statements` is `false`.
    pub leases: bool,
    /// Longest time to open a connection. It is also the longest time that a request waits for an
    /// unreachable database.
    pub connect_timeout: Timeout,
    /// Longest time for one query. A slower query fails with 503, and Postgres ends it.
    pub query_timeout: Timeout,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: None,
            read_url: None,
            password_file: None,
            pool_size: 20,
            max_batch_size: 256,
            queue_size: 4096,
            cache_entries: 10_000,
            cache_size: 16 * 1024 * 1024,
            prepared_statements: true,
            leases: true,
            connect_timeout: Timeout::from_secs(2),
            query_timeout: Timeout::from_secs(5),
        }
    }
}

/// A Postgres connection URL. Its passwords are never printed.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend("format" = "uri", "pattern" = "^postgres(ql)?://"))]
pub struct DatabaseUrl(Url);

impl DatabaseUrl {
    /// Returns the URL with its passwords.
    pub(super) fn secret(&self) -> &Url {
        &self.0
    }
}

impl TryFrom<String> for DatabaseUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let expected = "expected postgres://user:password@host:5432/database";
        let url = Url::parse(&text).map_err(|error| format!("{error}, {expected}"))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(format!("the scheme is {}, {expected}", url.scheme()));
        }
        if url.fragment().is_some() {
            // An unencoded # in a password begins the fragment, and a printed URL would show the fragment.
            return Err(format!("the URL contains #, {expected}, and %23 for # in a password"));
        }
        PgConnectOptions::from_str(url.as_str()).map_err(|error| reason(&error))?;
        Ok(Self(url))
    }
}

impl From<DatabaseUrl> for String {
    fn from(url: DatabaseUrl) -> Self {
        url.to_string()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        if url.password().is_some() {
            // Cannot fail: only a URL without a host refuses a password.
            let _ = url.set_password(Some("redacted"));
        }
        if url.query().is_some() {
            let pairs: Vec<_> = self.0.query_pairs().collect();
            let shown = pairs
                .iter()
                .map(|(key, value)| (key, if is_secret(key, value) { "redacted" } else { value }));
            url.query_pairs_mut().clear().extend_pairs(shown);
        }
        write!(f, "{url}")
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Returns whether a parameter of the URL is a password, or a private key in place of its path.
fn is_secret(key: &str, value: &str) -> bool {
    key.to_ascii_lowercase().contains("password") || value.contains("-----BEGIN")
}

/// Returns what sqlx reports about a URL, without the prefix that all of its configuration errors share.
pub(super) fn reason(error: &sqlx::Error) -> String {
    let text = error.to_string();
    text.rsplit("error with configuration: ").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "-----BEGIN PRIVATE KEY-----";

    fn url(text: &str) -> Result<DatabaseUrl, String> {
        DatabaseUrl::try_from(text.to_owned())
    }

    /// Returns everything that the service may print about the text of a URL.
    fn shown(text: &str) -> String {
        url(text).map_or_else(|error| error, |url| format!("{url} {url:?} {}", String::from(url.clone())))
    }

    proptest! {
        #[test]
        fn a_password_is_never_shown(
            before in "\\PC{0,8}", after in "\\PC{0,8}", key in "[a-z]{0,3}(password|Password|PASSWORD)[a-z]{0,3}|sslkey",
        ) {
            let secret = |begin: &str| {
                let text = format!("{begin}{before}s3cret{after}");
                utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string()
            };
            let (password, value) = (secret(""), secret(if key == "sslkey" { KEY } else { "" }));
            let shown = shown(&format!("postgres://u:{password}@h/d?{key}={value}&sslmode=prefer"));
            prop_assert!(!shown.contains("s3cret"), "{}", shown);
        }

        #[test]
        fn a_url_without_a_password_reads_back(
            user in "\\w{0,5}", host in "[a-z]{1,5}", port in any::<u16>(), name in "\\PC{0,8}",
        ) {
            let name = utf8_percent_encode(&name, NON_ALPHANUMERIC);
            let at = if user.is_empty() { "" } else { "@" };
            let url = url(&format!("postgres://{user}{at}{host}:{port}/{name}?sslmode=prefer&application_name=a%26b")).unwrap();
            prop_assert_eq!(DatabaseUrl::try_from(String::from(url.clone())), Ok(url));
        }

        #[test]
        fn no_text_panics(text in any::<String>(), rest in "[a-z0-9:@/?#%=&.\\[\\]-]{0,40}") {
            for text in [text, format!("postgres:{rest}"), format!("postgres://{rest}")] {
                let _ = shown(&text);
            }
        }
    }

    #[test]
    fn an_unencoded_number_sign_in_a_password_is_refused() {
        let error = url("postgres://u:1#s3cret@h/d").unwrap_err();
        assert!(error.contains("%23") && !error.contains("s3cret"), "{error}");
    }
}

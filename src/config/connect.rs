//! How to reach Postgres: the URL, libpq's variables, the password file.

use std::env;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer, de};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::{Database, Error};

/// Database, user and password where nothing names them: the sample's own, for development.
const DEVELOPMENT: &str = "dvdrental";

/// A Postgres connection URL. Its passwords are never printed.
#[derive(Clone, PartialEq, JsonSchema)]
#[schemars(with = "String")]
pub struct DatabaseUrl(Url);

impl<'de> Deserialize<'de> for DatabaseUrl {
    fn deserialize<D: de::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let expected = "expected postgres://user:password@host:5432/database";
        let url = Url::parse(&String::deserialize(input)?)
            .map_err(|error| de::Error::custom(format_args!("{error}, {expected}")))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(de::Error::custom(format_args!("the scheme is {}, {expected}", url.scheme())));
        }
        match PgConnectOptions::from_str(url.as_str()) {
            Ok(_) => Ok(Self(url)),
            Err(error) => Err(de::Error::custom(reason(&error))),
        }
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        if url.password().is_some() {
            // A URL with a password has a host, so this cannot be refused.
            let _ = url.set_password(Some("redacted"));
        }
        if url.query().is_some() {
            let pairs: Vec<_> = self.0.query_pairs().collect();
            let shown = pairs
                .iter()
                .map(|(key, value)| (key, if key.contains("password") { "redacted" } else { value }));
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

impl Database {
    /// What to connect with: the URL over libpq's variables over the development defaults, and the
    /// password file over every other password.
    pub fn connect_options(&self) -> Result<PgConnectOptions, Error> {
        self.options(self.url.as_ref())
    }

    /// The same for the replica, where there is one.
    pub fn read_options(&self) -> Result<Option<PgConnectOptions>, Error> {
        self.read_url.as_ref().map(|url| self.options(Some(url))).transpose()
    }

    fn options(&self, url: Option<&DatabaseUrl>) -> Result<PgConnectOptions, Error> {
        check_libpq_variables()?;
        let mut options = match url {
            Some(url) => {
                PgConnectOptions::from_str(url.0.as_str()).map_err(|error| Error::source(reason(&error)))?
            }
            None => PgConnectOptions::new(),
        };
        options = fill_in(options, url);
        if let Some(path) = &self.password_file {
            options = options.password(&read_password(path)?);
        }
        if options.get_application_name().is_none() {
            options = options.application_name("films");
        }
        Ok(options)
    }
}

/// Development values for what neither the URL nor a variable names: sqlx would take the name of
/// the operating system's user. The password goes with the user.
fn fill_in(mut options: PgConnectOptions, url: Option<&DatabaseUrl>) -> PgConnectOptions {
    let set = |name| env::var_os(name).is_some();
    let in_url =
        |names: &[&str]| url.is_some_and(|url| url.0.query_pairs().any(|(key, _)| names.contains(&&*key)));
    let url = url.map(|url| &url.0);
    let has_host = url.is_some_and(|url| url.host_str().is_some_and(|host| !host.is_empty()));
    let has_user = url.is_some_and(|url| !url.username().is_empty());
    let has_password = url.is_some_and(|url| url.password().is_some());
    let has_database = url.is_some_and(|url| url.path().len() > 1);
    if !(has_host || in_url(&["host", "hostaddr"]) || set("PGHOST") || set("PGHOSTADDR")) {
        options = options.host("localhost");
    }
    if !(has_user || in_url(&["user"]) || set("PGUSER")) {
        options = options.username(DEVELOPMENT);
        if !(has_password || in_url(&["password"]) || set("PGPASSWORD") || set("PGPASSFILE")) {
            options = options.password(DEVELOPMENT);
        }
    }
    if !(has_database || in_url(&["dbname"]) || set("PGDATABASE")) {
        options = options.database(DEVELOPMENT);
    }
    options
}

/// What sqlx has against a URL, without its prefix to everything.
fn reason(error: &sqlx::Error) -> String {
    let text = error.to_string();
    text.rsplit("error with configuration: ").next().unwrap_or(&text).to_owned()
}

/// sqlx takes its default in silence where one of these makes no sense.
fn check_libpq_variables() -> Result<(), Error> {
    if let Ok(port) = env::var("PGPORT")
        && port.parse::<u16>().is_err()
    {
        return Err(Error::variable("PGPORT", &port, "a port from 0 to 65535"));
    }
    if let Ok(mode) = env::var("PGSSLMODE")
        && PgSslMode::from_str(&mode).is_err()
    {
        let expected = "disable, allow, prefer, require, verify-ca or verify-full";
        return Err(Error::variable("PGSSLMODE", &mode, expected));
    }
    Ok(())
}

fn read_password(path: &Path) -> Result<String, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::source(format!("database.password_file = {}: cannot be read: {error}", path.display()))
    })?;
    Ok(text
        .strip_suffix('\n')
        .map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line))
        .to_owned())
}

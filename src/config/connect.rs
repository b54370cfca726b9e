//! Options for connecting to Postgres: the URL, libpq's variables, the password file, and defaults for
//! development.

#![expect(clippy::disallowed_methods, reason = "libpq's variables are part of the configuration")]

use std::env::{self, VarError};
use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Host;

use super::database::{Database, DatabaseUrl, reason};
use super::error::Error;
use super::secret;

/// User, password and database of the sample database, for development.
const DEVELOPMENT: &str = "dvdrental";

impl Database {
    /// Returns the options for the primary. The URL overrides libpq's variables, which override the
    /// development defaults. The password file overrides every other password.
    pub fn connect_options(&self) -> Result<PgConnectOptions, Error> {
        self.options(self.url.as_ref())
    }

    /// Returns the options for the replica, if `database.read_url` is set.
    pub fn read_options(&self) -> Result<Option<PgConnectOptions>, Error> {
        self.read_url.as_ref().map(|url| self.options(Some(url))).transpose()
    }

    /// Reads the password file, if there is one. The file may have changed since the last connection.
    pub fn read_password(&self) -> Result<Option<String>, Error> {
        let path = self.password_file.as_deref();
        path.map(|path| secret::read("database.password_file", path)).transpose()
    }

    fn options(&self, url: Option<&DatabaseUrl>) -> Result<PgConnectOptions, Error> {
        check_libpq_variables()?;
        let mut options = match url {
            Some(url) => PgConnectOptions::from_str(url.secret().as_str())
                .map_err(|error| Error::source(reason(&error)))?,
            None => PgConnectOptions::new(),
        };
        if let Some(Host::Ipv6(address)) = url.and_then(|url| url.secret().host()) {
            // sqlx would look up the brackets of the URL as a part of the name.
            options = options.host(&address.to_string());
        }
        check_certificates(url)?;
        options = fill_in(options, url);
        if let Some(password) = self.read_password()? {
            options = options.password(&password);
        }
        if options.get_application_name().is_none() {
            options = options.application_name("films");
        }
        Ok(options)
    }
}

/// Sets the development defaults for everything that neither the URL nor a variable sets. sqlx would use
/// the operating system's user name. The default password is used only with the default user.
fn fill_in(mut options: PgConnectOptions, url: Option<&DatabaseUrl>) -> PgConnectOptions {
    let set = |name| env::var_os(name).is_some();
    let url = url.map(DatabaseUrl::secret);
    let in_query =
        |names: &[&str]| url.is_some_and(|url| url.query_pairs().any(|(key, _)| names.contains(&&*key)));
    let has_host = url.is_some_and(|url| url.host_str().is_some_and(|host| !host.is_empty()));
    let has_user = url.is_some_and(|url| !url.username().is_empty());
    let has_password = url.is_some_and(|url| url.password().is_some());
    let has_database = url.is_some_and(|url| url.path().len() > 1);
    if !(has_host || in_query(&["host", "hostaddr"]) || set("PGHOST") || set("PGHOSTADDR")) {
        options = options.host("localhost");
    }
    if !(has_user || in_query(&["user"]) || set("PGUSER")) {
        options = options.username(DEVELOPMENT);
        if !(has_password || in_query(&["password"]) || set("PGPASSWORD") || set("PGPASSFILE")) {
            options = options.password(DEVELOPMENT);
        }
    }
    if !(has_database || in_query(&["dbname"]) || set("PGDATABASE")) {
        options = options.database(DEVELOPMENT);
    }
    options
}

/// Refuses values that sqlx would replace by its defaults without a message.
fn check_libpq_variables() -> Result<(), Error> {
    check_variable("PGPORT", "a port from 0 to 65535", |port| port.parse::<u16>().is_ok())?;
    check_variable("PGSSLMODE", "disable, allow, prefer, require, verify-ca or verify-full", |mode| {
        PgSslMode::from_str(mode).is_ok()
    })
}

/// Refuses certificates and keys that cannot be read. sqlx would find out at every connection, and its
/// error does not name the file.
fn check_certificates(url: Option<&DatabaseUrl>) -> Result<(), Error> {
    let parameters = [
        ("PGSSLROOTCERT", ["sslrootcert", "ssl-root-cert", "ssl-ca"].as_slice()),
        ("PGSSLCERT", &["sslcert", "ssl-cert"]),
        ("PGSSLKEY", &["sslkey", "ssl-key"]),
    ];
    for (variable, names) in parameters {
        let in_url = url.and_then(|url| {
            let mut pairs = url.secret().query_pairs();
            pairs
                .find(|(name, _)| names.contains(&&**name))
                .map(|(name, path)| (name.into_owned(), path.into_owned()))
        });
        let in_variable = || Some((variable.to_owned(), env::var(variable).ok()?));
        let Some((name, path)) = in_url.or_else(in_variable) else { continue };
        // sqlx also takes the text of a certificate or key in place of its path, in the URL and in the variable.
        if path.contains("-----BEGIN") {
            continue;
        }
        std::fs::read(&path)
            .map_err(|error| Error::source(format!("{name} = {path}: cannot be read: {error}")))?;
    }
    Ok(())
}

fn check_variable(name: &str, expected: &str, is_valid: impl Fn(&str) -> bool) -> Result<(), Error> {
    match env::var(name) {
        Ok(value) if !is_valid(&value) => Err(Error::variable(name, &value, expected)),
        Err(VarError::NotUnicode(_)) => Err(Error::not_unicode(name)),
        Ok(_) | Err(VarError::NotPresent) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_has_no_brackets() {
        let url = DatabaseUrl::try_from("postgres://me@[::1]:5433/mine".to_owned()).unwrap();
        let options = Database { url: Some(url), ..Database::default() }.connect_options().unwrap();
        assert_eq!((options.get_host(), options.get_port()), ("::1", 5433));
    }
}

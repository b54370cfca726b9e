//! The roles of the embedded Postgres: the service connects as one that can read films and store reviews,
//! and nothing else.

use anyhow::{Context, Result, ensure};

use super::cluster::TestCluster;

/// The superuser of the image.
const SUPERUSER: &str = "dvdrental";
const SERVICE: &str = "dvdrental_service";

/// Checks the roles of all connections of the service, and what such a role may do.
pub(super) fn check(cluster: &TestCluster) -> Result<String> {
    let connected = "select distinct usename from pg_stat_activity where application_name = 'films'";
    let roles = psql(cluster, SUPERUSER, connected)?;
    ensure!(roles == SERVICE, "expected connections of {SERVICE} only, found {roles:?}");
    let is_superuser = psql(cluster, SERVICE, "show is_superuser")?;
    ensure!(is_superuser == "off", "expected {SERVICE} not to be a superuser, found {is_superuser}");
    for statement in ["drop table film", "delete from review", "create table other ()"] {
        expect_denied(statement, psql(cluster, SERVICE, statement))?;
    }
    Ok(format!("connected as {SERVICE}, which may not drop a table"))
}

/// Checks that Postgres refused a statement for want of rights.
fn expect_denied(statement: &str, result: Result<String>) -> Result<()> {
    let error = result.err().with_context(|| format!("expected {SERVICE} not to be allowed: {statement}"))?;
    let text = format!("{error:#}");
    ensure!(
        text.contains("must be owner of") || text.contains("permission denied for"),
        "expected Postgres to deny: {statement}, got {text}"
    );
    Ok(())
}

/// Runs a statement in the pod of the embedded Postgres, and returns what psql prints.
pub(super) fn psql(cluster: &TestCluster, role: &str, statement: &str) -> Result<String> {
    psql_in(cluster, "statefulset/films-postgres", role, statement)
}

/// Runs a statement in a pod of Postgres, whose socket lets every role in, and returns what psql prints.
pub(super) fn psql_in(cluster: &TestCluster, pod: &str, role: &str, statement: &str) -> Result<String> {
    let exec = ["exec", pod, "--container=postgres", "--"];
    let psql = ["psql", "--username", role, "--dbname=dvdrental", "--no-psqlrc", "-Atc", statement];
    Ok(cluster.kubectl(&[&exec[..], &psql].concat())?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::expect_denied;

    #[test]
    fn a_statement_is_denied_only_for_want_of_rights() {
        let refused = |text: &'static str| expect_denied("drop table film", Err(anyhow!(text)));
        assert!(refused("ERROR:  must be owner of table film").is_ok());
        assert!(refused("ERROR:  permission denied for table review").is_ok());
        assert!(refused("ERROR:  relation \"film\" does not exist").is_err());
        assert!(expect_denied("drop table film", Ok(String::new())).is_err());
    }
}

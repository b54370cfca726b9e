//! `helm/films/files/psql.sh`, with a psql that shows what it gets.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

const SCRIPT: &str = include_str!("../../helm/films/files/psql.sh");

/// Runs the script as the chart does, with programs that it would find in the image of Postgres.
fn run(psql: &str, variables: &[(&str, &str)]) -> Output {
    let programs = tempfile::tempdir().unwrap();
    program(programs.path(), "pg_isready", "exit 0");
    program(programs.path(), "psql", psql);
    let path = format!("{}:{}", programs.path().display(), std::env::var("PATH").unwrap());
    let connection = [("PGHOST", "db"), ("PGPORT", "5432"), ("PGUSER", "films"), ("PGDATABASE", "sample")];
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", SCRIPT, "psql.sh", "select 1;"]).env("PATH", path).env("WAIT", "60");
    bash.envs(connection).envs(variables.iter().copied()).output().unwrap()
}

fn program(folder: &Path, name: &str, script: &str) {
    let path = folder.join(name);
    fs::write(&path, format!("#!/usr/bin/env bash\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_line_break_at_the_end_of_a_password_is_dropped() {
    let passwords =
        [("PGPASSWORD", "super\n"), ("OWNER_PASSWORD", "own er'\\\r\n"), ("SERVICE_PASSWORD", "a\nb\n\n")];
    let output = run(r#"printf '<%s>' "$PGPASSWORD" "$@"; cat"#, &passwords);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}");
    assert!(shown.starts_with("<super>"), "{shown}");
    assert!(shown.contains(r"<--set=owner_password=own er'\>"), "{shown}");
    assert!(shown.contains("<--set=service_password=a\nb\n>"), "{shown}");
    assert!(shown.ends_with("select 1;\n"), "{shown}");
}

#[test]
fn a_container_without_the_passwords_of_the_roles_runs_its_statements() {
    let output = run("cat", &[("PGPASSWORD", "owner")]);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().ends_with("select 1;\n"));
}

#[test]
fn a_refused_connection_is_explained_and_a_failed_statement_is_not() {
    for (status, is_explained) in [(2, true), (3, false)] {
        let output = run(&format!("exit {status}"), &[("PGPASSWORD", "secret")]);
        let shown = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{shown}");
        assert_eq!(shown.contains("films cannot connect to the database sample"), is_explained, "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}

//! Tests of the commands and their exit codes.

use std::process::Stdio;

use super::*;

#[tokio::test]
async fn the_version_names_the_commit() {
    let ended = run_with(&[], &["--version"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let prefix = format!("films {} (", env!("CARGO_PKG_VERSION"));
    let commit = ended.stdout.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(")\n"));
    let commit = commit.unwrap_or_else(|| panic!("{ended:?}"));
    let is_commit = commit.len() >= 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(is_commit || commit == "unknown", "{commit}");
}

#[tokio::test]
async fn help_names_the_commands() {
    let ended = run_with(&[], &["--help"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    for command in ["serve", "migrate", "seed", "check", "config"] {
        assert!(ended.stdout.contains(&format!("\n  {command} ")), "{}", ended.stdout);
    }
}

#[tokio::test]
async fn an_unknown_argument_exits_with_2() {
    for argument in ["--nope", "nope"] {
        let ended = run_with(&[], &[argument]).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.stderr.contains(&format!("'{argument}'")), "{ended:?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn check_succeeds_for_a_ready_instance(pool: PgPool) {
    let films = Films::start(&pool).await;
    let any_address = format!("0.0.0.0:{}", films.admin.port());
    for listen in [films.admin.to_string(), any_address] {
        let ended = run_with(&[("FILMS__ADMIN__LISTEN", &listen)], &["check"]).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        assert!(ended.stdout.contains("ready"), "{ended:?}");
    }
}

#[tokio::test]
async fn check_fails_if_nothing_listens() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let ended = run_with(&[("FILMS__ADMIN__LISTEN", &free)], &["check"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.stderr.starts_with(&format!("films: no response from {free}: ")), "{ended:?}");
    assert!(ended.stderr.contains("refused"), "{ended:?}");
}

#[tokio::test]
async fn check_reports_why_an_instance_is_not_ready() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let variables = set(&[
        ("DATABASE_URL", &format!("postgres://{free}/d")),
        ("FILMS__HTTP__LISTEN", "127.0.0.1:0"),
        ("FILMS__ADMIN__LISTEN", "127.0.0.1:0"),
    ]);
    let films = Films::spawn(&variables).await;
    films.until_readiness(|response| response.body.contains("unreachable")).await;
    let ended = run_with(&[("FILMS__ADMIN__LISTEN", &films.admin.to_string())], &["check"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    assert!(
        ended.stderr.contains("503") && ended.stderr.contains("the database is unreachable"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_closed_pipe_is_an_error_and_no_panic() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut films = command(&set(&[]), &["config", "--schema"]);
    let films = films.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let output = films.wait_with_output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("films: the output cannot be written to stdout: Broken pipe"), "{stderr}");
}

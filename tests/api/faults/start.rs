//! Instances that inject faults, that do not, and that refuse to start.

use super::*;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn by_default_there_is_no_fault_switch(pool: PgPool) {
    let films = Films::start(&pool).await;
    let headers = [("authorization", "Bearer 0123456789abcdef"), ("content-type", "application/json")];
    for (method, path) in [("GET", "/faults/"), ("DELETE", "/faults/"), ("POST", "/faults/unready/")] {
        let response = http::send(films.admin, method, path, &headers, r#"{"seconds":30}"#).await;
        response.problem(404, "no-such-route");
    }
    assert_eq!(films.admin("/readyz").await.status, 200);
    assert!(!films.admin("/metrics").await.body.contains("films_faults"));
    let lines = films.stop().await;
    assert!(!lines.iter().any(|line| line.to_string().contains("faults")), "{lines:?}");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_log_warns_of_the_fault_switch(pool: PgPool) {
    let faulty = Faulty::start(&pool).await;
    let warns = |line: &serde_json::Value| {
        line["level"] == "WARN"
            && line["message"].as_str().unwrap_or_default().starts_with("faults.enabled is true")
    };
    faulty.films.until_logged(warns).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_public_port_has_no_fault_switch(pool: PgPool) {
    let faulty = Faulty::start(&pool).await;
    faulty.films.get("/faults/").await.problem(404, "no-such-route");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_instance_without_a_usable_token_does_not_start(pool: PgPool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let file = path.to_str().unwrap();
    let start = async |token_file: Option<&str>, named: &[&str]| {
        let mut variables = variables(&pool);
        variables.extend(set(&[("FILMS__FAULTS__ENABLED", "true")]));
        variables.extend(token_file.map(|file| ("FILMS__FAULTS__TOKEN_FILE".to_owned(), file.to_owned())));
        let ended = run(&variables, &["serve"]).await;
        assert_eq!(ended.code, Some(64), "{ended:?}");
        for name in named {
            assert!(ended.stderr.contains(name), "{name}: {ended:?}");
        }
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    };
    start(None, &["faults.enabled = true (from FILMS__FAULTS__ENABLED)", "expected faults.token_file"]).await;
    start(Some(file), &["faults.token_file = ", file, "cannot be read", "No such file"]).await;
    for (content, problem) in [
        ("", "the token has 0 bytes, expected at least 16"),
        ("fifteen-bytes-1\n", "the token has 15 bytes, expected at least 16"),
        ("sixteen bytes 12", "expected visible ASCII"),
        ("0123456789abcdef\n\n", "expected visible ASCII"),
    ] {
        token_file(&folder, content);
        start(Some(file), &["faults.token_file = ", file, problem]).await;
    }
}

/// Only the server needs the token: the same configuration serves `films migrate`.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn commands_do_not_read_the_token(pool: PgPool) {
    let mut variables = variables(&pool);
    variables.extend(set(&[("FILMS__FAULTS__ENABLED", "true"), ("FILMS__FAULTS__TOKEN_FILE", "/nowhere")]));
    for command in ["migrate", "config"] {
        let ended = run(&variables, &[command]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_fault_does_not_outlive_the_process(pool: PgPool) {
    let faulty = Faulty::start(&pool).await;
    faulty.inject("unready", r#"{"seconds":600}"#).await;
    faulty.films.until_readiness(|response| response.status == 503).await;
    faulty.films.stop().await;

    let faulty = Faulty::start(&pool).await;
    assert_eq!(faulty.send("GET", "", "").await.json(), json!({"faults": []}));
}

/// The limits of the stop are an hour, so this test times out if the stop waits for a fault.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_stop_does_not_wait_for_faults(pool: PgPool) {
    let faulty = Faulty::start_with(
        &pool,
        &[("FILMS__SHUTDOWN__GRACE", "1h"), ("FILMS__HTTP__REQUEST_TIMEOUT", "1h")],
    )
    .await;
    faulty.inject("latency", r#"{"seconds":600,"milliseconds":60000}"#).await;
    faulty.inject("exhausted_pool", r#"{"seconds":600}"#).await;
    let request = faulty.films.get("/films/995/");
    let stop = async {
        faulty.until_sample("http_server_active_requests", &["http_request_method=\"GET\""], "1").await;
        faulty.films.signal("TERM");
    };
    let (response, ()) = tokio::join!(request, stop);
    assert_eq!(response.status, 200);
    let Faulty { mut films, folder } = faulty;
    assert_eq!(films.ended().await.code(), Some(0));
    drop(folder);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_stopping_instance_starts_no_fault(pool: PgPool) {
    let faulty = Faulty::start_with(&pool, &[("FILMS__SHUTDOWN__LAME_DUCK", "1h")]).await;
    faulty.inject("errors", r#"{"seconds":600,"share":1}"#).await;
    faulty.films.signal("TERM");
    let stopping = |response: &Response| response.json()["reason"] == "the instance is stopping";
    faulty.films.until_readiness(stopping).await;
    faulty.films.until_status("/films/995/", 200).await;
    let refused = faulty.send("POST", "exhausted_pool/", r#"{"seconds":600}"#).await;
    assert!(refused.problem(503, "unavailable").contains("stopping"), "{refused:?}");
}

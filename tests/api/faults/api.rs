//! Requests to `/faults/`.

use std::fs;

use super::*;

async fn list_with(faulty: &Faulty, headers: &[(&str, &str)]) -> Response {
    http::send(faulty.films.admin, "GET", "/faults/", headers, "").await
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_request_needs_the_token(pool: PgPool) {
    let faulty = Faulty::start(&pool).await;
    for authorization in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer 0123456789abcdeF",
        "Bearer 0123456789abcde",
        "Bearer 0123456789abcdef0",
        "Basic 0123456789abcdef",
        "0123456789abcdef",
    ] {
        for (method, path) in [
            ("GET", "/faults/"),
            ("DELETE", "/faults/"),
            ("DELETE", "/faults/unready/"),
            ("POST", "/faults/unready/"),
            ("POST", "/faults/no_such_fault/"),
        ] {
            let headers = [("authorization", authorization), ("content-type", "application/json")];
            let refused = http::send(faulty.films.admin, method, path, &headers, r#"{"seconds":30}"#).await;
            refused.problem(401, "unauthorized");
            assert_eq!(refused.header("www-authenticate"), "Bearer");
        }
    }
    list_with(&faulty, &[]).await.problem(401, "unauthorized");
    assert_eq!(faulty.films.admin("/readyz").await.status, 200);
    assert_eq!(list_with(&faulty, &[("authorization", "bearer 0123456789abcdef")]).await.status, 200);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_token_can_be_rotated(pool: PgPool) {
    let faulty = Faulty::start(&pool).await;
    let new = [("authorization", "Bearer fedcba9876543210")];
    assert_eq!(faulty.send("GET", "", "").await.status, 200);
    list_with(&faulty, &new).await.problem(401, "unauthorized");

    let file = token_file(&faulty.folder, "fedcba9876543210");
    faulty.send("GET", "", "").await.problem(401, "unauthorized");
    assert_eq!(list_with(&faulty, &new).await.status, 200);

    fs::remove_file(file).unwrap();
    list_with(&faulty, &new).await.problem(500, "internal");
    faulty
        .films
        .until_logged(|line| line["error"].as_str().unwrap_or_default().contains("cannot be read"))
        .await;
    // A token that is too short opens nothing either.
    token_file(&faulty.folder, "short");
    list_with(&faulty, &[("authorization", "Bearer short")]).await.problem(500, "internal");
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_body_that_starts_no_fault_is_refused(pool: PgPool) {
    let faulty = Faulty::start(&pool).await;
    for (fault, body, expected) in [
        ("unready", "{}", "missing field `seconds`"),
        ("unready", r#"{"seconds":0}"#, "seconds: expected a whole number from 1 to 600, not 0"),
        ("unready", r#"{"seconds":601}"#, "seconds: expected a whole number from 1 to 600, not 601"),
        ("unready", r#"{"seconds":-1}"#, "-1"),
        ("unready", r#"{"seconds":1.5}"#, "1.5"),
        ("unready", r#"{"seconds":"30"}"#, "30"),
        ("unready", r#"{"seconds":null}"#, "null"),
        ("unready", r#"{"seconds":30,"minutes":1}"#, "minutes"),
        ("unready", r#"{"seconds":30,"share":1}"#, "share: the fault unready has no such parameter"),
        (
            "cut_connections",
            r#"{"seconds":30,"milliseconds":1}"#,
            "milliseconds: the fault cut_connections has no",
        ),
        (
            "latency",
            r#"{"seconds":30}"#,
            "milliseconds: expected a whole number from 1 to 60000, and it is missing",
        ),
        ("latency", r#"{"seconds":30,"milliseconds":0}"#, "from 1 to 60000, not 0"),
        ("latency", r#"{"seconds":30,"milliseconds":60001}"#, "from 1 to 60000, not 60001"),
        (
            "latency",
            r#"{"seconds":30,"milliseconds":1,"share":1}"#,
            "share: the fault latency has no such parameter",
        ),
        ("slow_query", r#"{"seconds":30}"#, "milliseconds: expected a whole number"),
        ("errors", r#"{"seconds":30}"#, "share: expected a number above 0 up to 1, and it is missing"),
        ("errors", r#"{"seconds":30,"share":0}"#, "share: expected a number above 0 up to 1, not 0"),
        ("errors", r#"{"seconds":30,"share":1.01}"#, "not 1.01"),
        ("errors", r#"{"seconds":30,"share":-0.5}"#, "not -0.5"),
        ("errors", r#"{"seconds":30,"share":0.5,"milliseconds":1}"#, "milliseconds: the fault errors has no"),
    ] {
        let detail = faulty.send("POST", &format!("{fault}/"), body).await.problem(422, "invalid-fault");
        assert!(detail.contains(expected), "{fault} {body}: {detail}");
    }
    faulty.send("POST", "unready/", r#"{"seconds":30"#).await.problem(400, "invalid-json");
    let long = format!(r#"{{"seconds":30{}}}"#, " ".repeat(1024));
    faulty.send("POST", "unready/", &long).await.problem(413, "body-too-large");
    faulty.send("POST", "unready/?seconds=30", r#"{"seconds":30}"#).await.problem(400, "invalid-query");
    let unknown = faulty.send("POST", "earthquake/", r#"{"seconds":30}"#).await.problem(404, "no-such-fault");
    assert!(
        unknown.contains("latency, errors, exhausted_pool, slow_query, cut_connections, unready"),
        "{unknown}"
    );
    faulty.send("DELETE", "earthquake/", "").await.problem(404, "no-such-fault");
    let wrong = faulty.send("PUT", "unready/", "").await;
    wrong.problem(405, "method-not-allowed");
    assert_eq!(wrong.header("allow"), "POST, DELETE, OPTIONS");
    assert_eq!(faulty.send("PUT", "", "").await.header("allow"), "GET, HEAD, DELETE, OPTIONS");
    assert_eq!(faulty.send("GET", "", "").await.json(), json!({"faults": []}));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn faults_are_listed_replaced_and_ended(pool: PgPool) {
    let faulty = Faulty::start(&pool).await;
    let names = async || {
        let list = faulty.send("GET", "", "").await.json();
        let faults = list["faults"].as_array().unwrap().iter();
        faults.map(|fault| (fault["fault"].as_str().unwrap().to_owned(), fault.clone())).collect::<Vec<_>>()
    };
    let started = faulty.send("POST", "latency/", r#"{"seconds":600,"milliseconds":1}"#).await.json();
    let fault = &started["faults"][0];
    assert_eq!((&fault["fault"], &fault["milliseconds"]), (&json!("latency"), &json!(1)));
    assert!((500..=600).contains(&fault["seconds_left"].as_u64().unwrap()), "{started}");
    faulty.inject("latency", r#"{"seconds":600,"milliseconds":2}"#).await;
    faulty.inject("errors", r#"{"seconds":600,"share":0.25}"#).await;
    faulty.inject("unready", r#"{"seconds":600}"#).await;
    let listed = names().await;
    let listed: Vec<_> = listed.iter().map(|(name, fault)| (name.as_str(), fault)).collect();
    let [("latency", latency), ("errors", errors), ("unready", _)] = listed[..] else { panic!("{listed:?}") };
    assert_eq!((&latency["milliseconds"], &errors["share"]), (&json!(2), &json!(0.25)));

    faulty.end("errors").await;
    // To end what does not run is no error.
    faulty.end("errors").await;
    assert_eq!(
        names().await.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["latency", "unready"]
    );
    assert_eq!(faulty.films.admin("/readyz").await.status, 503);
    assert_eq!(faulty.send("DELETE", "", "").await.json(), json!({"faults": []}));
    assert_eq!(faulty.films.admin("/readyz").await.status, 200);
    for fault in ["latency", "unready"] {
        assert_eq!(faulty.gauge(fault).await, "0");
    }
}

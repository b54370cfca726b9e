//! The fault switch on the admin port, and the effects of each fault.

mod api;
mod database;
mod requests;
mod start;

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use sqlx::PgPool;
use tempfile::TempDir;

use crate::support::http::{self, Response};
use crate::support::{Films, run, set, until, variables};

const TOKEN: &str = "0123456789abcdef";

/// An instance whose faults can be injected.
struct Faulty {
    films: Films,
    folder: TempDir,
}

impl Faulty {
    async fn start(pool: &PgPool) -> Self {
        Self::start_with(pool, &[]).await
    }

    async fn start_with(pool: &PgPool, more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = token_file(&folder, &format!("{TOKEN}\n"));
        let enabled =
            [("FILMS__FAULTS__ENABLED", "true"), ("FILMS__FAULTS__TOKEN_FILE", file.to_str().unwrap())];
        let films = Films::start_with(pool, &[&enabled, more].concat()).await;
        Self { films, folder }
    }

    /// Sends a request with the token to `/faults/` and this path below it.
    async fn send(&self, method: &str, path: &str, body: &str) -> Response {
        let authorization = format!("Bearer {TOKEN}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        http::send(self.films.admin, method, &format!("/faults/{path}"), &headers, body).await
    }

    /// Starts a fault. Its connection is closed with the response.
    async fn inject(&self, fault: &str, body: &str) {
        let response = self.send("POST", &format!("{fault}/"), body).await;
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(self.gauge(fault).await, "1");
    }

    async fn end(&self, fault: &str) {
        let response = self.send("DELETE", &format!("{fault}/"), "").await;
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(self.gauge(fault).await, "0");
    }

    /// Waits until no fault runs, although no request has ended one, and checks that the log says so.
    async fn until_over(&self, fault: &str) {
        until("no fault runs", async || {
            let faults = self.send("GET", "", "").await.json();
            if faults == json!({"faults": []}) { Ok(()) } else { Err(faults) }
        })
        .await;
        assert_eq!(self.gauge(fault).await, "0");
        let ended = |line: &serde_json::Value| {
            line["message"] == "an injected fault ends"
                && line["fault"] == fault
                && line["why"] == "its time is over"
        };
        self.films.until_logged(ended).await;
    }

    /// Returns the value of `films_faults`.
    async fn gauge(&self, fault: &str) -> String {
        let page = self.films.admin("/metrics").await;
        page.sample("films_faults", &[&format!("fault=\"{fault}\"")]).unwrap().to_owned()
    }

    /// Waits until a metric has this value.
    async fn until_sample(&self, name: &str, labels: &[&str], expected: &str) {
        until(&format!("{name} is {expected}"), async || {
            let page = self.films.admin("/metrics").await;
            let value = page.sample(name, labels).map(str::to_owned);
            if value.as_deref() == Some(expected) { Ok(()) } else { Err(value) }
        })
        .await;
    }
}

fn token_file(folder: &TempDir, content: &str) -> PathBuf {
    let file = folder.path().join("token");
    fs::write(&file, content).unwrap();
    file
}

//! A running `films`, and how to speak to it.

pub(crate) mod collector;
pub(crate) mod http;
pub(crate) mod proxy;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::{ConnectOptions as _, PgPool};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use http::Answer;

/// Longer than anything here takes on a slow machine; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The variables that tell the binary where it is to find and what to do.
pub(crate) type Variables = BTreeMap<String, String>;

/// Free ports, no lame duck, and this database.
pub(crate) fn variables(pool: &PgPool) -> Variables {
    set(&[
        ("DATABASE_URL", pool.connect_options().to_url_lossy().as_str()),
        ("FILMS__HTTP__LISTEN", "127.0.0.1:0"),
        ("FILMS__ADMIN__LISTEN", "127.0.0.1:0"),
        ("FILMS__SHUTDOWN__LAME_DUCK", "0s"),
        ("FILMS__READINESS__INTERVAL", "100ms"),
    ])
}

pub(crate) fn set(pairs: &[(&str, &str)]) -> Variables {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The binary with these variables and none of the test's own.
pub(crate) fn command(variables: &Variables, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_films"));
    command.env_clear().envs(variables).args(arguments).kill_on_drop(true);
    command
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command of the binary to its end.
pub(crate) async fn run(variables: &Variables, arguments: &[&str]) -> Ended {
    let output = timeout(PATIENCE, command(variables, arguments).output()).await.expect("it ends").unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A running instance. It is killed when it is dropped.
pub(crate) struct Films {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
}

impl Films {
    /// Seeds the database, starts an instance on it, and waits until it is ready.
    pub(crate) async fn start(pool: &PgPool) -> Self {
        Self::start_with(pool, &[]).await
    }

    /// [`Films::start`], with more variables.
    pub(crate) async fn start_with(pool: &PgPool, more: &[(&str, &str)]) -> Self {
        let mut variables = variables(pool);
        variables.extend(set(more));
        let seeded = run(&variables, &["seed"]).await;
        assert_eq!(seeded.code, Some(0), "{seeded:?}");
        let films = Self::spawn(&variables).await;
        films.until_ready().await;
        films
    }

    /// Starts an instance and waits until it listens.
    pub(crate) async fn spawn(variables: &Variables) -> Self {
        let mut child = command(variables, &["serve"]).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        tokio::spawn(async move {
            let mut stdout = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = stdout.next_line().await {
                sink.lock().unwrap().push(line);
            }
        });
        let http = listening(&lines, "http.listen").await;
        let admin = listening(&lines, "admin.listen").await;
        Self { child, lines, http, admin }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        http::send(self.http, "GET", path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        http::send(self.http, "POST", path, &[("content-type", "application/json")], body).await
    }

    pub(crate) async fn admin(&self, path: &str) -> Answer {
        http::send(self.admin, "GET", path, &[], "").await
    }

    pub(crate) async fn until_ready(&self) {
        self.until_readiness(|answer| answer.status == 200).await;
    }

    /// Waits until `/readyz` answers so.
    pub(crate) async fn until_readiness(&self, wanted: impl Fn(&Answer) -> bool) -> Answer {
        let since = Instant::now();
        loop {
            let answer = self.admin("/readyz").await;
            if wanted(&answer) {
                return answer;
            }
            assert!(since.elapsed() < PATIENCE, "readiness stayed at {answer:?}; log: {:#?}", self.log());
            sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Asks it to stop.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.pid().to_string();
        let status = std::process::Command::new("kill").args(["-s", signal, &id]).status().unwrap();
        assert!(status.success());
    }

    /// Waits until it has stopped.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.expect("it stops").unwrap()
    }

    /// Asks it to stop, and checks that it did so cleanly.
    pub(crate) async fn stop(mut self) -> Vec<Value> {
        self.signal("TERM");
        assert_eq!(self.ended().await.code(), Some(0));
        // The reader may be a line behind the process.
        sleep(Duration::from_millis(50)).await;
        self.log()
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> Vec<Value> {
        let lines = self.lines.lock().unwrap();
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| Value::from(line.clone())))
            .collect()
    }
}

/// The address that an instance says it listens on.
async fn listening(lines: &Mutex<Vec<String>>, key: &str) -> SocketAddr {
    let since = Instant::now();
    loop {
        let found = lines.lock().unwrap().iter().find_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            (line["message"] == "listening" && line["key"] == key)
                .then(|| line["address"].as_str()?.parse().ok())?
        });
        match found {
            Some(address) => return address,
            None => assert!(since.elapsed() < PATIENCE, "no {key} in {:?}", lines.lock().unwrap()),
        }
        sleep(Duration::from_millis(5)).await;
    }
}

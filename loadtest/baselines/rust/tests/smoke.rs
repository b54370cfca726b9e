//! A short run of the whole load test: films against the ceiling, measured by wrk.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use loadtest::measure::Plan;
use loadtest::report;
use loadtest::result::{Options, Run, Target};

/// A server, which is killed at the end of the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(program: &Path) -> (Server, SocketAddr) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = Command::new(program);
    command.env("LISTEN", address.to_string()).env("FILMS__HTTP__LISTEN", address.to_string());
    command.env("FILMS__ADMIN__LISTEN", "127.0.0.1:0").env("FILMS__LOG__FILTER", "error");
    (Server(command.spawn().unwrap()), address)
}

fn target(name: &str, address: SocketAddr) -> Target {
    Target { name: name.to_owned(), url: format!("http://{address}") }
}

fn plan(targets: Vec<Target>) -> Plan {
    let options = Options {
        workload: "article".to_owned(),
        rounds: 2,
        seconds: 1,
        warmup_seconds: 0,
        connections: 4,
        threads: 1,
        rate: None,
        reference: Some("ceiling".to_owned()),
        subject: None,
        repeat: None,
        ceiling: Some("ceiling".to_owned()),
        burners: 0,
    };
    Plan {
        targets,
        options,
        metadata: [].into(),
        external: Vec::new(),
        cgroups: [].into(),
        observe: [].into(),
        wait: Duration::from_secs(20),
        stop: std::sync::Arc::default(),
    }
}

#[test]
fn films_against_the_ceiling() {
    if let Err(error) = Command::new("wrk").arg("-v").output() {
        eprintln!("skipped: wrk is not installed ({error})");
        return;
    }
    std::env::var("DATABASE_URL").expect("DATABASE_URL is not set: use `cargo xtask test`");
    let ceiling = Path::new(env!("CARGO_BIN_EXE_ceiling"));
    let films = ceiling.with_file_name("films");
    assert!(films.exists(), "the service is not built: cargo build --package films");
    for verb in ["migrate", "seed"] {
        assert!(Command::new(&films).arg(verb).status().unwrap().success());
    }

    let (films, ceiling) = (start(&films), start(ceiling));
    let run = plan(vec![target("films", films.1), target("ceiling", ceiling.1)]).run().unwrap();

    assert_eq!(run.rows.len(), 6);
    for row in &run.rows {
        assert_eq!(row.rounds.len(), 2);
        for round in &row.rounds {
            assert!(round.rate() > 10.0 && round.errors.total() == 0, "{row:?}");
            assert!(round.server.is_some_and(|server| server.peak_memory > 1 << 20), "{row:?}");
            assert!(round.server.is_some_and(|server| server.cpu_seconds > 0.0), "{row:?}");
        }
    }
    // A result that is written and read again gives the same report.
    let text = serde_json::to_string(&run).unwrap();
    let again: Run = serde_json::from_str(&text).unwrap();
    assert_eq!(report::markdown(&again), report::markdown(&run));
    assert!(report::markdown(&run).contains("films"));
}

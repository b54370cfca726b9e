//! What an API server is asked when the report is kept, and what its refusal is called.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use loadtest::config_map::ConfigMap;
use tempfile::TempDir;

/// An API server that answers one request, and then tells what it was asked.
fn server(status: u16, answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(&stream);
        let mut asked = String::new();
        while !asked.ends_with("\r\n\r\n") {
            reader.read_line(&mut asked).unwrap();
        }
        let length = asked.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        reader.take(length.parse().unwrap()).read_to_string(&mut asked).unwrap();
        let length = answer.len();
        write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{answer}").unwrap();
        asked
    });
    (url, asked)
}

fn account() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in [("namespace", "films\n"), ("token", "secret\n"), ("ca.crt", "")] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn the_report_is_merged_into_the_config_map() {
    let (url, asked) = server(200, "{}");
    let account = account();
    let map = ConfigMap::at(&url, account.path().into(), "report").unwrap();
    map.keep(&BTreeMap::from([("report.md", "| a |".to_owned())])).unwrap();
    let asked = asked.join().unwrap();
    assert!(asked.starts_with("PATCH /api/v1/namespaces/films/configmaps/report HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("authorization: Bearer secret\r\n"), "{asked}");
    assert!(asked.contains("content-type: application/merge-patch+json\r\n"), "{asked}");
    assert!(asked.ends_with(r#"{"data":{"report.md":"| a |"}}"#), "{asked}");
}

#[test]
fn a_refusal_says_which_and_why() {
    let (url, _) = server(404, r#"{"kind":"Status","message":"configmaps \"report\" not found"}"#);
    let account = account();
    let map = ConfigMap::at(&url, account.path().into(), "report").unwrap();
    let error = format!("{:#}", map.keep(&BTreeMap::new()).unwrap_err());
    assert!(error.contains("ConfigMap report") && error.contains(r#""report" not found"#), "{error}");
}

#[test]
fn a_report_that_is_too_large_is_not_sent() {
    let account = account();
    let map = ConfigMap::at("http://127.0.0.1:1", account.path().into(), "report").unwrap();
    let error = map.keep(&BTreeMap::from([("report.html", "x".repeat(1 << 20))])).unwrap_err().to_string();
    assert!(error.contains("1048576"), "{error}");
}

#[test]
fn an_account_without_a_token_is_refused_at_once() {
    let account = account();
    fs::remove_file(account.path().join("token")).unwrap();
    let error =
        format!("{:#}", ConfigMap::at("http://127.0.0.1:1", account.path().into(), "report").unwrap_err());
    assert!(error.contains("token of the pod's service account"), "{error}");
}

//! The request to the API server that stores a report, and the errors if it fails.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use loadtest::config_map::ConfigMap;
use tempfile::TempDir;

/// Starts an API server that responds to a single request. The thread returns the request.
fn server(status: u16, response: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let request = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(&stream);
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            reader.read_line(&mut request).unwrap();
        }
        let length = request.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        reader.take(length.parse().unwrap()).read_to_string(&mut request).unwrap();
        let length = response.len();
        write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{response}").unwrap();
        request
    });
    (url, request)
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
    let (url, request) = server(200, "{}");
    let account = account();
    let map = ConfigMap::at(&url, account.path().into(), "report").unwrap();
    map.store(&BTreeMap::from([("report.md", "| a |".to_owned())])).unwrap();
    let request = request.join().unwrap();
    assert!(
        request.starts_with("PATCH /api/v1/namespaces/films/configmaps/report HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("authorization: Bearer secret\r\n"), "{request}");
    assert!(request.contains("content-type: application/merge-patch+json\r\n"), "{request}");
    assert!(request.ends_with(r#"{"data":{"report.md":"| a |"}}"#), "{request}");
}

#[test]
fn an_error_names_the_config_map_and_the_reason() {
    let (url, _) = server(404, r#"{"kind":"Status","message":"configmaps \"report\" not found"}"#);
    let account = account();
    let map = ConfigMap::at(&url, account.path().into(), "report").unwrap();
    let error = format!("{:#}", map.store(&BTreeMap::new()).unwrap_err());
    assert!(error.contains("ConfigMap report") && error.contains(r#""report" not found"#), "{error}");
}

#[test]
fn a_report_that_is_too_large_is_not_sent() {
    let account = account();
    let map = ConfigMap::at("http://127.0.0.1:1", account.path().into(), "report").unwrap();
    let error = map.store(&BTreeMap::from([("report.html", "x".repeat(1 << 20))])).unwrap_err().to_string();
    assert!(error.contains("1048576"), "{error}");
}

#[test]
fn a_missing_token_is_an_error_before_anything_is_measured() {
    let account = account();
    fs::remove_file(account.path().join("token")).unwrap();
    let error =
        format!("{:#}", ConfigMap::at("http://127.0.0.1:1", account.path().into(), "report").unwrap_err());
    assert!(error.contains("token of the pod's service account"), "{error}");
}

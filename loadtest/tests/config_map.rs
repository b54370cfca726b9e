//! The requests to the API server that store a report, and the errors if they fail.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use loadtest::archive::Files;
use loadtest::config_map::ConfigMap;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Starts an API server that gives one response to each request. The thread returns the requests.
fn server(responses: Vec<(u16, String)>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let respond = move |(status, response): (u16, String)| {
        let (mut stream, _) = listener.accept().unwrap();
        let request = read(&stream);
        let length = response.len();
        write!(
            stream,
            "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{response}"
        )
        .unwrap();
        request
    };
    (url, thread::spawn(move || responses.into_iter().map(respond).collect()))
}

fn read(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        reader.read_line(&mut request).unwrap();
    }
    let length = request.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    reader.take(length.parse().unwrap()).read_to_string(&mut request).unwrap();
    request
}

fn files(names: &[(&str, &str)]) -> Files {
    names.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
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
    let (url, requests) = server(vec![(200, "{}".to_owned()), (200, "{}".to_owned())]);
    let account = account();
    let map = ConfigMap::at(&url, account.path().into(), "report").unwrap();
    map.store(&files(&[("report.md", "| a |")])).unwrap();
    let requests = requests.join().unwrap();
    let path = "/api/v1/namespaces/films/configmaps/report HTTP/1.1\r\n";
    assert!(requests[0].starts_with(&format!("GET {path}")), "{requests:?}");
    assert!(requests[1].starts_with(&format!("PATCH {path}")), "{requests:?}");
    assert!(
        requests.iter().all(|request| request.contains("authorization: Bearer secret\r\n")),
        "{requests:?}"
    );
    assert!(requests[1].contains("content-type: application/merge-patch+json\r\n"), "{requests:?}");
    assert!(requests[1].ends_with(r#"{"data":{"report.md":"| a |"}}"#), "{requests:?}");
}

#[test]
fn the_oldest_result_makes_room_for_a_new_one() {
    let half = "x".repeat(400_000);
    let stored = json!({"data": {"result-1.json": half, "result-2.json": half, "report.md": half}});
    let (url, requests) = server(vec![(200, stored.to_string()), (200, "{}".to_owned())]);
    let account = account();
    let map = ConfigMap::at(&url, account.path().into(), "report").unwrap();
    map.store(&files(&[("result-3.json", &half), ("report.md", "")])).unwrap();
    let requests = requests.join().unwrap();
    let (_, body) = requests[1].split_once("\r\n\r\n").unwrap();
    let patch: Value = serde_json::from_str(body).unwrap();
    assert_eq!(patch, json!({"data": {"result-1.json": null, "result-3.json": half, "report.md": ""}}));
}

#[test]
fn an_error_names_the_config_map_and_the_reason() {
    let not_found = r#"{"kind":"Status","message":"configmaps \"report\" not found"}"#;
    let (url, _) = server(vec![(404, not_found.to_owned())]);
    let account = account();
    let map = ConfigMap::at(&url, account.path().into(), "report").unwrap();
    let error = format!("{:#}", map.store(&Files::new()).unwrap_err());
    assert!(error.contains("ConfigMap report") && error.contains(r#""report" not found"#), "{error}");
}

#[test]
fn a_report_that_is_too_large_is_not_sent() {
    let account = account();
    let map = ConfigMap::at("http://127.0.0.1:1", account.path().into(), "report").unwrap();
    let error = map.store(&files(&[("report.html", &"x".repeat(1 << 20))])).unwrap_err().to_string();
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

//! A target that does something else than the others is refused before anything is timed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use loadtest::result::Target;
use loadtest::verify::{check, wait_for};

const TIMEOUT: Duration = Duration::from_secs(5);

/// Starts a server whose responses `respond` makes from method and path. The server ends with the test.
fn serve(name: &str, respond: impl Fn(&str, &str) -> (u16, String) + Send + 'static) -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that has hung up is no failure of the server.
            let _ = handle(&stream, &respond);
        }
    });
    Target { name: name.to_owned(), url }
}

fn handle(mut stream: &TcpStream, respond: &impl Fn(&str, &str) -> (u16, String)) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let length =
        head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    reader.take(length.unwrap_or(0)).read_to_end(&mut Vec::new())?;
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, body) = respond(method, path);
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// Responds as the contract demands to the requests of these tests.
fn right(method: &str, path: &str) -> (u16, String) {
    match (method, path) {
        ("GET", "/films/0/" | "/films/4711/") => (404, "no such film".to_owned()),
        ("GET", path) if path.starts_with("/films/?") => {
            (200, r#"{"2":{"title":"B","release_year":2011}}"#.to_owned())
        }
        ("GET", _) => (200, r#"{"film_id":1,"title":"A","release_year":2006}"#.to_owned()),
        _ => (200, r#"{"rating":4,"film_id":995}"#.to_owned()),
    }
}

fn refused(other: Target) -> String {
    format!("{:#}", check(&[serve("right", right), other], TIMEOUT).unwrap_err())
}

#[test]
fn equal_json_may_be_written_differently() {
    let spaced = serve("spaced", |method, path| match right(method, path) {
        (200, body) => (
            200,
            body.replace(':', ": ")
                .replace(r#""title": "A","release_year": 2006"#, r#""release_year": 2006, "title": "A""#),
        ),
        (status, _) => (status, "nothing here".to_owned()),
    });
    check(&[serve("right", right), spaced], TIMEOUT).unwrap();
}

#[test]
fn a_different_response_is_refused_and_named() {
    let other = serve("liar", |method, path| match path {
        "/films/?year.gt=2010" => (200, "{}".to_owned()),
        _ => right(method, path),
    });
    let error = refused(other);
    assert!(error.contains("liar responds to GET /films/?year.gt=2010"), "{error}");
}

#[test]
fn a_film_that_must_not_exist_is_refused() {
    let other = serve("generous", |method, path| match path {
        "/films/4711/" => (200, "{}".to_owned()),
        _ => right(method, path),
    });
    let error = refused(other);
    assert!(error.contains("generous responds to GET /films/4711/ with 200"), "{error}");
}

#[test]
fn an_error_response_is_refused() {
    let error = refused(serve("broken", |_, _| (500, "oops".to_owned())));
    assert!(error.contains("broken responds to GET /films/995/ with 500"), "{error}");
}

#[test]
fn a_body_that_is_not_json_is_refused() {
    let error = refused(serve("page", |_, _| (200, "<html>".to_owned())));
    assert!(error.contains("page: GET /films/995/: expected JSON"), "{error}");
}

#[test]
fn a_slow_response_is_refused() {
    let slow = serve("slow", |method, path| {
        thread::sleep(Duration::from_secs(2));
        right(method, path)
    });
    let error = check(&[serve("right", right), slow], Duration::from_millis(300)).unwrap_err();
    assert!(format!("{error:#}").contains("slow: GET /films/995/"), "{error:#}");
}

#[test]
fn a_missing_target_is_waited_for_and_named() {
    let away = Target { name: "away".to_owned(), url: "http://127.0.0.1:9".to_owned() };
    let error = wait_for(&[away], Duration::from_millis(300)).unwrap_err();
    assert!(format!("{error:#}").contains("away did not respond within 300ms"), "{error:#}");
}

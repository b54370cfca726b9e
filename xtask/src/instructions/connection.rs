//! A connection to the service, on which requests follow each other. This file writes every byte itself:
//! the next version of a client library would change the bytes that the service has to read.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Far more than a response takes, even under valgrind.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A connection.
pub(super) struct Connection(BufReader<TcpStream>);

/// A response without its body.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) etag: String,
    length: u64,
}

impl Connection {
    /// Connects to the service.
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a request and reads its response to the end.
    pub(super) fn send(&mut self, request: &str) -> Result<Response> {
        self.0.get_mut().write_all(request.as_bytes()).context("the service did not accept a request")?;
        response(&mut self.0).context("the service sent an unexpected response")
    }
}

fn response(stream: &mut impl BufRead) -> Result<Response> {
    let status = line(stream)?;
    let number = status.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let Some(number) = number else { bail!("{status:?} is not a status line of HTTP/1.1") };
    let mut response = Response { status: number, ..Response::default() };
    loop {
        let header = line(stream)?;
        match header.split_once(": ") {
            Some(("content-length", value)) => response.length = value.parse()?,
            Some(("etag", value)) => value.clone_into(&mut response.etag),
            Some(("transfer-encoding", _)) => bail!("the response has no content-length"),
            Some(_) => {}
            None if header.is_empty() => break,
            None => bail!("{header:?} is not a header"),
        }
    }
    let read = io::copy(&mut stream.take(response.length), &mut io::sink())?;
    if read < response.length {
        bail!("the connection ended after {read} of {} bytes of a body", response.length);
    }
    Ok(response)
}

fn line(stream: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    match line.strip_suffix("\r\n") {
        Some(line) => Ok(line.to_owned()),
        None => bail!("the connection ended in the head of a response"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_response_reads_back(status in 100..1000_u16, etag in "[!-~]{1,9}", body in ".{0,20}") {
            let length = body.len() as u64;
            let text = format!("HTTP/1.1 {status} x\r\netag: {etag}\r\ncontent-length: {length}\r\n\r\n{body}");
            prop_assert_eq!(response(&mut text.as_bytes()).unwrap(), Response { status, etag, length });
        }

        #[test]
        fn no_response_panics(bytes: Vec<u8>, head in "[a-z0-9: \r\n-]{0,40}") {
            let _ = response(&mut bytes.as_slice());
            let _ = response(&mut format!("HTTP/1.1 200 OK\r\n{head}").as_bytes());
        }
    }

    #[test]
    fn responses_are_read_one_after_the_other() -> Result<()> {
        let mut stream = "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\n\r\n\
                          HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 500 "
            .as_bytes();
        assert_eq!(response(&mut stream)?, Response { status: 304, etag: "\"a\"".to_owned(), length: 0 });
        assert_eq!(response(&mut stream)?, Response { status: 200, etag: String::new(), length: 2 });
        assert!(response(&mut stream).is_err());
        Ok(())
    }

    #[test]
    fn a_response_that_is_cut_off_is_an_error() {
        for text in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ] {
            assert!(response(&mut text.as_bytes()).is_err(), "{text}");
        }
    }
}

//! One connection to the service, on which requests follow each other. Every byte sent is ours: a
//! client library's next version would change what the service has to read.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Far more than an answer takes, even where every instruction is counted.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Connection(BufReader<TcpStream>);

/// What an answer says, but its body.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) etag: String,
    length: u64,
}

impl Connection {
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends one request and reads its answer to the end.
    pub(super) fn ask(&mut self, request: &str) -> Result<Answer> {
        self.0.get_mut().write_all(request.as_bytes()).context("the service does not take a request")?;
        answer(&mut self.0).context("the service does not answer as expected")
    }
}

fn answer(stream: &mut impl BufRead) -> Result<Answer> {
    let status = line(stream)?;
    let number = status.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let Some(number) = number else { bail!("{status:?} is no status line of HTTP/1.1") };
    let mut answer = Answer { status: number, ..Answer::default() };
    loop {
        let header = line(stream)?;
        match header.split_once(": ") {
            Some(("content-length", value)) => answer.length = value.parse()?,
            Some(("etag", value)) => value.clone_into(&mut answer.etag),
            Some(("transfer-encoding", _)) => bail!("its length is not known beforehand"),
            Some(_) => {}
            None if header.is_empty() => break,
            None => bail!("{header:?} is no header"),
        }
    }
    let read = io::copy(&mut stream.take(answer.length), &mut io::sink())?;
    if read < answer.length {
        bail!("the connection ended after {read} of {} bytes of a body", answer.length);
    }
    Ok(answer)
}

fn line(stream: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    match line.strip_suffix("\r\n") {
        Some(line) => Ok(line.to_owned()),
        None => bail!("the connection ended in the head of an answer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_one_after_the_other() -> Result<()> {
        let mut stream = "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\n\r\n\
                          HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 500 "
            .as_bytes();
        assert_eq!(answer(&mut stream)?, Answer { status: 304, etag: "\"a\"".to_owned(), length: 0 });
        assert_eq!(answer(&mut stream)?, Answer { status: 200, etag: String::new(), length: 2 });
        assert!(answer(&mut stream).is_err());
        Ok(())
    }

    #[test]
    fn what_is_cut_off_is_no_answer() {
        for text in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ] {
            assert!(answer(&mut text.as_bytes()).is_err(), "{text}");
        }
    }
}

//! A relay between the service and Postgres, which passes on a response only after a pause.
//!
//! If the response is there when the service first looks, the service does not go to sleep, which saves
//! some thousand instructions. That depends on the machine and its load. After the pause, the service
//! always sleeps.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// Long enough for the service, under valgrind, to finish its work and go to sleep.
pub(super) const PAUSE: Duration = Duration::from_millis(2);

/// Returns an address that leads to `database` until the process ends.
pub(super) fn start(database: SocketAddr) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("127.0.0.1 has no free port")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // If this fails, the connection ends at once, and the log of the service says so.
            let _ = relay(client, database);
        }
    });
    Ok(address)
}

fn relay(client: TcpStream, database: SocketAddr) -> io::Result<()> {
    let server = TcpStream::connect(database)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
    }
    let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || pass_on(from_client, to_server, Duration::ZERO));
    thread::spawn(move || pass_on(server, client, PAUSE));
    Ok(())
}

/// Passes on bytes until one side ends. Bytes that come during the pause go with the first ones.
fn pass_on(mut from: TcpStream, mut to: TcpStream, pause: Duration) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    while from.peek(&mut buffer[..1])? > 0 {
        thread::sleep(pause);
        let length = from.read(&mut buffer)?;
        to.write_all(&buffer[..length])?;
    }
    to.shutdown(Shutdown::Write)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_response_comes_complete_and_after_the_pause() -> Result<()> {
        let database = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut client = TcpStream::connect(start(database.local_addr()?)?)?;
        let (mut server, _) = database.accept()?;
        client.write_all(b"req")?;
        server.read_exact(&mut [0; 3])?;

        let start = Instant::now();
        server.write_all(b"resp")?;
        server.write_all(b"onse")?;
        drop(server);
        let mut response = String::new();
        client.read_to_string(&mut response)?;
        assert_eq!(response, "response");
        assert!(start.elapsed() >= PAUSE);
        Ok(())
    }
}

//! Between the service and Postgres: hands on an answer only after a pause.
//!
//! Whether an answer is there at the first look or after going to sleep depends on the machine and
//! on what else it does, and the second takes some thousand instructions more. With the pause it is
//! always the second.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// Long enough for the service, under valgrind, to have done all that it can do meanwhile.
pub(super) const PAUSE: Duration = Duration::from_millis(2);

/// The address in place of `database`, until the process ends.
pub(super) fn start(database: SocketAddr) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // The service sees a connection that ends at once, and its log says so.
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
    thread::spawn(move || hand_on(from_client, to_server, Duration::ZERO));
    thread::spawn(move || hand_on(server, client, PAUSE));
    Ok(())
}

/// Until one of the two ends. What comes during the pause goes with what came before it.
fn hand_on(mut from: TcpStream, mut to: TcpStream, pause: Duration) -> io::Result<()> {
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
    fn answers_come_whole_and_after_the_pause() -> Result<()> {
        let database = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut client = TcpStream::connect(start(database.local_addr()?)?)?;
        let (mut server, _) = database.accept()?;
        client.write_all(b"ask")?;
        server.read_exact(&mut [0; 3])?;

        let start = Instant::now();
        server.write_all(b"ans")?;
        server.write_all(b"wer")?;
        drop(server);
        let mut answer = String::new();
        client.read_to_string(&mut answer)?;
        assert_eq!(answer, "answer");
        assert!(start.elapsed() >= PAUSE);
        Ok(())
    }
}

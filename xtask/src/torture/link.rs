//! A connection that can fail in the ways of a network: a TCP proxy for one direction of the rig.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use parking_lot::Mutex;

const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// Time between two looks of a stalled connection.
const POLL: Duration = Duration::from_millis(2);

/// What happens to bytes and connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Bytes pass.
    Open,
    /// New connections are closed at once.
    Cut,
    /// Bytes wait.
    Stalled,
}

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Client,
    Server,
}

/// A proxy, which runs until the process ends.
pub(super) struct Link {
    pub(super) name: String,
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    target: SocketAddr,
    mode: Mode,
    next: u64,
    /// The sockets to the client and to the server of each open connection.
    open: HashMap<u64, [TcpStream; 2]>,
}

impl Link {
    /// Starts a proxy to `target`.
    pub(super) fn start(name: String, target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("127.0.0.1 has no free port")?;
        let address = listener.local_addr()?;
        let state = State { target, mode: Mode::Open, next: 0, open: HashMap::new() };
        let link = Self { name, address, state: Arc::new(Mutex::new(state)) };
        let state = Arc::clone(&link.state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                thread::spawn(move || connect(&client, &state));
            }
        });
        Ok(link)
    }

    /// Sends new connections to `target`, and closes the others.
    pub(super) fn lead_to(&self, target: SocketAddr) {
        self.state.lock().target = target;
        self.close();
    }

    /// Changes what happens from now on.
    pub(super) fn set(&self, mode: Mode) {
        self.state.lock().mode = mode;
        if mode == Mode::Cut {
            self.close();
        }
    }

    /// Tells one end of every connection that the other sends nothing more.
    pub(super) fn half_close(&self, end: End) {
        for [client, server] in self.state.lock().open.values() {
            let socket = if end == End::Client { client } else { server };
            let _ = socket.shutdown(Shutdown::Write);
        }
    }

    /// Closes every connection.
    pub(super) fn close(&self) {
        for socket in self.state.lock().open.values().flatten() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// Connects a client to the server. If there is none, the client sees a closed connection.
fn connect(client: &TcpStream, state: &Mutex<State>) {
    let State { target, mode, .. } = *state.lock();
    if mode != Mode::Cut
        && let Ok(server) = TcpStream::connect_timeout(&target, CONNECT_TIMEOUT)
    {
        pass(client, &server, state);
    }
}

/// Passes bytes in both directions until both have ended.
fn pass(client: &TcpStream, server: &TcpStream, state: &Mutex<State>) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (Ok(client_end), Ok(server_end)) = (client.try_clone(), server.try_clone()) else { return };
    let id = {
        let mut state = state.lock();
        // A fault may have come while the server was connected.
        if state.mode == Mode::Cut {
            return;
        }
        state.next += 1;
        let id = state.next;
        state.open.insert(id, [client_end, server_end]);
        id
    };
    thread::scope(|scope| {
        scope.spawn(|| pump(client, server, state));
        pump(server, client, state);
    });
    state.lock().open.remove(&id);
}

fn pump(mut from: &TcpStream, mut to: &TcpStream, state: &Mutex<State>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        while state.lock().mode == Mode::Stalled {
            thread::sleep(POLL);
        }
        if to.write_all(&buffer[..length]).is_err() {
            // Nobody reads the rest, and its sender must learn of it.
            let _ = from.shutdown(Shutdown::Both);
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo() -> Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
            }
        });
        Ok(address)
    }

    fn client(link: &Link) -> Result<TcpStream> {
        let stream = TcpStream::connect(link.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(stream)
    }

    fn says(mut stream: &TcpStream, text: &str) -> bool {
        let mut read = vec![0; text.len()];
        stream.write_all(text.as_bytes()).and_then(|()| stream.read_exact(&mut read)).is_ok()
            && read == text.as_bytes()
    }

    #[test]
    fn a_cut_link_closes_connections_and_an_open_one_passes_bytes() -> Result<()> {
        let link = Link::start("test".to_owned(), echo()?)?;
        let first = client(&link)?;
        assert!(says(&first, "before"));
        link.set(Mode::Cut);
        assert!(!says(&first, "cut"));
        assert!(!says(&client(&link)?, "cut"));
        link.set(Mode::Open);
        assert!(says(&client(&link)?, "after"));
        Ok(())
    }

    #[test]
    fn a_stalled_link_holds_bytes_and_loses_none() -> Result<()> {
        let link = Link::start("test".to_owned(), echo()?)?;
        let mut stream = client(&link)?;
        assert!(says(&stream, "before"));
        link.set(Mode::Stalled);
        stream.set_read_timeout(Some(Duration::from_millis(50)))?;
        stream.write_all(b"held")?;
        let mut read = [0; 4];
        assert!(stream.read_exact(&mut read).is_err(), "the bytes passed");
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        link.set(Mode::Open);
        stream.read_exact(&mut read)?;
        assert_eq!(&read, b"held");
        Ok(())
    }

    #[test]
    fn a_half_closed_connection_ends_for_its_client() -> Result<()> {
        let link = Link::start("test".to_owned(), echo()?)?;
        let mut stream = client(&link)?;
        assert!(says(&stream, "before"));
        link.half_close(End::Client);
        assert_eq!(stream.read(&mut [0; 1])?, 0);
        Ok(())
    }
}

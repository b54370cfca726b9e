//! Where the service listens, as seen by those who want to reach it.

use std::env;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

/// One of the service's two addresses, and the variable that changes it.
pub(crate) struct Listen {
    variable: &'static str,
    address: SocketAddr,
}

impl Listen {
    /// The address in `variable`, or the service's default on all interfaces.
    pub(crate) fn from_env(variable: &'static str, default_port: u16) -> Result<Self> {
        let address = match env::var(variable) {
            Ok(text) => parse(&text).with_context(|| {
                format!("{variable} is {text:?}: expected an address and a port like 0.0.0.0:{default_port}")
            })?,
            Err(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, default_port)),
        };
        Ok(Self { variable, address })
    }

    /// Fails if the service could not listen there.
    pub(crate) fn check_free(&self) -> Result<()> {
        let Self { variable, address } = self;
        match TcpListener::bind(address) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
                "port {} is already taken, and the service is to listen on {address}; stop what \
                 listens there, or set {variable} to another address",
                address.port()
            ),
            Err(error) => Err(error)
                .with_context(|| format!("cannot listen on {address}; set {variable} to another address")),
        }
    }

    /// The address that a client on this machine connects to.
    pub(crate) fn reachable(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        SocketAddr::new(ip, self.address.port())
    }

    /// Whether a GET of `path` is answered with 200, and soon.
    pub(crate) fn answers(&self, path: &str) -> bool {
        self.status_line(path).is_ok_and(|line| line.starts_with(b"HTTP/1.1 200 "))
    }

    fn status_line(&self, path: &str) -> std::io::Result<[u8; 13]> {
        let address = self.reachable();
        let timeout = Duration::from_secs(1);
        let mut stream = TcpStream::connect_timeout(&address, timeout)?;
        stream.set_read_timeout(Some(timeout))?;
        // In one piece: who answers the first of several resets the connection when the others come.
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut line = [0; 13];
        stream.read_exact(&mut line)?;
        Ok(line)
    }
}

/// An address of the loopback interface where nobody listens yet.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}

/// Port 0, any free one, is of no use here: nobody could tell which the service got.
fn parse(text: &str) -> Result<SocketAddr> {
    let address: SocketAddr = text.parse()?;
    if address.port() == 0 { Err(anyhow!("port 0 is not an address")) } else { Ok(address) }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn reachable(address: &str) -> Result<String> {
        Ok(listen(parse(address)?).reachable().to_string())
    }

    fn listen(address: SocketAddr) -> Listen {
        Listen { variable: "FILMS__HTTP__LISTEN", address }
    }

    #[test]
    fn all_interfaces_are_reached_by_loopback() -> Result<()> {
        assert_eq!(reachable("0.0.0.0:5000")?, "127.0.0.1:5000");
        assert_eq!(reachable("[::]:5000")?, "[::1]:5000");
        assert_eq!(reachable("10.1.2.3:80")?, "10.1.2.3:80");
        Ok(())
    }

    #[test]
    fn addresses_need_a_port() {
        assert!(parse("127.0.0.1:5001").is_ok());
        assert!(parse("127.0.0.1:0").is_err());
        assert!(parse("5001").is_err());
    }

    #[test]
    fn a_taken_port_names_the_variable() -> Result<()> {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let listen = listen(taken.local_addr()?);
        let error = listen.check_free().map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("FILMS__HTTP__LISTEN")));
        drop(taken);
        listen.check_free()
    }

    #[test]
    fn only_200_is_an_answer() -> Result<()> {
        for (status, expected) in [("200 OK", true), ("503 Service Unavailable", false)] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let listen = listen(listener.local_addr()?);
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept()?;
                let _ = stream.read(&mut [0; 1024])?;
                write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")
            });
            assert_eq!(listen.answers("/readyz"), expected, "{status}");
            assert!(server.join().is_ok());
            assert!(!listen.answers("/readyz"), "nobody is there any more");
        }
        Ok(())
    }
}

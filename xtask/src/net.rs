//! Addresses: where the service listens, and free addresses for other programs.

use std::env;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// An address of the service, and the variable that sets it.
pub(crate) struct Listen {
    variable: &'static str,
    address: SocketAddr,
}

impl Listen {
    /// Returns the address in `variable`, or the service's default: all interfaces.
    pub(crate) fn from_env(variable: &'static str, default_port: u16) -> Result<Self> {
        let address = match env::var(variable) {
            Ok(text) => parse(&text).with_context(|| {
                format!("{variable} is {text:?}: expected an address and a port like 0.0.0.0:{default_port}")
            })?,
            Err(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, default_port)),
        };
        Ok(Self { variable, address })
    }

    /// Fails if the service could not listen on this address.
    pub(crate) fn check_free(&self) -> Result<()> {
        let Self { variable, address } = self;
        match TcpListener::bind(address) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
                "port {} is taken, and the service needs {address}: stop the program that listens there, \
                 or set {variable} to another address",
                address.port()
            ),
            Err(error) => Err(error)
                .with_context(|| format!("cannot listen on {address}: set {variable} to another address")),
        }
    }

    /// Returns the address that a client on this machine connects to.
    pub(crate) fn reachable(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        SocketAddr::new(ip, self.address.port())
    }
}

/// Tells whether a GET of `path` returns 200 within a second.
pub(crate) fn responds(address: SocketAddr, path: &str) -> bool {
    let response = agent(Duration::from_secs(1)).get(format!("http://{address}{path}")).call();
    response.is_ok_and(|response| response.status() == 200)
}

/// Returns an HTTP client for servers on this machine, to which a proxy does not lead.
///
/// The client returns responses of every status, and opens a connection for every request.
pub(crate) fn agent(timeout: Duration) -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_idle_connections(0)
        .proxy(None);
    config.build().into()
}

/// Returns an address of the loopback interface on which nobody listens yet.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("127.0.0.1 has no free port")?;
    Ok(listener.local_addr()?)
}

/// Refuses port 0, any free port: nobody could tell which port the service got.
fn parse(text: &str) -> Result<SocketAddr> {
    let address: SocketAddr = text.parse()?;
    ensure!(address.port() != 0, "port 0 is any free port, and nobody would know it");
    Ok(address)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_address_with_a_port_reads_back(address: SocketAddr, text: String) {
            prop_assert_eq!(parse(&address.to_string()).is_ok(), address.port() != 0);
            prop_assert!(parse(&text).ok().is_none_or(|address| address.port() != 0));
        }
    }

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
    fn only_status_200_counts_as_a_response() -> Result<()> {
        for (status, expected) in [("200 OK", true), ("503 Service Unavailable", false)] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let address = listener.local_addr()?;
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept()?;
                let _ = stream.read(&mut [0; 1024])?;
                write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")
            });
            assert_eq!(responds(address, "/readyz"), expected, "{status}");
            assert!(server.join().is_ok());
            assert!(!responds(address, "/readyz"), "the server is gone");
        }
        Ok(())
    }
}

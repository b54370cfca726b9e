//! The client of `/readyz` behind `films check`, for containers without a shell and curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ureq::Agent;

/// Longest time for a response. A live instance responds to a probe at once.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Requests `/readyz` from the instance whose admin port is `listen`. Returns the body of the response if the
/// instance is ready. The error is a text that says why the instance is not ready or cannot be reached.
pub fn check(listen: SocketAddr) -> Result<String, String> {
    let address = reachable(listen);
    let unreachable = |error: ureq::Error| format!("no response from {address}: {error}");
    let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false);
    // A proxy from the environment could not reach this machine's loopback interface.
    let agent = Agent::new_with_config(config.proxy(None).build());
    let mut response = agent.get(format!("http://{address}/readyz")).call().map_err(unreachable)?;
    let body = response.body_mut().read_to_string().map_err(unreachable)?;
    let status = response.status();
    if status.is_success() { Ok(body) } else { Err(format!("{address} responds with {status}: {body}")) }
}

/// Returns the address to connect to. An instance that listens on every address is reached on the loopback
/// interface.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

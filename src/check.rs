//! The client side of `/readyz`, for containers that have no shell and no curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An instance answers at once or not at all.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Asks the instance whose admin port is at `listen` whether it is ready. `Err` says why not.
pub async fn check(listen: SocketAddr) -> Result<String, String> {
    let address = reachable(listen);
    let asked = timeout(TIMEOUT, ask(address)).await;
    let (status, body) = asked
        .map_err(|_| format!("no answer from {address} within {TIMEOUT:?}"))?
        .map_err(|error| format!("no answer from {address}: {error}"))?;
    if status == StatusCode::OK { Ok(body) } else { Err(format!("{address} answers {status}: {body}")) }
}

/// An instance that listens on every address is asked on loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

async fn ask(address: SocketAddr) -> Result<(StatusCode, String), Box<dyn std::error::Error>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request =
        Request::get("/readyz").header(header::HOST, address.to_string()).body(Empty::<Bytes>::new())?;
    // The connection must be driven while the answer is awaited, and ends with it.
    tokio::select! {
        answer = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            let body = answer.into_body().collect().await?.to_bytes();
            Ok((status, String::from_utf8_lossy(&body).into_owned()))
        } => answer,
        result = connection => match result {
            Ok(()) => Err("the connection was closed".into()),
            Err(error) => Err(error.into()),
        },
    }
}

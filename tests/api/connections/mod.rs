//! Client connections: a client that idles, does not read, or takes every slot costs the others nothing.

mod admin;
mod descriptors;
mod floods;
mod half_closed;
mod idle;
mod malformed;
mod memory;
mod stalled;
mod worker;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::Films;
use crate::support::http::{GET_FILM, read_response};

/// Opens a connection, and uses it once.
async fn keep_alive(films: &Films) -> TcpStream {
    let mut stream = TcpStream::connect(films.http).await.unwrap();
    get_film(&mut stream).await.expect("a response");
    stream
}

/// Sends a request on an open connection. Returns `None` if the server has closed it.
async fn get_film(stream: &mut TcpStream) -> Option<String> {
    stream.write_all(GET_FILM).await.ok()?;
    read_response(stream).await
}

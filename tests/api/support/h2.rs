//! An HTTP/2 client that reads no more of its responses than the test does.

use std::net::SocketAddr;

use h2::RecvStream;
use h2::client::{Builder, SendRequest};
use hyper::Request;
use hyper::body::Bytes;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::http::REVIEW;
use super::wait::TIMEOUT;

/// An open connection. The client responds to pings, and its streams accept `window` bytes until their bodies
/// are read.
pub(crate) struct H2 {
    requests: SendRequest<Bytes>,
    driver: JoinHandle<Result<(), h2::Error>>,
}

impl H2 {
    pub(crate) async fn connect(to: SocketAddr, window: u32) -> Self {
        let stream = TcpStream::connect(to).await.unwrap();
        let handshake = Builder::new().initial_window_size(window).handshake(stream);
        let (requests, connection) = timeout(TIMEOUT, handshake).await.expect("a handshake").unwrap();
        Self { requests, driver: tokio::spawn(connection) }
    }

    /// Sends a review and returns the status.
    pub(crate) async fn post(&mut self) -> Result<u16, h2::Error> {
        let request = Request::post("http://films/reviews/").header("content-type", "application/json");
        let respond = async {
            let mut requests = self.requests.clone().ready().await?;
            let (response, mut body) = requests.send_request(request.body(()).unwrap(), false)?;
            body.send_data(Bytes::from_static(REVIEW.as_bytes()), true)?;
            Ok(response.await?.status().as_u16())
        };
        timeout(TIMEOUT, respond).await.expect("a response")
    }

    /// Sends a GET request, and returns the body once the head has arrived.
    pub(crate) async fn get(&mut self, path: &str) -> Result<RecvStream, h2::Error> {
        let request = Request::get(format!("http://films{path}")).body(()).unwrap();
        let respond = async {
            self.requests
                .clone()
                .ready()
                .await?
                .send_request(request, true)?
                .0
                .await
                .map(hyper::Response::into_body)
        };
        timeout(TIMEOUT, respond).await.unwrap_or_else(|_| panic!("{path}: no response"))
    }

    /// Sends a GET request and reads the whole response.
    pub(crate) async fn read(&mut self, path: &str) -> Result<String, h2::Error> {
        let mut body = self.get(path).await?;
        let mut text = Vec::new();
        while let Some(data) = timeout(TIMEOUT, body.data()).await.expect("a body") {
            let data = data?;
            body.flow_control().release_capacity(data.len())?;
            text.extend_from_slice(&data);
        }
        Ok(String::from_utf8(text).unwrap())
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.driver.is_finished()
    }

    /// Waits until the server has ended the connection. Returns an error unless the server announced the end.
    pub(crate) async fn ended(self) -> Result<(), h2::Error> {
        // The client would end the connection without a handle for requests.
        let _requests = self.requests;
        timeout(TIMEOUT, self.driver).await.expect("the connection ends").unwrap()
    }
}

//! A client that reads the events of `GET /events`.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::time::timeout;

use super::wait::TIMEOUT;

/// A client whose stream is open. It leaves when this value is dropped.
pub(crate) struct Viewer {
    body: Incoming,
    received: String,
}

impl Viewer {
    /// Connects, and waits for the head of the response. Returns the status if it is not 200.
    pub(crate) async fn connect(to: SocketAddr) -> Result<Self, u16> {
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
        let request = Request::get(format!("http://{to}/events")).body(Empty::new()).unwrap();
        let response = timeout(TIMEOUT, client.request(request)).await.expect("a response").unwrap();
        match response.status().as_u16() {
            200 => {
                assert_eq!(response.headers()["content-type"], "text/event-stream");
                Ok(Self { body: response.into_body(), received: String::new() })
            }
            status => Err(status),
        }
    }

    /// Returns the name and the data of the next event, or `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.received.split_once("\n\n") {
                let rest = rest.to_owned();
                let (name, data) = event.split_once('\n').expect("two lines");
                let name = name.strip_prefix("event: ").expect("a name").to_owned();
                let data = serde_json::from_str(data.strip_prefix("data: ").expect("data")).unwrap();
                self.received = rest;
                return Some((name, data));
            }
            let frame = timeout(TIMEOUT, self.body.frame()).await.expect("an event")?.expect("no fault");
            self.received.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
    }

    /// Returns the traffic of the next event.
    pub(crate) async fn traffic(&mut self) -> Value {
        let (name, traffic) = self.next().await.expect("the stream goes on");
        assert_eq!(name, "traffic");
        traffic
    }
}

//! The requests of one client, which remembers the last response to each path.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Response, header};
use ureq::{Body, Error};

/// Longest wait for a response. After it, the client gives the request up, and its outcome is unknown.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A client of the service, with a connection to each instance.
pub(super) struct Session {
    agent: Agent,
    instances: Vec<SocketAddr>,
    seen: HashMap<String, (String, Value)>,
}

/// What a read returned.
pub(super) struct Read {
    pub(super) status: Option<u16>,
    /// The content of a 200, or that of the client's `ETag` for a 304.
    pub(super) content: Option<Value>,
}

impl Session {
    pub(super) fn new(instances: Vec<SocketAddr>) -> Self {
        let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false);
        let config = config.max_idle_connections_per_host(1).proxy(None);
        Self { agent: config.build().into(), instances, seen: HashMap::new() }
    }

    /// Reads a path, with `If-None-Match` if `conditional` and the path was read before.
    pub(super) fn read(&mut self, instance: usize, path: &str, conditional: bool) -> Read {
        let mut request = self.agent.get(self.url(instance, path));
        if let Some((tag, _)) = self.seen.get(path).filter(|_| conditional) {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let Ok(mut response) = request.call() else { return Read { status: None, content: None } };
        let status = response.status().as_u16();
        let content = match status {
            200 => self.keep(path, &mut response),
            304 => self.seen.get(path).map(|(_, content)| content.clone()),
            _ => None,
        };
        Read { status: Some(status), content }
    }

    /// Returns the content of a response, and remembers it with its `ETag`.
    fn keep(&mut self, path: &str, response: &mut Response<Body>) -> Option<Value> {
        let content: Value = serde_json::from_str(&response.body_mut().read_to_string().ok()?).ok()?;
        if let Some(tag) = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()) {
            self.seen.insert(path.to_owned(), (tag.to_owned(), content.clone()));
        }
        Some(content)
    }

    /// Sends a review. Returns the status if there was a response.
    pub(super) fn review(
        &self,
        instance: usize,
        film: u32,
        rating: usize,
        key: Option<&str>,
    ) -> Result<u16, Error> {
        let mut request = self.agent.post(self.url(instance, "/reviews/"));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let body = json!({ "film_id": film, "rating": rating });
        let response = request.header(header::CONTENT_TYPE, "application/json").send(body.to_string())?;
        Ok(response.status().as_u16())
    }

    /// Returns the index of an instance, from any number.
    pub(super) fn instance(&self, number: usize) -> usize {
        number % self.instances.len()
    }

    fn url(&self, instance: usize, path: &str) -> String {
        format!("http://{}{path}", self.instances[instance])
    }
}

//! Server-sent events, encoded as `text/event-stream`.

use bytes::Bytes;
use serde::Serialize;

use super::json::EncodingError;

/// One event. A clone shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event(Bytes);

impl Event {
    /// The last event of a stream: the service stops.
    pub const STOPPED: Self = Self(Bytes::from_static(b"event: stopped\ndata: {}\n\n"));

    /// Encodes an event. JSON on one line needs no further escape.
    pub fn encode(name: &str, body: &impl Serialize) -> Result<Self, EncodingError> {
        let json = serde_json::to_string(body)?;
        Ok(Self(format!("event: {name}\ndata: {json}\n\n").into()))
    }

    /// Returns the bytes on the wire.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

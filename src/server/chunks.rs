//! The bodies of HTTP/2 responses and of endless responses. A client limits how much it accepts of each HTTP/2
//! stream, and the data of a stream that it stops reading never reach the socket. An endless response would
//! look idle. So each chunk records when it has been sent.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::activity::Activity;

/// Largest chunk in bytes: the default limit of an HTTP/2 frame. A slow client must accept a chunk within
/// `http.write_timeout`.
const CHUNK: usize = 16 * 1024;

/// A body that is handed out in chunks.
pub(super) struct Chunks {
    body: Body,
    /// The part of the body that was read and not handed out.
    rest: Bytes,
    activity: Arc<Activity>,
}

impl Chunks {
    pub(super) fn new(body: Body, activity: &Arc<Activity>) -> Self {
        Self { body, rest: Bytes::new(), activity: Arc::clone(activity) }
    }
}

impl HttpBody for Chunks {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                end => return Poll::Ready(end),
            };
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        let size = self.rest.len().min(CHUNK);
        let chunk = self.rest.split_to(size);
        Poll::Ready(Some(Ok(Frame::data(self.activity.chunk(chunk)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut size, rest) = (self.body.size_hint(), self.rest.len() as u64);
        if let Some(upper) = size.upper() {
            size.set_upper(upper + rest);
        }
        size.set_lower(size.lower() + rest);
        size
    }
}

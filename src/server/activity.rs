//! The activity of a connection. The connection's task records it, and the listener reads it to decide which
//! connection to end. No timer runs for a connection: the listener looks at all connections now and then.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

/// An order of the listener to a connection. A later variant overrides an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Order {
    /// Go on serving.
    Serve,
    /// Finish the requests under way and accept no further one.
    Finish,
    /// End at once.
    Close,
}

/// The activity of one connection. Times are milliseconds since the connection was opened.
pub(super) struct Activity {
    opened: Instant,
    /// When the connection was last used: when it was opened, a part of a request body arrived, or a response
    /// was made or sent.
    used: AtomicU64,
    /// Requests whose responses are being made.
    requests: AtomicU32,
    /// Requests among them that wait for the rest of their body.
    uploads: AtomicU32,
    /// When the socket stopped taking bytes, if it takes none now. Otherwise [`Self::WRITABLE`].
    blocked: AtomicU64,
    /// The chunks that wait for the client to make room, by age: chunks of HTTP/2 responses and of endless
    /// responses.
    chunks: Mutex<Chunks>,
    order: AtomicU8,
    task: AtomicWaker,
}

#[derive(Default)]
struct Chunks {
    next: u64,
    created: BTreeMap<u64, Instant>,
}

impl Activity {
    const WRITABLE: u64 = u64::MAX;

    /// Returns the activity of a connection that was just accepted.
    pub(super) fn new() -> Self {
        Self {
            opened: Instant::now(),
            used: AtomicU64::new(0),
            requests: AtomicU32::new(0),
            uploads: AtomicU32::new(0),
            blocked: AtomicU64::new(Self::WRITABLE),
            chunks: Mutex::default(),
            order: AtomicU8::new(Order::Serve as u8),
            task: AtomicWaker::new(),
        }
    }

    /// Records a request until the returned value is dropped.
    pub(super) fn request(&self) -> RequestUnderWay<'_> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        RequestUnderWay(self)
    }

    /// Records that a request waits for the rest of its body, or no longer does.
    pub(super) fn upload(&self, is_awaited: bool) {
        if is_awaited {
            self.touch();
            self.uploads.fetch_add(1, Ordering::Relaxed);
        } else {
            self.uploads.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Records that the socket took bytes.
    pub(super) fn written(&self) {
        if self.blocked.load(Ordering::Relaxed) != Self::WRITABLE {
            self.blocked.store(Self::WRITABLE, Ordering::Relaxed);
            self.touch();
        }
    }

    /// Records that the socket takes no further byte.
    pub(super) fn blocked(&self) {
        if self.blocked.load(Ordering::Relaxed) == Self::WRITABLE {
            self.blocked.store(self.elapsed(), Ordering::Relaxed);
        }
    }

    /// Returns whether the socket takes no further byte.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed) != Self::WRITABLE
    }

    /// Returns `data` as bytes that count as unsent until they are dropped.
    pub(super) fn chunk(self: &Arc<Self>, data: Bytes) -> Bytes {
        let mut chunks = self.chunks.lock();
        let id = chunks.next;
        chunks.next += 1;
        chunks.created.insert(id, Instant::now());
        Bytes::from_owner(Chunk { data, id, activity: Arc::clone(self) })
    }

    /// Returns for how long a response has waited for the client to read.
    pub(super) fn stalled(&self, now: Instant) -> Option<Duration> {
        let oldest = self.chunks.lock().created.first_key_value().map(|(_, created)| *created);
        let blocked = match self.blocked.load(Ordering::Relaxed) {
            Self::WRITABLE => None,
            since => Some(self.opened + Duration::from_millis(since)),
        };
        let since = [oldest, blocked].into_iter().flatten().min()?;
        Some(now.saturating_duration_since(since))
    }

    /// Returns for how long the connection has had neither a request under way nor a response to send.
    pub(super) fn idle(&self, now: Instant) -> Option<Duration> {
        if self.requests.load(Ordering::Relaxed) > 0 || self.stalled(now).is_some() {
            return None;
        }
        Some(self.unused(now))
    }

    fn unused(&self, now: Instant) -> Duration {
        let used = self.opened + Duration::from_millis(self.used.load(Ordering::Relaxed));
        now.saturating_duration_since(used)
    }

    /// Returns for how long nothing but the client could have moved this connection forward. A
    /// connection with a request under way waits for the service, unless the body is missing.
    pub(super) fn waits_for_client(&self, now: Instant) -> Option<Duration> {
        if self.requests.load(Ordering::Relaxed) > self.uploads.load(Ordering::Relaxed) {
            return None;
        }
        Some(self.stalled(now).unwrap_or_else(|| self.unused(now)))
    }

    /// Gives the connection an order.
    pub(super) fn order(&self, order: Order) {
        self.order.fetch_max(order as u8, Ordering::Relaxed);
        self.task.wake();
    }

    /// Returns the order in force. `task` is woken by the next one.
    pub(super) fn ordered(&self, task: &Waker) -> Order {
        self.task.register(task);
        self.in_force()
    }

    /// Returns the order in force.
    pub(super) fn in_force(&self) -> Order {
        match self.order.load(Ordering::Relaxed) {
            order if order == Order::Serve as u8 => Order::Serve,
            order if order == Order::Finish as u8 => Order::Finish,
            _ => Order::Close,
        }
    }

    fn touch(&self) {
        self.used.store(self.elapsed(), Ordering::Relaxed);
    }

    fn elapsed(&self) -> u64 {
        // A connection does not last for 500 million years.
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(Self::WRITABLE - 1)
    }
}

impl fmt::Debug for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activity").field("opened", &self.opened).finish_non_exhaustive()
    }
}

/// A request whose response is being made.
pub(super) struct RequestUnderWay<'a>(&'a Activity);

impl Drop for RequestUnderWay<'_> {
    fn drop(&mut self) {
        self.0.touch();
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A part of a response. It is dropped when it has been sent, or when its stream has ended.
struct Chunk {
    data: Bytes,
    id: u64,
    activity: Arc<Activity>,
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.activity.chunks.lock().created.remove(&self.id);
        self.activity.touch();
    }
}

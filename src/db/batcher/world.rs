//! The state of a model run, and what the model allows.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep};
use tracing::Span;

use super::{BatchLimits, Processor};
use crate::db::error::Error;

pub(super) const REGISTERS: usize = 3;

/// How a query runs, in milliseconds: until it has a connection, until it reads, until it returns. And
/// how many requests it processes at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) acquire: u64,
    pub(super) before: u64,
    pub(super) after: u64,
    pub(super) most: usize,
    pub(super) outcome: Outcome,
}

/// How a query ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Outcome {
    Succeeds,
    Fails,
    Panics,
    NoConnection,
}

/// The key of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Request {
    id: usize,
    register: usize,
}

/// The request that an output belongs to, and the value of its register.
type Output = (Request, u64);

/// The history of one request.
#[derive(Debug)]
struct History {
    /// The value of the register when the request arrived.
    value_at_arrival: u64,
    state: State,
    /// How the request's query ends, once a query has taken it.
    outcome: Option<Outcome>,
    applied: usize,
    /// A query left the request to the next one.
    unfinished: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Arriving,
    Accepted,
    Disconnected,
    Ended,
}

#[derive(Debug, Default)]
struct Memory {
    registers: [u64; REGISTERS],
    requests: Vec<History>,
    /// The number of queries that were planned, and that run.
    planned: usize,
    running: usize,
    closing: bool,
    closed: Option<Instant>,
    /// When a batch last failed without a connection. Its clients learn of it in the same instant: the
    /// clock advances only when every task waits for it.
    without_connection: Option<Instant>,
    violations: Vec<String>,
}

/// The world collects violations and reports them at the end, because the batcher would contain a panic
/// inside of a query.
#[derive(Debug)]
pub(super) struct World {
    limits: BatchLimits,
    memory: Mutex<Memory>,
}

/// The processor. Its queries follow the plans in turn, over and over.
pub(super) struct Registers {
    pub(super) world: Arc<World>,
    pub(super) plans: Vec<Plan>,
}

impl Processor for Registers {
    const NAME: &'static str = "registers";
    type Key = Request;
    type Output = Output;
    type Connection = Plan;

    async fn acquire(&self) -> Result<Plan, Error> {
        let plan = self.plans[self.world.next_plan() % self.plans.len()];
        sleep(Duration::from_millis(plan.acquire)).await;
        if plan.outcome == Outcome::NoConnection {
            self.world.no_connection();
            return Err(Error::ConnectTimeout(Duration::ZERO));
        }
        Ok(plan)
    }

    fn span(&self, _: usize) -> Span {
        Span::none()
    }

    async fn run(&self, plan: Plan, requests: &[Request]) -> Result<Vec<Output>, Error> {
        self.world.start(requests, plan.outcome);
        let most = if plan.outcome == Outcome::Succeeds { plan.most } else { usize::MAX };
        let (processed, unfinished) = requests.split_at(most.min(requests.len()));
        sleep(Duration::from_millis(plan.before)).await;
        let outputs = self.world.apply(processed);
        sleep(Duration::from_millis(plan.after)).await;
        self.world.end(unfinished);
        match plan.outcome {
            Outcome::Panics => std::panic::resume_unwind(Box::new("as planned")),
            Outcome::Fails => Err(Error::QueryTimeout(Duration::ZERO)),
            Outcome::Succeeds | Outcome::NoConnection => Ok(outputs),
        }
    }
}

impl World {
    pub(super) fn new(limits: BatchLimits) -> Arc<Self> {
        Arc::new(Self { limits, memory: Mutex::default() })
    }

    pub(super) fn check(&self, holds: bool, violation: impl FnOnce() -> String) {
        self.memory.lock().check(holds, violation);
    }

    pub(super) fn violations(&self) -> Vec<String> {
        self.memory.lock().violations.clone()
    }

    pub(super) fn change(&self, register: usize) {
        self.memory.lock().registers[register] += 1;
    }

    pub(super) fn closing(&self) {
        self.memory.lock().closing = true;
    }

    pub(super) fn closed(&self, in_time: bool) {
        let mut memory = self.memory.lock();
        memory.closed = Some(Instant::now());
        let running = memory.running;
        memory.check(in_time, || "close never returned".to_owned());
        memory.check(running == 0, || format!("{running} queries run after close"));
    }

    pub(super) fn arrive(&self, register: usize) -> Request {
        let mut memory = self.memory.lock();
        let value_at_arrival = memory.registers[register];
        let state = State::Arriving;
        memory.requests.push(History {
            value_at_arrival,
            state,
            outcome: None,
            applied: 0,
            unfinished: false,
        });
        Request { id: memory.requests.len() - 1, register }
    }

    /// An idle worker may hold one request for which it waits for a connection.
    pub(super) fn accepted(&self, request: Request) {
        let BatchLimits { queue_size, workers, .. } = self.limits;
        let mut memory = self.memory.lock();
        memory.requests[request.id].state = State::Accepted;
        let (queued, idle) = (memory.count_queued(&[State::Accepted]), workers - memory.running);
        let is_bounded = queued <= queue_size + idle || memory.without_connection == Some(Instant::now());
        memory.check(is_bounded, || format!("{queued} requests are queued, {idle} workers are idle"));
        let closing = memory.closing;
        memory.check(!closing, || format!("{request:?} was accepted while closing"));
    }

    pub(super) fn refused(&self, request: Request, result: &Result<Output, Error>) {
        let mut memory = self.memory.lock();
        let is_justified = match result {
            Err(Error::Closed) => memory.closing,
            // A request whose client disconnected stays in the queue until a worker takes it.
            Err(Error::Overloaded(size)) => {
                let queued = memory.count_queued(&[State::Accepted, State::Disconnected]);
                *size == self.limits.queue_size && queued >= *size
            }
            _ => false,
        };
        memory.check(is_justified, || format!("{request:?} was refused with {result:?}"));
        memory.requests[request.id].state = State::Ended;
    }

    pub(super) fn disconnected(&self, request: Request) {
        self.memory.lock().requests[request.id].state = State::Disconnected;
    }

    pub(super) fn finished(&self, request: Request, result: &Result<Output, Error>) {
        let mut memory = self.memory.lock();
        memory.requests[request.id].state = State::Ended;
        let now = memory.registers[request.register];
        let History { value_at_arrival, outcome, applied, .. } = memory.requests[request.id];
        let is_allowed = match result {
            Ok((owner, value)) => {
                outcome == Some(Outcome::Succeeds)
                    && *owner == request
                    && (value_at_arrival..=now).contains(value)
            }
            Err(Error::QueryTimeout(_)) => outcome == Some(Outcome::Fails),
            Err(Error::Panicked) => outcome == Some(Outcome::Panics),
            Err(Error::ConnectTimeout(_)) => outcome.is_none(),
            Err(_) => false,
        };
        memory.check(is_allowed, || {
            format!("{request:?} from {value_at_arrival} to {now}, in {outcome:?}: {result:?}")
        });
        let once = applied == usize::from(outcome.is_some());
        memory.check(once, || format!("{request:?} was applied {applied} times, in {outcome:?}"));
        let in_time = memory.closed.is_none_or(|closed| closed == Instant::now());
        memory.check(in_time, || format!("{request:?} received its output after close"));
    }

    fn next_plan(&self) -> usize {
        let mut memory = self.memory.lock();
        memory.planned += 1;
        memory.planned - 1
    }

    fn no_connection(&self) {
        self.memory.lock().without_connection = Some(Instant::now());
    }

    fn start(&self, requests: &[Request], outcome: Outcome) {
        let mut memory = self.memory.lock();
        memory.running += 1;
        let (running, closed) = (memory.running, memory.closed);
        memory.check(running <= self.limits.workers, || format!("{running} queries run at once"));
        memory.check(closed.is_none(), || "a query starts after close".to_owned());
        let sizes = 1..=self.limits.max_batch_size;
        memory.check(sizes.contains(&requests.len()), || format!("{} requests in one query", requests.len()));
        for request in requests {
            let history = &mut memory.requests[request.id];
            let was_queued = history.state == State::Accepted && history.outcome.replace(outcome).is_none();
            memory.check(was_queued, || format!("{request:?} is in a query but was not queued"));
        }
    }

    fn apply(&self, requests: &[Request]) -> Vec<Output> {
        let mut memory = self.memory.lock();
        let memory = &mut *memory;
        let apply = |request: &Request| {
            memory.requests[request.id].applied += 1;
            (*request, memory.registers[request.register])
        };
        requests.iter().map(apply).collect()
    }

    fn end(&self, unfinished: &[Request]) {
        let mut memory = self.memory.lock();
        memory.running -= 1;
        for request in unfinished {
            let history = &mut memory.requests[request.id];
            (history.outcome, history.unfinished) = (None, true);
        }
    }
}

impl Memory {
    fn check(&mut self, holds: bool, violation: impl FnOnce() -> String) {
        if !holds {
            self.violations.push(violation());
        }
    }

    /// Counts the requests in one of these states that no query has taken yet.
    fn count_queued(&self, states: &[State]) -> usize {
        let is_queued = |history: &&History| {
            history.outcome.is_none() && !history.unfinished && states.contains(&history.state)
        };
        self.requests.iter().filter(is_queued).count()
    }
}

//! What a model of batches remembers, and what it allows.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::Span;

use super::super::{Error, Limits, Work};

pub(super) const REGISTERS: usize = 3;

/// How a query goes, in milliseconds: until it has a slot, until it reads, until it answers. And how
/// many it answers at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) slot: u64,
    pub(super) before: u64,
    pub(super) after: u64,
    pub(super) most: usize,
    pub(super) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    Answers,
    Fails,
    Panics,
    NoSlot,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ask {
    id: usize,
    register: usize,
}

/// The register's value, and whose answer this is.
type Answer = (Ask, u64);

/// What is known of one ask.
#[derive(Debug)]
struct Fate {
    /// The register's value when it arrived.
    since: u64,
    state: State,
    /// How its query ends, once it is in one.
    end: Option<End>,
    applied: usize,
    /// A query left it to the next.
    left: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Arriving,
    Accepted,
    Gone,
    Ended,
}

#[derive(Debug, Default)]
struct Memory {
    registers: [u64; REGISTERS],
    asks: Vec<Fate>,
    /// Queries that were planned, and that run.
    planned: usize,
    running: usize,
    closing: bool,
    closed: Option<Instant>,
    /// When a batch failed last for want of a slot. Its callers know within that instant: the clock
    /// moves only when everything waits for it.
    without_slot: Option<Instant>,
    violations: Vec<String>,
}

/// A violation is noted and told at the end: inside a query a panic would be contained.
#[derive(Debug)]
pub(super) struct World {
    limits: Limits,
    memory: Mutex<Memory>,
}

/// The work: its nth query goes as the nth plan says, and then from the start.
pub(super) struct Registers {
    pub(super) world: Arc<World>,
    pub(super) plans: Vec<Plan>,
}

impl Work for Registers {
    const NAME: &'static str = "registers";
    type Ask = Ask;
    type Answer = Answer;
    type Slot = Plan;

    async fn slot(&self) -> Result<Plan, Error> {
        let plan = self.plans[self.world.plan() % self.plans.len()];
        sleep(Duration::from_millis(plan.slot)).await;
        if plan.end == End::NoSlot {
            self.world.no_slot();
            return Err(Error::ConnectTimeout(Duration::ZERO));
        }
        Ok(plan)
    }

    fn span(&self, _: usize) -> Span {
        Span::none()
    }

    async fn run(&self, plan: Plan, asks: &[Ask]) -> Result<Vec<Answer>, Error> {
        self.world.start(asks, plan.end);
        let most = if plan.end == End::Answers { plan.most } else { usize::MAX };
        let (answered, left) = asks.split_at(most.min(asks.len()));
        sleep(Duration::from_millis(plan.before)).await;
        let answers = self.world.apply(answered);
        sleep(Duration::from_millis(plan.after)).await;
        self.world.end(left);
        match plan.end {
            End::Panics => std::panic::resume_unwind(Box::new("as planned")),
            End::Fails => Err(Error::QueryTimeout(Duration::ZERO)),
            End::Answers | End::NoSlot => Ok(answers),
        }
    }
}

impl World {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, memory: Mutex::default() })
    }

    pub(super) fn check(&self, holds: bool, violated: impl FnOnce() -> String) {
        self.memory.lock().unwrap().check(holds, violated);
    }

    pub(super) fn violations(&self) -> Vec<String> {
        self.memory.lock().unwrap().violations.clone()
    }

    pub(super) fn change(&self, register: usize) {
        self.memory.lock().unwrap().registers[register] += 1;
    }

    pub(super) fn closing(&self) {
        self.memory.lock().unwrap().closing = true;
    }

    pub(super) fn closed(&self, in_time: bool) {
        let mut memory = self.memory.lock().unwrap();
        memory.closed = Some(Instant::now());
        let running = memory.running;
        memory.check(in_time, || "close never returned".to_owned());
        memory.check(running == 0, || format!("{running} queries run after close"));
    }

    pub(super) fn arrive(&self, register: usize) -> Ask {
        let mut memory = self.memory.lock().unwrap();
        let since = memory.registers[register];
        memory.asks.push(Fate { since, state: State::Arriving, end: None, applied: 0, left: false });
        Ask { id: memory.asks.len() - 1, register }
    }

    /// A worker that runs no query may hold one ask for which it awaits a slot.
    pub(super) fn accepted(&self, ask: Ask) {
        let Limits { queue_size, workers, .. } = self.limits;
        let mut memory = self.memory.lock().unwrap();
        memory.asks[ask.id].state = State::Accepted;
        let (waiting, idle) = (memory.waiting(&[State::Accepted]), workers - memory.running);
        let bounded = waiting <= queue_size + idle || memory.without_slot == Some(Instant::now());
        memory.check(bounded, || format!("{waiting} wait, {idle} workers are idle"));
        let closing = memory.closing;
        memory.check(!closing, || format!("{ask:?} was accepted while closing"));
    }

    pub(super) fn refused(&self, ask: Ask, outcome: &Result<Answer, Error>) {
        let mut memory = self.memory.lock().unwrap();
        let justified = match outcome {
            Err(Error::Closed) => memory.closing,
            // Those who went away keep their place until a worker comes by.
            Err(Error::Overloaded(size)) => {
                *size == self.limits.queue_size && memory.waiting(&[State::Accepted, State::Gone]) >= *size
            }
            _ => false,
        };
        memory.check(justified, || format!("{ask:?} was refused with {outcome:?}"));
        memory.asks[ask.id].state = State::Ended;
    }

    pub(super) fn gone(&self, ask: Ask) {
        self.memory.lock().unwrap().asks[ask.id].state = State::Gone;
    }

    pub(super) fn answered(&self, ask: Ask, outcome: &Result<Answer, Error>) {
        let mut memory = self.memory.lock().unwrap();
        memory.asks[ask.id].state = State::Ended;
        let now = memory.registers[ask.register];
        let Fate { since, end, applied, .. } = memory.asks[ask.id];
        let fits = match outcome {
            Ok((whose, value)) => end == Some(End::Answers) && *whose == ask && (since..=now).contains(value),
            Err(Error::QueryTimeout(_)) => end == Some(End::Fails),
            Err(Error::Panicked) => end == Some(End::Panics),
            Err(Error::ConnectTimeout(_)) => end.is_none(),
            Err(_) => false,
        };
        memory.check(fits, || format!("{ask:?} from {since} to {now}, in {end:?}: {outcome:?}"));
        let once = applied == usize::from(end.is_some());
        memory.check(once, || format!("{ask:?} was applied {applied} times, in {end:?}"));
        let in_time = memory.closed.is_none_or(|closed| closed == Instant::now());
        memory.check(in_time, || format!("{ask:?} was answered after close"));
    }

    fn plan(&self) -> usize {
        let mut memory = self.memory.lock().unwrap();
        memory.planned += 1;
        memory.planned - 1
    }

    fn no_slot(&self) {
        self.memory.lock().unwrap().without_slot = Some(Instant::now());
    }

    fn start(&self, asks: &[Ask], end: End) {
        let mut memory = self.memory.lock().unwrap();
        memory.running += 1;
        let (running, closed) = (memory.running, memory.closed);
        memory.check(running <= self.limits.workers, || format!("{running} queries run at once"));
        memory.check(closed.is_none(), || "a query starts after close".to_owned());
        let sizes = 1..=self.limits.max_batch_size;
        memory.check(sizes.contains(&asks.len()), || format!("{} asks in one query", asks.len()));
        for ask in asks {
            let fate = &mut memory.asks[ask.id];
            let waits = fate.state == State::Accepted && fate.end.replace(end).is_none();
            memory.check(waits, || format!("{ask:?} does not wait, and is asked"));
        }
    }

    fn apply(&self, asks: &[Ask]) -> Vec<Answer> {
        let mut memory = self.memory.lock().unwrap();
        let memory = &mut *memory;
        let apply = |ask: &Ask| {
            memory.asks[ask.id].applied += 1;
            (*ask, memory.registers[ask.register])
        };
        asks.iter().map(apply).collect()
    }

    fn end(&self, left: &[Ask]) {
        let mut memory = self.memory.lock().unwrap();
        memory.running -= 1;
        for ask in left {
            let fate = &mut memory.asks[ask.id];
            (fate.end, fate.left) = (None, true);
        }
    }
}

impl Memory {
    fn check(&mut self, holds: bool, violated: impl FnOnce() -> String) {
        if !holds {
            self.violations.push(violated());
        }
    }

    /// How many asks are in one of these states, and were in no query yet.
    fn waiting(&self, states: &[State]) -> usize {
        let waits = |fate: &&Fate| fate.end.is_none() && !fate.left && states.contains(&fate.state);
        self.asks.iter().filter(waits).count()
    }
}

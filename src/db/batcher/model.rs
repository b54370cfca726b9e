//! Random schedules against a model. A query reads a register for each request, as a `SELECT` would,
//! and counts the request as applied, as an `INSERT` would. One thread and a paused clock make the order
//! of all events known.
//!
//! - A read is linearizable: the register had the returned value at some time between the request and
//!   its output. Values only grow, so of two reads one after the other, the second is never older.
//! - A write is applied once if its client received an output, at most once if the batch failed or the
//!   client disconnected, and never if it was refused.
//! - Every client receives the output of its own request, and the failure of its own batch only.
//! - The numbers of queued requests, of requests in a query, and of running queries are bounded, and no
//!   request is refused without need.
//! - When `close` returns, every accepted request has its output and no query runs.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

use super::world::{Outcome, Plan, REGISTERS, Registers, World};
use super::{BatchLimits, Batcher};

/// The random input. Times are in milliseconds.
#[derive(Clone, Debug)]
struct Schedule {
    limits: BatchLimits,
    plans: Vec<Plan>,
    clients: Vec<Client>,
    /// When which register gets its next value.
    changes: Vec<(u64, usize)>,
    close: u64,
}

/// A client that sends requests one after another.
#[derive(Clone, Debug)]
struct Client {
    starts_at: u64,
    register: usize,
    requests: usize,
    /// Disconnects if an output takes longer than this.
    timeout: Option<u64>,
}

/// Short, so that many events coincide in every order.
const LAST: u64 = 60;

fn schedules() -> impl Strategy<Value = Schedule> {
    let limits = (1..6_usize, 1..10_usize, 1..4_usize).prop_map(|(max_batch_size, queue_size, workers)| {
        BatchLimits { max_batch_size, queue_size, workers }
    });
    let outcome = prop_oneof![
        8 => Just(Outcome::Succeeds), 1 => Just(Outcome::Fails), 1 => Just(Outcome::Panics),
        1 => Just(Outcome::NoConnection)
    ];
    let most = prop_oneof![2 => Just(usize::MAX), 1 => 1..4_usize];
    let plan = (0..4_u64, 0..8_u64, 0..8_u64, most, outcome)
        .prop_map(|(acquire, before, after, most, outcome)| Plan { acquire, before, after, most, outcome });
    let timeout = prop_oneof![3 => Just(None), 1 => (0..12_u64).prop_map(Some)];
    let client =
        (0..LAST, 0..REGISTERS, 1..4_usize, timeout).prop_map(|(starts_at, register, requests, timeout)| {
            Client { starts_at, register, requests, timeout }
        });
    let changes = vec((0..LAST * 2, 0..REGISTERS), 0..60);
    (limits, vec(plan, 1..12), vec(client, 1..40), changes, LAST / 3..LAST * 3).prop_map(
        |(limits, plans, clients, changes, close)| Schedule { limits, plans, clients, changes, close },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_model_allows_every_schedule(schedule in schedules()) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let violations = runtime.block_on(run(schedule));
        prop_assert!(violations.is_empty(), "{violations:#?}");
    }
}

/// Runs a schedule to its end and returns the violations of the model.
async fn run(schedule: Schedule) -> Vec<String> {
    let world = World::new(schedule.limits);
    let registers = Registers { world: Arc::clone(&world), plans: schedule.plans };
    let batcher = Arc::new(Batcher::start(registers, schedule.limits));
    for (at, register) in schedule.changes {
        tokio::spawn(change(at, register, Arc::clone(&world)));
    }
    let clients: Vec<_> = (schedule.clients.into_iter())
        .map(|client| tokio::spawn(send(client, Arc::clone(&batcher), Arc::clone(&world))))
        .collect();

    sleep(Duration::from_millis(schedule.close)).await;
    world.closing();
    // The clock advances at once when every task waits for it, so a stuck queue takes no real time.
    let closed = timeout(Duration::from_hours(1), batcher.close()).await;
    world.closed(closed.is_ok());
    // Longer than any query or client takes: every remaining event happens now.
    sleep(Duration::from_hours(1)).await;
    for client in clients {
        world.check(client.is_finished(), || "a client never received an output".to_owned());
    }
    world.violations()
}

async fn change(at: u64, register: usize, world: Arc<World>) {
    sleep(Duration::from_millis(at)).await;
    world.change(register);
}

async fn send(client: Client, batcher: Arc<Batcher<Registers>>, world: Arc<World>) {
    sleep(Duration::from_millis(client.starts_at)).await;
    for _ in 0..client.requests {
        let request = world.arrive(client.register);
        let mut output = Box::pin(batcher.submit(request));
        // The first poll queues the request, or refuses it.
        match poll_fn(|context| Poll::Ready(output.as_mut().poll(context))).await {
            Poll::Ready(result) => {
                world.refused(request, &result);
                continue;
            }
            Poll::Pending => world.accepted(request),
        }
        let limit = client.timeout.map_or(Duration::from_hours(1), Duration::from_millis);
        match timeout(limit, output).await {
            Ok(result) => world.finished(request, &result),
            Err(_) => world.disconnected(request),
        }
    }
}

//! Random schedules against a model. A query reads a register of each ask, as a `SELECT` would, and
//! notes the ask as applied, as an `INSERT` would; one thread and a clock that stands still make the
//! order of everything known.
//!
//! - A read is linearizable: the register had its answer between the ask and the answer. Values only
//!   grow, so two reads of which one followed the other never go backwards.
//! - A write is applied once where its caller got an answer, at most once where the batch failed or
//!   the caller went away meanwhile, and never where it was refused.
//! - Every caller gets the answer to its own ask, and hears of its own batch's failure only.
//! - What may wait, be in a query and run at once is bounded, and nobody is refused without need.
//! - When `close` returns everything that was accepted has been answered, and nothing runs any more.

#[path = "batch_world.rs"]
mod world;

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

use super::*;
use world::{End, Plan, REGISTERS, Registers, World};

/// Everything that is random, in milliseconds.
#[derive(Clone, Debug)]
struct Schedule {
    limits: Limits,
    plans: Vec<Plan>,
    callers: Vec<Caller>,
    /// When a register gets its next value.
    changes: Vec<(u64, usize)>,
    close: u64,
}

/// Somebody who asks, and asks again when that was answered.
#[derive(Clone, Debug)]
struct Caller {
    at: u64,
    register: usize,
    asks: usize,
    /// Goes away when an answer takes longer than this.
    patience: Option<u64>,
}

/// Short, so that much happens at once and in every order.
const LAST: u64 = 60;

fn schedules() -> impl Strategy<Value = Schedule> {
    let limits = (1..6_usize, 1..10_usize, 1..4_usize)
        .prop_map(|(max_batch_size, queue_size, workers)| Limits { max_batch_size, queue_size, workers });
    let end = prop_oneof![
        8 => Just(End::Answers), 1 => Just(End::Fails), 1 => Just(End::Panics), 1 => Just(End::NoSlot)
    ];
    let most = prop_oneof![2 => Just(usize::MAX), 1 => 1..4_usize];
    let plan = (0..4_u64, 0..8_u64, 0..8_u64, most, end).prop_map(|(slot, before, after, most, end)| Plan {
        slot,
        before,
        after,
        most,
        end,
    });
    let patience = prop_oneof![3 => Just(None), 1 => (0..12_u64).prop_map(Some)];
    let caller = (0..LAST, 0..REGISTERS, 1..4_usize, patience)
        .prop_map(|(at, register, asks, patience)| Caller { at, register, asks, patience });
    let changes = vec((0..LAST * 2, 0..REGISTERS), 0..60);
    (limits, vec(plan, 1..12), vec(caller, 1..40), changes, LAST / 3..LAST * 3).prop_map(
        |(limits, plans, callers, changes, close)| Schedule { limits, plans, callers, changes, close },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_schedule_is_one_that_the_model_allows(schedule in schedules()) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let violations = runtime.block_on(play(schedule));
        prop_assert!(violations.is_empty(), "{violations:#?}");
    }
}

/// Plays the schedule to its end, and tells what the model does not allow.
async fn play(schedule: Schedule) -> Vec<String> {
    let world = World::new(schedule.limits);
    let work = Registers { world: Arc::clone(&world), plans: schedule.plans };
    let batch = Arc::new(Batch::start(work, schedule.limits));
    for (at, register) in schedule.changes {
        tokio::spawn(change(at, register, Arc::clone(&world)));
    }
    let calling: Vec<_> = (schedule.callers.into_iter())
        .map(|caller| tokio::spawn(call(caller, Arc::clone(&batch), Arc::clone(&world))))
        .collect();

    sleep(Duration::from_millis(schedule.close)).await;
    world.closing();
    // The clock jumps when everything waits for it: a queue that is stuck takes no real time.
    let closed = timeout(Duration::from_hours(1), batch.close()).await;
    world.closed(closed.is_ok());
    // Longer than any query or caller takes: what is still to happen happens now.
    sleep(Duration::from_hours(1)).await;
    for caller in calling {
        world.check(caller.is_finished(), || "a caller was never answered".to_owned());
    }
    world.violations()
}

async fn change(at: u64, register: usize, world: Arc<World>) {
    sleep(Duration::from_millis(at)).await;
    world.change(register);
}

async fn call(caller: Caller, batch: Arc<Batch<Registers>>, world: Arc<World>) {
    sleep(Duration::from_millis(caller.at)).await;
    for _ in 0..caller.asks {
        let ask = world.arrive(caller.register);
        let mut asking = Box::pin(batch.ask(ask));
        // The first poll puts the ask into the queue, or is refused.
        match poll_fn(|context| Poll::Ready(asking.as_mut().poll(context))).await {
            Poll::Ready(outcome) => {
                world.refused(ask, &outcome);
                continue;
            }
            Poll::Pending => world.accepted(ask),
        }
        let patience = caller.patience.map_or(Duration::from_hours(1), Duration::from_millis);
        match timeout(patience, asking).await {
            Ok(outcome) => world.answered(ask, &outcome),
            Err(_) => world.gone(ask),
        }
    }
}

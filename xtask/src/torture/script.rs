//! What a client does, as its seed decides.

use std::iter;
use std::time::Duration;

use fastrand::Rng;
use uuid::Uuid;

use super::catalogue::{FILMS, KEYED_FILMS};

/// The next thing that a client of the service does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) request: Request,
    /// Whether a read has `If-None-Match`.
    pub(super) conditional: bool,
    /// Chooses the instance. The remainder by their number is its index.
    pub(super) instance: usize,
    /// Time until the next step.
    pub(super) pause: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Film(u32),
    List(usize),
    Reviews(u32),
    Review { film: u32, rating: usize, key: Option<String> },
}

/// Returns the steps of a client of the service, without an end.
pub(super) fn steps(seed: u64, client: u32) -> impl Iterator<Item = Step> {
    let mut rng = rng(seed, client);
    iter::repeat_with(move || step(&mut rng))
}

fn step(rng: &mut Rng) -> Step {
    let conditional = rng.bool();
    let request = match rng.u32(0..100) {
        0..40 => Request::Film(any_film(rng)),
        40..60 => Request::List(rng.usize(0..2)),
        60..75 => Request::Reviews(any_film(rng)),
        75..90 => Request::Review { film: rng.u32(1..=FILMS), rating: rng.usize(1..=5), key: None },
        _ => Request::Review {
            film: FILMS + rng.u32(1..=KEYED_FILMS),
            rating: rng.usize(1..=5),
            // The string of a structured field.
            key: Some(format!("\"{}\"", Uuid::from_u128(rng.u128(..)))),
        },
    };
    let (instance, pause) = (rng.usize(..), Duration::from_millis(rng.u64(0..8)));
    Step { request, conditional, instance, pause }
}

/// Returns the changes of a client that writes SQL, without an end: a film, and the pause after its change.
pub(super) fn changes(seed: u64, client: u32) -> impl Iterator<Item = (u32, Duration)> {
    let mut rng = rng(seed, client);
    iter::repeat_with(move || (any_film(&mut rng), Duration::from_millis(rng.u64(5..60))))
}

/// Returns a generator of its own for each client, so that none depends on the speed of another.
fn rng(seed: u64, client: u32) -> Rng {
    let mut seeds = Rng::with_seed(seed);
    (0..client).for_each(|_| drop(seeds.fork()));
    seeds.fork()
}

fn any_film(rng: &mut Rng) -> u32 {
    rng.u32(1..=FILMS + KEYED_FILMS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(seed: u64, client: u32) -> Vec<Step> {
        super::steps(seed, client).take(200).collect()
    }

    fn changes(seed: u64, client: u32) -> Vec<(u32, Duration)> {
        super::changes(seed, client).take(50).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_steps() {
        assert_eq!(steps(7, 3), steps(7, 3));
        assert_eq!(changes(7, 3), changes(7, 3));
    }

    #[test]
    fn another_seed_or_client_gives_other_steps() {
        assert_ne!(steps(7, 3), steps(8, 3));
        assert_ne!(steps(7, 3), steps(7, 4));
        assert_ne!(changes(7, 3), changes(7, 4));
    }

    #[test]
    fn every_kind_of_request_occurs() {
        let steps = steps(1, 0);
        let has = |is_kind: fn(&Step) -> bool| steps.iter().any(is_kind);
        assert!(has(|step| step.conditional && matches!(step.request, Request::Film(_))));
        assert!(has(|step| !step.conditional && matches!(step.request, Request::List(_))));
        assert!(has(|step| matches!(step.request, Request::Reviews(_))));
        assert!(has(|step| matches!(step.request, Request::Review { key: None, .. })));
        assert!(has(|step| matches!(step.request, Request::Review { key: Some(_), .. })));
    }
}

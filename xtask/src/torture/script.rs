//! What a client does, as its seed decides.

use std::time::Duration;

use fastrand::Rng;
use uuid::Uuid;

use super::catalogue::{FILMS, KEYED_FILMS};

/// The next thing that a client of the service does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) request: Request,
    /// Chooses the instance. The remainder by their number is its index.
    pub(super) instance: usize,
    /// Time until the next step.
    pub(super) pause: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Film { film: u32, conditional: bool },
    List { list: usize, conditional: bool },
    Reviews { film: u32, conditional: bool },
    Review { film: u32, rating: usize, key: Option<String> },
}

/// The steps of a client of the service, without an end.
pub(super) struct Script(Rng);

impl Script {
    pub(super) fn new(seed: u64, client: u32) -> Self {
        Self(rng(seed, client))
    }
}

impl Iterator for Script {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let rng = &mut self.0;
        let conditional = rng.bool();
        let request = match rng.u32(0..100) {
            0..40 => Request::Film { film: any_film(rng), conditional },
            40..60 => Request::List { list: rng.usize(0..2), conditional },
            60..75 => Request::Reviews { film: any_film(rng), conditional },
            75..90 => Request::Review { film: rng.u32(1..=FILMS), rating: rng.usize(1..=5), key: None },
            _ => Request::Review {
                film: FILMS + rng.u32(1..=KEYED_FILMS),
                rating: rng.usize(1..=5),
                // The string of a structured field.
                key: Some(format!("\"{}\"", Uuid::from_u128(rng.u128(..)))),
            },
        };
        Some(Step { request, instance: rng.usize(..), pause: Duration::from_millis(rng.u64(0..8)) })
    }
}

/// The changes of a client that writes SQL, without an end: a film, and the pause after its change.
pub(super) struct Changes(Rng);

impl Changes {
    pub(super) fn new(seed: u64, client: u32) -> Self {
        Self(rng(seed, client))
    }
}

impl Iterator for Changes {
    type Item = (u32, Duration);

    fn next(&mut self) -> Option<(u32, Duration)> {
        Some((any_film(&mut self.0), Duration::from_millis(self.0.u64(5..60))))
    }
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
        Script::new(seed, client).take(200).collect()
    }

    fn changes(seed: u64, client: u32) -> Vec<(u32, Duration)> {
        Changes::new(seed, client).take(50).collect()
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
        let has = |is_kind: fn(&Request) -> bool| steps.iter().any(|step| is_kind(&step.request));
        assert!(has(|request| matches!(request, Request::Film { conditional: true, .. })));
        assert!(has(|request| matches!(request, Request::List { conditional: false, .. })));
        assert!(has(|request| matches!(request, Request::Reviews { .. })));
        assert!(has(|request| matches!(request, Request::Review { key: None, .. })));
        assert!(has(|request| matches!(request, Request::Review { key: Some(_), .. })));
    }
}

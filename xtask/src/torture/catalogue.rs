//! The films and lists of a run, small so that many clients share them.

use anyhow::{Context, Result};
use postgres::{Client, NoTls};

use super::history::{List, Run};

/// Films with reviews that have no key.
pub(super) const FILMS: u32 = 16;
/// Films after those, whose reviews all have a key, so that their number is exact.
pub(super) const KEYED_FILMS: u32 = 4;
/// The second list has the films up to this id.
const LISTED: u32 = 8;

pub(super) fn run(seed: u64) -> Run {
    let films: Vec<u32> = (1..=FILMS + KEYED_FILMS).collect();
    let lists = vec![
        List { path: "/films/?year.gt=2000".to_owned(), films: films.clone() },
        List { path: "/films/?year.gt=2010&limit=100".to_owned(), films: (1..=LISTED).collect() },
    ];
    Run { seed, films, lists }
}

/// Inserts the films. The title of each is its value.
pub(super) fn insert(database: &str) -> Result<()> {
    let mut client = Client::connect(database, NoTls).context("cannot connect to insert films")?;
    let last = i32::try_from(FILMS + KEYED_FILMS)?;
    let (early, late) = (2001_i32, 2011_i32);
    client
        .execute(
            "insert into film (film_id, title, release_year)
             select id, '0', case when id <= $2 then $4::integer else $3::integer end from generate_series(1, $1) id",
            &[&last, &i32::try_from(LISTED)?, &early, &late],
        )
        .context("cannot insert the films of the run")?;
    Ok(())
}

//! A catalogue to try the service with: 1,000 films of the DVD-rental sample's shape, the same on
//! every machine. Titles and stories are put together from the words below; nothing is taken from
//! the sample.

use std::time::Duration;

use sqlx::Connection as _;

use super::connect::{ConnectError, connect};
use super::error::UNDEFINED_TABLE;
use crate::config::Database;

/// As many as the sample has; film 995 of the article's benchmark is among them.
const FILMS: i32 = 1000;

// 40 first words and 25 last ones: every film has a title of its own.
const FIRST: [&str; 40] = [
    "Amber",
    "Borrowed",
    "Broken",
    "Cardinal",
    "Clockwork",
    "Copper",
    "Crooked",
    "Distant",
    "Electric",
    "Fallen",
    "Feather",
    "Forgotten",
    "Frozen",
    "Gentle",
    "Glass",
    "Golden",
    "Harbour",
    "Hidden",
    "Hollow",
    "Iron",
    "Lantern",
    "Last",
    "Lonesome",
    "Midnight",
    "Northern",
    "Paper",
    "Patient",
    "Quiet",
    "Restless",
    "Rival",
    "Salt",
    "Scarlet",
    "Second",
    "Silver",
    "Sleeping",
    "Stolen",
    "Thunder",
    "Velvet",
    "Wandering",
    "Winter",
];
const LAST: [&str; 25] = [
    "Almanac",
    "Bridge",
    "Cartographer",
    "Carousel",
    "Compass",
    "Detective",
    "Expedition",
    "Garden",
    "Horizon",
    "Island",
    "Kingdom",
    "Ledger",
    "Lighthouse",
    "Masquerade",
    "Melody",
    "Monsoon",
    "Orchard",
    "Passenger",
    "Promise",
    "Railway",
    "Shadow",
    "Stranger",
    "Summer",
    "Symphony",
    "Tide",
];
const STORY: [&str; 9] = [
    "A tender drama",
    "A brisk comedy",
    "A slow-burning thriller",
    "An unlikely romance",
    "A sly satire",
    "A sweeping epic",
    "A haunting mystery",
    "An offbeat documentary",
    "A warm-hearted adventure",
];
const HERO: [&str; 13] = [
    "a retired astronomer",
    "a pastry cook",
    "an amateur beekeeper",
    "a ferry captain",
    "a court stenographer",
    "a clumsy acrobat",
    "a lighthouse keeper",
    "a chess prodigy",
    "a travelling dentist",
    "a night-shift nurse",
    "a reluctant heir",
    "a piano tuner",
    "a forest ranger",
];
const DEED: [&str; 11] = [
    "must outwit",
    "has to forgive",
    "sets out to find",
    "learns to trust",
    "is hired to follow",
    "falls in with",
    "is mistaken for",
    "tries to save",
    "makes a wager with",
    "has one night to warn",
    "can no longer avoid",
];
const PLACE: [&str; 8] = [
    "in a snowed-in mountain hotel",
    "on the night train to the coast",
    "in the archives of a small republic",
    "at a county fair",
    "on a research ship in the Arctic",
    "in a suburb where nobody locks the doors",
    "behind the stage of a failing opera",
    "along an abandoned canal",
];
const RATINGS: [&str; 5] = ["G", "PG", "PG-13", "R", "NC-17"];

/// What `films seed` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeded {
    /// The table was empty, and now holds so many films.
    Inserted(u64),
    /// The table has rows, and was left alone.
    Untouched,
}

/// Why there is no catalogue.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Postgres cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// There is no `film` table.
    #[error("there is no film table to seed: run `films migrate` first")]
    NotMigrated,
    /// Postgres refused a statement.
    #[error("seeding failed, and nothing was inserted: {0}")]
    Failed(sqlx::Error),
}

impl From<sqlx::Error> for SeedError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        if code.as_deref() == Some(UNDEFINED_TABLE) { Self::NotMigrated } else { Self::Failed(error) }
    }
}

/// Fills an empty `film` table. It never touches one that has rows, and several at once are safe:
/// one of them inserts.
pub async fn seed(config: &Database, patience: Duration) -> Result<Seeded, SeedError> {
    let mut connection = connect(config, patience).await?;
    let mut transaction = connection.begin().await?;
    // Lets readers pass, and makes other seeders wait for this one's rows.
    sqlx::query!("lock table film in share row exclusive mode").execute(&mut *transaction).await?;
    let has_rows = sqlx::query_scalar!(r#"select exists (select from film) as "exists!""#)
        .fetch_one(&mut *transaction)
        .await?;
    if has_rows {
        return Ok(Seeded::Untouched);
    }

    let ids: Vec<i32> = (1..=FILMS).collect();
    let titles: Vec<String> = ids.iter().map(|id| title(*id)).collect();
    let descriptions: Vec<String> = ids.iter().map(|id| description(*id)).collect();
    let years: Vec<i32> = ids.iter().map(|id| release_year(*id)).collect();
    let lengths: Vec<i16> = ids.iter().map(|id| length(*id)).collect();
    let ratings: Vec<String> = ids.iter().map(|id| pick(&RATINGS, *id).to_owned()).collect();
    let inserted = sqlx::query!(
        "insert into film (film_id, title, description, release_year, length, rating)
         select * from unnest($1::int4[], $2::text[], $3::text[], $4::int4[], $5::int2[], $6::text[])",
        &ids,
        &titles,
        &descriptions,
        &years,
        &lengths,
        &ratings
    )
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    // The next film that somebody adds gets the next id.
    sqlx::query!("select setval(pg_get_serial_sequence('film', 'film_id'), max(film_id)) from film")
        .fetch_all(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Seeded::Inserted(inserted))
}

fn pick<'a>(words: &[&'a str], number: i32) -> &'a str {
    // Numbers here are positive, and a remainder is always a place in the list.
    words[number.unsigned_abs() as usize % words.len()]
}

fn title(id: i32) -> String {
    // Each first word meets each last word once; the sum keeps neighbours from looking alike.
    format!("{} {}", pick(&FIRST, id - 1), pick(&LAST, (id - 1) / 40 + (id - 1) % 40))
}

fn description(id: i32) -> String {
    // Steps that share no factor with their list's length, so that the sentences do not repeat.
    let (story, hero, other) = (pick(&STORY, id), pick(&HERO, id * 5), pick(&HERO, id * 5 + 1 + id % 12));
    let (deed, place) = (pick(&DEED, id * 3), pick(&PLACE, id / 9));
    format!("{story} in which {hero} {deed} {other} {place}")
}

/// 2001 to 2014, so that a list of films after 2000 has them all, and one after 2010 does not; 2006
/// for films 1 and 995, as in the sample.
fn release_year(id: i32) -> i32 {
    2001 + (id + 4) % 14
}

/// Minutes: 46 to 185, as in the sample.
fn length(id: i32) -> i16 {
    i16::try_from(46 + (id * 37) % 140).unwrap_or(i16::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_title_is_unique() {
        let titles: HashSet<String> = (1..=FILMS).map(title).collect();
        assert_eq!(titles.len(), 1000);
    }

    #[test]
    fn descriptions_hardly_repeat_and_nobody_meets_themselves() {
        let descriptions: HashSet<String> = (1..=FILMS).map(description).collect();
        assert!(descriptions.len() > 900, "{} distinct descriptions", descriptions.len());
        for text in descriptions {
            let heroes = HERO.iter().filter(|hero| text.contains(**hero)).count();
            assert_eq!(heroes, 2, "{text}");
        }
    }

    #[test]
    fn all_films_came_out_after_2000() {
        assert!((1..=FILMS).map(release_year).all(|year| (2001..=2014).contains(&year)));
        assert_eq!((release_year(1), release_year(995)), (2006, 2006));
    }
}

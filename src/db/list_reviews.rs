//! The queries that read the reviews of films. `migrations/0005_list_reviews.sql` keeps the numbers.

use std::collections::HashMap;

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::cached_query::{CachedQuery, Lessor, Versions};
use super::query::query_as;
use super::version::{Version, Versioned};
use crate::api::{FilmReviews, Json, ListedReview, Ratings};

/// Selects reviews of a film, the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReviewFilter {
    /// The film.
    pub film_id: i32,
    /// Reviews with an id below this.
    pub before: Option<i64>,
    /// At most this many reviews.
    pub limit: u32,
}

/// A page of the reviews of a film.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewPage {
    /// The numbers of the film, and the page.
    pub reviews: Json<FilmReviews>,
    /// The id before which the next page begins, if the limit cut this page off.
    pub next_before: Option<i64>,
}

/// Lists the reviews of films. The content is `None` if there is no such film.
pub(super) struct ListReviews;

/// The version of the catalogue, and a row of the summary of one of the films, if there is one.
struct VersionRow {
    catalogue: Uuid,
    film_id: Option<i32>,
    part: Option<Uuid>,
}

/// The page of a key.
struct Row {
    /// Position of the key in the batch, counted from 1.
    position: i64,
    has_film: bool,
    catalogue: Uuid,
    parts: Vec<Uuid>,
    one: i64,
    two: i64,
    three: i64,
    four: i64,
    five: i64,
    ids: Vec<i64>,
    ratings: Vec<i32>,
    times: Vec<Option<String>>,
}

/// Adds a part to the version of a film's reviews. The version has the catalogue's, so that adding and deleting a
/// film, and `films migrate` after a restore, change it too, and a part for each row of the summary.
///
/// All parts are random and in any order, so their exclusive or is as random as each of them.
fn with_part(Version(version): Version, part: Uuid) -> Version {
    Version(Uuid::from_u128(version.as_u128() ^ part.as_u128()))
}

impl CachedQuery for ListReviews {
    const NAME: &'static str = "list_reviews";
    const TABLE: &'static str = "review";
    type Key = ReviewFilter;
    type Content = Option<ReviewPage>;

    async fn versions(
        connection: &mut PgConnection,
        filters: &[ReviewFilter],
        _: Lessor<'_>,
    ) -> Result<Versions, sqlx::Error> {
        let film_ids: Vec<i32> = filters.iter().map(|filter| filter.film_id).collect();
        // Postgres would plan this query for each batch, which takes longer than to run it, because few ids promise
        // a cheaper plan than the ten that it expects. The inner `select` hides the ids, so it keeps one plan.
        let rows = query_as!(
            VersionRow,
            r#"select catalogue.version as catalogue, film_id as "film_id?", part.version as "part?"
               from film_catalogue catalogue
               left join review_summary part on film_id = any((select $1::int4[])::int4[])"#,
            &film_ids
        )
        .fetch_all(connection)
        .await?;
        let catalogue = Version(rows.first().ok_or(sqlx::Error::RowNotFound)?.catalogue);
        let mut of_film = HashMap::with_capacity(rows.len());
        for row in rows {
            if let (Some(film_id), Some(part)) = (row.film_id, row.part) {
                let version = of_film.entry(film_id).or_insert(catalogue);
                *version = with_part(*version, part);
            }
        }
        let versions = film_ids.iter().map(|id| of_film.get(id).copied().unwrap_or(catalogue));
        Ok(Versions::Each(versions.collect()))
    }

    async fn read(
        connection: &mut PgConnection,
        filters: &[ReviewFilter],
    ) -> Result<Vec<Versioned<Option<ReviewPage>>>, sqlx::Error> {
        let film_ids: Vec<i32> = filters.iter().map(|filter| filter.film_id).collect();
        let before: Vec<i64> = filters.iter().map(|filter| filter.before.unwrap_or(i64::MAX)).collect();
        // A row beyond the limit tells that another page follows.
        let sizes: Vec<i64> = filters.iter().map(|filter| i64::from(filter.limit) + 1).collect();
        let rows = query_as!(
            Row,
            r#"select position as "position!", film.film_id is not null as "has_film!",
                 (select version from film_catalogue) as "catalogue!", parts as "parts!", one as "one!", two as "two!",
                 three as "three!", four as "four!", five as "five!", ids as "ids!", ratings as "ratings!",
                 times as "times!: Vec<Option<String>>"
               from unnest($1::int4[], $2::int8[], $3::int8[]) with ordinality
                 as key (film_id, before, size, position)
               left join film on film.film_id = key.film_id
               cross join lateral (
                 select coalesce(array_agg(version), '{}') as parts, coalesce(sum(one), 0)::int8 as one,
                   coalesce(sum(two), 0)::int8 as two, coalesce(sum(three), 0)::int8 as three,
                   coalesce(sum(four), 0)::int8 as four, coalesce(sum(five), 0)::int8 as five
                 from review_summary part where part.film_id = key.film_id
               ) summary
               cross join lateral (
                 select coalesce(array_agg(review_id order by review_id desc), '{}') as ids,
                   coalesce(array_agg(rating order by review_id desc), '{}') as ratings,
                   coalesce(array_agg(created_at order by review_id desc), '{}') as times
                 from (
                   select review_id::int8 as review_id, rating::int4 as rating,
                     to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at
                   from review
                   where review.film_id = key.film_id and review_id < key.before and rating between 1 and 5
                   order by review_id desc limit key.size
                 ) newest
               ) page"#,
            &film_ids,
            &before,
            &sizes
        )
        .fetch_all(connection)
        .await?;
        pages(filters, rows)
    }

    fn size(_: &ReviewFilter, page: &Option<ReviewPage>) -> usize {
        page.as_ref().map_or(0, |page| page.reviews.size())
    }
}

/// Returns the page of each filter.
fn pages(
    filters: &[ReviewFilter],
    mut rows: Vec<Row>,
) -> Result<Vec<Versioned<Option<ReviewPage>>>, sqlx::Error> {
    rows.sort_unstable_by_key(|row| row.position);
    let page = |(filter, row): (&ReviewFilter, Row)| {
        let version = row.parts.iter().copied().fold(Version(row.catalogue), with_part);
        let content = row.has_film.then(|| page(filter, row)).transpose()?;
        Ok(Versioned { version, content })
    };
    filters.iter().zip(rows).map(page).collect()
}

fn page(filter: &ReviewFilter, row: Row) -> Result<ReviewPage, sqlx::Error> {
    let Row { one, two, three, four, five, ids, ratings, times, .. } = row;
    let listed = ids.into_iter().zip(ratings).zip(times);
    let mut reviews: Vec<ListedReview> = listed
        .map(|((review_id, rating), created_at)| ListedReview { created_at, rating, review_id })
        .collect();
    let has_more = reviews.len() > filter.limit as usize;
    reviews.truncate(filter.limit as usize);
    let next_before = reviews.last().filter(|_| has_more).map(|review| review.review_id);
    let ratings = Ratings { one, two, three, four, five };
    let body = FilmReviews::new(filter.film_id, ratings, reviews);
    Ok(ReviewPage { reviews: Json::encode_list(&body)?, next_before })
}

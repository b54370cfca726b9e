//! The bodies of `POST /reviews/` and `GET /films/{film_id}/reviews/`.

use serde::{Deserialize, Serialize};

/// A review of a film, as it is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The id of the film.
    pub film_id: i32,
    /// The rating, from 1 to 5.
    pub rating: i32,
}

/// The reviews of a film: numbers about all of them, and a page of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FilmReviews {
    /// The mean rating, rounded to two decimals, if there are reviews.
    pub average: Option<f64>,
    /// The number of reviews.
    pub count: i64,
    /// The id of the film.
    pub film_id: i32,
    /// The number of reviews of each rating.
    pub ratings: Ratings,
    /// A page of reviews, the newest first.
    pub reviews: Vec<ListedReview>,
}

/// The number of reviews of each rating.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ratings {
    /// Reviews with the rating 1.
    #[serde(rename = "1")]
    pub one: i64,
    /// Reviews with the rating 2.
    #[serde(rename = "2")]
    pub two: i64,
    /// Reviews with the rating 3.
    #[serde(rename = "3")]
    pub three: i64,
    /// Reviews with the rating 4.
    #[serde(rename = "4")]
    pub four: i64,
    /// Reviews with the rating 5.
    #[serde(rename = "5")]
    pub five: i64,
}

/// A review in the list of its film.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedReview {
    /// When the review was stored, in UTC (RFC 3339). `None` for reviews older than this column.
    pub created_at: Option<String>,
    /// The rating, from 1 to 5.
    pub rating: i32,
    /// The id of the review. Newer reviews have greater ids.
    pub review_id: i64,
}

impl FilmReviews {
    /// Returns the body, with `count` and `average` as the ratings give them.
    pub fn new(film_id: i32, ratings: Ratings, reviews: Vec<ListedReview>) -> Self {
        let Ratings { one, two, three, four, five } = ratings;
        let count = one + two + three + four + five;
        let sum = one + 2 * two + 3 * three + 4 * four + 5 * five;
        let average = (count > 0).then(|| (sum as f64 / count as f64 * 100.0).round() / 100.0);
        Self { average, count, film_id, ratings, reviews }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_has_two_decimals() {
        let average = |ratings| FilmReviews::new(1, ratings, Vec::new()).average;
        assert_eq!(average(Ratings::default()), None);
        assert_eq!(average(Ratings { three: 1, five: 2, ..Ratings::default() }), Some(4.33));
        assert_eq!(average(Ratings { one: 5, ..Ratings::default() }), Some(1.0));
    }
}

//! The bodies of `POST /reviews/` and `GET /films/{film_id}/reviews/`.

use std::fmt;

use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// A review of a film, as it is submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The id of the film.
    #[serde(deserialize_with = "integer")]
    #[schema(example = 995)]
    pub film_id: i32,
    /// The rating, from 1 to 5.
    #[serde(deserialize_with = "integer")]
    #[schema(minimum = 1, maximum = 5, example = 4)]
    pub rating: i32,
}

/// Deserializes an integer, also one that is written as `4.0`: JSON Schema does not tell them apart, and some
/// languages write every number with a fraction.
fn integer<'de, D: Deserializer<'de>>(input: D) -> Result<i32, D::Error> {
    input.deserialize_i32(Integer)
}

struct Integer;

impl Visitor<'_> for Integer {
    type Value = i32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("i32")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<i32, E> {
        i32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<i32, E> {
        i32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<i32, E> {
        #[expect(clippy::cast_possible_truncation, reason = "the comparison finds what the cast changes")]
        let integer = number as i32;
        let is_same = f64::from(integer).total_cmp(&number).is_eq() || number == 0.0;
        if is_same { Ok(integer) } else { Err(E::invalid_type(Unexpected::Float(number), &self)) }
    }
}

/// The reviews of a film: numbers about all of them, and a page of them.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FilmReviews {
    /// The mean rating, rounded to two decimals, if there are reviews.
    #[schema(required = true, minimum = 1, maximum = 5)]
    pub average: Option<f64>,
    /// The number of reviews.
    #[schema(minimum = 0)]
    pub count: i64,
    /// The id of the film.
    pub film_id: i32,
    /// The number of reviews of each rating.
    pub ratings: Ratings,
    /// A page of reviews, the newest first.
    pub reviews: Vec<ListedReview>,
}

/// The number of reviews of each rating.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ratings {
    /// Reviews with the rating 1.
    #[serde(rename = "1")]
    #[schema(minimum = 0)]
    pub one: i64,
    /// Reviews with the rating 2.
    #[serde(rename = "2")]
    #[schema(minimum = 0)]
    pub two: i64,
    /// Reviews with the rating 3.
    #[serde(rename = "3")]
    #[schema(minimum = 0)]
    pub three: i64,
    /// Reviews with the rating 4.
    #[serde(rename = "4")]
    #[schema(minimum = 0)]
    pub four: i64,
    /// Reviews with the rating 5.
    #[serde(rename = "5")]
    #[schema(minimum = 0)]
    pub five: i64,
}

/// A review in the list of its film.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ListedReview {
    /// When the review was stored, in UTC, if it was stored since reviews have a time.
    #[schema(required = true, format = DateTime)]
    pub created_at: Option<String>,
    /// The rating, from 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
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
        // In hundredths, rounded: from 100 to 500.
        let mean = (200 * sum + count).checked_div(2 * count).and_then(|mean| i32::try_from(mean).ok());
        let average = mean.map(|mean| f64::from(mean) / 100.0);
        Self { average, count, film_id, ratings, reviews }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rating(number: &str) -> Option<i32> {
        let json = format!("{{\"film_id\":1,\"rating\":{number}}}");
        serde_json::from_str::<Review>(&json).ok().map(|review| review.rating)
    }

    proptest! {
        #[test]
        fn every_integer_is_read_with_and_without_a_fraction(number in any::<i32>()) {
            for text in [format!("{number}"), format!("{number}.0"), format!("{number}e0")] {
                prop_assert_eq!(rating(&text), Some(number), "{}", text);
            }
            prop_assert_eq!(serde_json::from_str::<Review>(&serde_json::to_string(
                &Review { film_id: number, rating: 1 }
            ).unwrap()).unwrap().film_id, number);
        }

        #[test]
        fn a_number_that_is_no_integer_of_postgres_is_refused(
            number in prop_oneof![any::<f64>(), -3e9..3e9_f64],
            integer in any::<i64>(),
        ) {
            prop_assume!(number.is_finite());
            let limits = f64::from(i32::MIN)..=f64::from(i32::MAX);
            let is_integer = number.fract() == 0.0 && limits.contains(&number);
            prop_assert_eq!(rating(&format!("{number:?}")).is_some(), is_integer, "{}", number);
            prop_assert_eq!(rating(&integer.to_string()), i32::try_from(integer).ok());
        }
    }

    #[test]
    fn the_average_has_two_decimals() {
        let average = |ratings| FilmReviews::new(1, ratings, Vec::new()).average;
        assert_eq!(average(Ratings::default()), None);
        assert_eq!(average(Ratings { three: 1, five: 2, ..Ratings::default() }), Some(4.33));
        assert_eq!(average(Ratings { one: 5, ..Ratings::default() }), Some(1.0));
    }
}

//! The body of `POST /reviews/` and of its response.

use std::fmt;

use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// A review of a film.
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

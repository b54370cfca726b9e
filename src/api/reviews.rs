//! The body of `POST /reviews/` and of its response.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A review of a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The id of the film.
    pub film_id: i32,
    /// The rating, from 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    pub rating: i32,
}

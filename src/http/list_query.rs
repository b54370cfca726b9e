//! The query of `GET /films/`.

use std::fmt::Write as _;

use axum::http::HeaderValue;
use axum::http::header::InvalidHeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer, de};
use utoipa::IntoParams;

use super::extract::integer;
use crate::db::Filter;

/// The default of the article's application, if no filter is given.
const DEFAULT_YEAR_GT: i32 = 2000;
/// Longest prefix in characters, so that no client fills the cache with its keys. The longest title of the DVD-rental data
/// has 27, and its column takes 255.
const MAX_PREFIX: usize = 100;

/// Selects the films that meet every condition, at most `limit` of them, with ids greater than `after`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// Lists films released after this year. Without any filter, the list has the films after 2000.
    #[param(required = false, nullable = false, value_type = i32, minimum = -2_147_483_648, maximum = 2_147_483_647)]
    #[serde(rename = "year.gt", default, deserialize_with = "optional_integer")]
    year_gt: Option<i32>,
    /// Lists films released in this year and later.
    #[param(required = false, nullable = false, value_type = i32, minimum = -2_147_483_648, maximum = 2_147_483_647)]
    #[serde(rename = "year.gte", default, deserialize_with = "optional_integer")]
    year_gte: Option<i32>,
    /// Lists films released before this year.
    #[param(required = false, nullable = false, value_type = i32, minimum = -2_147_483_648, maximum = 2_147_483_647)]
    #[serde(rename = "year.lt", default, deserialize_with = "optional_integer")]
    year_lt: Option<i32>,
    /// Lists films released in this year and earlier.
    #[param(required = false, nullable = false, value_type = i32, minimum = -2_147_483_648, maximum = 2_147_483_647)]
    #[serde(rename = "year.lte", default, deserialize_with = "optional_integer")]
    year_lte: Option<i32>,
    /// Lists films whose title begins with these characters. Capitals matter, and NUL is refused.
    #[param(required = false, nullable = false, value_type = String, min_length = 1, max_length = 100, pattern = r"^[^\x00]+$")]
    #[serde(rename = "title.prefix", default, deserialize_with = "prefix")]
    title_prefix: Option<String>,
    /// Caps the page. `Link` leads to the next page.
    #[param(required = false, nullable = false, value_type = i32, minimum = 1, maximum = 2_147_483_647)]
    #[serde(default, deserialize_with = "limit")]
    limit: Option<u32>,
    /// Skips ids up to and including this one.
    #[param(required = false, nullable = false, value_type = i32, minimum = -2_147_483_648, maximum = 2_147_483_647)]
    #[serde(default, deserialize_with = "optional_integer")]
    after: Option<i32>,
}

impl ListQuery {
    /// Returns the filter. Conditions that select the same films make the same filter, which is cached once.
    pub(super) fn filter(&self) -> Filter {
        let (first, last) = (self.first_year(), self.last_year());
        let is_default = first.is_none() && last.is_none() && self.title_prefix.is_none();
        Filter {
            first_year: if is_default { Some(i64::from(DEFAULT_YEAR_GT) + 1) } else { first },
            last_year: last,
            title_prefix: self.title_prefix.as_deref().map(Into::into),
            after: self.after,
            limit: self.limit,
        }
    }

    fn first_year(&self) -> Option<i64> {
        self.year_gt.map(|year| i64::from(year) + 1).max(self.year_gte.map(i64::from))
    }

    fn last_year(&self) -> Option<i64> {
        let below = self.year_lt.map(|year| i64::from(year) - 1);
        below.into_iter().chain(self.year_lte.map(i64::from)).min()
    }

    /// Returns the link to the page after this id, as RFC 8288 describes it.
    pub(super) fn next_page(&self, after: i32) -> Result<HeaderValue, InvalidHeaderValue> {
        let mut link = format!("</films/?after={after}");
        let limit = self.limit.map(i64::from);
        for (name, value) in [
            ("year.gt", self.year_gt.map(i64::from)),
            ("year.gte", self.year_gte.map(i64::from)),
            ("year.lt", self.year_lt.map(i64::from)),
            ("year.lte", self.year_lte.map(i64::from)),
            ("limit", limit),
        ] {
            if let Some(value) = value {
                let _ = write!(link, "&{name}={value}");
            }
        }
        if let Some(prefix) = &self.title_prefix {
            let _ = write!(link, "&title.prefix={}", utf8_percent_encode(prefix, NON_ALPHANUMERIC));
        }
        HeaderValue::try_from(link + ">; rel=\"next\"")
    }
}

fn limit<'de, D: Deserializer<'de>>(input: D) -> Result<Option<u32>, D::Error> {
    let expected = format_args!("expected an integer from 1 to {}", i32::MAX);
    let limit = String::deserialize(input)?.parse().ok().filter(|limit: &i32| *limit > 0);
    limit.map(|limit| Some(limit.unsigned_abs())).ok_or_else(|| de::Error::custom(expected))
}

fn optional_integer<'de, D: Deserializer<'de>>(input: D) -> Result<Option<i32>, D::Error> {
    integer(input).map(Some)
}

/// Reads a prefix. Postgres stores no NUL in a text.
fn prefix<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    let expected = format_args!("expected 1 to {MAX_PREFIX} characters without NUL");
    let prefix = String::deserialize(input)?;
    let is_valid = (1..=MAX_PREFIX).contains(&prefix.chars().count()) && !prefix.contains('\0');
    if is_valid { Ok(Some(prefix)) } else { Err(de::Error::custom(expected)) }
}

#[cfg(test)]
mod tests;

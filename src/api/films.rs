//! The bodies of `GET /films/` and `GET /films/{film_id}/`. The keys are in alphabetical order, as in
//! the article's application.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde::Serialize;
use utoipa::ToSchema;

use super::json::{EncodingError, Json};

/// One film.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Film {
    /// The film's id.
    pub film_id: i32,
    /// The year in which the film came out, if the catalogue has one.
    #[schema(required = true)]
    pub release_year: Option<i32>,
    /// The film's title.
    pub title: String,
}

/// A film in a list, where its id is the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ListedFilm {
    /// The year in which the film came out, if the catalogue has one.
    #[schema(required = true)]
    pub release_year: Option<i32>,
    /// The film's title.
    pub title: String,
}

/// Films by ascending id: `{"1":{"release_year":2006,"title":"…"},…}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = BTreeMap<String, ListedFilm>)]
pub struct FilmList(pub BTreeMap<i32, ListedFilm>);

/// Encodes a [`FilmList`] film by film, so that a long list is held as JSON only.
#[derive(Debug)]
pub struct FilmListEncoder {
    json: Vec<u8>,
}

impl FilmListEncoder {
    /// Appends a film. The ids must ascend.
    pub fn push(&mut self, film_id: i32, film: &ListedFilm) -> Result<(), EncodingError> {
        let comma = if self.json.len() > 1 { "," } else { "" };
        write!(self.json, "{comma}\"{film_id}\":").map_err(serde_json::Error::io)?;
        Ok(serde_json::to_writer(&mut self.json, film)?)
    }

    /// Returns the list.
    pub fn finish(mut self) -> Json<FilmList> {
        self.json.push(b'}');
        self.json.shrink_to_fit();
        Json::from_encoded(self.json)
    }
}

impl Default for FilmListEncoder {
    fn default() -> Self {
        Self { json: vec![b'{'] }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_map;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn film() -> impl Strategy<Value = ListedFilm> {
        (option::of(any::<i32>()), any::<String>())
            .prop_map(|(release_year, title)| ListedFilm { release_year, title })
    }

    proptest! {
        #[test]
        fn the_encoder_writes_what_serde_writes(films in btree_map(any::<i32>(), film(), 0..4)) {
            let mut encoder = FilmListEncoder::default();
            for (film_id, film) in &films {
                encoder.push(*film_id, film).unwrap();
            }
            prop_assert_eq!(encoder.finish(), Json::encode(&FilmList(films)).unwrap());
        }
    }
}

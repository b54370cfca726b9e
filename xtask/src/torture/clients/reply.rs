//! The responses of the service, as the values that the history holds.

use serde_json::Value;

use super::super::history::UNREADABLE;

/// Returns the number in the title of a film, which the changes of films write there.
pub(super) fn film(body: &Value) -> u64 {
    body["title"].as_str().and_then(|title| title.parse().ok()).unwrap_or(UNREADABLE)
}

pub(super) fn list(body: &Value, films: &[u32]) -> Vec<u64> {
    films.iter().map(|id| film(&body[id.to_string()])).collect()
}

pub(super) fn reviews(body: &Value) -> [u64; 5] {
    ["1", "2", "3", "4", "5"].map(|rating| body["ratings"][rating].as_u64().unwrap_or(UNREADABLE))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_read_from_bodies() {
        assert_eq!(film(&json!({"film_id": 1, "title": "42"})), 42);
        let films = json!({"1": {"title": "7"}, "3": {"title": "ACADEMY DINOSAUR"}});
        assert_eq!(list(&films, &[1, 2, 3]), [7, UNREADABLE, UNREADABLE]);
        let body = json!({"ratings": {"1": 0, "2": 3, "3": 0, "4": 1, "5": 0}});
        assert_eq!(reviews(&body), [0, 3, 0, 1, 0]);
    }
}

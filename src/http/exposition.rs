//! Chooses the format of a page of metrics (RFC 9110, section 12.5.1).

use axum::http::{HeaderMap, header};

use super::coding::thousandths;

/// A media type that the client accepts.
struct Accepted<'a> {
    name: &'a str,
    version: Option<&'a str>,
    /// The weight in thousandths.
    weight: u16,
}

/// Returns whether the client names `OpenMetrics` 1.0, and with at least the weight of the older text format.
pub(super) fn prefers_openmetrics(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let accepted: Vec<_> = accepted.flat_map(|value| value.split(',')).map(Accepted::parse).collect();
    let best = |name: &str, version: &str| {
        let of_version = |item: &&Accepted<'_>| item.version.is_none_or(|found| found == version);
        let named = accepted.iter().filter(|item| item.name.eq_ignore_ascii_case(name)).filter(of_version);
        named.map(|item| item.weight).max()
    };
    let text = best("text/plain", "0.0.4").or(best("text/*", "")).or(best("*/*", ""));
    let openmetrics = best("application/openmetrics-text", "1.0.0");
    openmetrics > Some(0) && openmetrics >= text
}

impl<'a> Accepted<'a> {
    fn parse(item: &'a str) -> Self {
        let mut parts = item.split(';').map(str::trim);
        let mut accepted = Self { name: parts.next().unwrap_or_default(), version: None, weight: 1000 };
        for part in parts {
            match part.split_once('=') {
                Some(("q" | "Q", _)) => accepted.weight = thousandths(part),
                Some(("version", version)) => accepted.version = Some(version),
                _ => {}
            }
        }
        accepted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prefers(accept: &str) -> bool {
        let header = (header::ACCEPT, accept.parse().unwrap());
        prefers_openmetrics(&[header].into_iter().collect())
    }

    proptest! {
        #[test]
        fn the_greater_weight_chooses_the_format(open in 0..=1000_u16, text in 0..=1000_u16) {
            let [q_open, q_text] = [open, text].map(|weight| f64::from(weight) / 1000.0);
            let accept = format!("text/plain; q={q_text}, application/openmetrics-text; q={q_open}");
            prop_assert_eq!(prefers(&accept), open > 0 && open >= text, "{}", accept);
        }

        #[test]
        fn a_header_without_the_name_never_chooses_openmetrics(accept in "[ -~]{0,40}") {
            prop_assert!(!prefers(&accept) || accept.contains("application/openmetrics-text"), "{}", accept);
        }
    }

    #[test]
    fn openmetrics_is_chosen_only_by_its_name() {
        for (accept, expected) in [
            // Prometheus 3 with its default protocols.
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                 application/openmetrics-text;version=0.0.1;q=0.5,\
                 text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                true,
            ),
            ("application/openmetrics-text", true),
            ("Application/OpenMetrics-Text; version=1.0.0; charset=utf-8", true),
            ("text/plain, application/openmetrics-text", true),
            ("application/openmetrics-text; q=0.5, text/plain; q=0.4, */*", true),
            ("application/openmetrics-text; version=0.0.1", false),
            ("application/openmetrics-text; version=2.0.0, */*;q=0.1", false),
            ("application/openmetrics-text; q=0", false),
            ("application/openmetrics-text; q=x", false),
            ("application/openmetrics-text; q=0.5, text/plain", false),
            ("application/openmetrics-text; q=0.5, */*", false),
            ("text/plain;version=0.0.4", false),
            ("*/*", false),
            ("", false),
        ] {
            let headers: HeaderMap = [(header::ACCEPT, accept.parse().unwrap())].into_iter().collect();
            assert_eq!(prefers_openmetrics(&headers), expected, "{accept}");
        }
        assert!(!prefers_openmetrics(&HeaderMap::new()));
    }
}

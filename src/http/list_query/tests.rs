use axum::extract::Query;
use proptest::option;
use proptest::prelude::*;

use super::*;

fn read(path: &str) -> Option<ListQuery> {
    Query::try_from_uri(&path.parse().unwrap()).ok().map(|query| query.0)
}

fn filter(query: &str) -> Filter {
    read(&format!("/films/?{query}")).unwrap().filter()
}

/// A query with every parameter or some of them. Percent-encoding is left to the link.
fn queries() -> impl Strategy<Value = ListQuery> {
    let year = || option::of(any::<i32>());
    let limit = option::of(1..=i32::MAX.unsigned_abs());
    let prefix = option::of("[^\0]{1,100}");
    (year(), year(), year(), year(), prefix, limit).prop_map(
        |(year_gt, year_gte, year_lt, year_lte, title_prefix, limit)| ListQuery {
            year_gt,
            year_gte,
            year_lt,
            year_lte,
            title_prefix,
            limit,
            after: None,
        },
    )
}

proptest! {
    #[test]
    fn the_link_to_the_next_page_has_the_same_filter(query in queries(), after in any::<i32>()) {
        let link = query.next_page(after).unwrap();
        let path = link.to_str().unwrap().trim_start_matches('<').trim_end_matches(">; rel=\"next\"");
        let next = read(path).unwrap().filter();
        prop_assert_eq!(next, Filter { after: Some(after), ..query.filter() }, "{}", path);
    }

    #[test]
    fn a_parameter_that_is_accepted_is_in_its_range(text in any::<String>(), number in any::<i64>()) {
        for value in [text, number.to_string()] {
            let encoded = utf8_percent_encode(&value, NON_ALPHANUMERIC);
            let read = |name: &str| read(&format!("/films/?{name}={encoded}"));
            let in_range = value.parse::<i32>().is_ok();
            for name in ["year.gt", "year.gte", "year.lt", "year.lte", "after"] {
                prop_assert_eq!(read(name).is_some(), in_range, "{}={}", name, value);
            }
            let limit = read("limit").and_then(|query| query.limit).map(i64::from);
            prop_assert_eq!(limit, value.parse().ok().filter(|limit| (1..=i64::from(i32::MAX)).contains(limit)));
            let prefix = read("title.prefix").and_then(|query| query.title_prefix);
            let is_prefix = (1..=100).contains(&value.chars().count()) && !value.contains('\0');
            prop_assert_eq!(prefix, is_prefix.then_some(value));
        }
    }

    #[test]
    fn no_query_panics(query in "[a-z.=&%+0-9-]{0,60}") {
        read(&format!("/films/?{query}"));
    }
}

fn years(query: &str) -> (Option<i64>, Option<i64>) {
    let filter = filter(query);
    (filter.first_year, filter.last_year)
}

#[test]
fn all_conditions_hold_together() {
    assert_eq!(years("year.gt=2005&year.gte=2005"), (Some(2006), None));
    assert_eq!(years("year.gt=2005&year.gte=2010"), (Some(2010), None));
    assert_eq!(years("year.lt=2005&year.lte=2005"), (None, Some(2004)));
    assert_eq!(years("year.lt=2009&year.lte=2005&year.gte=1990"), (Some(1990), Some(2005)));
    let largest = i64::from(i32::MAX);
    assert_eq!(years("year.gt=2147483647&year.lt=-2147483648"), (Some(largest + 1), Some(-largest - 2)));
}

#[test]
fn the_default_year_ends_with_any_filter() {
    assert_eq!(years("limit=3"), (Some(2001), None));
    assert_eq!(years("year.lt=1990"), (None, Some(1989)));
    assert_eq!(years("title.prefix=A"), (None, None));
}

#[test]
fn equal_conditions_are_equal_filters() {
    assert_eq!(filter("year.gt=2000"), filter("year.gte=2001"));
    assert_eq!(filter(""), filter("year.gt=2000"));
    assert_ne!(filter("title.prefix=A"), filter("title.prefix=a"));
}

//! Formats numbers for people.

use indicatif::{HumanCount, HumanFloatCount};

use crate::stats::{Ratio, Spread};

/// Formats a number with two digits or more, from 1 with three: `0.0021`, `0.041`, `3.42`, `34.2`, `34,211`.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 99.95 || size == 0.0 => HumanFloatCount(value.round()).to_string(),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.9995 => format!("{value:.2}"),
        size if size >= 0.009_95 => format!("{value:.3}"),
        size if size >= 0.000_995 => format!("{value:.4}"),
        size if size >= 0.000_099_5 => format!("{value:.5}"),
        _ => format!("{value:.6}"),
    }
}

/// Formats the label of an axis, without trailing zeros: `0.5`, `1`, `20,000`.
pub(crate) fn axis_label(value: f64) -> String {
    let shown = number(value);
    if shown.contains('.') { shown.trim_end_matches('0').trim_end_matches('.').to_owned() } else { shown }
}

/// Formats a ratio as `3.4× (3.2–3.6)`, with enough decimals to show the width of the interval.
pub(crate) fn ratio(ratio: Ratio) -> String {
    let decimals = decimals(ratio);
    format!("{:.decimals$}× ({:.decimals$}–{:.decimals$})", ratio.value, ratio.low, ratio.high)
}

/// Formats the interval of a ratio as `3.2 to 3.6`.
pub(crate) fn interval(ratio: Ratio) -> String {
    let decimals = decimals(ratio);
    format!("{:.decimals$} to {:.decimals$}", ratio.low, ratio.high)
}

fn decimals(ratio: Ratio) -> usize {
    match ratio.high - ratio.low {
        width if width >= 20.0 => 0,
        width if width >= 0.2 => 1,
        _ => 2,
    }
}

/// Formats a time of RFC 3339 in UTC to the minute: `2025-10-18 09:00`.
pub(crate) fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

/// Formats minimum and maximum as `980–1,020`.
pub(crate) fn range(spread: Spread) -> String {
    format!("{}–{}", number(spread.min), number(spread.max))
}

/// Formats a number of things: `1 round`, `2 rounds`.
pub(crate) fn count(count: impl Into<u64>, thing: &str) -> String {
    let count = count.into();
    format!("{} {thing}{}", whole(count), if count == 1 { "" } else { "s" })
}

/// Formats a count: `34,211`.
pub(crate) fn whole(count: u64) -> String {
    HumanCount(count).to_string()
}

/// Formats a size in MiB, or in GiB from 1,024 MiB.
pub(crate) fn bytes(bytes: u64) -> String {
    let mib = bytes as f64 / 1_048_576.0;
    if mib < 1024.0 { format!("{} MiB", number(mib)) } else { format!("{} GiB", number(mib / 1024.0)) }
}

/// Formats the sign of a footnote: ¹, ², …, ¹⁰.
pub(crate) fn sign(number: usize) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    number.to_string().bytes().map(|digit| DIGITS[usize::from(digit - b'0')]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_two_digits_or_more() {
        let shown = [0.0, 0.0414, 3.416, 34.21, 342.4, 1160.22, 34_211.4, 1_234_567.0].map(number);
        assert_eq!(shown, ["0", "0.041", "3.42", "34.2", "342", "1,160", "34,211", "1,234,567"]);
        assert_eq!([0.0021, 0.000_534, 0.000_012].map(number), ["0.0021", "0.00053", "0.000012"]);
    }

    #[test]
    fn rounding_up_to_the_next_power_of_ten_adds_no_digit() {
        assert_eq!([0.9996, 9.996, 99.96, 999.7].map(number), ["1.00", "10.0", "100", "1,000"]);
        assert_eq!([0.009_96, 0.000_996].map(number), ["0.010", "0.0010"]);
    }

    #[test]
    fn an_axis_label_has_no_trailing_zeros() {
        assert_eq!(
            [0.0, 0.05, 1.0, 10.0, 100.0, 20_000.0].map(axis_label),
            ["0", "0.05", "1", "10", "100", "20,000"]
        );
    }

    #[test]
    fn a_narrow_interval_has_more_decimals() {
        assert_eq!(ratio(Ratio { value: 3.41, low: 3.22, high: 3.63 }), "3.4× (3.2–3.6)");
        assert_eq!(ratio(Ratio { value: 1.034, low: 1.012, high: 1.051 }), "1.03× (1.01–1.05)");
        assert_eq!(ratio(Ratio { value: 104.0, low: 90.0, high: 120.4 }), "104× (90–120)");
        assert_eq!(interval(Ratio { value: 3.41, low: 3.22, high: 3.63 }), "3.2 to 3.6");
    }

    #[test]
    fn a_time_is_shown_to_the_minute() {
        assert_eq!(["2025-10-18T09:00:59Z", ""].map(minute), ["2025-10-18 09:00", ""]);
    }

    #[test]
    fn signs_have_two_digits_from_ten() {
        assert_eq!([1, 9, 10, 23].map(sign), ["¹", "⁹", "¹⁰", "²³"]);
    }
}

use proptest::prelude::*;

use super::*;

const SAMPLE: &str = include_str!("../../tests/sample.json");

#[test]
fn a_file_of_schema_1_is_refused_with_the_command_that_converts_it() {
    let old = SAMPLE.replace(r#""schema": 2"#, r#""schema": 1"#);
    let error = Run::parse(&old).unwrap_err().to_string();
    assert!(error.contains("schema 1, expected 2: measure again, or convert"), "{error}");
}

#[test]
fn a_file_that_loadtest_did_not_write_is_refused() {
    let error = Run::parse("{}").unwrap_err().to_string();
    assert!(error.contains("has no schema"), "{error}");
    let error = Run::parse(&SAMPLE.replace(r#""schema": 2"#, r#""schema": 3"#)).unwrap_err().to_string();
    assert!(error.contains("schema 3, expected 2"), "{error}");
}

#[test]
fn a_missing_field_is_an_error_that_names_it() {
    let renamed = SAMPLE.replacen(r#""requests""#, r#""request_count""#, 1);
    let error = format!("{:#}", Run::parse(&renamed).unwrap_err());
    assert!(error.contains("rows[0].rounds[0]: missing field `requests`"), "{error}");
}

#[test]
fn lost_cpu_time_makes_the_use_unknown() {
    let usage = |cpu_seconds| Usage { cpu_seconds, peak_memory: 1 };
    assert_eq!(usage(2.0).since(usage(3.0)), None);
    assert_eq!(usage(3.0).since(usage(2.0)), Some(usage(1.0)));
}

#[test]
fn a_loopback_address_is_local() {
    let target = |url: &str| Target { name: "films".to_owned(), url: url.to_owned() };
    for url in ["http://localhost", "http://127.0.0.2:5000", "http://[::1]:5000/", "http://localhost/api"] {
        assert!(target(url).is_local(), "{url}");
    }
    for url in ["http://films.default:5000", "http://127.example.com", "http://10.0.0.1"] {
        assert!(!target(url).is_local(), "{url}");
    }
    assert_eq!(target("http://127.0.0.1:5004").local_port(), Some(5004));
}

/// Replaces the number at a position among all numbers.
fn replace(value: &mut serde_json::Value, position: &mut usize, number: &serde_json::Value) {
    match value {
        serde_json::Value::Number(_) if *position == 0 => {
            *value = number.clone();
            *position = usize::MAX;
        }
        serde_json::Value::Number(_) => *position -= 1,
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| replace(item, position, number)),
        serde_json::Value::Object(items) => {
            items.values_mut().for_each(|item| replace(item, position, number));
        }
        _ => {}
    }
}

proptest! {
    // Each case writes whole reports.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_result_with_any_number_can_be_shown(
        position in 0..400_usize,
        number in prop_oneof![any::<f64>().prop_map(Into::into), any::<u64>().prop_map(Into::into), Just(0.into())],
    ) {
        let mut value = serde_json::to_value(sample()).unwrap();
        replace(&mut value, &mut position.clone(), &number);
        if let Ok(run) = Run::parse(&value.to_string()) {
            prop_assert!(crate::report::markdown(&run).contains("films"));
            prop_assert!(crate::report::html(&run).contains("films"));
            prop_assert!(!crate::regression::conditions(&run).is_empty());
        }
    }
}

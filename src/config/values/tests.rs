//! Each type reads back what it prints, and accepts every text that matches its pattern in the schema.

use proptest::prelude::*;

use super::*;
use crate::config::log_filter::LogFilter;
use crate::config::origins::Origins;

/// Reads a text as a `T`, and checks that the `T` reads back from what it prints.
fn read_back<T>(text: &str) -> Result<Option<T>, TestCaseError>
where
    T: TryFrom<String> + Into<String> + Clone + PartialEq + fmt::Debug,
{
    let Ok(value) = T::try_from(text.to_owned()) else { return Ok(None) };
    let printed: String = value.clone().into();
    prop_assert_eq!(T::try_from(printed.clone()).ok(), Some(value.clone()), "{} prints {}", text, printed);
    Ok(Some(value))
}

/// Texts that look like durations, valid and invalid ones.
const DURATION: &str = "([0-9]{1,20}(\\.[0-9]{1,3})? ?(ns|us|ms|s|m|h|d|w|M|y|sec|min|days|x)? ?){1,3}";

fn texts<T: JsonSchema>() -> impl Strategy<Value = String> {
    let schema = serde_json::to_value(schemars::schema_for!(T)).unwrap();
    let pattern = schema["pattern"].as_str().unwrap();
    prop::string::string_regex(pattern.trim_matches(['^', '$'])).unwrap()
}

proptest! {
    #[test]
    fn a_text_that_matches_the_pattern_of_a_timeout_is_a_timeout(text in texts::<Timeout>()) {
        prop_assert!(Timeout::try_from(text).is_ok());
    }

    #[test]
    fn a_text_that_matches_the_pattern_of_a_log_filter_is_a_log_filter(text in texts::<LogFilter>()) {
        prop_assert!(read_back::<LogFilter>(&text)?.is_some(), "{}", text);
    }

    #[test]
    fn a_text_that_matches_the_pattern_of_origins_is_a_list_of_origins(text in texts::<Origins>()) {
        prop_assert!(read_back::<Origins>(&text)?.is_some(), "{}", text);
    }

    #[test]
    fn a_text_that_matches_the_pattern_of_a_delay_is_a_delay(text in texts::<Delay>()) {
        prop_assert!(Delay::try_from(text).is_ok());
    }

    #[test]
    fn a_duration_is_read_as_humantime_reads_it_up_to_30_days(text in DURATION) {
        let duration = humantime::parse_duration(&text).ok().filter(|duration| *duration <= LONGEST);
        prop_assert_eq!(read_back::<Delay>(&text)?.map(Delay::get), duration);
        let timeout = duration.filter(|duration| !duration.is_zero());
        prop_assert_eq!(read_back::<Timeout>(&text)?.map(Timeout::get), timeout);
    }

    #[test]
    fn a_duration_reads_back_to_the_nanosecond(duration in any::<Duration>()) {
        let duration = Duration::new(duration.as_secs() % LONGEST.as_secs(), duration.subsec_nanos());
        prop_assert_eq!(Delay::try_from(String::from(Delay(duration))), Ok(Delay(duration)));
    }

    #[test]
    fn an_address_reads_back(address in any::<SocketAddr>()) {
        let read = read_back::<Address>(&address.to_string())?;
        prop_assert_eq!(read.map(|read| read.get().to_string()), Some(address.to_string()));
    }

    #[test]
    fn any_text_is_read_back_or_refused(text in any::<String>(), word in "[a-z0-9:.=,*/@ \\[\\]{}\"-]{0,30}") {
        for text in [text, word] {
            read_back::<Timeout>(&text)?;
            read_back::<Delay>(&text)?;
            read_back::<Address>(&text)?;
            read_back::<LogFilter>(&text)?;
            read_back::<Origins>(&text)?;
        }
    }

    #[test]
    fn the_error_of_an_origin_never_shows_its_password(host in "[a-z]{1,9}", path in "[ -~]{0,9}") {
        let text = format!("https://user:s3cret@{host}{path}");
        let error = Origins::try_from(text).map_or_else(|error| error, String::from);
        prop_assert!(!error.contains("s3cret"), "{}", error);
    }
}

//! The origins of pages in browsers that may use the API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// No origin, any origin (`*`), or origins separated by commas.
///
/// The pattern of the schema lacks IPv6 addresses and internationalized names, because it must not allow a text
/// that the loader refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend(
    "x-expected" = "*, or origins separated by commas: https://example.org, http://localhost:8080",
    "pattern" = pattern(),
))]
pub enum Origins {
    /// Any origin.
    Any,
    /// These origins, as browsers write them. May be empty.
    Listed(Vec<String>),
}

fn pattern() -> String {
    let label = "[a-z0-9]+(-[a-z0-9]+)*";
    // A name whose last label begins with a digit would be read as an IPv4 address.
    let last_label = "[a-z][a-z0-9]*(-[a-z0-9]+)*";
    let byte = "(0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])";
    let host = format!(r"(({label}\.){{0,8}}{last_label}|{byte}(\.{byte}){{3}})");
    let port = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2})";
    let origin = format!("https?://{host}(:{port})?");
    format!(r"^(\*|{origin}(, ?{origin}){{0,31}})?$")
}

impl Origins {
    /// Returns whether there is no origin.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Listed(origins) if origins.is_empty())
    }
}

impl Default for Origins {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl TryFrom<String> for Origins {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.trim() {
            "*" => Ok(Self::Any),
            "" => Ok(Self::default()),
            list => list.split(',').map(str::trim).map(origin).collect::<Result<_, _>>().map(Self::Listed),
        }
    }
}

/// Returns an origin as browsers write it. The errors do not repeat the text, which may contain a password.
fn origin(text: &str) -> Result<String, String> {
    let expected =
        "expected * or origins separated by commas, such as https://example.org, http://localhost:8080";
    let is_origin = |url: &Url| matches!(url.scheme(), "http" | "https") && !text.contains('*');
    let url = Url::parse(text).ok().filter(is_origin).ok_or(expected)?;
    let origin = url.origin().ascii_serialization();
    if url.as_str().trim_end_matches('/') == origin {
        Ok(origin)
    } else {
        Err(format!("expected {origin} and nothing after it, because a browser sends the origin only"))
    }
}

impl From<Origins> for String {
    fn from(origins: Origins) -> Self {
        match origins {
            Origins::Any => "*".to_owned(),
            Origins::Listed(origins) => origins.join(", "),
        }
    }
}

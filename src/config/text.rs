//! Values that are written as text, with errors that say what was expected.

use std::net::SocketAddr;

use serde::de::{Error, IntoDeserializer as _};
use serde::{Deserialize, Deserializer};

/// An address with its port.
pub(super) fn address<'de, D: Deserializer<'de>>(input: D) -> Result<SocketAddr, D::Error> {
    String::deserialize(input)?
        .parse()
        .map_err(|_| D::Error::custom("expected an address with a port, such as 0.0.0.0:5000"))
}

/// An enum by its name. config's own error would not say which names there are.
pub(super) fn name<'de, D: Deserializer<'de>, T: Deserialize<'de>>(input: D) -> Result<T, D::Error> {
    T::deserialize(String::deserialize(input)?.into_deserializer())
}

/// A duration with its unit, as [`humantime`] reads and writes it.
pub(super) mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(value: &Duration, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&humantime::format_duration(*value))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Duration, D::Error> {
        humantime::parse_duration(&String::deserialize(input)?)
            .map_err(|_| D::Error::custom("expected a duration with its unit, such as 500ms or 5s"))
    }
}

//! Formats: as the name that is read back as the format, or else as name and encoding.

use super::named::TextVisitor;
use crate::spec::{Encoding, FormatSpec};
use alloc::string::String;
use core::fmt::{Formatter, Result as Written};
use core::marker::PhantomData;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// A format by its parts.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "FormatSpec", deny_unknown_fields)]
struct FormatParts<N> {
    name: N,
    encoding: Encoding,
}

/// Writes the name of a named format, for people; else name and encoding.
///
/// ```
/// use subhalf::FormatSpec;
/// assert_eq!(serde_json::to_string(&FormatSpec::F8E4M3)?, r#""F8E4M3""#);
/// let own = FormatSpec::sign_magnitude("own", 5, 1).unwrap();
/// let text = serde_json::to_string(&own)?;
/// assert!(text.starts_with(r#"{"name":"own","encoding":{"float":{"signed":true,"#), "{text}");
/// assert_eq!(serde_json::from_str::<FormatSpec>(&text)?, own);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl Serialize for FormatSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = self.name().parse::<Self>();
        let is_known = named.is_ok_and(|known| known == *self && known.name() == self.name());
        if is_known && serializer.is_human_readable() {
            return serializer.serialize_str(self.name());
        }
        FormatParts { name: self.name(), encoding: *self.encoding() }.serialize(serializer)
    }
}

/// Reads the name of a format, in any vocabulary, or name and encoding, which are checked.
impl<'de> Deserialize<'de> for FormatSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_any(FormatVisitor);
        }
        FormatParts::<String>::deserialize(deserializer).and_then(checked)
    }
}

fn checked<E: Error>(parts: FormatParts<String>) -> Result<FormatSpec, E> {
    FormatSpec::new(&parts.name, parts.encoding).map_err(E::custom)
}

struct FormatVisitor;

impl<'de> Visitor<'de> for FormatVisitor {
    type Value = FormatSpec;

    fn expecting(&self, f: &mut Formatter<'_>) -> Written {
        f.write_str("the name of a format, or its name and encoding")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<FormatSpec, E> {
        TextVisitor(PhantomData).visit_str(name)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FormatSpec, A::Error> {
        FormatParts::deserialize(MapAccessDeserializer::new(map)).and_then(checked)
    }
}

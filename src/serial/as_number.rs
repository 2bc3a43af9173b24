//! For `#[serde(with = "subhalf::serde_as_number")]`: a field of a scalar type is written as its
//! number, not as its code.
//!
//! Infinities and NaN are written as `"inf"`, `"-inf"` and `"NaN"` where the format is for people;
//! a NaN comes back as the one that the type's policy makes. A number that is read is rounded once
//! under the type's policy.
//!
//! ```
//! use subhalf::F8E4M3;
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Layer {
//!     bits: F8E4M3,
//!     #[serde(with = "subhalf::serde_as_number")]
//!     scale: F8E4M3,
//! }
//! let x = F8E4M3::from_f32(0.3);
//! let text = serde_json::to_string(&Layer { bits: x, scale: x })?;
//! assert_eq!(text, r#"{"bits":42,"scale":0.3125}"#);
//! let read: Layer = serde_json::from_str(r#"{"bits":42,"scale":0.3}"#)?;
//! assert_eq!((read.bits, read.scale), (x, x));
//! # Ok::<(), serde_json::Error>(())
//! ```

use super::number;
use crate::codec::Unpacked;
use crate::format::Format;
use serde::{Deserializer, Serializer};

/// Writes the number of a scalar.
///
/// # Errors
/// Those of the serializer, and one for a number that f64 does not have.
pub fn serialize<T: Format, S: Serializer>(x: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let wide = x.decode_f64();
    if !wide.is_nan() && Unpacked::from_f64(wide) != x.unpack() {
        return Err(serde::ser::Error::custom("expected a number that f64 has"));
    }
    number::serialize(&wide, serializer)
}

/// Reads a number and rounds it.
///
/// # Errors
/// Those of the deserializer.
pub fn deserialize<'de, T: Format, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    number::deserialize(deserializer).map(T::encode_f64)
}

//! For `#[serde(with = "subhalf::serde_as_string")]`: a field of a scalar type is written as the
//! text that it prints, not as its code. Numbers of every format come back, NaN as the one that the
//! type's policy makes.
//!
//! ```
//! use subhalf::F8E5M2;
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Layer(#[serde(with = "subhalf::serde_as_string")] F8E5M2);
//! assert_eq!(serde_json::to_string(&Layer(F8E5M2::NEG_INFINITY))?, r#""-inf""#);
//! let read: Layer = serde_json::from_str(r#""1e-3""#)?;
//! assert_eq!(read.0, F8E5M2::from_f64(0.001));
//! # Ok::<(), serde_json::Error>(())
//! ```

use super::named::TextVisitor;
use core::fmt::Display;
use core::marker::PhantomData;
use core::str::FromStr;
use serde::{Deserializer, Serializer};

/// Writes what `Display` does.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T: Display, S: Serializer>(x: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(x)
}

/// Reads what `FromStr` does.
///
/// # Errors
/// Those of the deserializer, and one for what is no number.
pub fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_str(TextVisitor(PhantomData))
}

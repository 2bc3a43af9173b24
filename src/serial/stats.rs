//! What was measured. Everything that a type sums is written, so that sums go on after they are
//! read.

use crate::block::Region;
use crate::stats::Sqnr;
use core::fmt::{Formatter, Result as Written};
use core::ops::Range;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

/// Writes decibels as a number, `"-inf"`, `"exact"` or `"NaN"`.
///
/// ```
/// use subhalf::Sqnr;
/// let text = serde_json::to_string(&[Sqnr::Exact, Sqnr::Decibels(31.5), Sqnr::Undefined])?;
/// assert_eq!(text, r#"["exact",31.5,"NaN"]"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
impl Serialize for Sqnr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Exact => serializer.serialize_str("exact"),
            Self::Decibels(value) if value.is_finite() => serializer.serialize_f64(*value),
            Self::Decibels(value) => serializer.collect_str(value),
            Self::Undefined => serializer.serialize_str("NaN"),
        }
    }
}

/// Reads what is written.
impl<'de> Deserialize<'de> for Sqnr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SqnrVisitor)
    }
}

struct SqnrVisitor;

impl Visitor<'_> for SqnrVisitor {
    type Value = Sqnr;

    fn expecting(&self, f: &mut Formatter<'_>) -> Written {
        f.write_str("decibels, \"exact\", \"-inf\" or \"NaN\"")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Sqnr, E> {
        Ok(Sqnr::Decibels(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Sqnr, E> {
        Ok(Sqnr::Decibels(value as f64))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Sqnr, E> {
        Ok(Sqnr::Decibels(value as f64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Sqnr, E> {
        match text {
            "exact" => Ok(Sqnr::Exact),
            "NaN" => Ok(Sqnr::Undefined),
            "-inf" => Ok(Sqnr::Decibels(f64::NEG_INFINITY)),
            _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}

/// A tile by its parts.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "Region", deny_unknown_fields)]
struct RegionParts {
    rows: Range<usize>,
    cols: Range<usize>,
    row_length: usize,
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (rows, cols) = (self.rows.clone(), self.cols.clone());
        RegionParts { rows, cols, row_length: self.row_length() }.serialize(serializer)
    }
}

/// Reads a tile whose columns are in its rows, and whose indices are in range.
impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let RegionParts { rows, cols, row_length } = RegionParts::deserialize(deserializer)?;
        let region = Self::checked(rows, cols, row_length);
        region
            .ok_or_else(|| D::Error::custom("region: expected columns within the rows of a tensor"))
    }
}

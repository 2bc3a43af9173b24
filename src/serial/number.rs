//! f32s and f64s of which some may not be finite. For people these are the words that `FromStr` of
//! the type reads; other formats have a place for them.

use crate::stats::ErrorStats;
use core::fmt::{Display, Formatter, Result as Written};
use core::marker::PhantomData;
use core::str::FromStr;
use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

/// f32 or f64.
pub(crate) trait NativeFloat: Copy + Display + FromStr + Serialize + Into<f64> {
    /// A number that was read as an f64.
    fn of(x: f64) -> Self;
}

impl NativeFloat for f32 {
    fn of(x: f64) -> Self {
        x as Self
    }
}

impl NativeFloat for f64 {
    fn of(x: f64) -> Self {
        x
    }
}

pub(crate) fn serialize<T: NativeFloat, S: Serializer>(
    x: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let wide: f64 = (*x).into();
    if serializer.is_human_readable() && !wide.is_finite() {
        return serializer.collect_str(x);
    }
    x.serialize(serializer)
}

pub(crate) fn deserialize<'de, T: NativeFloat, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    if deserializer.is_human_readable() {
        return deserializer.deserialize_any(NumberVisitor(PhantomData));
    }
    if size_of::<T>() == size_of::<f32>() {
        return deserializer.deserialize_f32(NumberVisitor(PhantomData));
    }
    deserializer.deserialize_f64(NumberVisitor(PhantomData))
}

struct NumberVisitor<T>(PhantomData<T>);

impl<T: NativeFloat> Visitor<'_> for NumberVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut Formatter<'_>) -> Written {
        f.write_str("a number, \"inf\", \"-inf\" or \"NaN\"")
    }

    fn visit_f32<E: Error>(self, x: f32) -> Result<T, E> {
        Ok(T::of(x.into()))
    }

    fn visit_f64<E: Error>(self, x: f64) -> Result<T, E> {
        Ok(T::of(x))
    }

    fn visit_u64<E: Error>(self, x: u64) -> Result<T, E> {
        Ok(T::of(x as f64))
    }

    fn visit_i64<E: Error>(self, x: i64) -> Result<T, E> {
        Ok(T::of(x as f64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let known = matches!(text, "inf" | "-inf" | "NaN");
        let found = text.parse().ok().filter(|_| known);
        found.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// A pair of numbers.
pub(super) mod pair {
    use super::{Deserializer, Serializer};
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct TwoNumbers(#[serde(with = "super")] f32, #[serde(with = "super")] f32);

    pub(in super::super) fn serialize<S: Serializer>(
        x: &(f32, f32),
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        TwoNumbers(x.0, x.1).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<(f32, f32), D::Error> {
        TwoNumbers::deserialize(deserializer).map(|TwoNumbers(low, high)| (low, high))
    }
}

/// A count, as large as one may be that was read: far from where counts that are added up would
/// leave u64.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    const MOST: u64 = 1 << 53;
    let count = u64::deserialize(deserializer)?;
    if count > MOST {
        let expected = "a count of at most 2^53";
        return Err(D::Error::invalid_value(Unexpected::Unsigned(count), &expected));
    }
    Ok(count)
}

/// A count of elements of a partial sum that is not complete.
pub(crate) fn below_partial<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let count = u32::deserialize(deserializer)?;
    if count >= ErrorStats::PARTIAL {
        let expected = "fewer elements than a partial sum has";
        return Err(D::Error::invalid_value(Unexpected::Unsigned(count.into()), &expected));
    }
    Ok(count)
}

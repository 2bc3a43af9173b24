//! Values that have a name, or a text that says all about them.

use crate::flags::Flags;
use crate::format::Vocabulary;
#[cfg(feature = "matmul")]
use crate::mma::{Accumulator, Chain, Combine, IntegerOverflow, KSchedule, preset::MatrixUnit};
use crate::policy::{
    Convert, DivisionByZero, Infinity, MissingNan, Nan, Negative, Overflow, SubnormalInputs, Zero,
};
use crate::round::{Round, Stochastic};
use crate::unary::Unary;
use core::fmt::{Display, Formatter, Result as Written};
use core::marker::PhantomData;
use core::str::FromStr;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

/// Reads a text and parses it.
pub(super) struct TextVisitor<T>(pub(super) PhantomData<T>);

impl<T: FromStr<Err: Display>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut Formatter<'_>) -> Written {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

macro_rules! as_text {
    ($($type:ty)*) => {$(
        /// Writes what `Display` does.
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        /// Reads what `FromStr` does.
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(TextVisitor(PhantomData))
            }
        }
    )*};
}

as_text! {
    Convert DivisionByZero Flags Infinity MissingNan Nan Negative Overflow Round Stochastic
    SubnormalInputs Unary Vocabulary Zero
}

#[cfg(feature = "matmul")]
as_text! { Accumulator Chain Combine IntegerOverflow KSchedule MatrixUnit }

#[cfg(feature = "presets")]
as_text! { crate::block::preset::Evidence crate::block::preset::Preset }

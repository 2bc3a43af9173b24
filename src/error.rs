//! The one error type of the crate. It owns the wording of every refusal; it decides nothing.

use crate::name::Name;
use core::fmt;

/// Why a request was refused. Every message names what was expected and what was found.
///
/// ```
/// use subhalf::FormatSpec;
/// let mut codes = [0u8; 2];
/// let error = FormatSpec::F8E4M3.encode_slice(&[1.0f32; 3], &mut codes).unwrap_err();
/// assert_eq!(error.to_string(), "output length: expected 3, found 2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A part of a format specification is out of its range.
    SpecRange {
        /// The part that was refused.
        what: &'static str,
        /// The value that was given.
        found: i64,
        /// The smallest value allowed.
        low: i64,
        /// The largest value allowed.
        high: i64,
    },
    /// Two parts of a format specification contradict each other.
    SpecConflict(&'static str),
    /// A codebook entry is not a usable number.
    Codebook {
        /// Position of the entry, which is also its code.
        index: usize,
        /// The entry as f32 bits.
        bits: u32,
        /// What an entry has to be.
        expected: &'static str,
    },
    /// Parts of a block specification contradict each other.
    Block(&'static str),
    /// A shape holds more elements, or a buffer for it more bytes, than the address space.
    TooLarge,
    /// A range of rows is not one that can be cut out.
    Rows {
        /// First row.
        start: usize,
        /// The row behind the last.
        end: usize,
        /// Rows that there are.
        rows: usize,
        /// Rows that cannot be separated.
        step: usize,
    },
    /// A range of columns is not one that can be cut out.
    Columns {
        /// First column.
        start: usize,
        /// The column behind the last.
        end: usize,
        /// Columns that there are.
        cols: usize,
        /// Columns that cannot be separated.
        step: usize,
    },
    /// A stored number is not one that its format has.
    Stored {
        /// Which buffer, in words.
        what: &'static str,
        /// Position in the buffer, in elements.
        index: usize,
        /// What is expected in its place, in words.
        expected: &'static str,
        /// The code or the bits that were found.
        found: u32,
    },
    /// A scale or minimum to quantize with is not one that can be taken.
    Given {
        /// Which numbers, in words.
        what: &'static str,
        /// Position among the numbers that were given.
        index: usize,
        /// What is expected in its place, in words.
        expected: &'static str,
        /// The number that was given, as f32 bits.
        bits: u32,
    },
    /// A zero point to quantize with is no integer that the elements have.
    ZeroPoint {
        /// Position among the zero points.
        index: usize,
        /// The smallest element.
        low: i32,
        /// The largest element.
        high: i32,
        /// The number that was given, as f32 bits.
        bits: u32,
    },
    /// A tensor is not in the format that a call is for.
    Scheme {
        /// Which tensor or call, in words.
        what: &'static str,
        /// What it should have been.
        expected: &'static str,
    },
    /// A buffer has the wrong length.
    Length {
        /// Which buffer, in words.
        what: &'static str,
        /// The length that fits, in elements.
        expected: usize,
        /// The length that was given, in elements.
        found: usize,
    },
    /// A code type is too narrow for the codes of a format.
    CodeWidth {
        /// The format whose codes were to be stored.
        format: Name,
        /// Bits of a code of the format.
        needed: u32,
        /// Bits of the code type that was given.
        found: u32,
    },
    /// A type stands for another format than the call's.
    Format {
        /// The format of the call.
        expected: Name,
        /// The format of the type.
        found: Name,
    },
    /// A rounding asks for more or fewer random bits than a word can give.
    RandomBits {
        /// The number that was asked for.
        found: u8,
    },
    /// A table of a function was asked for under a rounding that takes random bits.
    TableRound,
    /// Nothing has this name.
    UnknownName {
        /// What was looked up: a format, a rounding, a preset, …
        what: &'static str,
        /// Where it was looked up: a vocabulary, or the list of all names.
        vocabulary: &'static str,
        /// The name, cut to 23 bytes.
        name: Name,
        /// The name that is nearest to it, if there is a near one.
        nearest: Option<&'static str>,
    },
    /// The name stands for different formats in different vocabularies.
    AmbiguousName {
        /// The name, cut to 23 bytes.
        name: Name,
        /// One of the formats that the name stands for.
        first: Name,
        /// The vocabulary in which the name stands for `first`.
        first_vocabulary: &'static str,
        /// Another format that the name stands for.
        second: Name,
        /// The vocabulary in which the name stands for `second`.
        second_vocabulary: &'static str,
    },
}

impl Error {
    /// Refuses a buffer of another length.
    pub(crate) const fn check_length(
        what: &'static str,
        expected: usize,
        found: usize,
    ) -> Result<(), Self> {
        if expected == found { Ok(()) } else { Err(Self::Length { what, expected, found }) }
    }

    /// Refuses a name, however long it is.
    pub(crate) const fn unknown_name(
        what: &'static str,
        vocabulary: &'static str,
        name: &str,
        nearest: Option<&'static str>,
    ) -> Self {
        Self::UnknownName { what, vocabulary, name: Name::cut(name), nearest }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SpecRange { what, found, low, high } => {
                write!(f, "format specification: {what}: expected {low}..={high}, found {found}")
            }
            Self::SpecConflict(conflict) => write!(f, "format specification: {conflict}"),
            Self::Codebook { index, bits, expected } => {
                write!(f, "codebook entry {index} (f32 bits {bits:#010x}): expected {expected}")
            }
            Self::Block(conflict) => write!(f, "block specification: {conflict}"),
            Self::TooLarge => {
                write!(
                    f,
                    "shape: expected fewer than 2^{} elements and bytes, found more",
                    usize::BITS - 1
                )
            }
            Self::Columns { start, end, cols, step } => {
                write!(
                    f,
                    "columns {start}..{end}: expected a range within 0..{cols}, starting at a \
                     multiple of {step}"
                )
            }
            Self::Rows { start, end, rows, step } => {
                write!(
                    f,
                    "rows {start}..{end}: expected a range within 0..{rows}, \
                     starting and ending at a multiple of {step}"
                )
            }
            Self::Stored { what, index, expected, found } => {
                write!(f, "{what} {index}: expected {expected}, found {found:#x}")
            }
            Self::Given { what, index, expected, bits } => {
                write!(f, "{what} {index}: expected {expected}, found {:?}", f32::from_bits(*bits))
            }
            Self::ZeroPoint { index, low, high, bits } => {
                write!(
                    f,
                    "zero point {index}: expected an integer from {low} to {high}, found {:?}",
                    f32::from_bits(*bits)
                )
            }
            Self::Scheme { what, expected } => write!(f, "{what}: expected {expected}"),
            Self::Length { what, expected, found } => {
                write!(f, "{what}: expected {expected}, found {found}")
            }
            Self::CodeWidth { format, needed, found } => {
                write!(f, "code type: expected at least {needed} bits for {format}, found {found}")
            }
            Self::Format { expected, found } => {
                write!(f, "format of the type: expected {expected}, found {found}")
            }
            Self::RandomBits { found } => {
                write!(f, "stochastic rounding: expected 1..=32 random bits, found {found}")
            }
            Self::TableRound => f.write_str(
                "lookup table: expected a rounding without random bits, found a stochastic one",
            ),
            Self::UnknownName { what, vocabulary, name, nearest } => {
                write!(f, "{what} name: expected a name of {vocabulary}, found {name:?}")?;
                match nearest {
                    Some(nearest) => write!(f, "; the nearest is {nearest}"),
                    None => Ok(()),
                }
            }
            Self::AmbiguousName { name, first, first_vocabulary, second, second_vocabulary } => {
                write!(
                    f,
                    "format name {name:?} is ambiguous: {first_vocabulary} means {first}, \
                     {second_vocabulary} means {second}; name the vocabulary"
                )
            }
        }
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::{format, string::ToString};

    #[test]
    fn every_variant_says_what_was_expected_and_what_was_found() {
        let what = "output length";
        let name = Name::cut;
        let messages = [
            (
                Error::SpecRange { what: "exponent bits", found: -3, low: 0, high: 11 },
                "format specification: exponent bits: expected 0..=11, found -3",
            ),
            (Error::SpecConflict("no bits"), "format specification: no bits"),
            (
                Error::Codebook { index: 7, bits: 0x7F80_0000, expected: "a finite number" },
                "codebook entry 7 (f32 bits 0x7f800000): expected a finite number",
            ),
            (
                Error::Codebook { index: 0, bits: 1, expected: "no subnormal" },
                "codebook entry 0 (f32 bits 0x00000001): expected no subnormal",
            ),
            (Error::Block("no elements"), "block specification: no elements"),
            (
                Error::Columns { start: 3, end: 9, cols: 8, step: 1 },
                "columns 3..9: expected a range within 0..8, starting at a multiple of 1",
            ),
            (
                Error::Rows { start: 3, end: 9, rows: 8, step: 4 },
                "rows 3..9: expected a range within 0..8, starting and ending at a multiple of 4",
            ),
            (
                Error::Stored { what: "scale", index: 2, expected: "a number", found: 0xFF },
                "scale 2: expected a number, found 0xff",
            ),
            (
                Error::Given {
                    what: "scale",
                    index: 5,
                    expected: "a positive number",
                    bits: (-0.0f32).to_bits(),
                },
                "scale 5: expected a positive number, found -0.0",
            ),
            (
                Error::Given {
                    what: "minimum",
                    index: 0,
                    expected: "a number",
                    bits: f32::NAN.to_bits(),
                },
                "minimum 0: expected a number, found NaN",
            ),
            (
                Error::ZeroPoint { index: 1, low: -8, high: 7, bits: 2.5f32.to_bits() },
                "zero point 1: expected an integer from -8 to 7, found 2.5",
            ),
            (Error::Scheme { what: "tensor", expected: "MXFP4" }, "tensor: expected MXFP4"),
            (Error::Length { what, expected: 3, found: 2 }, "output length: expected 3, found 2"),
            (
                Error::CodeWidth { format: name("BF16"), needed: 16, found: 8 },
                "code type: expected at least 16 bits for BF16, found 8",
            ),
            (
                Error::Format { expected: name("F8E4M3"), found: name("BF16") },
                "format of the type: expected F8E4M3, found BF16",
            ),
            (
                Error::RandomBits { found: 33 },
                "stochastic rounding: expected 1..=32 random bits, found 33",
            ),
            (
                Error::TableRound,
                "lookup table: expected a rounding without random bits, found a stochastic one",
            ),
            (
                Error::unknown_name("format", "OCP", "F9\n", None),
                r#"format name: expected a name of OCP, found "F9\n""#,
            ),
            (
                Error::unknown_name("rounding", "Round", "nearest", Some("nearest-up")),
                "rounding name: expected a name of Round, found \"nearest\"; the nearest is \
                 nearest-up",
            ),
            (
                Error::AmbiguousName {
                    name: name("E4M3"),
                    first: name("F8E4M3"),
                    first_vocabulary: "OCP",
                    second: name("F8E4M3IEEE"),
                    second_vocabulary: "ml_dtypes",
                },
                "format name \"E4M3\" is ambiguous: OCP means F8E4M3, ml_dtypes means F8E4M3IEEE; \
                 name the vocabulary",
            ),
        ];
        for (error, message) in messages {
            assert_eq!(error.to_string(), message);
        }
        let too_large = format!(
            "shape: expected fewer than 2^{} elements and bytes, found more",
            usize::BITS - 1
        );
        assert_eq!(Error::TooLarge.to_string(), too_large);
    }
}

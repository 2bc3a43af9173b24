//! The one error type of the crate. It owns the wording of every refusal; it decides nothing.

use crate::name::Name;

/// Why a request was refused. Every message names what was expected and what was found.
///
/// ```
/// use subhalf::{Dither, Exec, FormatSpec, encode_slice};
/// let mut codes = [0u8; 2];
/// let spec = FormatSpec::F8E4M3;
/// let error = encode_slice(&spec, &[1.0f32; 3], &mut codes, &spec.default_convert(), Dither::NONE, Exec::default());
/// assert_eq!(error.unwrap_err().to_string(), "output length: expected 3, found 2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A part of a format specification is out of its range.
    #[error("format specification: {what}: expected {low}..={high}, found {found}")]
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
    #[error("format specification: {0}")]
    SpecConflict(&'static str),
    /// A codebook entry is not a usable number.
    #[error("codebook entry {index} (f32 bits {bits:#010x}): expected {expected}")]
    Codebook {
        /// Position of the entry, which is also its code.
        index: usize,
        /// The entry as f32 bits.
        bits: u32,
        /// What an entry has to be.
        expected: &'static str,
    },
    /// Parts of a block specification contradict each other.
    #[error("block specification: {0}")]
    Block(&'static str),
    /// A shape holds more elements, or a buffer for it more bytes, than the address space.
    #[error("shape: expected fewer than 2^{} elements and bytes, found more", usize::BITS - 1)]
    TooLarge,
    /// A range of rows is not one that can be cut out.
    #[error("rows {start}..{end}: expected a range within 0..{rows}, starting and ending at a multiple of {step}")]
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
    /// A stored number is not one that its format has.
    #[error("{what} {index}: expected {expected}, found {found:#x}")]
    Stored {
        /// Which buffer, in words.
        what: &'static str,
        /// Position in it, in elements.
        index: usize,
        /// What would be right.
        expected: &'static str,
        /// The code or the bits that were found.
        found: u32,
    },
    /// A scale or minimum to quantize with is not one that can be taken.
    #[error("{what} {index}: expected {expected}, found {:?}", f32::from_bits(*bits))]
    Given {
        /// Which numbers, in words.
        what: &'static str,
        /// Position among them.
        index: usize,
        /// What would be right.
        expected: &'static str,
        /// The number that was given, as f32 bits.
        bits: u32,
    },
    /// A zero point to quantize with is no integer that the elements have.
    #[error("zero point {index}: expected an integer from {low} to {high}, found {:?}", f32::from_bits(*bits))]
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
    #[error("{what}: expected {expected}")]
    Scheme {
        /// Which tensor or call, in words.
        what: &'static str,
        /// What it should have been.
        expected: &'static str,
    },
    /// A buffer has the wrong length.
    #[error("{what}: expected {expected}, found {found}")]
    Length {
        /// Which buffer, in words.
        what: &'static str,
        /// The length that fits, in elements.
        expected: usize,
        /// The length that was given, in elements.
        found: usize,
    },
    /// A code type is too narrow for the codes of a format.
    #[error("code type: expected at least {needed} bits for {format}, found {found}")]
    CodeWidth {
        /// The format whose codes were to be stored.
        format: Name,
        /// Bits of a code.
        needed: u32,
        /// Bits of the type.
        found: u32,
    },
    /// A rounding asks for more or fewer random bits than a word can give.
    #[error("stochastic rounding: expected 1..=32 random bits, found {found}")]
    RandomBits {
        /// The number that was asked for.
        found: u8,
    },
    /// A table of a function was asked for under a rounding that takes random bits.
    #[error("lookup table: expected a rounding without random bits, found a stochastic one")]
    TableRound,
    /// No format has this name in this vocabulary.
    #[error("format name: expected a name of {vocabulary}, found {name:?}")]
    UnknownName {
        /// Where the name was looked up.
        vocabulary: &'static str,
        /// The name, cut to 23 bytes.
        name: Name,
    },
    /// The name stands for different formats in different vocabularies.
    #[error(
        "format name {name:?} is ambiguous: {first_vocabulary} means {first}, {second_vocabulary} means {second}; name the vocabulary"
    )]
    AmbiguousName {
        /// The name, cut to 23 bytes.
        name: Name,
        /// One meaning.
        first: Name,
        /// The vocabulary of that meaning.
        first_vocabulary: &'static str,
        /// Another meaning.
        second: Name,
        /// The vocabulary of the other meaning.
        second_vocabulary: &'static str,
    },
}

impl Error {
    /// Refuses a buffer of another length.
    pub(crate) const fn check_length(what: &'static str, expected: usize, found: usize) -> Result<(), Self> {
        if expected == found { Ok(()) } else { Err(Self::Length { what, expected, found }) }
    }
}

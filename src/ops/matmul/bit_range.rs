//! [`BitRange`]: where the bits of numbers lie, which says whether their products are f32s.
//!
//! A number is `m · 2^last` with an odd integer m. Of two numbers with at most p and q significant
//! bits the product has at most p + q; the exponents of the last bits add up, and so do those
//! behind the first bits. A product is an f32 if it has at most 24 bits, all from 2^-149 to 2^127.

use crate::spec::FormatSpec;

/// Bounds for the bits of finite numbers: the exponent of the last bit of any, the exponent behind
/// the first bit of any, and how many bits one may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct BitRange {
    pub(super) last: i32,
    pub(super) end: i32,
    pub(super) bits: i32,
}

impl BitRange {
    /// The range of the scale 1.
    pub(super) const ONE: Self = Self { last: 0, end: 1, bits: 1 };

    /// The range of a format's numbers if that is narrow enough to tell, else of the numbers of
    /// these codes.
    pub(super) fn of(format: Option<&FormatSpec>, codes: impl Iterator<Item = u32>) -> Self {
        // An operand without scales has the scale 1.
        let Some(format) = format else { return Self::ONE };
        if let Some(whole) = Self::of_format(format) {
            return whole;
        }
        // E8M0 and f32 are too wide to be bounded by the format: the bound is that of the scales
        // that occur. A code that was seen before adds nothing, so a table of flags saves decoding
        // it again; codes of more than 16 bits have no flag and are decoded each time.
        let bits = Self::bits(format);
        let mut seen = [0u64; (1 << 16) / 64];
        // Starts at the range of 1: a range that holds 1 too is a bound all the same.
        let mut range = Self { last: 0, end: 1, bits };
        for code in codes {
            // 8 KiB of flags, a bit each, on the stack.
            if let Some(flags) = seen.get_mut(code as usize / 64) {
                let flag = 1 << (code % 64);
                // Nothing is stored for a code that was seen: the next code's load would wait.
                if *flags & flag != 0 {
                    continue;
                }
                *flags |= flag;
            }
            let value = format.decode(code);
            // Zero, infinity and NaN have no bits; products with them are exact in f32.
            if value.is_finite() && !value.is_zero() {
                range.last = range.last.min(value.exponent());
                range.end = range.end.max(value.log2() as i32 + 1);
            }
        }
        range
    }

    /// The range of all numbers of a format, unless it is wider than 60 binades either way.
    pub(super) fn of_format(format: &FormatSpec) -> Option<Self> {
        let whole = Self {
            last: format.smallest_positive().exponent(),
            end: format.max_exponent() + 1,
            bits: Self::bits(format),
        };
        // Products of two such ranges stay within f32.
        (whole.last >= -60 && whole.end <= 60).then_some(whole)
    }

    /// How many bits a number of a format may have.
    fn bits(format: &FormatSpec) -> i32 {
        // Formats without a precision, codebooks say: 64 is more than any f32 has, so nothing
        // passes `is_f32`.
        format.precision().map_or(64, |bits| bits as i32)
    }

    /// The range of products. A power of two, one bit, adds no bits.
    pub(super) const fn times(self, other: Self) -> Self {
        let bits = self.bits + other.bits - (self.bits == 1 || other.bits == 1) as i32;
        Self { last: self.last + other.last, end: self.end + other.end, bits }
    }

    /// The range of these numbers times `2^exponent`.
    pub(super) const fn shifted(self, exponent: i32) -> Self {
        Self { last: self.last + exponent, end: self.end + exponent, ..self }
    }

    /// Whether all are f32s.
    pub(super) const fn is_f32(self) -> bool {
        self.last >= -149 && self.end <= 128 && self.bits <= 24
    }
}

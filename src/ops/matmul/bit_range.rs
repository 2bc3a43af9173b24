//! [`BitRange`]: where the bits of numbers lie, which says whether products and sums of them are
//! f32s.

use crate::spec::FormatSpec;
use alloc::vec;

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
        let Some(format) = format else { return Self::ONE };
        if let Some(whole) = Self::of_format(format) {
            return whole;
        }
        let bits = Self::bits(format);
        let mut seen = vec![false; 1 << format.bits().min(16)];
        let mut range = Self { last: 0, end: 1, bits };
        for code in codes {
            if seen.get_mut(code as usize).is_some_and(|seen| core::mem::replace(seen, true)) {
                continue;
            }
            let value = format.decode(code);
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
            last: format.min_positive().exponent(),
            end: format.max_exponent() + 1,
            bits: Self::bits(format),
        };
        (whole.last >= -60 && whole.end <= 60).then_some(whole)
    }

    /// How many bits a number of a format may have.
    fn bits(format: &FormatSpec) -> i32 {
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

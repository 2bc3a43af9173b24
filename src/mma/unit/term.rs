//! Terms of a fused sum: exact products, with the exponents that hardware sees.
//!
//! Hardware does not normalise before it aligns. A subnormal operand has the exponent of the
//! smallest normal number and leading zeros; the product of two significands in `[0, 2)` is in
//! `[0, 4)` and keeps the sum of the exponents. A term therefore has a *rank*, the exponent that
//! takes part in the search for the largest, beside its value.

use super::spec::float_of;
use crate::codec::Unpacked;
use crate::spec::FormatSpec;

/// A number `±significand · 2^(rank − fraction)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub(super) negative: bool,
    pub(super) significand: u64,
    pub(super) rank: i32,
    pub(super) fraction: i32,
}

impl Term {
    /// The exact value.
    pub(super) const fn value(self) -> Unpacked {
        Unpacked::new(self.negative, self.significand, self.rank - self.fraction)
    }

    /// The value in units of `2^(top − keep)`, cut toward zero, or rounded to odd; `top` is at
    /// least the rank of a term that is not zero.
    pub(super) const fn cut(self, keep: i32, top: i32, to_odd: bool) -> i64 {
        if self.significand == 0 {
            // A zero takes no part in the search for the top, and may rank above it.
            return 0;
        }
        let shift = keep - self.fraction + self.rank - top;
        let magnitude = if shift >= 0 {
            self.significand << shift
        } else if shift > -64 {
            self.significand >> -shift
        } else {
            0
        };
        let whole = shift >= 0 || (shift > -64 && magnitude << -shift == self.significand);
        let magnitude = magnitude | (to_odd && !whole) as u64;
        if self.negative { -(magnitude as i64) } else { magnitude as i64 }
    }

    /// The product, with the sum of the ranks.
    pub(super) const fn times(self, other: Self) -> Self {
        Self {
            negative: self.negative != other.negative,
            significand: self.significand * other.significand,
            rank: self.rank + other.rank,
            fraction: self.fraction + other.fraction,
        }
    }
}

/// What the significands and exponents of a format are like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ranks {
    fraction: i32,
    least: i32,
}

impl Ranks {
    pub(super) const fn new(format: &FormatSpec) -> Self {
        let layout = float_of(format);
        // E8M0 has neither zero nor subnormals: field 0 is the exponent -127.
        let subnormals = matches!(layout.zero_field, crate::spec::ZeroField::Subnormals);
        let least = if subnormals { 1 - layout.bias } else { -layout.bias };
        Self { fraction: layout.mantissa_bits as i32, least }
    }

    /// A finite number of the format as a term.
    pub(super) const fn term(self, x: Unpacked) -> Term {
        if x.is_zero() {
            let negative = x.is_negative();
            return Term { negative, significand: 0, rank: self.least, fraction: self.fraction };
        }
        let top = x.log2() as i32;
        let rank = if top > self.least { top } else { self.least };
        let shift = x.exponent() - (rank - self.fraction);
        // Exact: a number of the format is a multiple of the last place of its rank.
        let significand =
            if shift >= 0 { x.significand() << shift } else { x.significand() >> -shift };
        Term { negative: x.is_negative(), significand, rank, fraction: self.fraction }
    }
}

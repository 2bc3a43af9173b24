//! f32s to integers that saturate, to nearest even, by one f32 addition. It covers every number
//! except NaN, and except infinity where the policy does not saturate it.
//!
//! The sum of a number within the format's range and `1.5 · 2^23` units has the spacing of one
//! unit: the addition rounds, ties to even, and the low bits of the sum are the integer in two's
//! complement. Numbers out of range are clamped first, by two selects that are min and max
//! instructions:
//!
//! ```text
//! code   = bits(clamp(x, low, high) + magic) & mask
//! number = (clamp(x, low, high) + magic) − magic      // exact
//! ```

use crate::codec::Unpacked;
use crate::kernel::native::per_isa;
use crate::policy::{Convert, Overflow, SubnormalInputs};
use crate::round::Round;
use crate::spec::{Code, Encoding, FormatSpec};

/// Parameters of a conversion to an integer or fixed-point format of at most 16 bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Integer {
    /// The smallest number of the format.
    low: f32,
    /// The largest number of the format.
    high: f32,
    /// `1.5 · 2^23` units.
    magic: f32,
    /// The bits of a code.
    mask: u32,
    /// The smallest magnitude, as f32 bits, that this kernel does not cover.
    special: u32,
}

impl Integer {
    /// Returns the parameters, or `None` if the policy does anything but saturate and round to
    /// nearest even.
    pub(crate) fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        let Encoding::Int(layout) = spec.encoding() else { return None };
        let plain = matches!(convert.round, Round::NearestEven)
            && matches!(convert.subnormal_inputs, SubnormalInputs::Keep);
        let unit = -i32::from(layout.fraction_bits);
        // The sum and the unit must be normal f32s.
        let wraps = matches!(convert.overflow, Overflow::Wrap);
        if !plain || wraps || layout.bits > 16 || !(-126..=100).contains(&unit) {
            return None;
        }
        // The reference codec is asked what the policy does: beyond the range, with numbers that
        // round to zero, with zeros, and with negative numbers of an unsigned format.
        let code = |x: Unpacked| spec.encode_with(x, convert, 0).code;
        let saturates =
            |x: Unpacked| code(x) == spec.max_code() && code(x.negate()) == spec.min_code();
        let small = |x: Unpacked| code(x) == 0 && code(x.negate()) == 0;
        let negative = spec.is_signed() || code(Unpacked::new(true, 1, unit)) == spec.min_code();
        let beyond = Unpacked::new(false, 1, unit + i32::from(layout.bits) + 1);
        if !saturates(beyond)
            || !small(Unpacked::new(false, 1, unit - 2))
            || !small(Unpacked::ZERO)
            || !negative
        {
            return None;
        }
        Some(Self {
            low: spec.min().to_f32(),
            high: spec.max().to_f32(),
            // 1.5 and not 1, so that sums with negative numbers stay in the binade.
            magic: Unpacked::new(false, 3, unit + 22).to_f32(),
            mask: spec.code_mask(),
            // If infinity saturates too, only NaN is special: everything above 0x7F80_0000.
            special: if saturates(Unpacked::infinity(false)) { 0x7F80_0001 } else { 0x7F80_0000 },
        })
    }

    /// Returns whether results for numbers with this largest magnitude are correct.
    pub(crate) const fn covers(&self, largest: u32) -> bool {
        largest < self.special
    }

    /// Returns the clamped number plus [`magic`](Self::magic) and raises `largest` to the
    /// magnitude.
    #[inline(always)]
    fn sum(&self, x: f32, largest: &mut u32) -> f32 {
        *largest = (*largest).max(x.to_bits() & 0x7FFF_FFFF);
        // NaN compares false and is clamped too: its chunk is reported by `largest`.
        let x = if x < self.high { x } else { self.high };
        let x = if x > self.low { x } else { self.low };
        // Rounds to a whole number of units, ties to even.
        x + self.magic
    }

    /// Returns the code and raises `largest` to the magnitude.
    #[inline(always)]
    pub(in crate::kernel) fn code(&self, x: f32, largest: &mut u32) -> u32 {
        // The low mantissa bits count units, in two's complement relative to the magic number.
        self.sum(x, largest).to_bits() & self.mask
    }
}

#[inline(always)]
pub(super) fn codes_body<C: Code>(
    integer: &Integer,
    src: &[f32],
    dst: &mut [C],
    largest: &mut u32,
) {
    // Copies that nothing points at stay in registers.
    let (integer, mut top) = (*integer, *largest);
    for (x, code) in src.iter().zip(dst) {
        *code = C::truncate(integer.code(*x, &mut top));
    }
    *largest = top;
}

#[inline(always)]
pub(super) fn numbers_body(integer: &Integer, src: &[f32], dst: &mut [f32], largest: &mut u32) {
    let (integer, mut top) = (*integer, *largest);
    for (x, y) in src.iter().zip(dst) {
        *y = integer.sum(*x, &mut top) - integer.magic;
    }
    *largest = top;
}

per_isa! {
    /// Writes the codes of numbers and raises `largest` to their largest magnitude, as f32 bits.
    /// The codes are correct if the parameters cover that.
    fn encode_integer[C: Code](
        integer: &Integer,
        src: &[f32],
        dst: &mut [C],
        largest: &mut u32,
    ) = codes_body;
    /// Writes the representable numbers nearest to `src` and raises `largest` to their largest
    /// magnitude, as f32 bits.
    fn round_integer[](
        integer: &Integer,
        src: &[f32],
        dst: &mut [f32],
        largest: &mut u32,
    ) = numbers_body;
}

//! f32s to integers that saturate, nearest-even, by one f32 addition: the fast way for all numbers
//! but NaN.
//!
//! The sum of a number within the format's range and `1.5 · 2^23` units has the spacing of one
//! unit: the addition rounds, ties to even, and the low bits of the sum are the integer in two's
//! complement.

use crate::codec::Unpacked;
use crate::kernel::native::per_isa;
use crate::policy::{Convert, Overflow, SubnormalInputs};
use crate::round::Round;
use crate::spec::{Code, Encoding, FormatSpec};

/// Parameters of a conversion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Integer {
    low: f32,
    high: f32,
    /// `1.5 · 2^23` units.
    magic: f32,
    mask: u32,
    /// Bits of the smallest magnitude that is not for this kernel.
    special: u32,
}

impl Integer {
    /// The parameters, if the format and the policy are of the kind.
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
        // Beyond the range, and what an unsigned format does with a negative number that is rounded
        // to zero, or is zero.
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
            magic: Unpacked::new(false, 3, unit + 22).to_f32(),
            mask: spec.code_mask(),
            special: if saturates(Unpacked::infinity(false)) { 0x7F80_0001 } else { 0x7F80_0000 },
        })
    }

    /// Whether a run with this largest magnitude is right.
    pub(crate) const fn covers(&self, largest: u32) -> bool {
        largest < self.special
    }

    /// The sum, and the largest magnitude of this number and those before.
    #[inline(always)]
    fn sum(&self, x: f32, largest: &mut u32) -> f32 {
        *largest = (*largest).max(x.to_bits() & 0x7FFF_FFFF);
        let x = if x < self.high { x } else { self.high };
        let x = if x > self.low { x } else { self.low };
        x + self.magic
    }

    /// The code, and the largest magnitude as before.
    #[inline(always)]
    pub(in crate::kernel) fn code(&self, x: f32, largest: &mut u32) -> u32 {
        self.sum(x, largest).to_bits() & self.mask
    }
}

#[inline(always)]
fn codes_body<C: Code>(integer: &Integer, src: &[f32], dst: &mut [C], largest: &mut u32) {
    let (integer, mut top) = (*integer, *largest);
    for (x, code) in src.iter().zip(dst) {
        *code = C::truncate(integer.code(*x, &mut top));
    }
    *largest = top;
}

#[inline(always)]
fn numbers_body(integer: &Integer, src: &[f32], dst: &mut [f32], largest: &mut u32) {
    let (integer, mut top) = (*integer, *largest);
    for (x, y) in src.iter().zip(dst) {
        *y = integer.sum(*x, &mut top) - integer.magic;
    }
    *largest = top;
}

per_isa! {
    /// Codes of numbers that the parameters cover, and the largest magnitude of them and one
    /// before, as its bits.
    fn encode_integer[C: Code](integer: &Integer, src: &[f32], dst: &mut [C], largest: &mut u32) = codes_body;
    /// The representable numbers nearest to numbers, as before.
    fn round_integer[](integer: &Integer, src: &[f32], dst: &mut [f32], largest: &mut u32) = numbers_body;
}

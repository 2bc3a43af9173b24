//! Integers of at most 8 bits by roundings that take halves up: as C programs do it, by a sum that
//! is truncated, and to nearest with ties away from zero.
//!
//! ```text
//! HalfUp:  code = low + truncated(clamp(y + 0.5 − low, 0, high − low + 0.5))
//! Away:    code = truncated(clamp(y, low, high) ± h)      the sign of y
//! ```
//!
//! With h the f32 before one half the second is the rounding for every f32: a tie and h make the
//! next integer, since the sum, halfway between two f32s, goes to the even one; and below a tie no
//! sum reaches it.

use super::encode::Coder;
use crate::kernel::native::per_isa;
use crate::policy::{Convert, SubnormalInputs};
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec};

/// The f32 before one half.
const BELOW_HALF: f32 = 0.5f32.next_down();

/// Returns the integer toward zero of a number of magnitude below 2^31.
#[inline(always)]
pub(super) fn truncated(x: f32) -> u32 {
    debug_assert!(x.abs() < 2_147_483_648.0);
    // SAFETY: callers clamp to less than 2^23, and a clamp by comparisons leaves no NaN. Without
    // the promise a conversion takes five instructions, not one.
    #[expect(unsafe_code, reason = "a conversion whose range is known")]
    unsafe { x.to_int_unchecked::<i32>() }.cast_unsigned()
}

/// A coder by a sum with one half, truncated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HalfUp {
    /// One half more than the distance of the smallest integer from zero.
    addend: f32,
    /// One half more than the integers between the smallest and the largest.
    most: f32,
    /// The code of the smallest integer.
    first: u32,
    mask: u32,
}

/// A coder to nearest, ties away from zero, that saturates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IntegerAway {
    low: f32,
    high: f32,
    mask: u32,
}

/// Whether a format has integers of at most 8 bits.
fn is_integer(spec: &FormatSpec) -> bool {
    matches!(spec.encoding(), Encoding::Int(layout) if layout.fraction_bits == 0)
        && spec.bits() <= 8
}

impl HalfUp {
    /// Returns the coder for an integer format of at most 8 bits, or `None` for others.
    pub(crate) fn lower(spec: &FormatSpec) -> Option<Self> {
        let (low, high) = (-spec.min().to_f32(), spec.max().to_f32());
        is_integer(spec).then(|| Self {
            addend: low + 0.5,
            most: low + high + 0.5,
            first: spec.min_code(),
            mask: spec.code_mask(),
        })
    }
}

impl Coder for HalfUp {
    const SHORT: bool = true;

    #[inline(always)]
    fn code(&self, y: f32) -> u8 {
        let sum = y + self.addend;
        // Truncation makes zero of everything between −1 and 1, and what is below is clamped to the
        // smallest integer, which zero stands for: as if all that were zero.
        let sum = if sum > 0.0 { sum } else { 0.0 };
        let sum = if sum < self.most { sum } else { self.most };
        (truncated(sum).wrapping_add(self.first) & self.mask) as u8
    }
}

impl IntegerAway {
    /// Returns the coder for an integer format of at most 8 bits and a policy that rounds ties away
    /// from zero and saturates, or `None` for others.
    pub(crate) fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        // The reference codec says what the policy does beyond the range.
        let code = |x: f32| spec.encode_f32_with(x, convert, 0).code;
        let saturates = || code(1e30) == spec.max_code() && code(-1e30) == spec.min_code();
        let plain = matches!(convert.round, Round::NearestAway)
            && matches!(convert.subnormal_inputs, SubnormalInputs::Keep);
        let takes = is_integer(spec) && plain && saturates();
        // A negative number of an unsigned format may be more than clamped.
        let zero = takes && (spec.is_signed() || code(-1.0) == code(0.0));
        let (low, high) = (spec.min().to_f32(), spec.max().to_f32());
        zero.then(|| Self { low, high, mask: spec.code_mask() })
    }
}

impl Coder for IntegerAway {
    const SHORT: bool = true;

    #[inline(always)]
    fn code(&self, y: f32) -> u8 {
        let y = if y < self.high { y } else { self.high };
        let y = if y > self.low { y } else { self.low };
        let half = f32::from_bits(BELOW_HALF.to_bits() | (y.to_bits() & 0x8000_0000));
        (truncated(y + half) & self.mask) as u8
    }
}

#[inline(always)]
fn each_body<C: Coder>(coder: &C, src: &[f32], dst: &mut [u8]) {
    // A copy that nothing points at stays in registers.
    let coder = *coder;
    src.iter().zip(dst).for_each(|(y, code)| *code = coder.code(*y));
}

per_isa! {
    /// Writes the codes of finite numbers.
    fn encode_each[C: Coder](coder: &C, src: &[f32], dst: &mut [u8]) = each_body;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_numbers_next_to_integers_and_halves_are_rounded_away() {
        let int8 = FormatSpec::INT8;
        let convert = Convert::SATURATING.with_round(Round::NearestAway);
        let coder = IntegerAway::lower(&int8, &convert).unwrap();
        for quarter in -600..600 {
            let mut x = (quarter as f32 / 4.0).next_down().next_down();
            for _ in 0..5 {
                let expected = int8.encode_f32_with(x, &convert, 0).code;
                assert_eq!(u32::from(coder.code(x)), expected, "{x:e}");
                x = x.next_up();
            }
        }
        for x in [f32::MAX, f32::MIN, f32::MIN_POSITIVE, 0.49999997, -0.49999997, 1e-45, -0.0] {
            let expected = int8.encode_f32_with(x, &convert, 0).code;
            assert_eq!(u32::from(coder.code(x)), expected, "{x:e}");
        }
    }
}

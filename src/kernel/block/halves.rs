//! Integers of at most 8 bits by roundings that take halves up: as C programs do it, by a sum that is
//! truncated, and to nearest with ties away from zero.
//!
//! ```text
//! HalfUp:  steps = floor(clamp(y + 0.5 − low, 0, high − low + 0.5))     code = low + steps
//! Away:    whole = nearest(clamp(y, low, high)), ties to even; a tie that went toward zero goes on
//! ```
//!
//! Sums with 2^23 and 1.5 · 2^23 round to an integer, which is then in their low bits.

use super::encode::Coder;
use crate::kernel::native::per_isa;
use crate::policy::{Convert, SubnormalInputs};
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec};

/// 2^23: adding it rounds a number from 0 up to an integer.
const POSITIVE: f32 = 8_388_608.0;

/// 1.5 · 2^23: adding it rounds a number of either sign to an integer.
const SIGNED: f32 = 12_582_912.0;

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
    #[inline(always)]
    fn code(&self, y: f32) -> u8 {
        let sum = y + self.addend;
        // Truncation makes zero of everything between −1 and 1, and what is below is clamped to the
        // smallest integer, which zero stands for: as if all that were zero.
        let sum = if sum > 0.0 { sum } else { 0.0 };
        let sum = if sum < self.most { sum } else { self.most };
        let nearest = sum + POSITIVE;
        // One less where the addition went up.
        let up = u32::from(nearest - POSITIVE > sum);
        (nearest.to_bits().wrapping_sub(up).wrapping_add(self.first) & self.mask) as u8
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
    #[inline(always)]
    fn code(&self, y: f32) -> u8 {
        let y = if y < self.high { y } else { self.high };
        let y = if y > self.low { y } else { self.low };
        let sum = y + SIGNED;
        // What is left of the number, with the number's sign as plus: exact, and one half where a tie
        // went toward zero.
        let rest = f32::from_bits((y - (sum - SIGNED)).to_bits() ^ (y.to_bits() & 0x8000_0000));
        let further = if rest == 0.5 {
            f32::from_bits(1.0f32.to_bits() | (y.to_bits() & 0x8000_0000))
        } else {
            0.0
        };
        ((sum + further).to_bits() & self.mask) as u8
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

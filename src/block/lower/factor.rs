//! What kernels multiply or divide the numbers of a block by, and for which blocks one f32
//! operation with one factor gives the code that the rule gives.

use crate::arith;
use crate::block::apply::{Block, Divisor};
use crate::block::scheme::Division;
use crate::block::spec::BlockSpec;
use crate::codec::Unpacked;
use crate::kernel::{FactorUse, LEAST_DIVISOR};
use crate::policy::{Overflow, SubnormalInputs};
use crate::round::Round;
use crate::spec::Encoding;

/// The factor of a block that kernels leave to the rule: NaN.
///
/// Every kernel of scales writes NaN where its formula may not hold: for a NaN or an infinity in
/// the block, a scale that was clamped or is subnormal, a product that overflows. The loops over
/// blocks take a few instructions a block, so the sign travels in the array of factors itself. It
/// cannot be confused with a factor: the finite numbers of a block that is handled stay finite
/// under its factor, and under NaN none does. Whoever calls a kernel of scales goes through the
/// blocks for which [`is_unhandled`] holds, and asks the rule.
pub(crate) const UNHANDLED: f32 = f32::NAN;

/// Whether a factor is [`UNHANDLED`].
#[inline(always)]
pub(crate) const fn is_unhandled(factor: f32) -> bool {
    factor.is_nan()
}

impl FactorUse {
    /// The operation that a scheme documents.
    pub(super) const fn of(apply: Division) -> Self {
        match apply {
            Division::Exact => Self::Exact,
            Division::Divide | Division::DivideQuotient | Division::DivideIeee => Self::Over,
            Division::Reciprocal
            | Division::TensorReciprocal
            | Division::InverseReciprocal
            | Division::ClampedReciprocal
            | Division::FlooredReciprocal
            | Division::UnroundedReciprocal => Self::Times,
        }
    }
}

impl BlockSpec {
    /// The factor of a block whose finite numbers, up to `amax`, are scaled like this to finite
    /// ones, if there is one.
    ///
    /// A division by a power of two is a multiplication by its reciprocal. If the quotient is to be
    /// exact, it is one unless it is subnormal; and that must then be rounded to zero anyway.
    pub(super) fn factor(&self, factor_use: FactorUse, block: &Block, amax: f32) -> Option<f32> {
        // Only a power of two has an f32 reciprocal without an error of its own.
        let reciprocal = |divisor: Unpacked| {
            let power = divisor.is_finite()
                && divisor.significand().is_power_of_two()
                && !divisor.is_negative();
            power
                .then(|| arith::quotient(Unpacked::ONE, divisor))
                // Normal f32s alone; the few blocks with other factors are left to the rule.
                .filter(|factor| (-126..=127).contains(&factor.log2()))
        };
        let factor = match (factor_use, block.divisor) {
            (FactorUse::Times, Divisor::Multiply(factor)) => factor,
            (FactorUse::Times, Divisor::Divide(divisor)) => {
                reciprocal(Unpacked::from_f32(divisor))?.to_f32()
            }
            // A product below the normal f32s is rounded, but its element is 0 either way.
            (FactorUse::Times, Divisor::Exact(divisor)) if self.rounds_tiny_to_zero() => {
                reciprocal(divisor)?.to_f32()
            }
            (FactorUse::Times, Divisor::Zero) => 0.0,
            (FactorUse::Over, Divisor::Divide(divisor)) => divisor,
            // Rounded to f32 before a program's own rounding, as a division rounds it.
            (FactorUse::Over, Divisor::Exact(divisor)) => {
                let factor = divisor.to_f32();
                (Unpacked::from_f32(factor) == divisor).then_some(factor)?
            }
            // Over infinity every finite number becomes a zero of its own sign.
            (FactorUse::Over, Divisor::Zero) => f32::INFINITY,
            (FactorUse::Exact, Divisor::Exact(divisor)) if self.takes_odd_quotients() => {
                let factor = divisor.to_f32();
                // The product s · t may need more than the 24 bits that an f32 has.
                let exact = divisor.is_finite() && Unpacked::from_f32(factor) == divisor;
                return (exact && factor.abs() >= LEAST_DIVISOR).then_some(factor);
            }
            _ => return None,
        };
        // If the largest number stays finite, all others of the block do, too.
        let largest =
            if matches!(factor_use, FactorUse::Over) { amax / factor } else { amax * factor };
        largest.is_finite().then_some(factor)
    }

    /// Whether elements that are subnormal f32s become zero, if the format has one; no random
    /// number moves them up either: they are less than 2^-36 of the least element, and that of 32
    /// bits, or half its unit more, is at most one less 2^-33.
    pub(super) const fn rounds_tiny_to_zero(&self) -> bool {
        let round = self.element_convert.round;
        self.element.zero_code().is_some()
            && self.element.smallest_positive().log2() > -90
            && matches!(
                round,
                Round::NearestEven
                    | Round::NearestAway
                    | Round::NearestTowardZero
                    | Round::NearestUp
                    | Round::Stochastic { .. }
            )
    }

    /// Whether a quotient in f32, rounded to odd, is rounded to the same element as the exact one.
    /// By at least [`LEAST_DIVISOR`] and from half the least element on, the remainder is no less
    /// than the least f32: 2^-70, 2^-31, and two times the 2^-23 of a last bit. Entries of a
    /// codebook may have middles between them that are no f32s, a tiny quotient is no subnormal
    /// input, and a large one does not have the low bits that a wrapping integer keeps.
    pub(super) const fn takes_odd_quotients(&self) -> bool {
        let random = matches!(self.element_convert.round, Round::Stochastic { .. });
        let codebook = matches!(self.element.encoding(), Encoding::Codebook(_));
        let flush = matches!(self.element_convert.subnormal_inputs, SubnormalInputs::Flush);
        let wraps = matches!(
            (self.element.encoding(), self.element_convert.overflow),
            (Encoding::Int(_), Overflow::Wrap)
        );
        !random
            && !codebook
            && !wraps
            && !flush
            && self.element.bits() <= 8
            && self.element.smallest_positive().log2() >= -30
            && self.element.max_exponent() < 100
    }
}

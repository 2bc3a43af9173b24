//! Scales of many blocks from their largest magnitudes, and what elements are multiplied or divided by.

use super::divide::Scaling;
use crate::kernel::native::per_isa;

/// Scales that are powers of two of a format without mantissa: the code, and one over the number.
///
/// In a binade of `amax` the code of every rule is one of two neighbours, the upper from some mantissa on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Powers {
    /// What carries such mantissas into the exponent field, and what that is ahead of the code.
    pub(crate) carry: u32,
    pub(crate) less: u32,
    /// Codes for which this holds.
    pub(crate) low: u32,
    pub(crate) high: u32,
    /// The exponent field of the reciprocal of code 0.
    pub(crate) top: u32,
}

impl Powers {
    pub(crate) const fn code(&self, amax_bits: u32) -> u32 {
        ((amax_bits + self.carry) >> 23).wrapping_sub(self.less)
    }
}

#[inline(always)]
fn powers_body(powers: &Powers, amax: &[u32], codes: &mut [u8], factors: &mut [f32]) {
    let powers = *powers;
    for ((&amax, to), factor) in amax.iter().zip(codes).zip(factors) {
        let code = powers.code(amax & 0x7FFF_FFFF);
        let inside = code.wrapping_sub(powers.low) <= powers.high - powers.low;
        let usual = amax.wrapping_sub(0x0080_0000) < 0x7F00_0000;
        *to = code as u8;
        *factor = f32::from_bits(if inside && usual { powers.top.wrapping_sub(code) << 23 } else { 0x7FC0_0000 });
    }
}

/// Scales that are powers of two, by the f32 logarithm of a quotient: [`Powers`] whose carry depends on the
/// binade.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logarithms {
    /// What the largest magnitude is divided by before its logarithm is taken.
    pub(crate) over: f32,
    /// The carry for each exponent field of the quotient.
    pub(crate) carries: &'static [u32; 256],
    /// Codes and factors; its own carry is not used.
    pub(crate) powers: Powers,
}

#[inline(always)]
fn logarithms_body(rule: &Logarithms, amax: &[u32], codes: &mut [u8], factors: &mut [f32]) {
    let (over, powers) = (rule.over, rule.powers);
    for ((&amax, to), factor) in amax.iter().zip(codes).zip(factors) {
        let quotient = (f32::from_bits(amax & 0x7FFF_FFFF) / over).to_bits();
        let carry = rule.carries[(quotient >> 23) as usize & 0xFF];
        let code = ((quotient.wrapping_add(carry)) >> 23).wrapping_sub(powers.less);
        let inside = code.wrapping_sub(powers.low) <= powers.high - powers.low;
        let usual = |bits: u32| bits.wrapping_sub(0x0080_0000) < 0x7F00_0000;
        *to = code as u8;
        let known = inside && usual(amax) && usual(quotient);
        *factor = f32::from_bits(if known { powers.top.wrapping_sub(code) << 23 } else { 0x7FC0_0000 });
    }
}

/// One operation of a formula.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// `x · c`.
    Times(f32),
    /// `x / c`.
    Over(f32),
    /// `c / x`.
    Under(f32),
    /// At most.
    AtMost(f32),
    /// At least.
    AtLeast(f32),
    /// In place of zero.
    ForZero(f32),
}

#[inline(always)]
fn apply_body(step: Step, numbers: &mut [f32]) {
    #[inline(always)]
    fn each(numbers: &mut [f32], f: impl Fn(f32) -> f32) {
        for x in numbers {
            *x = f(*x);
        }
    }
    match step {
        Step::Times(c) => each(numbers, |x| x * c),
        Step::Over(c) => each(numbers, |x| x / c),
        Step::Under(c) => each(numbers, |x| c / x),
        Step::AtMost(c) => each(numbers, |x| if x > c { c } else { x }),
        Step::AtLeast(c) => each(numbers, |x| if x < c { c } else { x }),
        Step::ForZero(c) => each(numbers, |x| if x == 0.0 { c } else { x }),
    }
}

#[inline(always)]
fn where_zero_body(numbers: &[f32], value: f32, to: &mut [f32]) {
    for (x, to) in numbers.iter().zip(to) {
        *to = if *x == 0.0 { value } else { *to };
    }
}

#[inline(always)]
fn refuse_body<S: Scaling<Factor = f32>>(scaling: S, amax: &[u32], factors: &mut [f32]) {
    for (amax, factor) in amax.iter().zip(factors) {
        let largest = scaling.scaled(f32::from_bits(*amax), *factor);
        *factor = if largest.is_finite() && scaling.takes(*factor) { *factor } else { f32::NAN };
    }
}

per_isa! {
    /// Codes and factors of scales that are powers of two; where the formula does not hold the factor is NaN.
    fn powers[](powers: &Powers, amax: &[u32], codes: &mut [u8], factors: &mut [f32]) = powers_body;
    /// Codes and factors of scales that are powers of two by logarithms; where the formula does not hold the factor is NaN.
    fn logarithms[](rule: &Logarithms, amax: &[u32], codes: &mut [u8], factors: &mut [f32]) = logarithms_body;
    /// One operation on every number.
    fn apply[](step: Step, numbers: &mut [f32]) = apply_body;
    /// A value in the places of zeros.
    fn where_zero[](numbers: &[f32], value: f32, to: &mut [f32]) = where_zero_body;
    /// NaN in place of factors under which the largest number is not finite.
    fn refuse[S: Scaling<Factor = f32>](scaling: S, amax: &[u32], factors: &mut [f32]) = refuse_body;
}

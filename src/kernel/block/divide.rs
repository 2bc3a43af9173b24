//! What numbers of blocks are multiplied or divided by.

use crate::bits::mul_add;
use crate::kernel::native::per_isa;
use crate::kernel::negative_zero::NegativeZero;

/// What a finite number is multiplied or divided by before it is encoded.
pub(crate) trait Scaling: Copy {
    /// What a block has for its factor.
    type Factor: Copy;

    /// Whether zeros already have the signs that they are to have.
    const SETTLES_ZEROS: bool = false;

    fn scaled(self, x: f32, factor: Self::Factor) -> f32;
}

/// `x · factor`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times;

/// `x / factor`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Over;

/// The least divisor under which the remainder of an f32 quotient is an f32 too: 2^-70.
pub(crate) const LEAST_DIVISOR: f32 = f32::from_bits((127 - 70) << 23);

/// `x / factor`, where it is no f32 the odd one of its neighbours: rounded once more, to fewer
/// bits, it becomes what the exact quotient does. The factor is at least [`LEAST_DIVISOR`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverToOdd;

impl Scaling for Times {
    type Factor = f32;

    #[inline(always)]
    fn scaled(self, x: f32, factor: f32) -> f32 {
        x * factor
    }
}

impl Scaling for Over {
    type Factor = f32;

    #[inline(always)]
    fn scaled(self, x: f32, factor: f32) -> f32 {
        x / factor
    }
}

const fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits(((127 + exponent) as u32) << 23)
}

/// `x / factor` without a division for every number, where a fused multiplication and addition is
/// an instruction. Of a quotient below [`RECIPROCAL_FROM`] only the sign is right; where −0 is to
/// become +0, so are quotients that are rounded to it.
///
/// The first quotient, by the rounded reciprocal, is at most 1.5 units off; its remainder, times
/// the reciprocal, says by how much, and is itself wrong by less than 2^-22 units. So the sum is
/// rounded as the quotient is unless that is as close as that to the middle between two f32s. With
/// M the middle and S the factor, integers of 25 and 24 bits, and X the number, it is `r / (2 S)`
/// units away, where `r = M S − 2^e X` for some e: no |r| above 15 is so close, and with all others
/// the result is right, which a test goes through. Remainders are computed with the other sign and
/// subtracted, so that −0 stays.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverByReciprocal;

/// The least quotient that [`OverByReciprocal`] rounds correctly: 2^-39.
pub(crate) const RECIPROCAL_FROM: f32 = power_of_two(-39);

impl Scaling for OverByReciprocal {
    /// The factor, its reciprocal, and below which magnitude +0 is what comes out.
    type Factor = [f32; 3];

    const SETTLES_ZEROS: bool = true;

    #[inline(always)]
    fn scaled(self, x: f32, [factor, reciprocal, least]: [f32; 3]) -> f32 {
        let quotient = x * reciprocal;
        let more = mul_add(quotient, factor, -x);
        let nearest = mul_add(-more, reciprocal, quotient);
        if x.abs() < least { 0.0 } else { nearest }
    }
}

/// The least magnitude whose quotient is not rounded to zero: the next f32 above 2^-150 times the
/// factor. That product is not computed, since subnormal ones take long: the smallest f32s are
/// their own bits times 2^-149, and what is below half of the factor an addition rounds to an
/// integer.
#[inline(always)]
fn least(factor: f32) -> f32 {
    const ONES: f32 = power_of_two(23);
    let sum = 0.5 * factor + ONES;
    let is_above = u32::from(sum - ONES > 0.5 * factor);
    let subnormal = sum.to_bits().wrapping_sub(ONES.to_bits()).wrapping_sub(is_above);
    let normal = factor.to_bits().wrapping_sub(150 << 23);
    f32::from_bits(1 + if factor < power_of_two(24) { subnormal } else { normal })
}

#[inline(always)]
fn reciprocals_body(
    negative_zero: NegativeZero,
    amax: &[u32],
    factors: &[f32],
    to: &mut [[f32; 3]],
    in_range: &mut bool,
) {
    const LEAST: f32 = power_of_two(-60);
    const MOST: f32 = power_of_two(60);
    let clear = matches!(negative_zero, NegativeZero::Clear);
    let mut refused = 0;
    for ((amax, factor), to) in amax.iter().zip(factors).zip(to) {
        let takes =
            (LEAST <= *factor) & (*factor <= MOST) & (f32::from_bits(*amax) <= factor * MOST);
        refused |= u32::from(!(takes | (*factor == 0.0)));
        *to = [*factor, 1.0 / factor, if clear { least(*factor) } else { 0.0 }];
    }
    *in_range = refused == 0;
}

per_isa! {
    /// Factors for [`OverByReciprocal`], with or without −0 becoming +0, and whether its formula
    /// holds in blocks of these largest magnitudes: nothing becomes infinite on the way, and no
    /// remainder of a number above 2^-100 is rounded. Factors of zero are those of blocks that are
    /// encoded some other way.
    fn reciprocals[](negative_zero: NegativeZero, amax: &[u32], factors: &[f32], to: &mut [[f32; 3]], in_range: &mut bool) = reciprocals_body;
}

/// [`OverToOdd`] where a fused multiplication and addition is an instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverToOddFused;

/// The odd neighbour of a quotient that left a remainder; of an infinite quotient the largest f32,
/// which is the one toward zero. Of infinity and NaN the remainder is NaN, and they stay: with a
/// one behind, the bits of infinity would be a signalling NaN.
#[inline(always)]
fn to_odd<R: PartialOrd + Default>(x: f32, nearest: f32, remainder: R) -> f32 {
    let (negative, positive) = (remainder < R::default(), remainder > R::default());
    let beyond = negative != (x < 0.0);
    let toward_zero = nearest.to_bits().wrapping_sub(u32::from(beyond));
    if negative | positive { f32::from_bits(toward_zero | 1) } else { nearest }
}

impl Scaling for OverToOdd {
    type Factor = f32;

    #[inline(always)]
    fn scaled(self, x: f32, factor: f32) -> f32 {
        let nearest = x / factor;
        // The product of two f32s is an f64, so the sign of the difference is that of the
        // remainder.
        let remainder = f64::from(x) - f64::from(nearest) * f64::from(factor);
        to_odd(x, nearest, remainder)
    }
}

impl Scaling for OverToOddFused {
    type Factor = f32;

    /// With a factor that is not tiny, the remainder is an f32 wherever the quotient is not, and is
    /// not rounded to zero anyway.
    #[inline(always)]
    fn scaled(self, x: f32, factor: f32) -> f32 {
        let nearest = x / factor;
        let remainder = mul_add(-nearest, factor, x);
        to_odd(x, nearest, remainder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Dither;

    /// All bits of a quotient, or the sign of one that is too small for the formula; and whether it
    /// is zero, if that is asked for.
    fn check(x: f32, factor: f32) {
        let exact = x / factor;
        let ours = |least| OverByReciprocal.scaled(x, [factor, 1.0 / factor, least]);
        if exact.abs() >= RECIPROCAL_FROM {
            assert_eq!(ours(0.0).to_bits(), exact.to_bits(), "{x:e} / {factor:e}");
            assert_eq!(ours(least(factor)).to_bits(), exact.to_bits(), "{x:e} / {factor:e}");
        } else {
            assert!(ours(0.0).abs() <= RECIPROCAL_FROM, "{x:e} / {factor:e}");
            assert_eq!(
                ours(0.0).is_sign_negative(),
                exact.is_sign_negative(),
                "{x:e} / {factor:e}"
            );
            // In its sign alone, so that what is not zero and becomes −0 counts.
            assert_eq!(ours(least(factor)).is_sign_negative(), exact < 0.0, "{x:e} / {factor:e}");
        }
    }

    #[test]
    fn quotients_by_reciprocals_are_those_of_divisions() {
        let words = Dither::new(5);
        for index in 0..1_000_000 {
            // All mantissas, exponents from -60 to 59.
            let factor = f32::from_bits(
                (67 + words.word(3 * index, 32) % 120) << 23 | words.word(3 * index + 1, 32) >> 9,
            );
            let x = f32::from_bits(words.word(3 * index + 2, 32));
            if x.abs() <= factor * power_of_two(60) {
                check(x, factor);
            }
            // As close to what is rounded to zero as numbers are.
            let edge = least(factor);
            [edge, edge.next_down(), edge.next_up()].iter().for_each(|x| check(-x, factor));
        }
        for zero in [0.0, -0.0, f32::from_bits(1), -f32::from_bits(1)] {
            [1e-3, 1.0, 0.75, 3e5].iter().for_each(|factor| check(zero, *factor));
        }
    }

    /// Kernels of bytes take no signalling NaN.
    #[test]
    fn what_is_not_finite_has_no_odd_neighbour() {
        for x in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            for factor in [1e-20, 1.0, 1.5] {
                for quotient in [OverToOdd.scaled(x, factor), OverToOddFused.scaled(x, factor)] {
                    assert_eq!(quotient.to_bits(), x.to_bits(), "{x} / {factor}");
                }
            }
        }
    }

    /// All quotients as close to the middle between two f32s as [`OverByReciprocal`] says: for
    /// every factor S and small r the middles M, odd numbers of 25 bits, with `M S = 2^e X + r`.
    #[test]
    fn quotients_next_to_middles_are_rounded_to_the_right_side() {
        let (mut checked, mut wrong_at_first) = (0, 0);
        for factor in 1u32 << 23..1 << 24 {
            let zeros = factor.trailing_zeros();
            let odd = factor >> zeros;
            // Every step doubles the bits in which the product with the factor is 1.
            let inverse = (0..4).fold(odd, |inverse: u32, _| {
                inverse.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(inverse)))
            });
            // Of r and the factor the same zeros are left out.
            for r in (-15i32..16).step_by(2).filter(|r| r.abs() << zeros.min(4) < 16) {
                for e in [24 - zeros, 25 - zeros] {
                    let low = inverse.wrapping_mul(r as u32) & ((1 << e) - 1);
                    for middle in (low..1 << 25).step_by(1 << e).filter(|middle| middle >> 24 == 1)
                    {
                        let product = i64::from(middle) * i64::from(odd) - i64::from(r);
                        assert_eq!(product & ((1 << e) - 1), 0);
                        let x = product >> e;
                        if x < 1 << 24 {
                            check(x as f32, factor as f32);
                            wrong_at_first += u32::from(
                                x as f32 * (1.0 / factor as f32) != x as f32 / factor as f32,
                            );
                            checked += 1;
                        }
                    }
                }
            }
        }
        assert!(checked > 50_000_000 && wrong_at_first > 20_000_000, "{checked}, {wrong_at_first}");
    }
}

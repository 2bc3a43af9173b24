//! How the numbers of a block are scaled: `x · factor`, `x / factor`, or a quotient rounded to
//! odd.
//!
//! A scaling is a type, so that the loops over blocks in `encode` are compiled once for each, with
//! nothing but its arithmetic between the load of a number and its encoding. All stay in registers.
//!
//! | type | result | where |
//! |---|---|---|
//! | [`Times`] | the product, rounded once | everywhere |
//! | [`Over`] | the quotient, rounded once | everywhere |
//! | [`OverByReciprocal`] | the same, by a reciprocal | with FMA, if [`reciprocals`] accepts |
//! | [`OverToOdd`], [`OverToOddFused`] | the quotient rounded to odd | the second with FMA |
//! | [`Less`] | one of the others, of the difference from a minimum | everywhere |

use crate::bits::mul_add;
use crate::kernel::native::per_isa;
use crate::kernel::negative_zero::NegativeZero;

/// A way to scale a finite number by its block's factor before the number is encoded.
pub(crate) trait Scaling: Copy {
    /// The factor of a block, with whatever is precomputed from it.
    type Factor: Copy;

    /// Whether [`scaled`](Self::scaled) itself clears −0 where the scheme asks for it, so that a
    /// coder behind it need not.
    const SETTLES_ZEROS: bool = false;

    /// Returns x scaled by the factor.
    fn scaled(self, x: f32, factor: Self::Factor) -> f32;
}

/// Multiplies: `x · factor`, rounded to nearest even.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times;

/// Divides: `x / factor`, rounded to nearest even.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Over;

/// The least divisor for quotients rounded to odd: 2^-70. From here on the remainder of an f32
/// quotient is an f32 too.
pub(crate) const LEAST_DIVISOR: f32 = f32::from_bits((127 - 70) << 23);

/// Divides and rounds to odd: a quotient that is not an f32 becomes the neighbour whose last bit is
/// set. A second rounding, to at least two bits fewer, then gives what it gives for the exact
/// quotient. The factor is at least [`LEAST_DIVISOR`].
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

/// Subtracts the minimum of the block, then scales the difference: each is rounded once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Less<S>(pub(crate) S);

impl<S: Scaling<Factor = f32>> Scaling for Less<S> {
    /// The factor and the minimum.
    type Factor = [f32; 2];

    #[inline(always)]
    fn scaled(self, x: f32, [factor, minimum]: [f32; 2]) -> f32 {
        self.0.scaled(x - minimum, factor)
    }
}

/// Returns 2^`exponent`, for exponents of normal f32s.
const fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits(((127 + exponent) as u32) << 23)
}

/// Divides by multiplying with the reciprocal and correcting once: three operations instead of a
/// division for every number. It needs FMA, and blocks that [`reciprocals`] accepts.
///
/// From [`RECIPROCAL_FROM`] on the result is `x / factor`, correctly rounded. Below, only the sign
/// is certain, which is enough for coders that round such quotients to zero; with −0 cleared, a
/// quotient that rounds to zero is +0.
///
/// Proof of the rounding. The first quotient, by the rounded reciprocal, is at most 1.5 units in
/// the last place off. Its remainder, times the reciprocal, is the correction, and is itself wrong
/// by less than 2^-22 units. The corrected sum therefore rounds as the exact quotient does, unless
/// that lies within 2^-22 units of the middle M between two f32s. With the factor S and the number
/// X, integers of 24 bits as M is one of 25, the quotient is `r / (2 S)` units from M, where
/// `r = M S − 2^e X` for some e. No |r| above 15 is that close; a test checks all quotients with
/// smaller |r|. Remainders are computed negated and then subtracted, so that −0 stays −0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverByReciprocal;

/// The least quotient that [`OverByReciprocal`] rounds correctly: 2^-39.
pub(crate) const RECIPROCAL_FROM: f32 = power_of_two(-39);

impl Scaling for OverByReciprocal {
    /// The factor, its reciprocal, and the magnitude below which the result is +0: 0 keeps −0.
    type Factor = [f32; 3];

    const SETTLES_ZEROS: bool = true;

    #[inline(always)]
    fn scaled(self, x: f32, [factor, reciprocal, least]: [f32; 3]) -> f32 {
        let quotient = x * reciprocal;
        // The negated remainder, exact: `quotient · factor − x`.
        let more = mul_add(quotient, factor, -x);
        let nearest = mul_add(-more, reciprocal, quotient);
        // A select, not a branch: the loop over a block stays vectors.
        if x.abs() < least { 0.0 } else { nearest }
    }
}

/// Returns the least magnitude whose quotient by the factor does not round to zero: the next f32
/// above 2^-150 times the factor.
///
/// The product itself is not computed, since arithmetic with subnormal f32s takes a hundred cycles.
/// A subnormal f32 is its bits times 2^-149, so the bits wanted are `floor(factor / 2) + 1`, and an
/// addition of 2^23 rounds to integers.
#[inline(always)]
fn least(factor: f32) -> f32 {
    const ONES: f32 = power_of_two(23);
    let sum = 0.5 * factor + ONES;
    // The addition rounds to nearest; one less where it went up gives the floor.
    let is_above = u32::from(sum - ONES > 0.5 * factor);
    let subnormal = sum.to_bits().wrapping_sub(ONES.to_bits()).wrapping_sub(is_above);
    // A normal product is the factor with an exponent field lower by 150.
    let normal = factor.to_bits().wrapping_sub(150 << 23);
    f32::from_bits((if factor < power_of_two(24) { subnormal } else { normal }).wrapping_add(1))
}

#[inline(always)]
fn reciprocals_body(
    negative_zero: NegativeZero,
    signed: bool,
    amax: &[u32],
    factors: &[f32],
    to: &mut [[f32; 3]],
    in_range: &mut bool,
) {
    // Factors from `LEAST` to `MOST` have normal reciprocals, and with quotients of at most `MOST`
    // no product of the formula overflows.
    const LEAST: f32 = power_of_two(-60);
    const MOST: f32 = power_of_two(60);
    let clear = matches!(negative_zero, NegativeZero::Clear);
    // An OR over all blocks instead of an early return: the loop stays vectors.
    let mut refused = 0;
    for ((amax, factor), to) in amax.iter().zip(factors).zip(to) {
        let size = if signed { factor.abs() } else { *factor };
        let takes = (LEAST..=MOST).contains(&size) & (f32::from_bits(*amax) <= size * MOST);
        refused |= u32::from(!(takes | (*factor == 0.0)));
        *to = [*factor, 1.0 / factor, if clear { least(size) } else { 0.0 }];
    }
    *in_range = refused == 0;
}

per_isa! {
    /// Writes the factors of [`OverByReciprocal`], which keep or clear −0. Sets `in_range` to
    /// whether its formula holds for every block with these largest magnitudes (as bits): nothing
    /// overflows on the way, and no remainder of a number above 2^-100 is rounded. A factor of zero
    /// marks a block that is encoded elsewhere, and is accepted. Factors below zero are accepted if
    /// `signed`; quotients that are zero may then have either sign.
    fn reciprocals[](
        negative_zero: NegativeZero,
        signed: bool,
        amax: &[u32],
        factors: &[f32],
        to: &mut [[f32; 3]],
        in_range: &mut bool,
    ) = reciprocals_body;
}

/// Divides and rounds to odd as [`OverToOdd`] does, with a remainder by FMA.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverToOddFused;

/// Returns the odd neighbour of a rounded quotient that left a remainder, else the quotient itself.
///
/// A finite x whose quotient overflowed gives the largest f32, the neighbour toward zero. Infinite
/// and NaN x have NaN for a remainder and stay as they are: infinity with its last bit set would be
/// a signalling NaN.
#[inline(always)]
fn to_odd<R: PartialOrd + Default>(x: f32, nearest: f32, remainder: R) -> f32 {
    let (negative, positive) = (remainder < R::default(), remainder > R::default());
    // A remainder with the sign opposite to x says that the quotient was rounded away from zero.
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

    /// Returns the quotient rounded to odd. From [`LEAST_DIVISOR`] on the remainder of an inexact
    /// quotient is an f32, so the FMA neither rounds it nor loses it below the subnormals.
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

    /// Compares all bits of a quotient, or the sign alone of one that is too small for the formula;
    /// with −0 cleared, also whether it is zero.
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
            // Compared by sign alone: a quotient that rounds to −0 must come out as +0.
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
            // The numbers next to the boundary of what rounds to zero.
            let edge = least(factor);
            [edge, edge.next_down(), edge.next_up()].iter().for_each(|x| check(-x, factor));
        }
        for zero in [0.0, -0.0, f32::from_bits(1), -f32::from_bits(1)] {
            [1e-3, 1.0, 0.75, 3e5].iter().for_each(|factor| check(zero, *factor));
        }
    }

    /// Checks that no signalling NaN is made, which kernels for bytes could not encode.
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

    /// Checks all quotients as close to the middle between two f32s as [`OverByReciprocal`] says:
    /// for every factor S and small r the middles M, odd numbers of 25 bits, with
    /// `M S = 2^e X + r`.
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
            // Trailing zeros of the factor are divided out of r too.
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

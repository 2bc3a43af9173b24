//! What numbers of blocks are multiplied or divided by.

#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::isa::per_isa;

/// What a finite number is multiplied or divided by before it is encoded.
pub(crate) trait Scaling: Copy {
    /// Of a block.
    type Factor: Copy;

    fn scaled(self, x: f32, factor: Self::Factor) -> f32;

    /// Whether the formula holds for this factor.
    #[inline(always)]
    fn takes(self, factor: f32) -> bool {
        let _ = factor;
        true
    }
}

/// `x · factor`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times;

/// `x / factor`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Over;

/// `x / factor`, where it is no f32 the odd one of its neighbours: rounded once more, to fewer bits, it becomes what the exact quotient does.
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

#[cfg(all(feature = "std", target_arch = "x86_64"))]
const fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits(((127 + exponent) as u32) << 23)
}

/// `x / factor` without a division for every number, where a fused multiplication and addition is an instruction. Of a quotient below
/// [`RECIPROCAL_FROM`] only the sign is right.
///
/// The first quotient, by the rounded reciprocal, is a few units off, the second at most one, and from there a remainder leads to the nearest:
/// Markstein's theorem (IBM Journal of Research and Development 34, 1990), as the reciprocal is the nearest. Remainders are computed with the other sign
/// and subtracted, so that −0 stays.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverByReciprocal;

/// See [`OverByReciprocal`].
#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(crate) const RECIPROCAL_FROM: f32 = power_of_two(-39);

#[cfg(all(feature = "std", target_arch = "x86_64"))]
impl Scaling for OverByReciprocal {
    /// The factor and its reciprocal.
    type Factor = [f32; 2];

    #[inline(always)]
    fn scaled(self, x: f32, [factor, reciprocal]: [f32; 2]) -> f32 {
        let nearer = |quotient: f32| {
            let less = quotient.mul_add(factor, -x);
            (-less).mul_add(reciprocal, quotient)
        };
        nearer(nearer(x * reciprocal))
    }
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[inline(always)]
fn reciprocals_body(amax: &[u32], factors: &[f32], pairs: &mut [[f32; 2]], right: &mut bool) {
    const LEAST: f32 = power_of_two(-60);
    const MOST: f32 = power_of_two(60);
    let mut refused = 0;
    for ((amax, factor), pair) in amax.iter().zip(factors).zip(pairs) {
        let takes = (LEAST <= *factor) & (*factor <= MOST) & (f32::from_bits(*amax) <= factor * MOST);
        refused |= u32::from(!(takes | (*factor == 0.0)));
        *pair = [*factor, 1.0 / factor];
    }
    *right = refused == 0;
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
per_isa! {
    /// Factors for [`OverByReciprocal`], and whether its formula holds in blocks of these largest magnitudes: nothing becomes infinite on the way, and no
    /// remainder of a number above 2^-100 is rounded. Factors of zero are those of blocks that are encoded some other way.
    fn reciprocals[](amax: &[u32], factors: &[f32], pairs: &mut [[f32; 2]], right: &mut bool) = reciprocals_body;
}

/// [`OverToOdd`] where a fused multiplication and addition is an instruction.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverToOddFused;

/// The odd neighbour of a quotient that left a remainder; of an infinite quotient the largest f32, which is the one toward zero.
#[inline(always)]
fn to_odd(x: f32, nearest: f32, exact: bool, negative: bool) -> f32 {
    let beyond = negative != (x < 0.0);
    let toward_zero = nearest.to_bits().wrapping_sub(u32::from(beyond));
    if exact { nearest } else { f32::from_bits(toward_zero | 1) }
}

impl Scaling for OverToOdd {
    type Factor = f32;

    #[inline(always)]
    fn scaled(self, x: f32, factor: f32) -> f32 {
        let nearest = x / factor;
        // The product of two f32s is an f64, so the sign of the difference is that of the remainder.
        let remainder = f64::from(x) - f64::from(nearest) * f64::from(factor);
        to_odd(x, nearest, remainder == 0.0, remainder < 0.0)
    }

    #[inline(always)]
    fn takes(self, factor: f32) -> bool {
        factor.is_finite()
    }
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
impl Scaling for OverToOddFused {
    type Factor = f32;

    /// With a factor that is not tiny, the remainder is an f32 wherever the quotient is not, and is not rounded to zero anyway.
    #[inline(always)]
    fn scaled(self, x: f32, factor: f32) -> f32 {
        let nearest = x / factor;
        let remainder = (-nearest).mul_add(factor, x);
        to_odd(x, nearest, remainder == 0.0, remainder < 0.0)
    }

    #[inline(always)]
    fn takes(self, factor: f32) -> bool {
        OverToOdd.takes(factor)
    }
}

#[cfg(all(test, feature = "std", target_arch = "x86_64"))]
mod tests {
    use super::*;
    use crate::random::Dither;

    /// Of numbers of all sizes, and of such whose quotients are next to the middle between two f32s.
    #[test]
    fn quotients_by_reciprocals_are_those_of_divisions() {
        let words = Dither::new(5);
        let (mut compared, mut near_middles) = (0, 0);
        for index in 0..400_000u64 {
            let word = |k| words.word(4 * index + k, 32);
            // All mantissas, exponents from -60 to 59.
            let factor = f32::from_bits((67 + word(0) % 120) << 23 | word(1) >> 9);
            let quotient = f32::from_bits((97 + word(2) % 60) << 23 | word(3) >> 9);
            let middle = (f64::from(quotient) + f64::from(quotient.next_up())) / 2.0;
            let next_to_middle = (middle * f64::from(factor)) as f32;
            for x in [next_to_middle, -next_to_middle.next_up(), quotient * factor, f32::from_bits(word(2))] {
                let usual = x.is_finite() && x.abs() <= factor * power_of_two(60);
                if !usual {
                    continue;
                }
                let (exact, ours) = (x / factor, OverByReciprocal.scaled(x, [factor, 1.0 / factor]));
                assert_eq!(ours.is_sign_negative(), exact.is_sign_negative(), "{x:e} / {factor:e}");
                if exact.abs() >= RECIPROCAL_FROM {
                    assert_eq!(ours.to_bits(), exact.to_bits(), "{x:e} / {factor:e}");
                    compared += 1;
                    near_middles += u32::from((f64::from(x) / f64::from(factor) - middle).abs() < middle * 2.0f64.powi(-45));
                } else {
                    assert!(ours.abs() <= RECIPROCAL_FROM, "{x:e} / {factor:e}");
                }
            }
        }
        assert!(compared > 1_000_000 && near_middles > 1000, "{compared}, {near_middles}");
    }
}

//! The rules by which scales are found, and the formula of each.

use super::custom::CustomRule;
use super::scheme::TensorScale;
use super::statistics::BlockStats;
use crate::codec::Unpacked;
use crate::spec::FormatSpec;

/// How `amax` and the number it maps to (and a tensor scale) make a scale. Every operation is
/// f32's, rounded to nearest even.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Ratio {
    /// `amax / target`; with a tensor scale `amax / (target · t)`. Model Optimizer, `DeepSeek`.
    Divide,
    /// `amax · (1 / target)`; with a tensor scale `amax · (T · (1 / target))`, at most `f32::MAX`.
    /// Transformer Engine.
    Multiply,
    /// `(amax / target) / t`. torchao.
    DivideTwice,
    /// `T · (amax / target)`. compressed-tensors.
    MultiplyQuotient,
    /// `1 / S` of the factor `S = target / amax`, which is at most `f32::MAX`, and 1 for an
    /// infinite `amax`; without tensor scale.
    /// [`UnroundedReciprocal`](super::Division::UnroundedReciprocal) multiplies by that very `S`.
    /// Transformer Engine's FP8.
    Inverse,
}

/// How a scale is found from a block's statistics, before it is rounded into the scale format. With
/// `emax` the exponent of the element format's largest number and `max` that number.
///
/// The first five give powers of two from the exact `amax`, however it is written: no logarithm is
/// computed. Where a program computes one in f32 ([`Log2Floor`](Self::Log2Floor),
/// [`Log2Ceil`](Self::Log2Ceil)), where it rounds to an integer is decided by integers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum ScaleRule {
    /// `2^(floor(log2 amax) − emax)`: OCP MX 1.0, 6.3. The largest elements may saturate.
    Floor,
    /// `2^(ceil(log2 amax) − emax)`.
    Ceil,
    /// `2^ceil(log2(amax / max))`: the smallest power of two that makes nothing saturate. RCEIL.
    ///
    /// Programs round the f32 quotient `amax / max` or the f32 product `amax · (1 / max)` up to a
    /// power of two, which is [`Amax`](Self::Amax) under [`Round::Up`](crate::Round::Up). For E4M3,
    /// E5M2, E3M2, E2M3 and E2M1 both are this rule for every `amax` but one, the f32 above
    /// `max · 2^-127`, whose quotient is rounded to 2^-127 (all 2^31 compared). For `MXINT8`
    /// without −2 (`max` 127/64) the quotient is this rule always, and the product is one binade
    /// less for one `amax` of every binade, the f32 above `max · 2^e`. Programs that take an f32
    /// logarithm of the quotient are [`Log2Ceil`](Self::Log2Ceil).
    RoundUp,
    /// `2^(floor(log2 a) − emax)`, where `a` is `amax` rounded half up to `mantissa_bits` bits
    /// behind the leading one. With the element's own number of bits torchao's and Quark's EVEN,
    /// with 1 always compressed-tensors'.
    Even {
        /// Bits kept behind the leading one: 0 to 22.
        mantissa_bits: u8,
    },
    /// The power of two nearest to `amax / max`, half-way up.
    Nearest,
    /// `2^(floor(log2 amax) − emax)` with the logarithm rounded to f32 first: an `amax` just below
    /// a power of two has that power's exponent. microxcaling.
    Log2Floor,
    /// `2^ceil(log2(amax / target))` with quotient and logarithm each rounded to f32. Just above a
    /// power of two, far from 1, the logarithm rounds to the integer, so that the scale is half of
    /// [`RoundUp`](Self::RoundUp)'s and the largest elements saturate. torchao's RCEIL in eager
    /// mode, Model Optimizer.
    ///
    /// With `amax / target` above `2^t` by at most 11 units in the last place for `|t|` of 32 to
    /// 63, 22 for 64 to 127 (and half as many for each halving of `|t|`; for negative powers of two
    /// those of the next smaller `|t|`), the exponent is `t` instead of `t + 1`.
    Log2Ceil {
        /// The number that `amax` maps to, before the exponent is rounded up.
        target: f32,
    },
    /// `amax` over the number that it is to become.
    Amax {
        /// The number that `amax` maps to.
        target: f32,
        /// The order of operations.
        ratio: Ratio,
    },
    /// The first element of magnitude `amax`, with its sign, over a number: ggml's `Q4_0`. The
    /// scale may be negative, so its format has a sign.
    SignedMax {
        /// The number that this element maps to.
        target: f32,
    },
    /// `max − min`, over a number of steps; for formats with an offset.
    Range {
        /// Steps from the smallest to the largest code.
        steps: f32,
        /// Whether zero belongs to the range, as zero points want it.
        with_zero: bool,
    },
    /// A constant scale, for every block.
    Fixed(f32),
    /// 1, stored nowhere: for a spec without scales.
    Unit,
    /// The caller gives the scales: quantizing without them is an error.
    Given,
    /// A function of the statistics:
    /// `ScaleRule::Custom(CustomRule::new(|stats| stats.amax / 6.0))`.
    #[cfg_attr(feature = "serde", serde(skip))]
    Custom(CustomRule),
}

/// Two to the exponent, for every exponent that a rule can give.
fn exp2(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// `floor(log2 x)` for a positive number; 128 for infinity.
const fn floor_log2(x: f32) -> i32 {
    if x.is_infinite() { 128 } else { Unpacked::from_f32(x).log2() as i32 }
}

/// Whether a positive finite number is a power of two.
const fn is_power_of_two(x: f32) -> bool {
    Unpacked::from_f32(x).significand().is_power_of_two()
}

/// Whether the f32 logarithm of a number `units · 2^-24` (relative) away from `2^t` is the integer
/// `t`, correctly rounded; `toward_zero` says that the exact logarithm is nearer to zero than `t`.
///
/// The exact logarithm is `units · 2^-24 / ln 2` from `t`, and a millionth of that more or less. It
/// rounds to `t` below half the spacing of the f32s there, that is for `units < ln 2 · 2^top` with
/// `2^top` the binade of `|t|`. The table has these bounds as integers; none of them is within a
/// hundredth of one. A power of two has half that spacing on its side toward zero. Near 1 no
/// logarithm rounds to 0.
const fn rounds_to_integer(t: i32, units: u32, toward_zero: bool) -> bool {
    const BOUNDS: [u32; 8] = [0, 1, 2, 5, 11, 22, 44, 88];
    let magnitude = t.unsigned_abs();
    if magnitude == 0 {
        return units == 0;
    }
    let halved = toward_zero && magnitude.is_power_of_two();
    match magnitude.ilog2().checked_sub(halved as u32) {
        Some(top) => units <= BOUNDS[top as usize],
        None => units == 0,
    }
}

/// The exponent of a positive number, and how far the number is above that power of two, in units
/// of 2^-23 of it.
const fn exponent_and_units(x: f32) -> (i32, u32) {
    let x = Unpacked::from_f32(x);
    let significand = x.significand();
    // 64 − 40 = 24 bits, the leading one at bit 23.
    let normal = significand << (significand.leading_zeros() - 40);
    (x.log2() as i32, (normal - (1 << 23)) as u32)
}

/// For each exponent field of a normal f32, what is added to its bits so that the exponent field
/// becomes that of [`log2_floor`], or of [`log2_ceil`] if `ceil`.
const fn logarithm_carries(ceil: bool) -> [u32; 256] {
    let mut carries = [0; 256];
    // Fields 0 (subnormal numbers) and 255 (infinity, NaN) carry nothing.
    let mut field = 1;
    while field < 255 {
        let exponent = field as i32 - 127;
        // The fewest units above the power of two from which on the result is the next exponent.
        let mut units = 0;
        if ceil {
            // A unit above a power of two is 2^-23 of it, two of the bounds' units.
            while rounds_to_integer(exponent, 2 * units, exponent < 0) {
                units += 1;
            }
        } else {
            units = (1 << 23) - 1;
            // Below the next power of two a unit is 2^-24 of that one.
            while rounds_to_integer(exponent + 1, (1 << 23) - units, exponent >= 0) {
                units -= 1;
            }
            units += 1;
        }
        // Mantissas from `units` on carry into the exponent field.
        carries[field] = (1 << 23) - units;
        field += 1;
    }
    carries
}

/// [`logarithm_carries`] of [`log2_floor`].
pub(crate) static FLOOR_CARRIES: [u32; 256] = logarithm_carries(false);

/// [`logarithm_carries`] of [`log2_ceil`].
pub(crate) static CEIL_CARRIES: [u32; 256] = logarithm_carries(true);

/// `floor(log2 x)` of a positive number with the logarithm correctly rounded to f32: just below a
/// power of two it is that power's exponent. 128 for infinity.
pub(crate) const fn log2_floor(x: f32) -> i32 {
    if x.is_infinite() {
        return 128;
    }
    let (floor, above) = exponent_and_units(x);
    let next = floor + 1;
    if rounds_to_integer(next, (1 << 23) - above, next > 0) { next } else { floor }
}

/// `ceil(log2 x)` of a positive number with the logarithm correctly rounded to f32: just above a
/// power of two it is that power's exponent. 128 for infinity.
pub(crate) const fn log2_ceil(x: f32) -> i32 {
    if x.is_infinite() {
        return 128;
    }
    let (floor, above) = exponent_and_units(x);
    if rounds_to_integer(floor, 2 * above, floor < 0) { floor } else { floor + 1 }
}

impl ScaleRule {
    /// Whether the rule sees the elements of a block.
    pub(super) const fn sees_elements(&self) -> bool {
        matches!(self, Self::Custom(rule) if rule.sees_elements())
    }

    /// Whether the rule may find a scale below zero. [`Given`](Self::Given) and
    /// [`Custom`](Self::Custom) leave the sign open.
    pub(super) const fn may_be_negative(&self) -> bool {
        match self {
            Self::SignedMax { .. } | Self::Given | Self::Custom(_) => true,
            Self::Floor
            | Self::Ceil
            | Self::RoundUp
            | Self::Even { .. }
            | Self::Nearest
            | Self::Log2Floor
            | Self::Log2Ceil { .. }
            | Self::Amax { .. }
            | Self::Range { .. }
            | Self::Fixed(_)
            | Self::Unit => false,
        }
    }

    /// The scale before clamping and rounding, of a block that is not all zeros. `tensor` is the
    /// stored number of the tensor scale.
    ///
    /// Powers of two are exact; other results are f32. NaN if the statistics say NaN.
    #[must_use]
    pub fn ideal(
        &self,
        stats: &BlockStats<'_>,
        element: &FormatSpec,
        tensor_scale: TensorScale,
        tensor: f32,
    ) -> f64 {
        let amax = stats.amax;
        let emax = element.max_exponent();
        match *self {
            _ if amax.is_nan() => f64::NAN,
            Self::Floor
            | Self::Ceil
            | Self::RoundUp
            | Self::Even { .. }
            | Self::Nearest
            | Self::Log2Floor
                if amax == 0.0 =>
            {
                0.0
            }
            Self::Floor => exp2(floor_log2(amax) - emax),
            Self::Ceil => exp2(
                floor_log2(amax) + i32::from(amax.is_finite() && !is_power_of_two(amax)) - emax,
            ),
            Self::RoundUp => {
                let floor = floor_log2(amax) - emax;
                exp2(
                    floor
                        + i32::from(
                            amax.is_finite()
                                && f64::from(amax) > element.max().to_f64() * exp2(floor),
                        ),
                )
            }
            Self::Even { mantissa_bits } => {
                // Half of the last bit that is kept.
                let half = 1 << (22 - u32::from(mantissa_bits.min(22)));
                // The carry of the largest f32s goes into the exponent of infinity, 128, and that
                // of the largest subnormal ones into -126.
                let rounded = if amax.is_finite() { amax.to_bits() + half } else { amax.to_bits() };
                let exponent = if rounded < 0x0080_0000 {
                    floor_log2(amax)
                } else {
                    (rounded >> 23) as i32 - 127
                };
                exp2(exponent - emax)
            }
            Self::Nearest => {
                // amax / max is at least 1.5·2^e exactly if amax is at least 1.5·max·2^e.
                let floor = floor_log2(amax) - emax;
                let (amax, max) = (f64::from(amax), element.max().to_f64());
                let below = if amax < max * exp2(floor) { floor - 1 } else { floor };
                exp2(below + i32::from(amax >= 1.5 * max * exp2(below)))
            }
            Self::Log2Floor => exp2(log2_floor(amax) - emax),
            Self::Log2Ceil { target } => match amax / target {
                // The quotient may underflow to zero, which has no logarithm.
                0.0 => 0.0,
                quotient => exp2(log2_ceil(quotient)),
            },
            Self::Amax { ratio: Ratio::Inverse, .. } if amax == 0.0 => 0.0,
            // In f64, so that its reciprocal, rounded to f32, is the factor again.
            Self::Amax { target, ratio: Ratio::Inverse } if amax.is_finite() => {
                1.0 / f64::from((target / amax).min(f32::MAX))
            }
            Self::Amax { target, ratio } => {
                let factor = tensor_scale.factor(tensor);
                let scaled = !matches!(tensor_scale, TensorScale::None);
                f64::from(match ratio {
                    Ratio::Divide => amax / (target * factor),
                    Ratio::Multiply if scaled => (amax * (factor * (1.0 / target))).min(f32::MAX),
                    Ratio::Multiply => amax * (1.0 / target),
                    Ratio::DivideTwice => amax / target / factor,
                    Ratio::MultiplyQuotient => factor * (amax / target),
                    // `amax` is infinite here: the arm above takes all finite ones.
                    Ratio::Inverse => 1.0,
                })
            }
            Self::SignedMax { target } => f64::from(stats.signed_max / target),
            Self::Range { steps, with_zero } => {
                let (min, max) = range(stats, with_zero);
                f64::from((max - min) / steps)
            }
            Self::Fixed(scale) => f64::from(scale),
            Self::Unit | Self::Given => 1.0,
            Self::Custom(rule) => f64::from(rule.scale(stats)),
        }
    }
}

/// The ends of a block's range, with zero among them where it has to be.
pub(super) fn range(stats: &BlockStats<'_>, with_zero: bool) -> (f32, f32) {
    if with_zero { (stats.min.min(0.0), stats.max.max(0.0)) } else { (stats.min, stats.max) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_logarithms_round_up_just_below_a_power_of_two() {
        let below = |x: f32| f32::from_bits(x.to_bits() - 1);
        // ln 2 · 2^24 · half a spacing, by hand: below 0.5 (T = -1) half the spacing is 2^-24, so
        // not even 1 unit rounds up; below 2^-2 it is 2^-23: 1.38, so 1 unit does; below 2 (T = 1,
        // a power of two) 2^-25: none.
        assert_eq!(
            (log2_floor(below(0.5)), log2_floor(below(0.25)), log2_floor(below(2.0))),
            (-2, -2, 0)
        );
        assert_eq!((log2_floor(1.0), log2_floor(below(1.0))), (0, -1));
        assert_eq!((log2_floor(f32::MAX), log2_floor(f32::INFINITY)), (128, 128));
        // T = 100: half the spacing 2^-18, 44 units.
        let hundred = f32::from_bits((100 + 127) << 23);
        let down = |units| f32::from_bits(hundred.to_bits() - units);
        assert_eq!((log2_floor(down(44)), log2_floor(down(45))), (100, 99));
        // Subnormals too. T = -126: half the spacing 2^-18, 44 units of 2^-150, of which a
        // subnormal has every second.
        assert_eq!(
            (log2_floor(f32::from_bits(0x7F_FFEA)), log2_floor(f32::from_bits(0x7F_FFE9))),
            (-126, -127)
        );
    }

    #[test]
    fn rules_by_the_worked_examples() {
        // OCP element E2M1, emax 2, max 6: exponents of amax under floor, even, ceil, round-up.
        let exponents = |amax: f32, element: &FormatSpec, bits: u8| {
            let stats = BlockStats::of([amax, 0.0]);
            [
                ScaleRule::Floor,
                ScaleRule::Even { mantissa_bits: bits },
                ScaleRule::Ceil,
                ScaleRule::RoundUp,
            ]
            .map(|rule| rule.ideal(&stats, element, TensorScale::None, 1.0).log2() as i32 + 127)
        };
        let e2m1 = FormatSpec::F4E2M1;
        assert_eq!(exponents(6.0, &e2m1, 1), [127, 127, 128, 127]);
        assert_eq!(exponents(6.5, &e2m1, 1), [127, 127, 128, 128]);
        assert_eq!(exponents(7.0, &e2m1, 1), [127, 128, 128, 128]);
        assert_eq!(exponents(8.0, &e2m1, 1), [128, 128, 128, 128]);
        assert_eq!(exponents(4.0, &e2m1, 1), [127, 127, 127, 127]);
        let e4m3 = FormatSpec::F8E4M3;
        assert_eq!(exponents(448.0, &e4m3, 3), [127, 127, 128, 127]);
        assert_eq!(exponents(480.0, &e4m3, 3), [127, 127, 128, 128]);
        assert_eq!(exponents(496.0, &e4m3, 3), [127, 128, 128, 128]);
        assert_eq!(exponents(256.0, &e4m3, 3), [127, 127, 127, 127]);
    }
}

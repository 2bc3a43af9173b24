//! Scales that make FP4 weights cheap to cast to FP8 (ZeroQuant-FP, arXiv 2307.09782).

use super::{exp2, exponent};

/// Where a ratio between powers of two goes under [`ZeroquantScales::M2`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PowerRatio {
    /// To the next power of two above: scales shrink, and the largest element of a group may
    /// saturate. How the constraint is written.
    Ceil,
    /// To the next power of two below: scales grow, nothing saturates.
    Floor,
}

/// Constraints on the scales of FP4 weights under which the cast to FP8 is a shift of the exponent
/// (ZeroQuant-FP, arXiv 2307.09782, 3).
///
/// The ceiling of `M1` is confirmed by secondary sources; the direction of `M2` is from the
/// formula as it is commonly written, and is a parameter for that reason: on normal weights
/// [`Ceil`](PowerRatio::Ceil) is worse than `M1`, [`Floor`](PowerRatio::Floor) is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ZeroquantScales {
    /// `2^ceil(log2 s)` each.
    M1,
    /// `S / 2^ceil(log2(S / s))` (or floor) with `S` the largest of the scales: all are `S` times a
    /// power of two.
    M2(PowerRatio),
}

impl ZeroquantScales {
    /// Replaces scales by the nearest that the constraint allows in its direction. Scales that are
    /// zero or not finite stay as they are. Ratios are decided by exponents and a comparison, no
    /// logarithm is computed; results are exact, or rounded once below 2^-126.
    ///
    /// ```
    /// use subhalf::recipe::{PowerRatio, ZeroquantScales};
    /// let mut scales = [0.0472f32, 0.031, 0.0125];
    /// ZeroquantScales::M2(PowerRatio::Ceil).apply(&mut scales);
    /// assert_eq!(scales, [0.0472, 0.0236, 0.0118]);
    /// ```
    pub fn apply(self, scales: &mut [f32]) {
        let usable = |s: f32| s > 0.0 && s.is_finite();
        let largest = scales.iter().copied().filter(|s| usable(*s)).fold(0.0, f32::max);
        for s in scales.iter_mut().filter(|s| usable(**s)) {
            *s = match self {
                Self::M1 => {
                    let power = exp2(exponent(*s));
                    (if power < f64::from(*s) { 2.0 * power } else { power }) as f32
                }
                Self::M2(direction) => {
                    // floor(log2(S / s)): the last k with s · 2^k not above S, both exact in f64.
                    let (large, small) = (f64::from(largest), f64::from(*s));
                    let guess = exponent(largest) - exponent(*s);
                    let floor = if small * exp2(guess) > large { guess - 1 } else { guess };
                    let exact = small * exp2(floor) == large;
                    let up = matches!(direction, PowerRatio::Ceil) && !exact;
                    (large * exp2(-(floor + i32::from(up)))) as f32
                }
            };
        }
    }
}

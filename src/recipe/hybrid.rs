//! `HiFloat8`'s hybrid rounding (arXiv 2409.16626).

use super::exponent;
use crate::spec::FormatSpec;

/// Rounds a number to a HiF8 code by hybrid rounding (arXiv 2409.16626, 3.3): ties away from zero
/// where the number's exponent is within ±3, else a stochastic rounding whose random bits are the
/// number's own.
///
/// With `F` the 14 highest of the mantissa bits that are cut off and `T` the 14 lowest of the
/// f32's, the magnitude is rounded up if `F ≥ T`. Numbers below HiF8's smallest normal number
/// 2^-15, and those from 32768 on, are rounded as by ties away, since the paper states the rule for
/// mantissa bits only; so are infinities and NaN. The threshold of the exponent is from a secondary
/// source.
///
/// ```
/// use subhalf::{FormatSpec, recipe::hif8_hybrid};
/// let number = |x| FormatSpec::HIF8.decode_f32(hif8_hybrid(x));
/// assert_eq!(number(3.3), 3.25); // 2^1: ties away
/// let mean = (0..1100).map(|i| number(192.0 + i as f32 / 100.0)).sum::<f32>() / 1100.0;
/// assert!((mean - 197.5).abs() < 2.0); // of 192 and 256; ties away give 192 alone
/// ```
#[must_use]
pub fn hif8_hybrid(x: f32) -> u32 {
    let spec = FormatSpec::HIF8;
    let away = spec.encode_f32(x);
    if !x.is_finite() || !(f32::from_bits(0x3800_0000)..32768.0).contains(&x.abs()) {
        return away;
    }
    let kept = match exponent(x).unsigned_abs() {
        0..=3 => return away,
        4..=7 => 2,
        _ => 1,
    };
    let bits = x.to_bits();
    let cut = 23 - kept;
    let fraction = bits & ((1 << cut) - 1);
    let up = fraction >> (cut - 14) >= bits & 0x3FFF;
    // The neighbours are numbers of the format, also where the upper one is in the next binade.
    let below = bits - fraction;
    spec.encode_f32(f32::from_bits(if up && fraction != 0 { below + (1 << cut) } else { below }))
}

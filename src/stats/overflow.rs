//! The quotients that raise [`Flags::OVERFLOW`]: its [`Bounds`], found once with the reference codec
//! so that a kernel can compare with them.
//!
//! On each side of zero the flag goes from off to on once, as magnitudes grow. For a stochastic
//! rounding it does so for each random word; a larger word rounds up more, so the words 0 and all
//! ones bound the rest.

use crate::flags::Flags;
use crate::kernel::Bounds;
use crate::policy::Convert;
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec};

/// The bounds of overflow for a format and a policy, or `None` if the flag does not grow so: in a
/// codebook whose entries are all on one side of zero.
pub(super) fn bounds(spec: &FormatSpec, convert: &Convert) -> Option<Bounds> {
    let overflows =
        |x: f64, word: u32| spec.encode_f64_with(x, convert, word).flags.contains(Flags::OVERFLOW);
    // The last quotients that raise the flag: infinity too, unless it stays what it is.
    let end = |infinity: f64| {
        if overflows(infinity, 0) { infinity } else { infinity.signum() * f64::MAX }
    };
    let (end_high, end_low) = (end(f64::INFINITY), end(f64::NEG_INFINITY));
    if let Encoding::Codebook(_) = spec.encoding() {
        // A number overflows if it lies beyond the last entry, however near.
        let (max, min) = (spec.max().to_f64(), spec.min().to_f64());
        if !(min < 0.0 && max > 0.0) {
            return None;
        }
        let (high, low) = (max.next_up(), min.next_down());
        return Some(Bounds {
            high,
            low,
            possible_high: high,
            possible_low: low,
            end_high,
            end_low,
        });
    }
    if [0.0, -0.0, f64::from_bits(1), -f64::from_bits(1)].iter().any(|x| overflows(*x, u32::MAX)) {
        return None;
    }
    let side = |negative: bool, word: u32| {
        let (code, sign) = if negative { (spec.min_code(), -1.0) } else { (spec.max_code(), 1.0) };
        let (end, next) = (spec.decode_f64(code), spec.decode_f64(code.wrapping_sub(1)));
        sign * first(sign * end, (end - next).abs(), |x| overflows(sign * x, word))
    };
    let (high, low) = (side(false, 0), side(true, 0));
    let [possible_high, possible_low] = if matches!(convert.round, Round::Stochastic { .. }) {
        [side(false, u32::MAX), side(true, u32::MAX)]
    } else {
        [high, low]
    };
    Some(Bounds { high, low, possible_high, possible_low, end_high, end_low })
}

/// The smallest positive f64 that overflows, infinity without a finite one. The largest number of the format and
/// the distance of its neighbour say where it probably is.
fn first(end: f64, unit: f64, overflows: impl Fn(f64) -> bool) -> f64 {
    if !overflows(f64::MAX) {
        return f64::INFINITY;
    }
    // The bits of positive f64s are ordered as they are.
    let (mut low, mut high) = (1, f64::MAX.to_bits());
    let (middle, next) = (end + unit / 2.0, end + unit);
    let mut guesses = [
        middle,
        middle.next_down(),
        middle.next_up(),
        end,
        end.next_up(),
        next,
        next.next_down(),
        next.next_up(),
    ]
    .into_iter()
    .filter(|x| *x > 0.0)
    .map(f64::to_bits);
    while high - low > 1 {
        let inside = |bits: &u64| low < *bits && *bits < high;
        let probe = guesses.find(inside).unwrap_or(low + (high - low) / 2);
        if overflows(f64::from_bits(probe)) {
            high = probe;
        } else {
            low = probe;
        }
    }
    f64::from_bits(high)
}

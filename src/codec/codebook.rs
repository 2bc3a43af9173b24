//! Tables of numbers. Codes are positions and need not be in order of value; rounding goes by
//! value.

use super::Unpacked;
use super::rounded::Rounded;
use crate::bits::split;
use crate::round::Round;
use crate::spec::{codebook_unit, f32_parts};

pub(super) const fn decode(values: &[u32], code: u32) -> Unpacked {
    if (code as usize) < values.len() {
        Unpacked::from_f32(f32::from_bits(values[code as usize]))
    } else {
        Unpacked::NAN
    }
}

/// An entry as a whole number of units `2^unit`; the spec was checked for this to fit.
const fn in_units(bits: u32, unit: i64) -> i64 {
    let (significand, exponent) = f32_parts(bits);
    if significand == 0 {
        return 0;
    }
    let last = significand.trailing_zeros() as i64;
    let count = ((significand >> last) << (exponent + last - unit)) as i64;
    if bits >> 31 == 1 { -count } else { count }
}

/// Value in units along the sign of the number that is rounded, and code.
type ValueAndCode = (i64, usize);

const fn sign_of(bits: u32) -> bool {
    bits >> 31 == 1
}

/// How many entries are smaller than `value` units: the position in value order.
const fn rank(values: &[u32], unit: i64, value: i64) -> u64 {
    let (mut below, mut i) = (0, 0);
    while i < values.len() {
        below += (in_units(values[i], unit) < value) as u64;
        i += 1;
    }
    below
}

/// Rounds a finite number (zero included) to a code. The search runs in the direction of the
/// number's sign, so that "up" means away from zero as everywhere else. Beyond the last entry it
/// overflows to it.
pub(super) const fn round(values: &[u32], x: Unpacked, round: Round, random: u32) -> Rounded {
    let unit = codebook_unit(values);
    let (sign, significand) = (if x.is_negative() { -1 } else { 1 }, x.significand());
    let cut = if significand == 0 {
        split(0, 0)
    } else if x.log2() - unit > 62 {
        split(1 << 63, 0)
    } else {
        split(significand, unit - x.exponent() as i64)
    };
    // The nearest entries on both sides.
    let (mut lower, mut upper): (Option<ValueAndCode>, Option<ValueAndCode>) = (None, None);
    let mut code = 0;
    while code < values.len() {
        let value = sign * in_units(values[code], unit);
        if value < 0 || value as u64 <= cut.floor {
            // Among equal entries the first counts, but of two zeros the one with the sign of x.
            let nearer = match lower {
                None => true,
                Some((best, old)) => {
                    let signs = (
                        sign_of(values[old]) == x.is_negative(),
                        sign_of(values[code]) == x.is_negative(),
                    );
                    value > best || (value == best && value == 0 && matches!(signs, (false, true)))
                }
            };
            if nearer {
                lower = Some((value, code));
            }
        } else {
            match upper {
                Some((best, _)) if value >= best => {}
                _ => upper = Some((value, code)),
            }
        }
        code += 1;
    }
    let whole = cut.fraction == 0 && !cut.sticky;
    let (code, overflow, inexact) = match (lower, upper) {
        (Some((value, code)), _) if whole && value >= 0 && value as u64 == cut.floor => {
            (code, false, false)
        }
        (Some((_, code)), None) => (code, true, true),
        (None, Some((_, code))) => (code, false, true),
        (Some((low, low_code)), Some((high, high_code))) => {
            let width = (high - low) as u128;
            let position =
                (((cut.floor as i128 - low as i128) as u128) << 64) | cut.fraction as u128;
            let (fraction, sticky) =
                ((position / width) as u64, !position.is_multiple_of(width) || cut.sticky);
            let odd = rank(values, unit, sign * low) & 1 == 1;
            let up = round.moves_up(x.is_negative(), odd, fraction, sticky, random);
            (if up { high_code } else { low_code }, false, true)
        }
        (None, None) => (0, false, true), // no entries: no spec is made so
    };
    Rounded { magnitude: code as u64, overflow, inexact, tiny: false }
}

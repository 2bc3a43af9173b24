//! Floating-point layouts: code to number, and number to rounded magnitude code. Policies are
//! applied by the caller.

use super::Unpacked;
use super::rounded::Rounded;
use crate::bits::{split, top_bit};
use crate::policy::Nan;
use crate::round::Round;
use crate::spec::{FloatSpec, NanCodes, ZeroField};
use core::num::FpCategory;

/// The number that a code stands for. Bits above the code's width do not count.
#[inline]
pub(super) const fn decode(layout: &FloatSpec, code: u64) -> Unpacked {
    let magnitude = code & layout.magnitude_mask();
    let negative = code & layout.sign_bit() != 0;
    let mantissa_bits = layout.mantissa_bits as u32;
    if layout.is_nan(code & (layout.magnitude_mask() | layout.sign_bit())) {
        return decode_nan(layout, negative, magnitude);
    }
    if let Some(infinity) = layout.infinity()
        && magnitude == infinity
    {
        return Unpacked::infinity(negative);
    }
    let field = (magnitude >> mantissa_bits) as i64;
    let mantissa = magnitude & ((1 << mantissa_bits) - 1);
    let hidden = 1 << mantissa_bits;
    let last_bit = layout.min_exponent() - mantissa_bits as i64;
    if field > 0 {
        let scale = match layout.zero_field {
            ZeroField::Normals => field,
            ZeroField::Subnormals | ZeroField::ZeroOnly => field - 1,
        };
        return Unpacked::new(negative, hidden | mantissa, (last_bit + scale) as i32);
    }
    let significand = match layout.zero_field {
        ZeroField::Subnormals => mantissa,
        ZeroField::ZeroOnly => 0,
        ZeroField::Normals => hidden | mantissa,
    };
    let is_subnormal =
        matches!(layout.zero_field, ZeroField::Subnormals) && !layout.is_fixed_point();
    let class = if is_subnormal { FpCategory::Subnormal } else { FpCategory::Normal };
    let negative = negative && (layout.negative_zero || significand != 0);
    Unpacked::with_class(negative, significand, last_bit as i32, class)
}

/// A NaN keeps its sign bit (so FNUZ's 0x80 is negative, as in ml_dtypes) and its mantissa as
/// payload, quiet bit first. Without a mantissa, or as the sign bit alone, it is quiet.
const fn decode_nan(layout: &FloatSpec, negative: bool, magnitude: u64) -> Unpacked {
    const QUIET: u64 = 1 << 63;
    match layout.nan {
        NanCodes::TopExponent | NanCodes::AllOnes if layout.mantissa_bits > 0 => {
            Unpacked::nan(negative, magnitude << (64 - layout.mantissa_bits as u32))
        }
        _ => Unpacked::nan(negative, QUIET),
    }
}

/// The NaN code for a NaN input (or for an overflow), if the layout has one.
#[inline]
pub(super) const fn nan_code(
    layout: &FloatSpec,
    nan: Nan,
    negative: bool,
    payload: u64,
) -> Option<u64> {
    let magnitude = match layout.nan {
        NanCodes::None => return None,
        NanCodes::NegativeZero => return Some(layout.sign_bit()),
        NanCodes::AllOnes => layout.magnitude_mask(),
        NanCodes::TopExponent => {
            let (mantissa_bits, top) = (layout.mantissa_bits as u32, layout.max() + 1);
            if mantissa_bits == 0 {
                top
            } else {
                match nan {
                    Nan::Canonical | Nan::Signed => top | 1 << (mantissa_bits - 1),
                    Nan::AllOnes | Nan::SignedAllOnes => layout.magnitude_mask(),
                    Nan::Payload => {
                        top | 1 << (mantissa_bits - 1) | payload >> (64 - mantissa_bits)
                    }
                }
            }
        }
    };
    let sign = match nan {
        Nan::Signed | Nan::SignedAllOnes | Nan::Payload if negative => layout.sign_bit(),
        _ => 0,
    };
    Some(magnitude | sign)
}

/// What is left of a NaN of f32 in a format without NaN, as if it were a number: see
/// [`MissingNan::Payload`](crate::policy::MissingNan::Payload).
pub(super) const fn cut_nan(layout: &FloatSpec, negative: bool, payload: u64) -> u64 {
    let exponent = (255 - 127 + layout.bias as i64) as u64;
    // The payload is rounded like a number's mantissa: to nearest even, with the carry into the
    // exponent.
    let cut = split(payload, 64 - layout.mantissa_bits as i64);
    let lower = (exponent << layout.mantissa_bits).wrapping_add(cut.floor);
    let up = Round::NearestEven.moves_up(negative, lower & 1 == 1, cut.fraction, cut.sticky, 0);
    let magnitude = lower.wrapping_add(up as u64) & layout.magnitude_mask();
    magnitude | if negative && layout.signed { layout.sign_bit() } else { 0 }
}

/// Rounds a finite nonzero magnitude to a magnitude code, as if there were no largest value.
///
/// A magnitude code counts the representable magnitudes upward from zero, so with the unit `2^q` of
/// the number's binade and `n = floor(|x| / 2^q)` the code of the lower neighbour is
/// `(q + M - e_min) << M) + n`: subnormals (`q = e_min - M`) and the carry into the next binade
/// need no case of their own.
#[inline]
pub(super) const fn round(layout: &FloatSpec, x: Unpacked, round: Round, random: u32) -> Rounded {
    let (mantissa_bits, min_exponent) = (layout.mantissa_bits as i64, layout.min_exponent());
    let (negative, significand, exponent) = (x.is_negative(), x.significand(), x.exponent() as i64);
    let top = exponent + top_bit(significand);
    let binades = if layout.is_fixed_point() { mantissa_bits } else { 1 << layout.exponent_bits };
    if top > min_exponent + binades {
        return Rounded { magnitude: layout.max() + 1, overflow: true, inexact: true, tiny: false };
    }
    let normal = top >= min_exponent && !layout.is_fixed_point();
    if !normal && matches!(layout.zero_field, ZeroField::Normals) {
        let tiny = is_tiny(layout, x, top, round, random);
        return Rounded { magnitude: 0, overflow: false, inexact: true, tiny };
    }
    let zero_only = matches!(layout.zero_field, ZeroField::ZeroOnly);
    // `unit`: exponent of the spacing; `step`: what one spacing adds to the code.
    let (unit, step) = match (normal, zero_only) {
        (true, _) => (top - mantissa_bits, 1),
        (false, false) => (min_exponent - mantissa_bits, 1),
        (false, true) => (min_exponent, 1 << mantissa_bits),
    };
    let cut = split(significand, unit - exponent);
    let first = if normal { ((top - min_exponent) as u64) << mantissa_bits } else { 0 };
    let hidden =
        if matches!(layout.zero_field, ZeroField::Normals) { 1 << mantissa_bits } else { 0 };
    let lower = first + cut.floor * step - hidden;
    let up = round.moves_up(negative, lower & 1 == 1, cut.fraction, cut.sticky, random);
    let magnitude = lower + if up { step } else { 0 };
    let inexact = cut.fraction != 0 || cut.sticky;
    let tiny =
        inexact && !normal && !layout.is_fixed_point() && is_tiny(layout, x, top, round, random);
    Rounded { magnitude, overflow: magnitude > layout.max(), inexact, tiny }
}

/// Whether a number below the smallest normal stays there when it is rounded to the full precision.
const fn is_tiny(layout: &FloatSpec, x: Unpacked, top: i64, round: Round, random: u32) -> bool {
    let (mantissa_bits, min_exponent) = (layout.mantissa_bits as i64, layout.min_exponent());
    if top < min_exponent - 1 {
        return true;
    }
    let cut = split(x.significand(), top - mantissa_bits - x.exponent() as i64);
    let last_of_binade = cut.floor == (2 << mantissa_bits) - 1;
    // The lower neighbour's code, if codes went on downward: `1 << M` below that of the same
    // significand in the lowest binade.
    let no_zero = matches!(layout.zero_field, ZeroField::Normals);
    let below_lowest =
        cut.floor as i64 - if no_zero { 2 << mantissa_bits } else { 1 << mantissa_bits };
    let odd = below_lowest & 1 == 1;
    !(last_of_binade && round.moves_up(x.is_negative(), odd, cut.fraction, cut.sticky, random))
}

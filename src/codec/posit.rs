//! Posits (Posit Standard 2022: `exponent_bits` = 2). Rounding acts on the encoding: an exact
//! number is written as an infinitely long posit and cut to the width, so the midpoint of two
//! neighbours is the posit one bit longer between them.

use super::Unpacked;
use super::rounded::Rounded;
use crate::bits::low_mask;
use crate::round::Round;
use crate::spec::PositSpec;

/// NaR, the code of everything that is not a real number.
pub(super) const fn nar(layout: &PositSpec) -> u64 {
    1 << (layout.bits - 1)
}

/// The code of the largest number.
pub(super) const fn max_code(layout: &PositSpec) -> u64 {
    nar(layout) - 1
}

/// Exponent of the largest number; the smallest positive number has its negative.
const fn max_exponent(layout: &PositSpec) -> i64 {
    (layout.bits as i64 - 2) << layout.exponent_bits
}

/// A negative number is the two's complement of its magnitude.
pub(super) const fn place(layout: &PositSpec, negative: bool, magnitude: u64) -> u64 {
    (if negative { magnitude.wrapping_neg() } else { magnitude }) & low_mask(layout.bits as u32)
}

/// The code of the next larger (`step` = 1) or smaller (−1) number: codes are in order as two's
/// complement.
pub(super) const fn step(layout: &PositSpec, code: u64, step: i64) -> Option<u64> {
    let next = code.wrapping_add(step as u64) & low_mask(layout.bits as u32);
    if next == nar(layout) { None } else { Some(next) }
}

pub(super) const fn decode(layout: &PositSpec, code: u64) -> Unpacked {
    let code = code & low_mask(layout.bits as u32);
    if code == 0 {
        return Unpacked::ZERO;
    }
    if code == nar(layout) {
        return Unpacked::NAN;
    }
    let negative = code > nar(layout);
    // The bits behind the sign, left-aligned; what is missing at the end counts as zeros.
    let word = place(layout, negative, code) << (65 - layout.bits as u32);
    let run = if word >> 63 == 1 { word.leading_ones() } else { word.leading_zeros() };
    let regime = if word >> 63 == 1 { run as i64 - 1 } else { -(run as i64) };
    let rest = word << run << 1;
    let exponent_bits = layout.exponent_bits as u32;
    let exponent = if exponent_bits == 0 { 0 } else { (rest >> (64 - exponent_bits)) as i64 };
    let fraction = rest << exponent_bits;
    let significand = 1 << 63 | fraction >> 1;
    let last = significand.trailing_zeros();
    let scale = (regime << exponent_bits) + exponent - 63 + last as i64;
    Unpacked::new(negative, significand >> last, scale as i32)
}

/// Rounds a finite nonzero magnitude to a magnitude code; never to zero.
pub(super) const fn round(layout: &PositSpec, x: Unpacked, round: Round, random: u32) -> Rounded {
    let (top, limit) = (x.log2(), max_exponent(layout));
    if top < -limit {
        return Rounded { magnitude: 1, overflow: false, inexact: true, tiny: true };
    }
    if top >= limit {
        let beyond = top > limit || !x.significand().is_power_of_two();
        return Rounded {
            magnitude: max_code(layout),
            overflow: beyond,
            inexact: beyond,
            tiny: false,
        };
    }
    let exponent_bits = layout.exponent_bits as u32;
    let regime = top >> exponent_bits;
    let exponent = (top & low_mask(exponent_bits) as i64) as u128;
    // Regime 0: "10"; each step up one more leading 1; down, one more leading 0 before the 1.
    let (pattern, length) = if regime >= 0 {
        ((low_mask(regime as u32 + 1) << 1) as u128, regime as u32 + 2)
    } else {
        (1, (1 - regime) as u32)
    };
    let fraction = (x.aligned() << 1) as u128;
    let endless = ((pattern << exponent_bits) | exponent) << 64 | fraction;
    let drop = length + exponent_bits + 64 - (layout.bits as u32 - 1);
    let lower = (endless >> drop) as u64;
    let cut = endless << (128 - drop);
    let (head, tail) = ((cut >> 64) as u64, cut as u64);
    let up = round.moves_up(x.is_negative(), lower & 1 == 1, head, tail != 0, random);
    Rounded { magnitude: lower + up as u64, overflow: false, inexact: cut != 0, tiny: false }
}

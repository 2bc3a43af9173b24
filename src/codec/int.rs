//! Two's-complement and unsigned integers with a binary point.

use super::Unpacked;
use super::rounded::Rounded;
use crate::bits::{low_mask, split};
use crate::round::Round;
use crate::spec::IntSpec;

const fn code_mask(layout: &IntSpec) -> u64 {
    low_mask(layout.bits as u32)
}

/// The signed integer that a code stores.
const fn integer(layout: &IntSpec, code: u64) -> i64 {
    let spare = 64 - layout.bits as u32;
    if layout.signed {
        ((code << spare) as i64) >> spare
    } else {
        (code & code_mask(layout)) as i64
    }
}

/// The largest magnitude with a sign that encoding gives.
const fn max_magnitude(layout: &IntSpec, negative: bool) -> u64 {
    let positive = low_mask(layout.bits as u32 - layout.signed as u32);
    match (negative, layout.signed) {
        (true, false) => 0,
        (true, true) => positive + !layout.symmetric as u64,
        (false, _) => positive,
    }
}

pub(super) const fn max_code(layout: &IntSpec, negative: bool) -> u64 {
    place(layout, negative, max_magnitude(layout, negative))
}

/// The code of `±magnitude` units.
pub(super) const fn place(layout: &IntSpec, negative: bool, magnitude: u64) -> u64 {
    (if negative { magnitude.wrapping_neg() } else { magnitude }) & code_mask(layout)
}

/// The code of the integer `step` further on, if it has one.
pub(super) const fn step(layout: &IntSpec, code: u64, step: i64) -> Option<u64> {
    let next = integer(layout, code) + step;
    if next.unsigned_abs() > max_magnitude(layout, next < 0) {
        return None;
    }
    Some(next as u64 & code_mask(layout))
}

pub(super) const fn decode(layout: &IntSpec, code: u64) -> Unpacked {
    let integer = integer(layout, code);
    Unpacked::new(integer < 0, integer.unsigned_abs(), -(layout.fraction_bits as i32))
}

/// The code that keeps the low bits of `±magnitude` units; never the one that a symmetric format
/// does not produce.
pub(super) const fn wrap(layout: &IntSpec, negative: bool, magnitude: u64) -> u64 {
    let code = place(layout, negative, magnitude);
    let missing = layout.symmetric && code == 1 << (layout.bits - 1);
    if missing { max_code(layout, true) } else { code }
}

/// Rounds a finite nonzero number to a count of units and returns its low 64 bits, which are all of
/// them unless the number overflows.
pub(super) const fn round(layout: &IntSpec, x: Unpacked, round: Round, random: u32) -> Rounded {
    let drop = -(layout.fraction_bits as i64) - x.exponent() as i64;
    let cut = if drop <= -64 { split(0, 0) } else { split(x.significand(), drop) };
    let up = round.moves_up(x.is_negative(), cut.floor & 1 == 1, cut.fraction, cut.sticky, random);
    let magnitude = cut.floor.wrapping_add(up as u64);
    let beyond = x.log2() + layout.fraction_bits as i64 > 32;
    // In an unsigned format the policy decides about negative numbers, not the range.
    let overflow = beyond || magnitude > max_magnitude(layout, x.is_negative() && layout.signed);
    Rounded { magnitude, overflow, inexact: cut.fraction != 0 || cut.sticky, tiny: false }
}

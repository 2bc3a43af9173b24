//! Huawei HiFloat8: a prefix code gives the width of the exponent field, the rest is mantissa
//! (arXiv 2409.16626).
//!
//! ```text
//! s 11 S eee m   |E| 8..=15        s 001 S mmm   |E| = 1
//! s 10 S ee mm   |E| 4..=7         s 0001 mmm    E = 0
//! s 01 S e mmm   |E| 2..=3         s 0000 ddd    2^(d - 23), d = 1..=7: the denormals
//! S: sign of E; e: |E| without its top bit; a normal number is (1 + m / 2^width) · 2^E
//! ```
//! 0x00 is zero, 0x80 NaN; 0x6F and 0xEF, which would be ±1.5·2^15, are the infinities.

use super::Unpacked;
use super::rounded::Rounded;
use crate::bits::split;
use crate::round::Round;
use core::num::FpCategory;

pub(super) const NAN: u32 = 0x80;
pub(super) const INFINITY: u32 = 0x6F;
/// The last code below infinity's; codes of the same prefix are in order of value.
pub(super) const MAX: u32 = INFINITY - 1;
pub(super) const SIGN: u32 = 0x80;

/// Prefix and mantissa width by width of |E|.
const ROWS: [(u64, u32); 5] = [(0x08, 3), (0x10, 3), (0x20, 3), (0x40, 2), (0x60, 1)];
const MIN_NORMAL_EXPONENT: i64 = -15;
/// The denormal `2^e` has code `e` + this.
const DENORMAL_BIAS: i64 = 23;

/// Width of |E| in bits: 0 for 0, 1 for 1, 2 for 2..=3, 3 for 4..=7, 4 for 8..=15.
const fn width(exponent: i64) -> usize {
    (64 - exponent.unsigned_abs().leading_zeros()) as usize
}

pub(super) const fn decode(code: u32) -> Unpacked {
    let (code, negative) = ((code & 0x7F) as u64, code & SIGN != 0);
    match (code, negative) {
        (0, true) => return Unpacked::NAN,
        (0, false) => return Unpacked::ZERO,
        (0x6F, _) => return Unpacked::infinity(negative),
        _ => {}
    }
    let mut row = ROWS.len();
    while row > 0 && code < ROWS[row - 1].0 {
        row -= 1;
    }
    if row == 0 {
        return Unpacked::with_class(
            negative,
            1,
            (code as i64 - DENORMAL_BIAS) as i32,
            FpCategory::Subnormal,
        );
    }
    let (prefix, mantissa_bits) = ROWS[row - 1];
    let (width, rest) = (row as u32 - 1, code - prefix);
    let mantissa = rest & ((1 << mantissa_bits) - 1);
    let field = rest >> mantissa_bits;
    let exponent = if width == 0 {
        0
    } else {
        let top = 1 << (width - 1);
        let magnitude = (field & (top - 1)) | top;
        if field & top != 0 { -(magnitude as i32) } else { magnitude as i32 }
    };
    Unpacked::new(negative, 1 << mantissa_bits | mantissa, exponent - mantissa_bits as i32)
}

/// The magnitude code of `(1 + mantissa / 2^width) · 2^exponent`, for exponents from −22 to 15.
const fn place(exponent: i64, mantissa: u64) -> u64 {
    if exponent < MIN_NORMAL_EXPONENT {
        return (exponent + DENORMAL_BIAS) as u64;
    }
    let width = width(exponent);
    let (prefix, mantissa_bits) = ROWS[width];
    if width == 0 {
        return prefix | mantissa;
    }
    let top = 1 << (width - 1);
    let sign = if exponent < 0 { top } else { 0 };
    prefix | (sign | (exponent.unsigned_abs() - top)) << mantissa_bits | mantissa
}

/// Rounds a finite nonzero magnitude to a magnitude code.
pub(super) const fn round(x: Unpacked, round: Round, random: u32) -> Rounded {
    const OVERFLOW: Rounded =
        Rounded { magnitude: INFINITY as u64, overflow: true, inexact: true, tiny: false };
    let top = x.log2();
    if top > 15 {
        return OVERFLOW;
    }
    let is_normal = top >= MIN_NORMAL_EXPONENT;
    let mantissa_bits = if is_normal { ROWS[width(top)].1 as i64 } else { 0 };
    let lowest = 1 - DENORMAL_BIAS;
    let unit = if top < lowest { lowest } else { top - mantissa_bits };
    let cut = split(x.significand(), unit - x.exponent() as i64);
    // The last code bit: of the mantissa, or of the denormals' counter. Zero is even.
    let odd = if is_normal {
        cut.floor & 1 == 1
    } else {
        cut.floor == 1 && (top + DENORMAL_BIAS) & 1 == 1
    };
    let up = round.moves_up(x.is_negative(), odd, cut.fraction, cut.sticky, random);
    let count = cut.floor + up as u64;
    let inexact = cut.fraction != 0 || cut.sticky;
    let tiny = inexact && !is_normal && is_tiny(x, top, round, random);
    if count == 0 {
        return Rounded { magnitude: 0, overflow: false, inexact, tiny };
    }
    // The carry: a count of 2^(bits + 1) units is the next power of two, in the next binade's own
    // grid.
    let carried = count >> (mantissa_bits + 1) == 1;
    let exponent = unit + mantissa_bits + carried as i64;
    let mantissa = if carried { 0 } else { count & ((1 << mantissa_bits) - 1) };
    if exponent > 15 || (exponent == 15 && mantissa == 1) {
        return OVERFLOW;
    }
    Rounded { magnitude: place(exponent, mantissa), overflow: false, inexact, tiny }
}

/// Whether a number below 2^-15 stays there when it is rounded with the one mantissa bit of the
/// smallest normals.
const fn is_tiny(x: Unpacked, top: i64, round: Round, random: u32) -> bool {
    if top < MIN_NORMAL_EXPONENT - 1 {
        return true;
    }
    let cut = split(x.significand(), top - 1 - x.exponent() as i64);
    !(cut.floor == 3 && round.moves_up(x.is_negative(), true, cut.fraction, cut.sticky, random))
}

//! HiF4: groups of 64 numbers, each from loops over arrays in registers.
//!
//! ```text
//! for each group:
//!     magnitudes rounded to BF16           and whether one is no number of BF16
//!     the largest of 64, of 8 and of 4     E6M2 code and 24 bits
//!     lanes                                a product, rounded to BF16, then to an integer
//! ```

use crate::kernel::native::per_isa;

/// The scale word of a group with a number that is not finite.
const NAN: u32 = 0xFF;

/// The bits of a finite number rounded to BF16, nearest even; those of an infinity where it
/// overflows. Any bits for a NaN.
#[inline(always)]
const fn bf16_bits(x: f32) -> u32 {
    let bits = x.to_bits();
    bits.wrapping_add(0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000
}

#[inline(always)]
const fn bf16(x: f32) -> f32 {
    f32::from_bits(bf16_bits(x))
}

/// The largest of some magnitudes, by their bits: integers may be compared in any order.
#[inline(always)]
fn largest<const N: usize>(magnitudes: &[f32; N]) -> f32 {
    f32::from_bits(magnitudes.iter().fold(0, |amax, x| amax.max(x.to_bits() as i32)) as u32)
}

/// The E6M2 code nearest to a BF16 number, which is not negative; ties go to the even code, or up.
#[inline(always)]
fn e6m2(x: f32, ties_up: bool) -> u32 {
    // 5 of 7 mantissa bits are rounded off, and the biases differ by 79.
    let bits = (x.to_bits() >> 16) as i32;
    let half = if ties_up { 0x10 } else { 0xF + (bits >> 5 & 1) };
    (((bits + half) >> 5) - 316).clamp(0, 0xFE) as u32
}

/// The number of an E6M2 code below 0xFF.
#[inline(always)]
const fn e6m2_number(code: u32) -> f32 {
    f32::from_bits((code + 316) << 21)
}

/// Scale word and lanes of a group. `away` is the rounding of lanes in a tie, and E6M2's to even.
#[inline(always)]
fn group(x: &[f32; 64], away: bool) -> (u32, [u8; 32]) {
    let mut magnitudes = [0.0; 64];
    // Bits of an infinity and more: a NaN's own, since rounding may change them.
    let mut highest = 0i32;
    for (magnitude, x) in magnitudes.iter_mut().zip(x) {
        let rounded = bf16_bits(*x) & 0x7FFF_FFFF;
        *magnitude = f32::from_bits(rounded);
        highest = highest.max(rounded as i32).max((x.to_bits() & 0x7FFF_FFFF) as i32);
    }
    if highest >= 0x7F80_0000 {
        return (NAN, [0; 32]);
    }
    let code = e6m2(bf16(largest(&magnitudes) * bf16(1.0 / 7.0)), !away);
    let reciprocal = bf16(1.0 / e6m2_number(code));
    let mut scale = code;
    let mut factors = [0.0; 16];
    for (e, eight) in magnitudes.as_chunks::<8>().0.iter().enumerate() {
        let a = bf16(largest(eight) * reciprocal) >= 4.0;
        scale |= u32::from(a) << (8 + e);
        // Halving is exact: reciprocals are 2^-16 at least.
        let halved = if a { 0.5 * reciprocal } else { reciprocal };
        for (f, four) in eight.as_chunks::<4>().0.iter().enumerate() {
            let b = bf16(largest(four) * halved) >= 2.0;
            scale |= u32::from(b) << (16 + 2 * e + f);
            factors[2 * e + f] = if b { 0.5 * halved } else { halved };
        }
    }
    // Quarters have 8 significant bits, so that those below a tie are 2^-9 below it at least: half
    // of that moves the tie up and nothing else.
    let ties = if away { 1.0 / 1024.0 } else { 0.0 };
    let mut codes = [0u32; 64];
    for (i, code) in codes.iter_mut().enumerate() {
        let quarters = (4.0 * bf16(magnitudes[i] * factors[i / 4])).min(7.0) + ties;
        // The unit of 2^23 is 1: the sum rounds to an integer, ties to even.
        *code = (quarters + 8_388_608.0).to_bits() & 7 | x[i].to_bits() >> 28 & 8;
    }
    let lanes = core::array::from_fn(|i| (codes[2 * i] | codes[2 * i + 1] << 4) as u8);
    (scale, lanes)
}

#[inline(always)]
fn groups_body(x: &[[f32; 64]], away: bool, scales: &mut [u32], lanes: &mut [[u8; 32]]) {
    for ((x, scale), lanes) in x.iter().zip(scales).zip(lanes) {
        (*scale, *lanes) = group(x, away);
    }
}

per_isa! {
    /// Scale words and lanes of groups; `away` is the rounding of lanes in a tie, and E6M2's then
    /// is to even instead of up.
    fn hif4_groups[](
        x: &[[f32; 64]],
        away: bool,
        scales: &mut [u32],
        lanes: &mut [[u8; 32]],
    ) = groups_body;
}

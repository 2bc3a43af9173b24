//! Scales that are powers of two (E8M0), and their reciprocals, from the largest magnitudes of
//! blocks.
//!
//! Within a binade of amax every rule (floor, ceil, round up, even) chooses one of two neighbouring
//! codes, the upper one from some mantissa on. Adding a constant to the bits of amax carries
//! exactly these mantissas into the exponent field, so the code is
//!
//! ```text
//! code   = ((amax_bits + carry) >> 23) − less
//! factor = f32 with exponent field top − code        // 1 / 2^(code − bias), exact
//! ```
//!
//! four integer operations a block, in vectors. Limits: amax must be a normal f32 and the code in
//! `low..=high`; everything else (zero, subnormals, infinity, NaN, codes at the ends, where a
//! scheme has bounds of its own) gets a NaN factor and is left to the rule.

use crate::kernel::native::per_isa;
use core::ops::Range;

/// Parameters of scales that are powers of two, computed from the exponent field of amax.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Powers {
    /// The addend that carries the mantissas of the upper code into the exponent field.
    pub(crate) carry: u32,
    /// The difference between the exponent field after the carry and the code.
    pub(crate) less: u32,
    /// The smallest code that the formula covers.
    pub(crate) low: u32,
    /// The largest code that the formula covers.
    pub(crate) high: u32,
    /// The exponent field of the reciprocal of the scale with code 0.
    pub(crate) top: u32,
}

impl Powers {
    /// Returns the code for a largest magnitude, given as the bits of a normal f32.
    pub(crate) const fn code(&self, amax_bits: u32) -> u32 {
        ((amax_bits + self.carry) >> 23).wrapping_sub(self.less)
    }
}

#[inline(always)]
fn powers_body(powers: &Powers, amax: &[u32], codes: &mut [u8], factors: &mut [f32]) {
    // A copy that nothing points at stays in registers.
    let powers = *powers;
    for ((&amax, to), factor) in amax.iter().zip(codes).zip(factors) {
        // Four integer operations; codes below `low` wrap around to large numbers.
        let code = powers.code(amax & 0x7FFF_FFFF);
        // Both range checks are one unsigned comparison: values below the range wrap around.
        let inside = code.wrapping_sub(powers.low) <= powers.high - powers.low;
        let usual = amax.wrapping_sub(0x0080_0000) < 0x7F00_0000;
        *to = code as u8;
        *factor = f32::from_bits(if inside && usual {
            powers.top.wrapping_sub(code) << 23
        } else {
            0x7FC0_0000
        });
    }
}

/// Parameters of scales that are powers of two, where the rule takes an f32 logarithm of a
/// quotient. A rounded logarithm moves the boundary between two codes by an amount that depends on
/// the binade, so the carry comes from a table by the quotient's exponent field.
#[derive(Clone, Debug)]
pub(crate) struct Logarithms {
    /// The divisor of the largest magnitude, whose quotient the logarithm is taken of.
    pub(crate) over: f32,
    /// The carry for each exponent field of the quotient. 1 KiB, which stays in L1.
    pub(crate) carries: &'static [u32; 256],
    /// The carry of all numbers whose mantissa is not in [`near`](Self::near).
    usual: u32,
    /// The mantissas, next to a power of two, whose carry is that of their exponent field.
    near: Range<u32>,
    /// The range of codes and the factor; its `carry` is not used.
    pub(crate) powers: Powers,
}

impl Logarithms {
    /// Returns the parameters for a divisor, the carries of a rule, and the range of codes.
    pub(crate) fn new(over: f32, carries: &'static [u32; 256], powers: Powers) -> Self {
        // Next to 1 no logarithm rounds to an integer.
        let usual = carries[127];
        // The first mantissa that carries, of each field of a normal number: between the least and
        // the largest of them it depends on the field.
        let firsts = carries[1..255].iter().map(|carry| (1 << 23) - carry);
        let (low, high) = firsts.fold((u32::MAX, 0), |(low, high), at| (low.min(at), high.max(at)));
        Self { over, carries, usual, near: low..high, powers }
    }
}

#[inline(always)]
fn logarithms_body(rule: &Logarithms, amax: &[u32], codes: &mut [u8], factors: &mut [f32]) {
    let (over, carries, usual, powers) = (rule.over, rule.carries, rule.usual, rule.powers);
    let near = rule.near.clone();
    // The division is part of the rule, so its rounding must be the reference's.
    let quotient = |amax: u32| (f32::from_bits(amax & 0x7FFF_FFFF) / over).to_bits();
    let settle = |amax: u32, quotient: u32, carry: u32, to: &mut u8, factor: &mut f32| {
        let code = ((quotient.wrapping_add(carry)) >> 23).wrapping_sub(powers.less);
        let inside = code.wrapping_sub(powers.low) <= powers.high - powers.low;
        // Normal f32s, for amax and for the quotient: a subnormal quotient has lost bits.
        let usual = |bits: u32| bits.wrapping_sub(0x0080_0000) < 0x7F00_0000;
        let known = inside & usual(amax) & usual(quotient);
        *to = code as u8;
        *factor =
            f32::from_bits(if known { powers.top.wrapping_sub(code) << 23 } else { 0x7FC0_0000 });
    };
    let runs = amax.chunks(64).zip(codes.chunks_mut(64)).zip(factors.chunks_mut(64));
    for ((amax, codes), factors) in runs {
        // A run without a number next to a power of two needs no table, which a vector would
        // have to gather from.
        let mut any = 0;
        for ((&amax, to), factor) in amax.iter().zip(&mut *codes).zip(&mut *factors) {
            let quotient = quotient(amax);
            let mantissa = quotient & 0x007F_FFFF;
            any |= u32::from(mantissa.wrapping_sub(near.start) < near.end - near.start);
            settle(amax, quotient, usual, to, factor);
        }
        if any != 0 {
            for ((&amax, to), factor) in amax.iter().zip(codes).zip(factors) {
                let quotient = quotient(amax);
                // The mask spares the bounds check.
                settle(amax, quotient, carries[(quotient >> 23) as usize & 0xFF], to, factor);
            }
        }
    }
}

per_isa! {
    /// Writes the codes and factors of scales that are powers of two. The factor is NaN where the
    /// formula does not hold.
    fn powers[](powers: &Powers, amax: &[u32], codes: &mut [u8], factors: &mut [f32]) = powers_body;
    /// Writes the codes and factors of scales that are powers of two by logarithms. The factor is
    /// NaN where the formula does not hold.
    fn logarithms[](
        rule: &Logarithms,
        amax: &[u32],
        codes: &mut [u8],
        factors: &mut [f32],
    ) = logarithms_body;
}

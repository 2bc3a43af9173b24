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
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logarithms {
    /// The divisor of the largest magnitude, whose quotient the logarithm is taken of.
    pub(crate) over: f32,
    /// The carry for each exponent field of the quotient. 1 KiB, which stays in L1.
    pub(crate) carries: &'static [u32; 256],
    /// The range of codes and the factor; its `carry` is not used.
    pub(crate) powers: Powers,
}

#[inline(always)]
fn logarithms_body(rule: &Logarithms, amax: &[u32], codes: &mut [u8], factors: &mut [f32]) {
    let (over, powers) = (rule.over, rule.powers);
    for ((&amax, to), factor) in amax.iter().zip(codes).zip(factors) {
        // The division is part of the rule, so its rounding must be the reference's.
        let quotient = (f32::from_bits(amax & 0x7FFF_FFFF) / over).to_bits();
        // One load per block, by the exponent field; the mask spares the bounds check.
        let carry = rule.carries[(quotient >> 23) as usize & 0xFF];
        let code = ((quotient.wrapping_add(carry)) >> 23).wrapping_sub(powers.less);
        let inside = code.wrapping_sub(powers.low) <= powers.high - powers.low;
        // Normal f32s, for amax and for the quotient: a subnormal quotient has lost bits.
        let usual = |bits: u32| bits.wrapping_sub(0x0080_0000) < 0x7F00_0000;
        *to = code as u8;
        let known = inside && usual(amax) && usual(quotient);
        *factor =
            f32::from_bits(if known { powers.top.wrapping_sub(code) << 23 } else { 0x7FC0_0000 });
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

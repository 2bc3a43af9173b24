//! Scales that are powers of two, and their reciprocals, from the largest magnitudes of many
//! blocks.

use crate::kernel::native::per_isa;

/// Scales that are powers of two of a format without mantissa: the code, and one over the number.
///
/// In a binade of `amax` the code of every rule is one of two neighbours, the upper from some
/// mantissa on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Powers {
    /// What carries such mantissas into the exponent field, and what that is ahead of the code.
    pub(crate) carry: u32,
    pub(crate) less: u32,
    /// Codes for which this holds.
    pub(crate) low: u32,
    pub(crate) high: u32,
    /// The exponent field of the reciprocal of code 0.
    pub(crate) top: u32,
}

impl Powers {
    pub(crate) const fn code(&self, amax_bits: u32) -> u32 {
        ((amax_bits + self.carry) >> 23).wrapping_sub(self.less)
    }
}

#[inline(always)]
fn powers_body(powers: &Powers, amax: &[u32], codes: &mut [u8], factors: &mut [f32]) {
    let powers = *powers;
    for ((&amax, to), factor) in amax.iter().zip(codes).zip(factors) {
        let code = powers.code(amax & 0x7FFF_FFFF);
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

/// Scales that are powers of two, by the f32 logarithm of a quotient: [`Powers`] whose carry
/// depends on the binade.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logarithms {
    /// What the largest magnitude is divided by before its logarithm is taken.
    pub(crate) over: f32,
    /// The carry for each exponent field of the quotient.
    pub(crate) carries: &'static [u32; 256],
    /// Codes and factors; its own carry is not used.
    pub(crate) powers: Powers,
}

#[inline(always)]
fn logarithms_body(rule: &Logarithms, amax: &[u32], codes: &mut [u8], factors: &mut [f32]) {
    let (over, powers) = (rule.over, rule.powers);
    for ((&amax, to), factor) in amax.iter().zip(codes).zip(factors) {
        let quotient = (f32::from_bits(amax & 0x7FFF_FFFF) / over).to_bits();
        let carry = rule.carries[(quotient >> 23) as usize & 0xFF];
        let code = ((quotient.wrapping_add(carry)) >> 23).wrapping_sub(powers.less);
        let inside = code.wrapping_sub(powers.low) <= powers.high - powers.low;
        let usual = |bits: u32| bits.wrapping_sub(0x0080_0000) < 0x7F00_0000;
        *to = code as u8;
        let known = inside && usual(amax) && usual(quotient);
        *factor =
            f32::from_bits(if known { powers.top.wrapping_sub(code) << 23 } else { 0x7FC0_0000 });
    }
}

per_isa! {
    /// Codes and factors of scales that are powers of two; where the formula does not hold the
    /// factor is NaN.
    fn powers[](powers: &Powers, amax: &[u32], codes: &mut [u8], factors: &mut [f32]) = powers_body;
    /// Codes and factors of scales that are powers of two by logarithms; where the formula does not
    /// hold the factor is NaN.
    fn logarithms[](rule: &Logarithms, amax: &[u32], codes: &mut [u8], factors: &mut [f32]) = logarithms_body;
}

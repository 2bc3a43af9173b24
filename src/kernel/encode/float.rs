//! Finite f32s to a floating-point format, to nearest even, by one f32 addition. [`Finite`] covers
//! what nearly all numbers are: finite, and in range unless the policy saturates.
//!
//! With 2^e the binade of a magnitude, at least the smallest normal one's, the sum with
//! `c = 2^(e + 23 − M)` has the spacing `2^(e − M)`, so the addition itself rounds, ties to
//! even, and the low bits of the sum count the units: up to the hidden bit's 2^M more than the
//! mantissa field. Of the exponent field too all that is still missing is a constant, which `c` has
//! in its low bits, modulo 2^16: a code is the low bits of one sum of integers. Infinity, NaN and,
//! where it has a code of its own, overflow are not handled here: the largest magnitude of a chunk
//! tells whether it held any.
//!
//! ```text
//! magnitude = min(bits & 0x7FFF_FFFF, cap)
//! binade    = max(magnitude & 0x7F80_0000, min_normal)     // 2^e; all subnormals share one unit
//! sum       = f32(magnitude) + f32(binade + ahead_of_code) // rounds to a multiple of the unit
//! code      = low 16 bits of (bits(sum) + (binade >> shift)) | sign
//! ```

use super::params::{both, layout, limit};
use crate::codec::Unpacked;
use crate::kernel::native::per_isa;
use crate::policy::Convert;
use crate::spec::{Code, FormatSpec};

/// Parameters of a conversion. Magnitudes are f32 bits, ordered as the numbers are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finite {
    /// The smallest normal number of the format.
    pub(in crate::kernel) min_normal: u32,
    /// `23 − M`: the f32 mantissa bits that the format lacks.
    pub(in crate::kernel) shift: u32,
    /// `shift` in an f32's exponent field: the difference between a binade and the addend `c`.
    ahead: u32,
    /// `ahead` and, in the low 16 bits, what the codes of the smallest normal number's binade lack
    /// modulo 2^16.
    ahead_of_code: u32,
    /// The magnitude that replaces all larger ones: the largest number, or one unit above it where
    /// overflow has the next code.
    pub(in crate::kernel) cap: u32,
    /// The bits of an f32 that count as its magnitude. Unsigned formats keep the sign bit, so that
    /// a negative number is above all and reported as not covered.
    magnitude: u32,
    /// The sign bit of a code; 0 in unsigned formats.
    pub(in crate::kernel) sign_bit: u32,
    /// The shift that moves bit 31 to the top bit of a code.
    pub(in crate::kernel) sign_shift: u32,
    /// Whether a zero keeps its sign: the format has −0, or no sign.
    pub(in crate::kernel) negative_zero: bool,
    /// The smallest magnitude whose code this kernel does not make.
    special: u32,
    /// The smallest magnitude whose representable number this kernel does not make.
    special_number: u32,
}

impl Finite {
    /// Returns the parameters for a floating-point format of at most 16 bits and a policy that
    /// rounds to nearest even, or `None` if the formula does not hold.
    pub(crate) const fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        let Some(layout) = layout(spec, convert) else { return None };
        let shift = 23 - layout.mantissa_bits as u32;
        // Without mantissa bits evenness is the exponent's, which the sum does not know; the sum
        // must be an f32, and its low bits all of a code.
        if layout.mantissa_bits == 0
            || spec.bits() > 16
            || spec.max_exponent() + 1 + shift as i32 > 127
        {
            return None;
        }
        let Some(min_normal) = spec.min_normal() else { return None };
        let sign_bit = layout.sign_bit() as u32;
        let max = spec.max_code() & !sign_bit;
        let max_bits = spec.max().to_f32().to_bits();
        let (overflow, overflow_sign) =
            both(spec, convert, Unpacked::new(false, 1, spec.max_exponent() + 2));
        let (infinity, infinity_sign) = both(spec, convert, Unpacked::infinity(false));
        // The least magnitude that overflows.
        let beyond = limit(spec, shift) + 1;
        // Negative numbers of unsigned formats are not for this kernel.
        let (overflow_sign, infinity_sign) =
            if layout.signed { (overflow_sign, infinity_sign) } else { (0, 0) };
        let saturates = overflow == max && overflow_sign == sign_bit;
        // The next code is one unit of the largest number's binade further on, a carry into the
        // next binade included.
        let next = overflow == max + 1 && overflow_sign == sign_bit;
        let infinite = if infinity == overflow && infinity_sign == overflow_sign {
            0x7F80_0001
        } else {
            0x7F80_0000
        };
        let min_normal = min_normal.to_f32().to_bits();
        Some(Self {
            min_normal,
            shift,
            ahead: shift << 23,
            ahead_of_code: shift << 23 | (min_normal >> shift).wrapping_neg() & 0xFFFF,
            cap: if next { max_bits + (1 << shift) } else { max_bits },
            magnitude: if layout.signed { 0x7FFF_FFFF } else { u32::MAX },
            sign_bit,
            sign_shift: 32 - spec.bits(),
            negative_zero: layout.negative_zero || !layout.signed,
            special: if saturates || next { infinite } else { beyond },
            special_number: if saturates { infinite } else { beyond },
        })
    }

    /// Returns these parameters for codes without −0: what rounds to it gets the code of +0.
    #[cfg(feature = "alloc")]
    pub(in crate::kernel) const fn without_negative_zero(self) -> Self {
        Self { negative_zero: false, ..self }
    }

    /// Returns whether the codes of numbers with this largest magnitude are correct.
    pub(crate) const fn covers(&self, largest: u32) -> bool {
        largest < self.special
    }

    /// Returns whether the representable numbers for numbers with this largest magnitude are
    /// correct.
    pub(crate) const fn covers_numbers(&self, largest: u32) -> bool {
        largest < self.special_number
    }

    /// Returns whether both codes and numbers are correct for this largest magnitude.
    #[cfg(feature = "alloc")]
    pub(in crate::kernel) const fn covers_both(&self, largest: u32) -> bool {
        self.covers(largest) && self.covers_numbers(largest)
    }

    /// Returns the bits that count as the magnitude of x.
    #[cfg(feature = "alloc")]
    pub(in crate::kernel) const fn magnitude(&self, x: f32) -> u32 {
        x.to_bits() & self.magnitude
    }

    /// Returns whether codes fit bytes and have a sign bit.
    pub(in crate::kernel) const fn has_signed_bytes(&self) -> bool {
        matches!(self.sign_bit, 1..=0x80)
    }

    /// Returns `2^e`, the binade of a magnitude, at least the smallest normal number, as f32 bits.
    #[inline(always)]
    fn binade(&self, magnitude: u32) -> u32 {
        (magnitude & 0x7F80_0000).max(self.min_normal)
    }

    /// Returns the code of an f32 given by its bits and raises `largest` to its magnitude. The code
    /// is meaningless where [`covers`](Self::covers) of that is false.
    #[inline(always)]
    pub(in crate::kernel) fn code<const NEGATIVE_ZERO: bool>(
        &self,
        bits: u32,
        largest: &mut u32,
    ) -> u32 {
        let magnitude = bits & self.magnitude;
        // NaN is above infinity, infinity above all numbers: one maximum reports all special
        // values.
        *largest = (*largest).max(magnitude);
        let magnitude = magnitude.min(self.cap);
        // The addend is an integer operation on the bits: no multiplication, no table.
        let binade = self.binade(magnitude);
        let sum = f32::from_bits(magnitude) + f32::from_bits(binade + self.ahead_of_code);
        // Only the low 16 bits mean something: what is above them comes from the exponent of the
        // sum.
        let code = sum.to_bits().wrapping_add(binade >> self.shift) & 0xFFFF;
        let sign = bits >> self.sign_shift & self.sign_bit;
        if NEGATIVE_ZERO || code != 0 { code | sign } else { code }
    }

    /// Returns the representable number nearest to an f32 given by its bits and raises `largest` to
    /// its magnitude.
    #[inline(always)]
    fn number<const NEGATIVE_ZERO: bool>(&self, bits: u32, largest: &mut u32) -> f32 {
        let magnitude = bits & self.magnitude;
        *largest = (*largest).max(magnitude);
        let magnitude = magnitude.min(self.cap);
        let c = f32::from_bits(self.binade(magnitude) + self.ahead);
        // The subtraction is exact: both are multiples of the unit, and the sum is close to c.
        let rounded = (f32::from_bits(magnitude) + c) - c;
        // The sign is copied as a bit: the arithmetic above is on magnitudes.
        let signed = f32::from_bits(rounded.to_bits() | bits & 0x8000_0000);
        if NEGATIVE_ZERO || rounded != 0.0 { signed } else { rounded }
    }
}

#[inline(always)]
pub(super) fn codes_body<C: Code>(finite: &Finite, src: &[f32], dst: &mut [C], largest: &mut u32) {
    // Copies that nothing points at stay in registers.
    let (finite, mut top) = (*finite, *largest);
    // The test is outside of the loops: each is straight code.
    if finite.negative_zero {
        for (x, code) in src.iter().zip(dst) {
            *code = C::truncate(finite.code::<true>(x.to_bits(), &mut top));
        }
    } else {
        for (x, code) in src.iter().zip(dst) {
            *code = C::truncate(finite.code::<false>(x.to_bits(), &mut top));
        }
    }
    *largest = top;
}

#[inline(always)]
pub(super) fn numbers_body(finite: &Finite, src: &[f32], dst: &mut [f32], largest: &mut u32) {
    let (finite, mut top) = (*finite, *largest);
    if finite.negative_zero {
        for (x, y) in src.iter().zip(dst) {
            *y = finite.number::<true>(x.to_bits(), &mut top);
        }
    } else {
        for (x, y) in src.iter().zip(dst) {
            *y = finite.number::<false>(x.to_bits(), &mut top);
        }
    }
    *largest = top;
}

per_isa! {
    /// Writes the codes of numbers and raises `largest` to their largest magnitude, as f32 bits.
    /// The codes are correct if the parameters cover that.
    fn encode_finite[C: Code](
        finite: &Finite,
        src: &[f32],
        dst: &mut [C],
        largest: &mut u32,
    ) = codes_body;
    /// Writes the representable numbers nearest to `src` and raises `largest` to their largest
    /// magnitude, as f32 bits.
    fn round_finite[](
        finite: &Finite,
        src: &[f32],
        dst: &mut [f32],
        largest: &mut u32,
    ) = numbers_body;
}

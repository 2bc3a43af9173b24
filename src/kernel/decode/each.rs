//! Decoders of one code for loops that do more with a number than to store it. They have fewer
//! cases than [`ArithmeticDecode`], so that decoding and scaling fit one loop of vectors.
//!
//! ```text
//! integer = (f32(code ^ s) − s) · unit         // s: the sign bit of two's complement, 0 without
//! float   = sign | min(normal, subnormal)      // as in `arithmetic`
//! special = float | all bits of the exponent field, if the magnitude is above the largest
//! ```
//!
//! Flipping the sign bit of two's complement adds s, and f32s hold all these integers. Above the
//! largest finite magnitude the last line gives infinity where the mantissa bits are zero and NaN
//! elsewhere; formats of which that is not true are left to tables.

use super::arithmetic::{ArithmeticDecode, HalfFields};
use crate::codec::Unpacked;
use crate::spec::{Encoding, FormatSpec};

/// A decoder of codes of at most 8 bits, the bits above the code's width 0.
pub(in crate::kernel) trait DecodeEach: Copy {
    /// Returns the number of a code. A NaN may have any sign and payload: callers replace it.
    fn number(&self, code: u8) -> f32;
}

/// The decoder of a format, if there is one.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) enum EachDecode {
    Integer(IntegerDecode),
    Finite(FiniteDecode),
    Special(SpecialDecode),
}

/// Decodes integers, of two's complement or unsigned.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) struct IntegerDecode {
    /// The sign bit of a code; 0 if it has none.
    sign: u8,
    /// The number of code 1, a power of two.
    unit: f32,
}

/// Decodes floating-point formats without NaN and infinity.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) struct FiniteDecode(ArithmeticDecode);

/// Decodes floating-point formats with NaN, and with infinity or not, above the largest number.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) struct SpecialDecode(ArithmeticDecode);

impl EachDecode {
    /// Returns the decoder of a format of at most 8 bits; `uniform` is its arithmetic.
    pub(super) fn lower(spec: &FormatSpec, uniform: Option<&ArithmeticDecode>) -> Option<Self> {
        if let Encoding::Int(layout) = spec.encoding() {
            return Some(Self::Integer(IntegerDecode {
                sign: if layout.signed { 1 << (spec.bits() - 1) } else { 0 },
                unit: Unpacked::new(false, 1, -i32::from(layout.fraction_bits)).to_f32(),
            }));
        }
        let uniform = uniform?;
        if uniform.all_finite() {
            Some(Self::Finite(FiniteDecode(*uniform)))
        } else {
            uniform.special_above_max().then_some(Self::Special(SpecialDecode(*uniform)))
        }
    }

    /// Returns whether numbers are made from integers.
    pub(super) const fn is_integer(&self) -> bool {
        matches!(self, Self::Integer(_))
    }
}

impl FiniteDecode {
    /// Returns where the fields of a code lie in FP16, if all numbers have a place there.
    pub(in crate::kernel) fn half_fields(&self) -> Option<HalfFields> {
        self.0.half_fields()
    }
}

impl SpecialDecode {
    /// Returns where the fields of a code lie in FP16, if all numbers have a place there.
    pub(in crate::kernel) fn half_fields(&self) -> Option<HalfFields> {
        self.0.half_fields()
    }
}

impl DecodeEach for IntegerDecode {
    #[inline(always)]
    fn number(&self, code: u8) -> f32 {
        // All three operations are exact.
        (f32::from(code ^ self.sign) - f32::from(self.sign)) * self.unit
    }
}

impl DecodeEach for FiniteDecode {
    #[inline(always)]
    fn number(&self, code: u8) -> f32 {
        f32::from_bits(self.0.signed(code.into()))
    }
}

impl DecodeEach for SpecialDecode {
    #[inline(always)]
    fn number(&self, code: u8) -> f32 {
        f32::from_bits(self.0.signed(code.into()) | self.0.exponent_above_max(code.into()))
    }
}

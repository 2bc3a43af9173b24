//! Codes to f32s by arithmetic, for floating-point formats with IEEE 754 subnormals.
//!
//! A magnitude code shifted left by 23 − M lies in an f32's fields, M being the mantissa bits.
//! What its exponent field lacks is a constant, the difference of the biases:
//!
//! ```text
//! normal    = (magnitude << (23 − M)) + ((127 − bias) << 23)
//! subnormal = f32(normal + 1 in the exponent field) − f32(the same for magnitude 0)   // exact
//! bits      = sign | (infinity? , NaN? , magnitude < 2^M ? subnormal : normal)
//! ```
//!
//! A subnormal code has no hidden bit. One more in the exponent field supplies it, and subtracting
//! the f32 that magnitude 0 becomes takes it away again. No step meets a subnormal f32, for which
//! processors take a hundred cycles and more. All choices are selects, so the loop is vectors.
//!
//! Limits: at most 22 mantissa bits, and every number a normal f32 or zero.

use crate::bits::F32_NAN;
use crate::kernel::native::per_isa;
use crate::spec::{Code, Encoding, FormatSpec, NanCodes, ZeroField};

/// Parameters of a format that arithmetic decodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArithmeticDecode {
    /// The bits of a magnitude code.
    magnitude: u32,
    /// The shift that moves a magnitude code into an f32's exponent and mantissa.
    shift: u32,
    /// The sign bit of a code; 0 if it has none.
    sign: u32,
    /// The shift that moves the sign bit to bit 31; 0 without one.
    sign_shift: u32,
    /// The difference of the biases, in an f32's exponent field.
    rebias: u32,
    /// The smallest magnitude code of a normal number.
    min_normal: u32,
    /// The largest magnitude code of a finite number.
    max: u32,
    /// The magnitude code of infinity; `u32::MAX` without one.
    infinity: u32,
    /// The code of a NaN that is not above `max`: FNUZ's 0x80. `u32::MAX` without one.
    nan: u32,
}

impl ArithmeticDecode {
    /// Returns the parameters, or `None` if the format does not meet the limits above.
    pub(crate) fn lower(spec: &FormatSpec) -> Option<Self> {
        let Encoding::Float(layout) = spec.encoding() else { return None };
        let magnitude = layout.magnitude_mask() as u32;
        let top_field = (spec.max_code() & magnitude) >> layout.mantissa_bits;
        // Every exponent field, and the one that subnormal numbers get, must be the field of a
        // normal f32.
        let power = u8::try_from(127 - layout.bias).ok().map(u32::from)?;
        if !matches!(layout.zero_field, ZeroField::Subnormals)
            || layout.mantissa_bits > 22
            || top_field.max(1) + power > 254
        {
            return None;
        }
        // A sign bit over magnitude 0 must be −0 or NaN: a code that decodes as +0 would need a
        // case of its own.
        if layout.signed && !layout.negative_zero && !matches!(layout.nan, NanCodes::NegativeZero) {
            return None;
        }
        let sign = if layout.signed { layout.sign_bit() as u32 } else { 0 };
        Some(Self {
            magnitude,
            shift: 23 - u32::from(layout.mantissa_bits),
            sign,
            sign_shift: if layout.signed { 32 - spec.bits() } else { 0 },
            rebias: power << 23,
            min_normal: 1 << layout.mantissa_bits,
            max: spec.max_code() & magnitude,
            infinity: spec.infinity_code().unwrap_or(u32::MAX),
            nan: spec.nan_code().filter(|code| *code == sign).unwrap_or(u32::MAX),
        })
    }

    /// Returns the number of a code; bits above the code's width are ignored. NaN is the positive
    /// quiet one.
    #[inline(always)]
    pub(super) fn value(&self, code: u32) -> f32 {
        let code = code & (self.magnitude | self.sign);
        let magnitude = code & self.magnitude;
        let normal = (magnitude << self.shift).wrapping_add(self.rebias);
        // Supplies a hidden bit, which the subtraction takes away again: both are exact.
        let hidden = 1 << 23;
        let subnormal =
            f32::from_bits(normal.wrapping_add(hidden)) - f32::from_bits(self.rebias + hidden);
        let finite = if magnitude < self.min_normal { subnormal.to_bits() } else { normal };
        // Moves the sign bit to bit 31, or 0 without one.
        let sign = (code & self.sign) << self.sign_shift;
        // All selects: each compares integers and blends.
        let bits = if magnitude == self.infinity { 0x7F80_0000 } else { finite } | sign;
        let nan = (magnitude > self.max && magnitude != self.infinity) || code == self.nan;
        if nan { F32_NAN } else { f32::from_bits(bits) }
    }
}

#[inline(always)]
fn uniform_body<C: Code>(decode: &ArithmeticDecode, src: &[C], dst: &mut [f32]) {
    // A copy that nothing points at: its fields stay in registers for the whole loop.
    let decode = *decode;
    for (code, x) in src.iter().zip(dst) {
        *x = decode.value(code.widen());
    }
}

#[inline(always)]
fn values_body(decode: &ArithmeticDecode, values: &mut [f32; 256]) {
    let decode = *decode;
    for (code, value) in values.iter_mut().enumerate() {
        *value = decode.value(code as u32);
    }
}

#[inline(always)]
fn extend_body<C: Code>(shift: u32, src: &[C], dst: &mut [f32]) {
    for (code, x) in src.iter().zip(dst) {
        let bits = code.widen() << shift;
        *x = if bits & 0x7FFF_FFFF > 0x7F80_0000 { F32_NAN } else { f32::from_bits(bits) };
    }
}

per_isa! {
    /// Writes the numbers of the codes 0 to 255.
    fn fill_values[](decode: &ArithmeticDecode, values: &mut [f32; 256]) = values_body;
    /// Writes the numbers of codes.
    fn decode_uniform[C: Code](
        decode: &ArithmeticDecode,
        src: &[C],
        dst: &mut [f32],
    ) = uniform_body;
    /// Writes the f32s whose leading bits the codes are (BF16, TF32): a shift by `shift` bits.
    /// Every NaN becomes the positive quiet one.
    fn extend[C: Code](shift: u32, src: &[C], dst: &mut [f32]) = extend_body;
}

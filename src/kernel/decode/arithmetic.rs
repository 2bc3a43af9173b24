//! Codes to f32s by arithmetic, for formats that are cut f32s.

use crate::bits::F32_NAN;
use crate::kernel::native::per_isa;
use crate::spec::{Code, Encoding, FormatSpec, NanCodes, ZeroField};

/// Parameters of a format whose codes, shifted into an f32's fields, are its numbers but for a
/// power of two and the hidden bit of subnormals. No step meets a subnormal f32: processors take a
/// hundred cycles and more for one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArithmeticDecode {
    /// The bits below the sign, and by how much they and the sign are shifted.
    magnitude: u32,
    shift: u32,
    sign: u32,
    sign_shift: u32,
    /// What a shifted magnitude's exponent field lacks, and the smallest magnitude that is normal.
    rebias: u32,
    min_normal: u32,
    /// The largest magnitude that is a number, and the infinite one.
    max: u32,
    infinity: u32,
    /// The code of a NaN that is not above them.
    nan: u32,
}

impl ArithmeticDecode {
    /// The parameters, if the format is of the kind.
    pub(crate) fn lower(spec: &FormatSpec) -> Option<Self> {
        let Encoding::Float(layout) = spec.encoding() else { return None };
        let magnitude = layout.magnitude_mask() as u32;
        let top_field = (spec.max_code() & magnitude) >> layout.mantissa_bits;
        // Every exponent field must be one of a normal f32, and so must that which subnormal
        // numbers get.
        let power = u8::try_from(127 - layout.bias).ok().map(u32::from)?;
        if !matches!(layout.zero_field, ZeroField::Subnormals)
            || layout.mantissa_bits > 22
            || top_field.max(1) + power > 254
        {
            return None;
        }
        // A minus zero that decodes as zero has no place here.
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

    #[inline(always)]
    pub(super) fn value(&self, code: u32) -> f32 {
        let code = code & (self.magnitude | self.sign);
        let magnitude = code & self.magnitude;
        let normal = (magnitude << self.shift).wrapping_add(self.rebias);
        // As if there were a hidden bit, which is then taken away.
        let hidden = 1 << 23;
        let subnormal =
            f32::from_bits(normal.wrapping_add(hidden)) - f32::from_bits(self.rebias + hidden);
        let finite = if magnitude < self.min_normal { subnormal.to_bits() } else { normal };
        let sign = (code & self.sign) << self.sign_shift;
        let bits = if magnitude == self.infinity { 0x7F80_0000 } else { finite } | sign;
        let nan = (magnitude > self.max && magnitude != self.infinity) || code == self.nan;
        if nan { F32_NAN } else { f32::from_bits(bits) }
    }
}

#[inline(always)]
fn uniform_body<C: Code>(decode: &ArithmeticDecode, src: &[C], dst: &mut [f32]) {
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
    /// The numbers of 256 codes.
    fn fill_values[](decode: &ArithmeticDecode, values: &mut [f32; 256]) = values_body;
    /// Numbers of codes.
    fn decode_uniform[C: Code](decode: &ArithmeticDecode, src: &[C], dst: &mut [f32]) = uniform_body;
    /// Codes to the f32s that they begin.
    fn extend[C: Code](shift: u32, src: &[C], dst: &mut [f32]) = extend_body;
}

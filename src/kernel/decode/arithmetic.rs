//! Codes to f32s by arithmetic, for floating-point formats with IEEE 754 subnormals.
//!
//! A magnitude code shifted left by 23 − M lies in an f32's fields, M being the mantissa bits.
//! What its exponent field lacks is a constant, the difference of the biases:
//!
//! ```text
//! normal    = (magnitude << (23 − M)) + ((127 − bias) << 23)
//! subnormal = f32(normal + 1 in the exponent field) − f32(the same for magnitude 0)   // exact
//! bits      = sign | (infinity? , NaN? , min(normal, subnormal))
//! ```
//!
//! A subnormal code has no hidden bit. One more in the exponent field supplies it, and subtracting
//! the f32 that magnitude 0 becomes takes it away again. No step meets a subnormal f32, for which
//! processors take a hundred cycles and more. All choices are selects, so the loop is vectors.
//!
//! Of the two numbers the smaller is right. With u = 2^(1 − bias), exponent field e and fraction f,
//! `subnormal` is 2^e · (1 + f) · u − u and `normal` half of what is subtracted from:
//! e = 0: f · u against (1 + f) / 2 · u, which is larger; e ≥ 1: `normal` ≥ u, so 2 · `normal` − u
//! is no smaller.
//!
//! Limits: at most 22 mantissa bits, and every number a normal f32 or zero.

use crate::bits::F32_NAN;
use crate::kernel::native::per_isa;
use crate::spec::{Code, Encoding, FormatSpec, NanCodes, ZeroField};

/// Where the fields of a code lie in FP16, for formats whose numbers are those of FP16 times a power
/// of two.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) struct HalfFields {
    /// The shift that moves a code to the top of 16 bits, its sign bit, or a 0, first.
    pub(in crate::kernel) left: u32,
    /// The shift that moves the magnitude back, to FP16's exponent and mantissa.
    pub(in crate::kernel) right: u32,
    /// The bits of FP16 that a code has then.
    pub(in crate::kernel) mask: u16,
    /// The largest magnitude of a number then. Magnitudes above are infinity if their mantissa bits
    /// are 0, and NaN otherwise.
    pub(in crate::kernel) max: u16,
    /// The number of the format over that of FP16.
    pub(in crate::kernel) unit: f32,
}

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
        let finite = self.finite(magnitude);
        // Moves the sign bit to bit 31, or 0 without one.
        let sign = (code & self.sign) << self.sign_shift;
        // All selects: each compares integers and blends.
        let bits = if magnitude == self.infinity { 0x7F80_0000 } else { finite } | sign;
        let nan = (magnitude > self.max && magnitude != self.infinity) || code == self.nan;
        if nan { F32_NAN } else { f32::from_bits(bits) }
    }
}

impl ArithmeticDecode {
    /// Returns whether every code is a number.
    pub(super) const fn all_finite(&self) -> bool {
        self.max == self.magnitude && self.nan == u32::MAX
    }

    /// Returns whether the codes that are no numbers are those above the largest magnitude: infinity
    /// where the mantissa bits are 0, NaN elsewhere.
    pub(super) fn special_above_max(&self) -> bool {
        let mantissa = (1 << (23 - self.shift)) - 1;
        self.nan == u32::MAX
            && (self.max + 1..=self.magnitude)
                .all(|magnitude| (magnitude & mantissa == 0) == (magnitude == self.infinity))
    }

    /// Returns the fields in FP16, or `None` if a number has none. All codes are those of
    /// [`special_above_max`](Self::special_above_max) or [`all_finite`](Self::all_finite).
    #[cfg(feature = "alloc")]
    pub(super) fn half_fields(&self) -> Option<HalfFields> {
        let (mantissa, magnitude) = (23 - self.shift, self.magnitude.count_ones());
        let exponent = magnitude.checked_sub(mantissa).filter(|bits| *bits <= 5)?;
        let align = 10u32.checked_sub(mantissa)?;
        // 127 − bias less 127 − 15.
        let power = (self.rebias >> 23).checked_sub(112)?;
        // FP16's last exponent field is not for numbers.
        let max = self.max << align;
        (max < 0x7C00 || exponent < 5).then(|| HalfFields {
            left: 15 - magnitude,
            right: 5 - exponent,
            mask: (self.magnitude << align) as u16 | if self.sign == 0 { 0 } else { 0x8000 },
            max: max as u16,
            unit: f32::from_bits((power + 127) << 23),
        })
    }

    /// Returns the bits of the number of a code without bits above its width, as if every code were
    /// a number.
    #[inline(always)]
    pub(super) fn signed(&self, code: u32) -> u32 {
        self.finite(code & self.magnitude) | (code & self.sign) << self.sign_shift
    }

    /// Returns the bits of an f32's exponent field if the magnitude of a code is above the largest
    /// of a number; else 0.
    #[inline(always)]
    pub(super) fn exponent_above_max(&self, code: u32) -> u32 {
        if code & self.magnitude > self.max { 0x7F80_0000 } else { 0 }
    }

    /// Returns the bits of the number of a finite magnitude code.
    #[inline(always)]
    fn finite(&self, magnitude: u32) -> u32 {
        let bits = (magnitude << self.shift).wrapping_add(self.rebias);
        // Supplies a hidden bit, which the subtraction takes away again: both are exact.
        let hidden = 1 << 23;
        let subnormal =
            f32::from_bits(bits.wrapping_add(hidden)) - f32::from_bits(self.rebias + hidden);
        let normal = f32::from_bits(bits);
        // One instruction. Beyond the largest field `subnormal` may be a NaN, which is not smaller.
        (if subnormal < normal { subnormal } else { normal }).to_bits()
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

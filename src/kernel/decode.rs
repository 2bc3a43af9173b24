//! Codes to f32: by arithmetic where a format is a cut f32, else by a table of its values; in AVX-512 by tables in registers.

#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::isa::Kind;
use super::isa::{Isa, per_isa};
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::x86::{self, Planes};
use crate::bits::F32_NAN;
use crate::codec::Unpacked;
use crate::spec::{Code, Encoding, FormatSpec, ZeroField};

/// Parameters of a format whose codes, shifted into an f32's fields, are its numbers but for a power of two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decode {
    /// The bits below the sign, and by how much they and the sign are shifted.
    magnitude: u32,
    shift: u32,
    sign: u32,
    sign_shift: u32,
    factor: f32,
    /// The largest magnitude that is a number, and the infinite one.
    max: u32,
    infinity: u32,
    /// The code of a NaN that is not above them.
    nan: u32,
}

impl Decode {
    /// The parameters, if the format is of the kind.
    pub(crate) fn lower(spec: &FormatSpec) -> Option<Self> {
        let Encoding::Float(layout) = spec.encoding() else { return None };
        let power = 127 - layout.bias;
        let top_field = spec.max_code() >> layout.mantissa_bits & if layout.exponent_bits < 9 { 0xFF } else { 0 };
        let fits = layout.exponent_bits <= 8 && (layout.exponent_bits < 8 || top_field < 0xFF);
        if !matches!(layout.zero_field, ZeroField::Subnormals) || !fits || !(-126..=127).contains(&power) {
            return None;
        }
        let sign = if layout.signed { layout.sign_bit() as u32 } else { 0 };
        let decode = Self {
            magnitude: layout.magnitude_mask() as u32,
            shift: 23 - u32::from(layout.mantissa_bits),
            sign,
            sign_shift: if layout.signed { 32 - spec.bits() } else { 0 },
            factor: Unpacked::new(false, 1, power).to_f32(),
            max: spec.max_code() & layout.magnitude_mask() as u32,
            infinity: spec.infinity_code().unwrap_or(u32::MAX),
            nan: spec.nan_code().filter(|code| *code == sign).unwrap_or(u32::MAX),
        };
        // Codes that are neither numbers nor special have no place here, such as a minus zero that decodes as zero.
        let plain = spec.bits() > 8 || spec.codes().all(|code| decode.value(code).to_bits() == spec.decode_f32(code).to_bits());
        plain.then_some(decode)
    }

    #[inline(always)]
    fn value(&self, code: u32) -> f32 {
        let code = code & (self.magnitude | self.sign);
        let magnitude = code & self.magnitude;
        let value = f32::from_bits(magnitude << self.shift) * self.factor;
        let sign = (code & self.sign) << self.sign_shift;
        let bits = if magnitude == self.infinity { 0x7F80_0000 } else { value.to_bits() } | sign;
        let nan = (magnitude > self.max && magnitude != self.infinity) || code == self.nan;
        if nan { F32_NAN } else { f32::from_bits(bits) }
    }
}

#[inline(always)]
fn uniform_body<C: Code>(decode: &Decode, src: &[C], dst: &mut [f32]) {
    for (code, x) in src.iter().zip(dst) {
        *x = decode.value(code.widen());
    }
}

#[inline(always)]
fn table_body<D: Copy>(table: &[D; 256], src: &[u8], dst: &mut [D]) {
    for (code, x) in src.iter().zip(dst) {
        *x = table[*code as usize];
    }
}

/// Ways to decode bytes to f32, the best that an instruction set and a format allow.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a call")]
pub(crate) enum Bytes {
    Uniform(Decode),
    Table([f32; 256]),
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Planes(Planes),
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Few([[f32; 16]; 2]),
}

impl Bytes {
    /// For a format of at most 8 bits.
    pub(crate) fn lower(isa: Isa, spec: &FormatSpec) -> Self {
        let uniform = Decode::lower(spec);
        let values = || match &uniform {
            Some(decode) => core::array::from_fn(|code| decode.value(code as u32)),
            None => core::array::from_fn(|code| spec.decode_f32(code as u32)),
        };
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        if matches!(isa.kind(), Kind::Avx512 | Kind::Avx512Vbmi) && spec.bits() <= 5 {
            let values: [f32; 256] = values();
            return Self::Few(core::array::from_fn(|half| core::array::from_fn(|i| values[16 * half + i])));
        }
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        if matches!(isa.kind(), Kind::Avx512Vbmi)
            && let Some(planes) = Planes::lower(&values())
        {
            return Self::Planes(planes);
        }
        let _ = isa;
        match uniform {
            Some(decode) => Self::Uniform(decode),
            None => Self::Table(values()),
        }
    }

    /// Makes every −0 plus, if it is that easy; says whether it was.
    #[cfg(feature = "alloc")]
    pub(crate) fn without_negative_zeros(&mut self) -> bool {
        match self {
            Self::Table(table) => table.iter_mut().for_each(|x| *x += 0.0),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Self::Few(table) => table.as_flattened_mut().iter_mut().for_each(|x| *x += 0.0),
            _ => return false,
        }
        true
    }

    /// Numbers of codes; bits above a code's width are ignored.
    pub(crate) fn decode(&self, isa: Isa, src: &[u8], dst: &mut [f32]) {
        match self {
            Self::Uniform(decode) => decode_uniform(isa, decode, src, dst),
            Self::Table(table) => look_up(isa, table, src, dst),
            // SAFETY: `lower` gives these only for an `Isa` that has the instructions.
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            Self::Planes(planes) => unsafe { x86::decode_planes(planes, src, dst) },
            // SAFETY: as above.
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            Self::Few(table) => unsafe { x86::decode_few(table, src, dst) },
        }
    }
}

per_isa! {
    /// Numbers of codes, by arithmetic.
    fn decode_uniform[C: Code](decode: &Decode, src: &[C], dst: &mut [f32]) = uniform_body;
    /// Entries of a table.
    fn look_up[D: Copy](table: &[D; 256], src: &[u8], dst: &mut [D]) = table_body;
}

//! Codes to f32: by arithmetic where a format is a cut f32, else by a table of its values; in AVX-512 by tables in registers.

#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::isa::Kind;
use super::isa::{Isa, per_isa};
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::x86::{self, Planes};
use crate::bits::F32_NAN;
use crate::codec::Unpacked;
use crate::spec::{Code, Encoding, FormatSpec, NanCodes, ZeroField};

/// Parameters of a format whose codes, shifted into an f32's fields, are its numbers but for a power of two and the hidden bit of subnormals. No step
/// meets a subnormal f32: processors take a hundred cycles and more for one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decode {
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

impl Decode {
    /// The parameters, if the format is of the kind.
    pub(crate) fn lower(spec: &FormatSpec) -> Option<Self> {
        let Encoding::Float(layout) = spec.encoding() else { return None };
        let magnitude = layout.magnitude_mask() as u32;
        let top_field = (spec.max_code() & magnitude) >> layout.mantissa_bits;
        // Every exponent field must be one of a normal f32, and so must that which subnormal numbers get.
        let power = u8::try_from(127 - layout.bias).ok().map(u32::from)?;
        if !matches!(layout.zero_field, ZeroField::Subnormals) || layout.mantissa_bits > 22 || top_field.max(1) + power > 254 {
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
    fn value(&self, code: u32) -> f32 {
        let code = code & (self.magnitude | self.sign);
        let magnitude = code & self.magnitude;
        let normal = (magnitude << self.shift).wrapping_add(self.rebias);
        // As if there were a hidden bit, which is then taken away.
        let hidden = 1 << 23;
        let subnormal = f32::from_bits(normal.wrapping_add(hidden)) - f32::from_bits(self.rebias + hidden);
        let finite = if magnitude < self.min_normal { subnormal.to_bits() } else { normal };
        let sign = (code & self.sign) << self.sign_shift;
        let bits = if magnitude == self.infinity { 0x7F80_0000 } else { finite } | sign;
        let nan = (magnitude > self.max && magnitude != self.infinity) || code == self.nan;
        if nan { F32_NAN } else { f32::from_bits(bits) }
    }
}

#[inline(always)]
fn uniform_body<C: Code>(decode: &Decode, src: &[C], dst: &mut [f32]) {
    let decode = *decode;
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

/// The numbers of all codes of formats that no arithmetic here decodes.
static HIF8: [f32; 256] = all_values(&FormatSpec::HIF8);
static POSIT8: [f32; 256] = all_values(&FormatSpec::POSIT8);

const fn all_values(spec: &FormatSpec) -> [f32; 256] {
    let mut values = [0.0; 256];
    let mut code = 0;
    while code < 256 {
        values[code] = spec.decode_f32(code as u32);
        code += 1;
    }
    values
}

#[inline(always)]
fn values_body(decode: &Decode, values: &mut [f32; 256]) {
    let decode = *decode;
    for (code, value) in values.iter_mut().enumerate() {
        *value = decode.value(code as u32);
    }
}

/// The numbers of all bytes; bits above a code's width are ignored. The reference codec is asked only where nothing quicker says the same: this is
/// done for every call.
fn values(isa: Isa, spec: &FormatSpec, uniform: Option<&Decode>) -> [f32; 256] {
    let mut values = [0.0; 256];
    match (uniform, spec.encoding()) {
        (Some(decode), _) => fill_values(isa, decode, &mut values),
        (_, Encoding::HiF8) => values = HIF8,
        (_, Encoding::Codebook(entries)) => {
            let mask = spec.code_mask() as usize;
            for (code, value) in values.iter_mut().enumerate() {
                *value = entries.get(code & mask).map_or(F32_NAN, |bits| f32::from_bits(*bits));
            }
        }
        (_, Encoding::Int(layout)) => {
            let (spare, unit) = (32 - spec.bits(), Unpacked::new(false, 1, -i32::from(layout.fraction_bits)).to_f32());
            for (code, value) in (0u32..).zip(&mut values) {
                let word = code << spare;
                let integer = if layout.signed { (word as i32) >> spare } else { (word >> spare) as i32 };
                *value = integer as f32 * unit;
            }
        }
        _ if *spec == FormatSpec::POSIT8 => values = POSIT8,
        _ => values = all_values(spec),
    }
    values
}

/// Ways to decode bytes to f32, the best that an instruction set and a format allow.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a call")]
pub(crate) enum DecodeBytes {
    Uniform(Decode),
    Table([f32; 256]),
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Planes(Planes),
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Few([[f32; 16]; 2]),
}

impl DecodeBytes {
    /// For a format of at most 8 bits.
    pub(crate) fn lower(isa: Isa, spec: &FormatSpec) -> Self {
        let uniform = Decode::lower(spec);
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        if isa.is_avx512() && spec.bits() <= 5 {
            let values = values(isa, spec, uniform.as_ref());
            return Self::Few(core::array::from_fn(|half| core::array::from_fn(|i| values[16 * half + i])));
        }
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        if matches!(isa.kind(), Kind::Avx512Vbmi)
            // SAFETY: an `Isa` of this kind is made only after its instructions were detected.
            && let Some(planes) = unsafe { Planes::lower(&values(isa, spec, uniform.as_ref())) }
        {
            return Self::Planes(planes);
        }
        match uniform {
            Some(decode) if isa.is_avx512() => Self::Uniform(decode),
            _ => Self::Table(values(isa, spec, uniform.as_ref())),
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

/// Bytes for bytes.
pub(crate) fn map_bytes(isa: Isa, table: &[u8; 256], src: &[u8], dst: &mut [u8]) {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    if matches!(isa.kind(), Kind::Avx512Vbmi) {
        // SAFETY: an `Isa` of this kind is made only after its instructions were detected.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        return unsafe { x86::map_bytes(table, src, dst) };
    }
    look_up(isa, table, src, dst);
}

/// Entries of a table.
pub(crate) fn look_up<D: Copy>(isa: Isa, table: &[D; 256], src: &[u8], dst: &mut [D]) {
    look_up_by(isa.without_gathers(), table, src, dst);
}

per_isa! {
    /// The numbers of 256 codes, by arithmetic.
    fn fill_values[](decode: &Decode, values: &mut [f32; 256]) = values_body;
    /// Numbers of codes, by arithmetic.
    fn decode_uniform[C: Code](decode: &Decode, src: &[C], dst: &mut [f32]) = uniform_body;
    fn look_up_by[D: Copy](table: &[D; 256], src: &[u8], dst: &mut [D]) = table_body;
}

//! The formats above 8 bits that everybody has, nearest-even: f32s with fewer mantissa bits (BF16, TF32), and FP16, for which processors have
//! instructions.

use super::decode::{Decode, decode_uniform};
use super::isa::{Isa, per_isa};
use super::nearest::both;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::x86_half::Lanes;
use crate::bits::F32_NAN;
use crate::codec::Unpacked;
use crate::policy::{Convert, MissingNan, Nan, SubnormalInputs};
use crate::round::Round;
use crate::spec::{Code, Encoding, FloatSpec, FormatSpec};

/// A NaN's code, and what a minus sign changes in it.
pub(super) type NanPair = (u32, u32);

/// The NaN of a conversion that is IEEE 754's: to nearest-even, overflow to infinity, subnormal numbers kept.
fn ieee_nan(spec: &FormatSpec, convert: &Convert) -> Option<NanPair> {
    let Encoding::Float(layout) = spec.encoding() else { return None };
    let payload = matches!(convert.nan, Nan::Payload) || matches!(convert.missing_nan, MissingNan::Payload);
    let plain = matches!(convert.round, Round::NearestEven) && matches!(convert.subnormal_inputs, SubnormalInputs::Keep);
    let infinity = (spec.infinity_code()?, layout.sign_bit() as u32);
    let is_infinity = |x| both(spec, convert, x) == infinity;
    // Of the usual policy it is known, which short slices gain from.
    let overflows = || is_infinity(Unpacked::infinity(false)) && is_infinity(Unpacked::new(false, 1, spec.max_exponent() + 1));
    let ieee = *layout == FloatSpec::ieee(layout.exponent_bits, layout.mantissa_bits) && (*convert == Convert::IEEE || overflows());
    (ieee && plain && !payload).then(|| both(spec, convert, Unpacked::NAN))
}

/// f32s without their last bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    shift: u32,
    nan: NanPair,
}

impl Cut {
    /// The shift, if the format is such.
    pub(super) fn shift(spec: &FormatSpec) -> Option<u32> {
        match spec.encoding() {
            Encoding::Float(layout) if *layout == FloatSpec::ieee(8, layout.mantissa_bits) && layout.mantissa_bits > 0 => {
                Some(23 - u32::from(layout.mantissa_bits)).filter(|shift| *shift > 0)
            }
            _ => None,
        }
    }

    fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        Some(Self { shift: Self::shift(spec)?, nan: ieee_nan(spec, convert)? })
    }

    #[inline(always)]
    fn code<const SIGNED_NAN: bool>(&self, bits: u32) -> u32 {
        // The carry of the largest numbers makes infinity; a NaN's is not used.
        let rounded = bits.wrapping_add((1 << (self.shift - 1)) - 1).wrapping_add(bits >> self.shift & 1) >> self.shift;
        let nan = self.nan.0 ^ if SIGNED_NAN && bits >> 31 == 1 { self.nan.1 } else { 0 };
        if bits & 0x7FFF_FFFF > 0x7F80_0000 { nan } else { rounded }
    }
}

#[inline(always)]
fn cut_body<C: Code>(cut: &Cut, src: &[f32], dst: &mut [C]) {
    let cut = *cut;
    if cut.nan.1 == 0 {
        for (x, code) in src.iter().zip(dst) {
            *code = C::truncate(cut.code::<false>(x.to_bits()));
        }
    } else {
        for (x, code) in src.iter().zip(dst) {
            *code = C::truncate(cut.code::<true>(x.to_bits()));
        }
    }
}

#[inline(always)]
fn extend_body<C: Code>(shift: u32, src: &[C], dst: &mut [f32]) {
    for (code, x) in src.iter().zip(dst) {
        let bits = code.widen() << shift;
        *x = if bits & 0x7FFF_FFFF > 0x7F80_0000 { F32_NAN } else { f32::from_bits(bits) };
    }
}

#[inline(always)]
fn odd_body(src: &[f64], dst: &mut [f32]) {
    for (x, y) in src.iter().zip(dst) {
        let nearest = *x as f32;
        let back = f64::from(nearest);
        // Toward zero, then odd: the f32 below in magnitude, and the last bit for what was lost.
        let below = nearest.to_bits().wrapping_sub(u32::from(back.abs() > x.abs()));
        let odd = below | u32::from(back != *x);
        let sign = (x.to_bits() >> 32) as u32 & 0x8000_0000;
        *y = f32::from_bits(if x.is_nan() { F32_NAN.to_bits() | sign } else { odd });
    }
}

per_isa! {
    /// f64s rounded to odd: a second rounding, to at least two bits fewer, is as if there had been no first.
    fn to_odd[](src: &[f64], dst: &mut [f32]) = odd_body;
    /// f32s cut to codes.
    fn encode_cut[C: Code](cut: &Cut, src: &[f32], dst: &mut [C]) = cut_body;
    /// Codes to the f32s that they begin.
    fn extend[C: Code](shift: u32, src: &[C], dst: &mut [f32]) = extend_body;
}

/// A way to encode one of these formats.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EncodeWide {
    Cut(Cut),
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Half(Lanes, NanPair),
}

impl EncodeWide {
    /// The way, if there is one.
    pub(crate) fn lower(isa: Isa, spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        if *spec == FormatSpec::F16
            && let Some(lanes) = Lanes::of(isa)
        {
            return Some(Self::Half(lanes, ieee_nan(spec, convert)?));
        }
        let _ = isa;
        Cut::lower(spec, convert).map(Self::Cut)
    }

    /// Whether an f32 that is odd for being inexact is cut on the right side.
    pub(super) const fn takes_odd(&self) -> bool {
        match self {
            Self::Cut(cut) => cut.shift >= 2,
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Self::Half(..) => true,
        }
    }

    /// Codes of numbers.
    pub(crate) fn encode<C: Code>(&self, isa: Isa, src: &[f32], dst: &mut [C]) {
        match self {
            Self::Cut(cut) => encode_cut(isa, cut, src, dst),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Self::Half(lanes, nan) => {
                if let Some(dst) = C::words_mut(dst) {
                    return lanes.encode(*nan, src, dst);
                }
                // Codes of 16 bits in wider integers: by way of a buffer.
                let mut words = [0; 256];
                for (src, dst) in src.chunks(256).zip(dst.chunks_mut(256)) {
                    lanes.encode(*nan, src, &mut words[..src.len()]);
                    dst.iter_mut().zip(words).for_each(|(code, word)| *code = C::truncate(word.into()));
                }
            }
        }
    }
}

/// A way to decode formats above 8 bits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DecodeWide {
    Extend(u32),
    Uniform(Decode),
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Half(Lanes),
}

impl DecodeWide {
    /// The way, if there is one.
    pub(crate) fn lower(isa: Isa, spec: &FormatSpec) -> Option<Self> {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        if *spec == FormatSpec::F16
            && let Some(lanes) = Lanes::of(isa)
        {
            return Some(Self::Half(lanes));
        }
        let _ = isa;
        Cut::shift(spec).map(Self::Extend).or_else(|| Decode::lower(spec).map(Self::Uniform))
    }

    /// Numbers of codes.
    pub(crate) fn decode<C: Code>(&self, isa: Isa, src: &[C], dst: &mut [f32]) {
        match self {
            Self::Extend(shift) => extend(isa, *shift, src, dst),
            Self::Uniform(decode) => decode_uniform(isa, decode, src, dst),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Self::Half(lanes) => {
                if let Some(src) = C::words(src) {
                    return lanes.decode(src, dst);
                }
                let mut words = [0; 256];
                for (src, dst) in src.chunks(256).zip(dst.chunks_mut(256)) {
                    words.iter_mut().zip(src).for_each(|(word, code)| *word = code.widen() as u16);
                    lanes.decode(&words[..src.len()], dst);
                }
            }
        }
    }
}

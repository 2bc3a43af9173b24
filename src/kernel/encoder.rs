//! Which kernel encodes: the quickest that a format, a policy and an instruction set allow.

use super::decode::{DecodeBytes, look_up};
use super::encode::{Encode, encode_uniform};
use super::finite::{Finite, encode_finite, round_finite};
use super::hif8::HiF8;
use super::integer::{Integer, encode_integer, round_integer};
use super::isa::Isa;
use super::stochastic::Stochastic;
use super::wide::{DecodeWide, EncodeWide};
use super::wrapping::{Wrapping, encode_wrapping};
use crate::policy::{Convert, SubnormalInputs};
use crate::random::Dither;
#[cfg(feature = "alloc")]
use crate::spec::Encoding;
use crate::spec::{Code, FormatSpec};
#[cfg(feature = "alloc")]
use {super::steps::Steps, alloc::boxed::Box};

/// What a kernel needs to know of numbers that it gets as f32s.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// Which numbers are subnormal in their own type.
    pub(crate) subnormals: bool,
    /// All their bits: f32s that were rounded to odd will not do.
    pub(crate) exact: bool,
}

/// A way from f32s to codes.
#[derive(Clone, Debug)]
pub(crate) struct Encoder {
    isa: Isa,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Wide(EncodeWide),
    /// Runs with numbers that the first does not cover go to the second.
    Quick(Quick, Encode),
    Uniform(Encode),
    Stochastic(Stochastic),
    Wrapping(Wrapping),
    HiF8(HiF8),
    #[cfg(feature = "alloc")]
    Steps(Box<Steps>),
}

/// A way for what nearly all numbers are.
#[derive(Clone, Copy, Debug)]
enum Quick {
    Float(Finite),
    Integer(Integer),
}

impl Quick {
    fn lower(spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        Finite::lower(spec, convert).map(Self::Float).or_else(|| Integer::lower(spec, convert).map(Self::Integer))
    }

    /// Codes of a run, and whether they are right.
    fn codes<C: Code>(&self, isa: Isa, src: &[f32], dst: &mut [C]) -> bool {
        let mut largest = 0;
        match self {
            Self::Float(finite) => {
                if let Some(dst) = C::bytes_mut(dst)
                    && let Some(are_right) = finite.bytes::<64>(isa, src, dst)
                {
                    return are_right;
                }
                encode_finite(isa, finite, src, dst, &mut largest);
                finite.covers(largest)
            }
            Self::Integer(integer) => {
                encode_integer(isa, integer, src, dst, &mut largest);
                integer.covers(largest)
            }
        }
    }

    /// Numbers, as before.
    fn numbers(&self, isa: Isa, src: &[f32], dst: &mut [f32]) -> bool {
        let mut largest = 0;
        match self {
            Self::Float(finite) => {
                round_finite(isa, finite, src, dst, &mut largest);
                finite.covers_numbers(largest)
            }
            Self::Integer(integer) => {
                round_integer(isa, integer, src, dst, &mut largest);
                integer.covers(largest)
            }
        }
    }
}

/// Numbers of a run: their codes stay in the first-level cache until the run's largest magnitude is known.
pub(super) const RUN: usize = 2048;

/// Elements from which finding a format's steps pays: of a codebook the reference codec looks at every entry each time.
#[cfg(feature = "alloc")]
const fn many(spec: &FormatSpec) -> usize {
    if matches!(spec.encoding(), Encoding::Codebook(_)) { 256 } else { 4096 }
}

impl Encoder {
    /// The way for so many elements, if there is one.
    pub(crate) fn lower(isa: Isa, spec: &FormatSpec, convert: &Convert, elements: usize) -> Option<Self> {
        Self::way(isa, spec, convert, elements).map(|way| Self { isa, way })
    }

    fn way(isa: Isa, spec: &FormatSpec, convert: &Convert, elements: usize) -> Option<Way> {
        if let Some(wide) = EncodeWide::lower(isa, spec, convert) {
            return Some(Way::Wide(wide));
        }
        if let Some(uniform) = Encode::lower(spec, convert) {
            return Some(Quick::lower(spec, convert).map_or(Way::Uniform(uniform), |quick| Way::Quick(quick, uniform)));
        }
        if let Some(stochastic) = Stochastic::lower(spec, convert) {
            return Some(Way::Stochastic(stochastic));
        }
        if let Some(wrapping) = Wrapping::lower(spec, convert) {
            return Some(Way::Wrapping(wrapping));
        }
        if let Some(hif8) = HiF8::lower(spec, convert) {
            return Some(Way::HiF8(hif8));
        }
        #[cfg(feature = "alloc")]
        if elements >= many(spec)
            && let Some(steps) = Steps::lower(spec, convert)
        {
            return Some(Way::Steps(steps));
        }
        let _ = elements;
        None
    }

    /// What the way needs to know of numbers that were no f32s.
    pub(crate) fn needs(&self, convert: &Convert) -> Needs {
        let exact = match &self.way {
            Way::Wide(wide) => !wide.takes_odd(),
            Way::Quick(_, uniform) | Way::Uniform(uniform) => !uniform.takes_odd(),
            Way::Stochastic(stochastic) => !stochastic.takes_odd(),
            Way::HiF8(_) => false,
            // The low bits of large numbers are those that an f32 does not have.
            Way::Wrapping(_) => true,
            // A step may lie between two f32s.
            #[cfg(feature = "alloc")]
            Way::Steps(_) => true,
        };
        Needs { subnormals: matches!(convert.subnormal_inputs, SubnormalInputs::Flush), exact }
    }

    /// Codes of numbers; a stochastic rounding takes its words from `dither`, whose indices must not run over the largest u64.
    pub(crate) fn encode<C: Code>(&self, src: &[f32], dst: &mut [C], dither: Dither) {
        match &self.way {
            Way::Wide(wide) => wide.encode(self.isa, src, dst),
            Way::Uniform(uniform) => encode_uniform(self.isa, uniform, src, dst),
            Way::Quick(quick, uniform) => {
                for (src, dst) in src.chunks(RUN).zip(dst.chunks_mut(RUN)) {
                    if !quick.codes(self.isa, src, dst) {
                        encode_uniform(self.isa, uniform, src, dst);
                    }
                }
            }
            Way::Stochastic(stochastic) => stochastic.encode(self.isa, src, dst, dither),
            Way::Wrapping(wrapping) => encode_wrapping(self.isa, wrapping, src, dst),
            Way::HiF8(hif8) => hif8.encode(self.isa, src, dst),
            #[cfg(feature = "alloc")]
            Way::Steps(steps) => steps.encode(src, dst),
        }
    }

    /// Codes of 4 bits, two a byte, the first in the low bits; says whether they are right, and made at all.
    #[cfg(feature = "alloc")]
    pub(crate) fn nibbles(&self, src: &[f32], bytes: &mut [u8]) -> bool {
        match &self.way {
            Way::Quick(Quick::Float(finite), _) => finite.bytes::<32>(self.isa, src, bytes) == Some(true),
            _ => false,
        }
    }
}

/// A way from f32s to the representable numbers nearest to them.
#[derive(Clone, Debug)]
pub(crate) struct FakeQuantizer {
    encoder: Encoder,
    decoder: Decoder,
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a call")]
enum Decoder {
    Bytes(DecodeBytes),
    Wide(DecodeWide),
}

impl FakeQuantizer {
    /// The way for so many elements, if there is one.
    pub(crate) fn lower(isa: Isa, spec: &FormatSpec, convert: &Convert, elements: usize) -> Option<Self> {
        let encoder = Encoder::lower(isa, spec, convert, elements)?;
        let decoder = if spec.bits() <= 8 {
            Decoder::Bytes(DecodeBytes::lower(isa, spec))
        } else {
            Decoder::Wide(DecodeWide::lower(isa, spec)?)
        };
        Some(Self { encoder, decoder })
    }

    pub(crate) const fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// Representable numbers, as f32s.
    pub(crate) fn numbers(&self, src: &[f32], dst: &mut [f32], dither: Dither) {
        for (i, (src, dst)) in src.chunks(RUN).zip(dst.chunks_mut(RUN)).enumerate() {
            let are_right = match &self.encoder.way {
                Way::Quick(quick, _) => quick.numbers(self.encoder.isa, src, dst),
                Way::HiF8(hif8) => hif8.numbers(self.encoder.isa, src, dst),
                _ => false,
            };
            if are_right {
                continue;
            }
            let dither = dither.skip((i * RUN) as u64);
            match &self.decoder {
                Decoder::Bytes(decode) => {
                    let mut codes = [0u8; RUN];
                    self.encoder.encode(src, &mut codes[..src.len()], dither);
                    decode.decode(self.encoder.isa, &codes[..src.len()], dst);
                }
                Decoder::Wide(decode) => {
                    let mut codes = [0u32; RUN];
                    self.encoder.encode(src, &mut codes[..src.len()], dither);
                    decode.decode(self.encoder.isa, &codes[..src.len()], dst);
                }
            }
        }
    }

    /// Entries of a table of representable numbers by their codes, for formats of at most 8 bits.
    pub(crate) fn entries<D: Copy>(&self, src: &[f32], dst: &mut [D], table: &[D; 256], dither: Dither) {
        let mut codes = [0u8; RUN];
        for (i, (src, dst)) in src.chunks(RUN).zip(dst.chunks_mut(RUN)).enumerate() {
            let codes = &mut codes[..src.len()];
            self.encoder.encode(src, codes, dither.skip((i * RUN) as u64));
            look_up(self.encoder.isa, table, codes, dst);
        }
    }
}

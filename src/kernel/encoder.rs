//! Which kernel encodes: the quickest that a format, a policy and an instruction set allow.

use super::decode::{Bytes as DecodeBytes, look_up};
use super::encode::{Encode, encode_uniform};
use super::finite::{Finite, encode_finite, round_finite};
use super::isa::Isa;
use super::wide::{DecodeWide, EncodeWide};
use crate::policy::Convert;
use crate::spec::{Code, FormatSpec};

/// A way from f32s to codes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoder {
    isa: Isa,
    way: Way,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Wide(EncodeWide),
    /// Runs with numbers that the first does not cover go to the second.
    Finite(Finite, Encode),
    Uniform(Encode),
}

/// Numbers of a run: their codes stay in the first-level cache until the run's largest magnitude is known.
const RUN: usize = 512;

impl Encoder {
    /// The way, if there is one.
    pub(crate) fn lower(isa: Isa, spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        let way = if let Some(wide) = EncodeWide::lower(isa, spec, convert) {
            Way::Wide(wide)
        } else {
            let uniform = Encode::lower(spec, convert)?;
            Finite::lower(spec, convert).map_or(Way::Uniform(uniform), |finite| Way::Finite(finite, uniform))
        };
        Some(Self { isa, way })
    }

    /// Codes of numbers.
    pub(crate) fn encode<C: Code>(&self, src: &[f32], dst: &mut [C]) {
        match &self.way {
            Way::Wide(wide) => wide.encode(self.isa, src, dst),
            Way::Uniform(uniform) => encode_uniform(self.isa, uniform, src, dst),
            Way::Finite(finite, uniform) => {
                for (src, dst) in src.chunks(RUN).zip(dst.chunks_mut(RUN)) {
                    let mut largest = 0;
                    encode_finite(self.isa, finite, src, dst, &mut largest);
                    if !finite.covers(largest) {
                        encode_uniform(self.isa, uniform, src, dst);
                    }
                }
            }
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
    /// The way, if there is one.
    pub(crate) fn lower(isa: Isa, spec: &FormatSpec, convert: &Convert) -> Option<Self> {
        let encoder = Encoder::lower(isa, spec, convert)?;
        let decoder = if spec.bits() <= 8 {
            Decoder::Bytes(DecodeBytes::lower(isa, spec))
        } else {
            Decoder::Wide(DecodeWide::lower(isa, spec)?)
        };
        Some(Self { encoder, decoder })
    }

    /// Representable numbers, as f32s.
    pub(crate) fn numbers(&self, src: &[f32], dst: &mut [f32]) {
        for (src, dst) in src.chunks(RUN).zip(dst.chunks_mut(RUN)) {
            if let Way::Finite(finite, _) = &self.encoder.way {
                let mut largest = 0;
                round_finite(self.encoder.isa, finite, src, dst, &mut largest);
                if finite.covers_numbers(largest) {
                    continue;
                }
            }
            match &self.decoder {
                Decoder::Bytes(decode) => {
                    let mut codes = [0u8; RUN];
                    self.encoder.encode(src, &mut codes[..src.len()]);
                    decode.decode(self.encoder.isa, &codes[..src.len()], dst);
                }
                Decoder::Wide(decode) => {
                    let mut codes = [0u32; RUN];
                    self.encoder.encode(src, &mut codes[..src.len()]);
                    decode.decode(self.encoder.isa, &codes[..src.len()], dst);
                }
            }
        }
    }

    /// Entries of a table of representable numbers by their codes, for formats of at most 8 bits.
    pub(crate) fn entries<D: Copy>(&self, src: &[f32], dst: &mut [D], table: &[D; 256]) {
        let mut codes = [0u8; RUN];
        for (src, dst) in src.chunks(RUN).zip(dst.chunks_mut(RUN)) {
            let codes = &mut codes[..src.len()];
            self.encoder.encode(src, codes);
            look_up(self.encoder.isa, table, codes, dst);
        }
    }
}

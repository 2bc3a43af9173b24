//! f32s to the representable numbers nearest to them: without codes where a kernel can, else by way
//! of codes in the first-level cache.

use super::choose::Encoder;
use super::params::CHUNK;
use crate::kernel::decode::{DecodeBytes, DecodeWide, look_up};
use crate::kernel::isa::Isa;
use crate::policy::Convert;
use crate::random::Dither;
use crate::spec::FormatSpec;

/// The kernels that encode and decode again.
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
    /// The kernels for so many elements; `None` if only the reference codec encodes them.
    pub(crate) fn lower(
        isa: Isa,
        spec: &FormatSpec,
        convert: &Convert,
        elements: usize,
    ) -> Option<Self> {
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
        for (i, (src, dst)) in src.chunks(CHUNK).zip(dst.chunks_mut(CHUNK)).enumerate() {
            if self.encoder.numbers(src, dst) {
                continue;
            }
            let dither = dither.skip((i * CHUNK) as u64);
            match &self.decoder {
                Decoder::Bytes(decode) => {
                    let mut codes = [0u8; CHUNK];
                    self.encoder.encode(src, &mut codes[..src.len()], dither);
                    decode.decode(&codes[..src.len()], dst);
                }
                Decoder::Wide(decode) => {
                    let mut codes = [0u32; CHUNK];
                    self.encoder.encode(src, &mut codes[..src.len()], dither);
                    decode.decode(&codes[..src.len()], dst);
                }
            }
        }
    }

    /// Entries of a table of representable numbers by their codes, for formats of at most 8 bits.
    pub(crate) fn entries<D: Copy>(
        &self,
        src: &[f32],
        dst: &mut [D],
        table: &[D; 256],
        dither: Dither,
    ) {
        let mut codes = [0u8; CHUNK];
        for (i, (src, dst)) in src.chunks(CHUNK).zip(dst.chunks_mut(CHUNK)).enumerate() {
            let codes = &mut codes[..src.len()];
            self.encoder.encode(src, codes, dither.skip((i * CHUNK) as u64));
            look_up(self.encoder.isa(), table, codes, dst);
        }
    }
}

//! Fake quantization: f32s to the representable numbers nearest to them.
//!
//! A kernel that rounds without making codes is tried first, chunk by chunk. Without one, or if a
//! chunk holds what it does not cover, the chunk is encoded to a buffer on the stack, 2 or 8 KiB in
//! L1, and decoded from there.

use super::choose::Encoder;
use super::params::CHUNK;
use crate::kernel::decode::{DecodeBytes, DecodeWide, look_up};
use crate::kernel::isa::Isa;
use crate::policy::Convert;
use crate::random::Dither;
use crate::spec::FormatSpec;

/// An encoder and the decoder of the same format.
#[derive(Clone, Debug)]
pub(crate) struct FakeQuantizer {
    encoder: Encoder,
    decoder: Decoder,
}

/// A decoder by the width of the codes.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a call")]
enum Decoder {
    Bytes(DecodeBytes),
    Wide(DecodeWide),
}

impl FakeQuantizer {
    /// Returns the kernels for calls of `elements` numbers, or `None` if only the reference codec
    /// covers the format and the policy.
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

    /// Returns the encoder.
    pub(crate) const fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// Writes the representable numbers nearest to `src`.
    pub(crate) fn numbers(&self, src: &[f32], dst: &mut [f32], dither: Dither) {
        for (i, (src, dst)) in src.chunks(CHUNK).zip(dst.chunks_mut(CHUNK)).enumerate() {
            // Most chunks end here: one pass, no codes.
            if self.encoder.numbers(src, dst) {
                continue;
            }
            // The random word of an element depends on its index in the whole slice alone.
            let dither = dither.skip((i * CHUNK) as u64);
            match &self.decoder {
                Decoder::Bytes(decode) => {
                    // 2 KiB, between two passes over the chunk.
                    let mut codes = [0u8; CHUNK];
                    self.encoder.encode(src, &mut codes[..src.len()], dither);
                    decode.decode(&codes[..src.len()], dst);
                }
                Decoder::Wide(decode) => {
                    // 8 KiB: formats above 8 bits are rarely without a kernel of the first kind.
                    let mut codes = [0u32; CHUNK];
                    self.encoder.encode(src, &mut codes[..src.len()], dither);
                    decode.decode(&codes[..src.len()], dst);
                }
            }
        }
    }

    /// Writes `table[code]` for the code of every number, for formats of at most 8 bits: the
    /// numbers in another type.
    pub(crate) fn entries<D: Copy>(
        &self,
        src: &[f32],
        dst: &mut [D],
        table: &[D; 256],
        dither: Dither,
    ) {
        // One buffer for all chunks; each pass reads and writes L1.
        let mut codes = [0u8; CHUNK];
        for (i, (src, dst)) in src.chunks(CHUNK).zip(dst.chunks_mut(CHUNK)).enumerate() {
            let codes = &mut codes[..src.len()];
            self.encoder.encode(src, codes, dither.skip((i * CHUNK) as u64));
            look_up(self.encoder.isa(), table, codes, dst);
        }
    }
}

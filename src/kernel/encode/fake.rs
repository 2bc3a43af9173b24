//! Fake quantization: f32s to the representable numbers nearest to them.
//!
//! A kernel that rounds without making codes is tried first, chunk by chunk, or in place and past
//! the caches by groups that stay in registers (`groups`). Without one, or if a chunk holds what it
//! does not cover, the chunk is encoded to a buffer on the stack, 2 or 8 KiB in L1, and decoded
//! from there.

use super::choose::Encoder;
use super::params::CHUNK;
use crate::kernel::decode::{DecodeBytes, DecodeWide, look_up};
use crate::kernel::isa::Isa;
use crate::kernel::stream::{LINE, fence, tiles};
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

/// The codes of a chunk, between two passes over it.
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a chunk")]
enum ChunkCodes {
    /// 2 KiB.
    Bytes([u8; CHUNK]),
    /// 8 KiB: formats above 8 bits are rarely without a kernel that needs no codes.
    Wide([u32; CHUNK]),
}

impl ChunkCodes {
    fn new(decoder: &Decoder) -> Self {
        match decoder {
            Decoder::Bytes(_) => Self::Bytes([0; CHUNK]),
            Decoder::Wide(_) => Self::Wide([0; CHUNK]),
        }
    }
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
            let mut codes = ChunkCodes::new(&self.decoder);
            self.encode(src, &mut codes, dither.skip((i * CHUNK) as u64));
            self.decode(&codes, dst);
        }
    }

    /// Replaces numbers by the representable numbers nearest to them.
    pub(crate) fn numbers_in_place(&self, x: &mut [f32], dither: Dither) {
        let mut at = 0;
        loop {
            // Most slices end here: one pass, no codes and no buffer.
            at += self.encoder.round_in_place(&mut x[at..]);
            if at == x.len() {
                return;
            }
            // A chunk from the group on that is not covered: its numbers are codes before the first
            // is written over.
            let end = x.len().min(at + CHUNK);
            let mut codes = ChunkCodes::new(&self.decoder);
            self.encode(&x[at..end], &mut codes, dither.skip(at as u64));
            self.decode(&codes, &mut x[at..end]);
            at = end;
        }
    }

    /// Writes the representable numbers nearest to `src` past the caches.
    pub(crate) fn numbers_past_caches(&self, src: &[f32], dst: &mut [f32], dither: Dither) {
        let each = |first: usize| {
            move |index, src: &[f32], dst: &mut [f32]| {
                self.numbers(src, dst, dither.skip(first as u64 + index));
            }
        };
        // Numbers before the first whole line, then lines.
        let mut at = dst.as_ptr().align_offset(LINE).min(dst.len());
        self.numbers(&src[..at], &mut dst[..at], dither);
        while at < src.len() {
            let Some(done) = self.encoder.round_past_caches(&src[at..], &mut dst[at..]) else {
                return tiles(&src[at..], &mut dst[at..], each(at));
            };
            at += done;
            // The end, or a chunk that is not covered: whole lines, so that the next begins at one.
            let end = src.len().min(at + CHUNK);
            tiles(&src[at..end], &mut dst[at..end], each(at));
            at = end;
        }
        fence();
    }

    /// Makes the codes of at most a chunk of numbers.
    fn encode(&self, src: &[f32], codes: &mut ChunkCodes, dither: Dither) {
        match codes {
            ChunkCodes::Bytes(codes) => self.encoder.encode(src, &mut codes[..src.len()], dither),
            ChunkCodes::Wide(codes) => self.encoder.encode(src, &mut codes[..src.len()], dither),
        }
    }

    /// Writes the numbers of the first codes.
    fn decode(&self, codes: &ChunkCodes, dst: &mut [f32]) {
        match (&self.decoder, codes) {
            (Decoder::Bytes(decode), ChunkCodes::Bytes(codes)) => {
                decode.decode(&codes[..dst.len()], dst);
            }
            (Decoder::Wide(decode), ChunkCodes::Wide(codes)) => {
                decode.decode(&codes[..dst.len()], dst);
            }
            // `ChunkCodes::new` goes by the decoder.
            _ => {}
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

//! [`ScaleReader`]: the scales of an operand's lines as f32s.

use super::operand::Operand;
use crate::kernel::{DecodeWide, Isa};
use crate::spec::FormatSpec;

/// Scales of 16 bits that are decoded at a time.
const CHUNK: usize = 64;

/// Scales of lines.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a product")]
pub(super) enum ScaleReader {
    /// The number of every byte, where scales are bytes and more than the table has: an index that
    /// is a byte needs no check.
    Bytes([f32; 256]),
    /// 16-bit scales, by a kernel.
    Words(DecodeWide),
    /// Scales that are f32s.
    F32,
    /// Few scales or none, or of another width: each by the codec.
    Each,
}

impl ScaleReader {
    pub(super) fn new(operand: &Operand<'_>, isa: Isa) -> Self {
        let Some(format) = operand.spec().and_then(|spec| spec.scale.as_ref()) else {
            return Self::Each;
        };
        if *format == FormatSpec::F32 {
            return Self::F32;
        }
        if format.bits() == 16 {
            return DecodeWide::lower(isa, format).map_or(Self::Each, Self::Words);
        }
        // A table costs 256 decodings, which pay only for more scales than that.
        let many =
            operand.batch() * operand.rows() * operand.cols().div_ceil(operand.block_k()) > 256;
        if format.bits() > 8 || !many {
            return Self::Each;
        }
        // Bits above a narrow code's width are ignored, as everywhere.
        let number = |byte: usize| format.decode_f32(byte as u32 & format.code_mask());
        Self::Bytes(core::array::from_fn(number))
    }

    /// The scales of a line, without the tensor scale, for blocks of `block_k` positions.
    pub(super) fn row<'a>(
        &self,
        operand: &Operand<'_>,
        line: usize,
        block_k: usize,
        mut scales: impl Iterator<Item = &'a mut f32>,
    ) {
        // Scales of the operand's own blocks, one after another along K: most formats.
        match (self, operand.scale_bytes(line).filter(|_| block_k == operand.block_k())) {
            (Self::Bytes(table), Some(codes)) => {
                scales.zip(codes).for_each(|(to, code)| *to = table[usize::from(*code)]);
            }
            (Self::F32, Some(codes)) => {
                scales
                    .zip(codes.as_chunks().0)
                    .for_each(|(to, code)| *to = f32::from_le_bytes(*code));
            }
            (Self::Words(decode), Some(codes)) => {
                for codes in codes.as_chunks().0.chunks(CHUNK) {
                    // Scales lie 16 f32s apart in a panel, so that a kernel fills a buffer first.
                    let (mut words, mut numbers) = ([0u16; CHUNK], [0.0f32; CHUNK]);
                    let words = &mut words[..codes.len()];
                    let pairs = words.iter_mut().zip(codes);
                    pairs.for_each(|(word, code)| *word = u16::from_le_bytes(*code));
                    decode.decode(words, &mut numbers[..codes.len()]);
                    // In this order, so that no place of `scales` is taken without a number.
                    numbers[..codes.len()].iter().zip(&mut scales).for_each(|(x, to)| *to = *x);
                }
            }
            // Any other layout, or shorter blocks: each scale is looked up by position.
            _ => scales
                .enumerate()
                .for_each(|(block, to)| *to = operand.scale(line, block * block_k)),
        }
    }
}

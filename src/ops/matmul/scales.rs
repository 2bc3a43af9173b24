//! [`ScaleReader`]: the scales of an operand's lines as f32s.

use super::operand::Operand;
use crate::spec::FormatSpec;
use alloc::boxed::Box;

/// Scales of lines, by a table of all bytes where scales are bytes and more than the table has.
#[derive(Debug)]
pub(super) struct ScaleReader {
    /// The number of every byte: an index that is a byte needs no check.
    table: Option<Box<[f32; 256]>>,
}

impl ScaleReader {
    pub(super) fn new(operand: &Operand<'_>) -> Self {
        // A table costs 256 decodings, which pay only for more scales than that.
        let many =
            operand.batch() * operand.rows() * operand.cols().div_ceil(operand.block_k()) > 256;
        let format = operand
            .spec()
            .and_then(|spec| spec.scale.as_ref())
            .filter(|format| many && format.bits() <= 8);
        let number =
            // Bits above a narrow code's width are ignored, as everywhere.
            |format: &FormatSpec, byte: usize| format.decode_f32(byte as u32 & format.code_mask());
        Self {
            table: format.map(|format| Box::new(core::array::from_fn(|byte| number(format, byte)))),
        }
    }

    /// The scales of a line, without the tensor scale, for blocks of `block_k` positions.
    pub(super) fn row<'a>(
        &self,
        operand: &Operand<'_>,
        line: usize,
        block_k: usize,
        scales: impl Iterator<Item = &'a mut f32>,
    ) {
        // Scales of the operand's own blocks, one after another along K: most formats.
        match (operand.scale_bytes(line).filter(|_| block_k == operand.block_k()), &self.table) {
            (Some((codes, 1)), Some(table)) => {
                scales.zip(codes).for_each(|(to, code)| *to = table[usize::from(*code)]);
            }
            (Some((codes, 4)), _) => {
                scales
                    .zip(codes.as_chunks().0)
                    .for_each(|(to, code)| *to = f32::from_le_bytes(*code));
            }
            // Any other layout, or shorter blocks: each scale is looked up by position.
            _ => scales
                .enumerate()
                .for_each(|(block, to)| *to = operand.scale(line, block * block_k)),
        }
    }
}

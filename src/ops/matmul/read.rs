//! Lines of an operand and panels to numbers, by kernels: the numbers that [`Operand::values`] or
//! [`Operand::elements`] gives element by element.
//!
//! ```text
//! row      codes -> one code a byte -> numbers -> block by block, times scales     to pack A
//! panel    codes or quads -> numbers -> block by block, times scales of 16 lanes   while B is used
//! ```

use super::operand::{Operand, zero_point};
use super::panel::{Data, Panel, PanelRestore};
use crate::block::{BlockSpec, Restorer};
use crate::kernel::gemm::{Lanes, NR, scale_lanes, scale_lanes_less, scale_lanes_plus};
use crate::kernel::{BlockFactors, DecodeBytes, Isa, NegativeZero, Nibbles, unpack_quads};
use crate::mem::Aligned;
use crate::mma::Takes;
use crate::spec::FormatSpec;
use alloc::vec::Vec;
use core::ops::Range;

/// How the codes of one side become numbers.
#[derive(Debug)]
pub(super) struct Reader {
    isa: Isa,
    /// From codes of at most 8 bits, one a byte.
    decode: Option<DecodeBytes>,
    /// From codes of at most 4 bits in pairs, if the machine has look-ups in registers.
    nibbles: Option<Nibbles>,
    /// The scheme of a quantized operand.
    spec: Option<BlockSpec>,
    /// The tensor scale as it is stored, which restoring a number takes.
    tensor_scale: f32,
    /// Whether elements are read, or the numbers that they stand for.
    takes: Takes,
}

impl Reader {
    /// A reader of the numbers that a model takes of an operand.
    pub(super) fn new(operand: &Operand<'_>, isa: Isa, takes: Takes) -> Self {
        // Wider codes are decoded one by one when a panel is packed, and read as numbers here.
        let element = operand.element().filter(|element| element.bits() <= 8);
        Self {
            isa,
            decode: element.map(|element| DecodeBytes::lower(isa, element)),
            nibbles: element
                .filter(|element| element.bits() <= 4)
                // 16 numbers fit a register, which looks up 16 lanes at once.
                .and_then(|element| Nibbles::new(isa, numbers_of_4_bits(element))),
            spec: operand.spec().copied(),
            tensor_scale: operand.stored_tensor_scale(),
            takes,
        }
    }

    /// Whether elements are read rather than the numbers that they stand for.
    fn elements(&self) -> bool {
        self.takes == Takes::Elements
    }

    /// How codes of a byte become elements.
    pub(super) const fn decode(&self) -> Option<&DecodeBytes> {
        self.decode.as_ref()
    }

    /// How the numbers of a block come from its elements.
    fn restorer(&self, (scale, offset): (u32, u32)) -> Restorer {
        match &self.spec {
            Some(spec) if self.elements() => Restorer::Affine(1.0, zero_point(spec, offset)),
            Some(spec) => spec.restorer(scale, offset, self.tensor_scale),
            None => Restorer::Times(1.0),
        }
    }

    /// The numbers of a line of an operand.
    pub(super) fn row(
        &self,
        operand: &Operand<'_>,
        line: usize,
        unpacked: &mut Vec<u8>,
        dst: &mut [f32],
    ) {
        let (Some(decode), Some(codes)) = (&self.decode, operand.row_codes(line)) else {
            return if self.elements() {
                operand.elements(line, dst);
            } else {
                operand.values(line, dst);
            };
        };
        // `unpacked` is filled only for packed codes; one code a byte is read in place. Tensors pack codes below 8 bits; bare codes are one a byte.
        let codes = match operand.element() {
            Some(element) if element.bits() < 8 && operand.spec().is_some() => {
                unpacked.resize(dst.len(), 0);
                operand.codes_of(self.isa, line, unpacked);
                &unpacked[..]
            }
            _ => codes,
        };
        decode.decode(codes, dst);
        if operand.spec().is_none() {
            return;
        }
        let block_k = operand.block_k();
        for (block, numbers) in dst.chunks_mut(block_k).enumerate() {
            match self.restorer(operand.block_codes(line, block * block_k)) {
                // Zero points and minima may differ from block to block, so the rule is asked for
                // each.
                Restorer::Times(factor) => numbers.iter_mut().for_each(|x| *x *= factor),
                // Elements without a zero point are the numbers asked for.
                Restorer::Affine(1.0, 0.0) => {}
                restorer => numbers.iter_mut().for_each(|x| *x = restorer.restore(*x)),
            }
        }
    }

    /// The numbers of a panel at some positions. NaN may have any sign.
    pub(super) fn panel(
        &self,
        panel: &Panel,
        k: Range<usize>,
        scratch: &mut Aligned<Lanes<u8>>,
        dst: &mut [Lanes<f32>],
    ) {
        match (&panel.data, &self.decode) {
            (Data::Numbers(numbers), _) => dst.copy_from_slice(&numbers[k.clone()]),
            (Data::Bytes(codes), Some(decode)) => {
                decode.decode(codes[k.clone()].as_flattened(), dst.as_flattened_mut());
            }
            (Data::Nibbles(quads), Some(decode)) => {
                // A quad has eight positions; a chunk may begin within one, if a block does.
                let quads = &quads[k.start / 8..k.end.div_ceil(8)];
                if let (Some(nibbles), true) = (&self.nibbles, k.start.is_multiple_of(8)) {
                    nibbles.decode(quads, dst);
                } else {
                    // The quads are unpacked to one code a byte in L1, and the positions wanted are
                    // cut out.
                    scratch.resize(8 * quads.len());
                    unpack_quads(self.isa, quads, scratch);
                    decode.decode(
                        scratch[k.start % 8..][..k.len()].as_flattened(),
                        dst.as_flattened_mut(),
                    );
                }
            }
            // Codes have a format.
            (_, None) => {}
        }
        let (negative_zero, factors) = match &panel.restore {
            // The sum takes scales apart, but no zero points.
            PanelRestore::ZeroPoints(zero_points) => {
                for (block, rows) in blocks(panel.block_k, k, dst) {
                    let scales = if self.elements() { [1.0; NR] } else { panel.scales.at(block) };
                    scale_lanes_less(self.isa, rows, &zero_points[block], &scales);
                }
                return;
            }
            // The sum takes the scales apart, or there are none.
            _ if self.elements() || panel.scales.len() == 0 => return,
            PanelRestore::Minima(minima) => {
                for (block, rows) in blocks(panel.block_k, k, dst) {
                    scale_lanes_plus(self.isa, rows, &panel.scales.at(block), &minima[block]);
                }
                return;
            }
            // Each lane has a rule of its own, of three steps: slow, and rare.
            PanelRestore::Any(restorers) => {
                for (block, rows) in blocks(panel.block_k, k, dst) {
                    for (lane, restorer) in restorers[block].iter().enumerate() {
                        rows.iter_mut().for_each(|row| row[lane] = restorer.restore(row[lane]));
                    }
                }
                return;
            }
            PanelRestore::Scales => (NegativeZero::Keep, panel.scales.view()),
            PanelRestore::Factors(negative_zero, factors) => {
                (*negative_zero, BlockFactors::F32(factors))
            }
        };
        for (block, rows) in blocks(panel.block_k, k, dst) {
            // All lanes of a block at once: 16 factors in a register for all of its positions.
            scale_lanes(self.isa, rows, negative_zero, &factors.at(block));
        }
    }

    /// The codes of a panel, one a byte.
    pub(super) fn codes<'a>(
        &self,
        panel: &'a Panel,
        scratch: &'a mut Aligned<Lanes<u8>>,
    ) -> &'a [Lanes<u8>] {
        match &panel.data {
            Data::Numbers(_) => &[],
            Data::Bytes(codes) => codes,
            Data::Nibbles(quads) => {
                scratch.resize(8 * quads.len());
                unpack_quads(self.isa, quads, scratch);
                scratch
            }
        }
    }
}

/// The numbers of codes of at most 4 bits, whatever is above those.
pub(super) fn numbers_of_4_bits(element: &FormatSpec) -> Lanes<f32> {
    core::array::from_fn(|code| element.decode_f32(code as u32))
}

/// The rows of some positions, block by block.
fn blocks<T>(
    block_k: usize,
    k: Range<usize>,
    mut rows: &mut [T],
) -> impl Iterator<Item = (usize, &mut [T])> {
    let (mut start, end) = (k.start, k.end);
    core::iter::from_fn(move || {
        let block = start / block_k;
        // The first and the last may be parts of a block.
        let length = ((block + 1) * block_k).min(end) - start;
        start += length;
        if length == 0 { None } else { rows.split_off_mut(..length).map(|rows| (block, rows)) }
    })
}

//! Pack B: panels of 16 rows of an operand, codes kept as codes, with the scales of their blocks.
//!
//! Rows are gathered 16 at a time (`code_rows`) and transposed by a kernel, so that the 16 columns
//! of the product that a panel stands for lie side by side at each position: bytes for codes of 5
//! to 8 bits, quads of pairs for at most 4 bits, f32s for wider ones. Memory of a panel is kept and
//! used again for the next.

use super::codes::code_rows;
use super::held::{HeldMemory, held};
use super::operand::{Operand, zero_point};
use super::packed::PackedMatrix;
use super::panel::{Data, Panel, PanelRestore, Scales};
use super::scales::ScaleReader;
use super::scratch::RowScratch;
use crate::block::{BlockSpec, Restorer};
use crate::error::Error;
use crate::kernel::gemm::{Lanes, NR};
use crate::kernel::{Isa, NegativeZero, pack_codes, positions, quads};
use crate::mem::Aligned;
use crate::mma::Takes;
use crate::ops::par::Exec;
use crate::spec::FormatSpec;
use alloc::vec::Vec;

/// Makes panels of an operand that is not packed.
pub(super) struct Packer<'a> {
    pub(super) operand: Operand<'a>,
    isa: Isa,
    /// Which numbers the panels are for. [`Takes::Elements`] leaves out how scales restore them.
    takes: Takes,
    /// Scales by a table of all bytes, where there are more scales than bytes.
    scales: ScaleReader,
}

impl<'a> Packer<'a> {
    pub(super) fn new(operand: Operand<'a>, isa: Isa, takes: Takes) -> Self {
        Self { operand, isa, takes, scales: ScaleReader::new(&operand, isa) }
    }

    /// Packs `rows` rows from `line` on into a panel, in the memory that it has.
    pub(super) fn fill(
        &self,
        line: usize,
        rows: usize,
        scratch: &mut RowScratch,
        panel: &mut Panel,
    ) {
        let bits = self.operand.element().map_or(32, FormatSpec::bits);
        panel.block_k = self.operand.block_k();
        // Taken out, so that the memory of the last panel is filled again.
        let memory = core::mem::take(&mut panel.data);
        panel.data = if bits <= 8 {
            self.codes(line, rows, scratch, memory)
        } else {
            self.numbers(line, rows, scratch, memory)
        };
        let memory = core::mem::take(&mut panel.scales);
        if let Some(spec) = self.operand.spec() {
            let mut scales =
                if let Scales::F32(scales) = memory { scales } else { Aligned::default() };
            self.scales(line, rows, panel.block_k, &mut scales);
            let memory = core::mem::take(&mut panel.restore);
            panel.restore = self.restore(spec, line, rows, &scales, memory);
            panel.scales = Scales::F32(scales);
        } else {
            // Memory of a panel that had scales.
            panel.restore = PanelRestore::Scales;
        }
    }

    /// How the numbers of rows come from their elements, given their scales.
    fn restore(
        &self,
        spec: &BlockSpec,
        line: usize,
        rows: usize,
        scales: &[Lanes<f32>],
        memory: PanelRestore,
    ) -> PanelRestore {
        let restorer = |scale, offset| {
            spec.restorer_of(spec.dequantization, scale, offset, self.operand.stored_tensor_scale())
        };
        // Without offsets all blocks have the same rule: that of scale 1 tells which.
        let negative_zero = match restorer(1.0, 0) {
            Restorer::Times(_) => NegativeZero::Keep,
            Restorer::TimesPlusZero(_) => NegativeZero::Clear,
            Restorer::Plus(..) => {
                return PanelRestore::Minima(self.offsets(
                    line,
                    rows,
                    scales.len(),
                    memory,
                    |code| {
                        if let Restorer::Plus(_, minimum) = restorer(1.0, code) {
                            minimum
                        } else {
                            0.0
                        }
                    },
                ));
            }
            Restorer::Affine(..) => {
                let of = |code| zero_point(spec, code);
                return PanelRestore::ZeroPoints(self.offsets(
                    line,
                    rows,
                    scales.len(),
                    memory,
                    of,
                ));
            }
            Restorer::TimesTimesOver(..) => {
                let mut rules =
                    if let PanelRestore::Any(rules) = memory { rules } else { Vec::new() };
                rules.clear();
                rules.extend(scales.iter().map(|scales| scales.map(|scale| restorer(scale, 0))));
                return PanelRestore::Any(rules);
            }
        };
        // The factor has the tensor scale in it, or is the quotient that the formula asks for.
        let factor = |scale| match restorer(scale, 0) {
            Restorer::Times(factor) | Restorer::TimesPlusZero(factor) => factor,
            _ => scale,
        };
        // Most schemes: the factor is the scale, and no second copy is kept.
        let same = |scale: f32| factor(scale).to_bits() == scale.to_bits();
        if self.takes == Takes::Elements
            || negative_zero == NegativeZero::Keep
                && scales.as_flattened().iter().all(|scale| same(*scale))
        {
            return PanelRestore::Scales;
        }
        // Takes over the memory of the panel before, if it had factors too.
        let mut factors = if let PanelRestore::Factors(_, factors) = memory {
            factors
        } else {
            Aligned::default()
        };
        factors.resize(scales.len());
        factors.copy_from_slice(scales);
        factors.as_flattened_mut().iter_mut().for_each(|x| *x = factor(*x));
        PanelRestore::Factors(negative_zero, factors)
    }

    /// The zero points or minima of rows, block by block, from their codes.
    fn offsets(
        &self,
        line: usize,
        rows: usize,
        blocks: usize,
        memory: PanelRestore,
        of: impl Fn(u32) -> f32,
    ) -> Aligned<Lanes<f32>> {
        let mut offsets = match memory {
            PanelRestore::Minima(offsets) | PanelRestore::ZeroPoints(offsets) => offsets,
            _ => Aligned::default(),
        };
        offsets.resize(blocks);
        let block_k = self.operand.block_k();
        for (block, offsets) in offsets.iter_mut().enumerate() {
            for (lane, offset) in offsets.iter_mut().enumerate() {
                // Lanes beyond the last row repeat the first, as their scales do.
                let line = line + if lane < rows { lane } else { 0 };
                *offset = of(self.operand.block_codes(line, block * block_k).1);
            }
        }
        offsets
    }

    /// The scales of rows for blocks of `block_k` positions, in the order of [`Panel::scales`].
    pub(super) fn scales(
        &self,
        line: usize,
        rows: usize,
        block_k: usize,
        scales: &mut Aligned<Lanes<f32>>,
    ) {
        scales.resize(self.operand.cols().div_ceil(block_k));
        for lane in 0..NR {
            // Lanes beyond the last row repeat the first: any finite scale would do.
            let line = line + if lane < rows { lane } else { 0 };
            self.scales.row(
                &self.operand,
                line,
                block_k,
                scales.iter_mut().map(|block| &mut block[lane]),
            );
        }
    }

    /// The elements of rows, position by position.
    fn numbers(&self, line: usize, rows: usize, scratch: &mut RowScratch, memory: Data) -> Data {
        let cols = self.operand.cols();
        let mut numbers = if let Data::Numbers(numbers) = memory { numbers } else { Vec::new() };
        numbers.clear();
        numbers.resize(cols, [0.0; NR]);
        // One row at a time is decoded, then spread over its lane.
        scratch.numbers.resize(cols, 0.0);
        for lane in 0..rows {
            // No format of more than 8 bits has zero points.
            self.operand.elements(line + lane, &mut scratch.numbers);
            numbers.iter_mut().zip(&scratch.numbers).for_each(|(to, x)| to[lane] = *x);
        }
        Data::Numbers(numbers)
    }

    /// The codes of rows, position by position or in pairs.
    fn codes(&self, line: usize, rows: usize, scratch: &mut RowScratch, memory: Data) -> Data {
        let (cols, isa) = (self.operand.cols(), self.isa);
        let rows = code_rows(&self.operand, isa, line, rows, true, &mut scratch.copies);
        // Codes without a format do not occur; they would be bytes.
        if self.operand.element().is_none_or(|element| element.bits() > 4) {
            let mut codes =
                if let Data::Bytes(codes) = memory { codes } else { Aligned::default() };
            codes.resize(cols);
            positions(isa, &rows.bytes, &mut codes);
            return Data::Bytes(codes);
        }
        let mut of_rows =
            if let Data::Nibbles(quads) = memory { quads } else { Aligned::default() };
        of_rows.resize(cols.div_ceil(8));
        // Stored as pairs already: four bytes of each row make a quad.
        if rows.paired {
            quads(isa, &rows.bytes, &mut of_rows);
        } else {
            // One code a byte (3 bits, or codes without scales): packed to pairs first.
            for (pairs, codes) in scratch.pairs.iter_mut().zip(rows.bytes) {
                pairs.resize(cols.div_ceil(2), 0);
                pack_codes(isa, 4, codes, pairs);
            }
            quads(isa, &scratch.pairs.each_ref().map(Vec::as_slice), &mut of_rows);
        }
        Data::Nibbles(of_rows)
    }
}

impl PackedMatrix {
    /// Packs an operand, on all threads.
    ///
    /// # Errors
    /// The errors of [`Quantizer::quantize`](crate::Quantizer::quantize) for an operand that is yet
    /// to be quantized; [`Error::Scheme`] for a stack whose matrices have tensor scales of their
    /// own, for a tensor cut at columns inside a block, and for a packed matrix transposed.
    pub fn new<'a>(operand: impl Into<Operand<'a>>) -> Result<Self, Error> {
        let operand = operand.into();
        let mut memory = HeldMemory::default();
        let operand = held(operand, Exec::PARALLEL, &mut memory)?;
        if operand.has_matrix_scales() || !operand.rows_begin_blocks() {
            return Err(Error::Scheme {
                what: "operand to pack",
                expected: "one tensor scale, and columns that begin at a block",
            });
        }
        if let Some(packed) = operand.packed() {
            return Ok(packed.clone());
        }
        let [batch, rows, cols] = [operand.batch(), operand.rows(), operand.cols()];
        // Panels do not cross matrices.
        let per_matrix = rows.div_ceil(NR);
        // Rows of nothing need no panels, however many there are.
        let count = if cols == 0 { 0 } else { batch * per_matrix };
        let packer = Packer::new(operand, Isa::best(), Takes::Values);
        let panels = Exec::PARALLEL.map((0..count).collect(), |index| {
            let (matrix, first) = (index / per_matrix, index % per_matrix * NR);
            let mut panel = Panel::default();
            let (line, rows) = (matrix * rows + first, NR.min(rows - first));
            packer.fill(line, rows, &mut RowScratch::default(), &mut panel);
            // A packed matrix is kept, so half the scales' memory is worth a pass over them.
            Panel { scales: panel.scales.narrow(), ..panel }
        });
        Ok(Self {
            shape: [batch, rows, cols],
            spec: operand.spec().copied(),
            element: operand.element().copied(),
            tensor_scale: operand.stored_tensor_scale(),
            scale_range: operand.scale_range(),
            panels,
        })
    }
}

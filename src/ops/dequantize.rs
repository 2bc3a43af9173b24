//! Block-scaled tensors back to numbers: rows by kernels, the bits of the loop over elements in
//! [`QuantView::dequantize`].

use super::Exec;
use super::numbers::NumbersMut;
use super::real::Real;
use super::tiles::{COLUMNS, Tiles};
use crate::block::{DequantizePlan, QuantTensor, QuantView, RestoreKernel};
use crate::codec::Unpacked;
use crate::error::Error;
use crate::kernel::{self, Encoder, LessZeroPoint, PackedBlocks, PlusMinimum, RestoreBuffers};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

impl QuantTensor {
    /// The numbers, row-major, as f32s by the format's [`Dequantization`](crate::Dequantization)
    /// formula, on all threads. Numbers beyond f32 are infinite; every NaN is 0x7FC00000.
    #[must_use]
    pub fn dequantize(&self) -> Vec<f32> {
        self.view().dequantize()
    }
}

impl QuantView<'_> {
    /// The numbers, row-major, as f32s by the format's [`Dequantization`](crate::Dequantization)
    /// formula, on all threads. Numbers beyond f32 are infinite; every NaN is 0x7FC00000.
    #[must_use]
    pub fn dequantize(&self) -> Vec<f32> {
        let mut out = vec![0.0f32; self.len()];
        self.restore_into(NumbersMut::F32(&mut out), Exec::PARALLEL);
        out
    }

    /// The numbers, row-major, into a slice: the f32s of [`dequantize`](Self::dequantize), rounded
    /// once more (ties to even) into f16 or bf16.
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` has not as many elements as the tensor.
    pub fn dequantize_into<D: Real>(&self, dst: &mut [D], exec: Exec) -> Result<(), Error> {
        Error::check_length("output length", self.len(), dst.len())?;
        self.restore_into(D::slice_mut(dst), exec);
        Ok(())
    }

    /// Writes the numbers, as many as the tensor has.
    pub(super) fn restore_into(&self, dst: NumbersMut<'_>, exec: Exec) {
        let geometry = self.geometry();
        // A tensor without elements may have rows without columns.
        if dst.is_empty() {
            return;
        }
        if !self.bytes().tensor_scales.is_empty() {
            // Matrices with tensor scales of their own share no blocks: each comes back by itself.
            let len = geometry.rows * geometry.cols;
            let matrices = (0..geometry.matrices).filter_map(|index| self.matrix(index).ok());
            matrices.zip(dst.chunks(len)).for_each(|(view, dst)| view.restore_into(dst, exec));
            return;
        }
        // Tables of all codes take as long as some tens of numbers.
        const KERNEL_PAYS: usize = 32;
        let plan = (dst.len() >= KERNEL_PAYS && geometry.rows_begin_blocks())
            .then(|| DequantizePlan::lower(exec.isa(), self.spec(), self.bytes().tensor_scale));
        if let Some(plan) = plan.flatten().as_ref() {
            // Rows are restored many at a time, so that the cost of a call does not show.
            const ELEMENTS: usize = 1 << 16;
            let rows = (ELEMENTS / geometry.cols).max(1);
            let streams =
                kernel::is_large(size_of::<f32>() * self.len() + self.bytes().codes.len());
            let rounding = dst.rounding(exec.isa(), COLUMNS);
            let bits = self.spec().element.bits();
            let job = RestoreRows { plan, bits, rounding: rounding.as_ref(), streams };
            // One long row is cut at whole blocks of whole bytes, or within its only block.
            let unit = geometry.block_cols.saturating_mul(8);
            let one_block = geometry.grid_cols == 1;
            if geometry.lines() == 1 && geometry.cols > ELEMENTS && (unit <= ELEMENTS || one_block)
            {
                let width = if one_block { ELEMENTS } else { ELEMENTS / unit * unit };
                return exec.chunks(dst, width, |index, dst| job.part(self, index * width, dst));
            }
            return exec
                .chunks(dst, rows * geometry.cols, |index, dst| job.rows(self, index * rows, dst));
        }
        exec.chunks(dst, geometry.cols, |line, mut row| {
            for col in 0..row.len() {
                row.set(col, Unpacked::from_f32(self.number_at(line, col)));
            }
        });
    }
}

/// How a tensor's rows come back.
pub(super) struct RestoreRows<'a> {
    plan: &'a DequantizePlan,
    /// Bits of an element code.
    bits: u32,
    /// The kernel that rounds to the type of the result; `None` where nothing is rounded.
    rounding: Option<&'a Encoder>,
    /// Whether the numbers are more than the caches hold.
    streams: bool,
}

/// Arrays that are kept from run to run.
#[derive(Default)]
pub(super) struct RestoreScratch {
    numbers: Vec<f32>,
    /// The factor of each block.
    scales: Vec<f32>,
    /// The zero point or minimum of each block.
    offsets: Vec<f32>,
    /// Scale or offset codes of two bytes, which their kernel takes as aligned u16s.
    wide: Vec<u16>,
    /// The blocks whose factors and offsets these are.
    blocks: Range<usize>,
    buffers: RestoreBuffers,
}

impl<'a> RestoreRows<'a> {
    /// Rows in near caches, with codes of so many bits.
    pub(super) const fn new(plan: &'a DequantizePlan, bits: u32) -> Self {
        Self { plan, bits, rounding: None, streams: false }
    }

    /// The numbers of successive codes of whole blocks; `stored` are the scale and offset codes of
    /// all blocks, of which these have some.
    pub(super) fn chunk(
        &self,
        stored: [&[u8]; 2],
        blocks: Range<usize>,
        codes: &[u8],
        length: usize,
        numbers: &mut [f32],
        scratch: &mut RestoreScratch,
    ) {
        let RestoreScratch { scales, offsets, wide, .. } = scratch;
        self.plan.factors(stored, blocks, scales, offsets, wide);
        self.restore(codes, length, 0..numbers.len(), numbers, scratch);
    }

    /// The numbers of successive rows.
    fn rows(&self, view: &QuantView<'_>, first: usize, dst: NumbersMut<'_>) {
        let grid = view.geometry();
        let mut scratch = RestoreScratch::default();
        // Numbers that are not touched again need not stay in the first-level cache.
        let once = kernel::restores_packed(&self.plan.elements, self.bits, grid.block_cols)
            && self.rounding.is_none()
            && !self.streams;
        let chunk = if once { 8 * COLUMNS } else { COLUMNS };
        // Rows of whole blocks and whole bytes count as one long row.
        if grid.is_long(self.bits) {
            let codes = &view.bytes().codes[first * grid.row_bytes..];
            let tiles = Tiles { cols: dst.len(), block_cols: grid.block_cols, chunk };
            self.row(view, tiles, first * grid.grid_cols, codes, dst, &mut scratch);
        } else {
            for (line, dst) in (first..).zip(dst.chunks(grid.cols)) {
                let codes = view.row_codes(line);
                let tiles = Tiles { cols: grid.cols, block_cols: grid.block_cols, chunk };
                self.row(view, tiles, grid.block(line, 0), codes, dst, &mut scratch);
            }
        }
        if self.streams {
            // Other threads may read the result once this piece is done.
            kernel::fence();
        }
    }

    /// The numbers of a part of the tensor's only row, from a column on that begins a byte and a
    /// block, or lies in the only block.
    fn part(&self, view: &QuantView<'_>, start: usize, dst: NumbersMut<'_>) {
        let grid = view.geometry();
        let block_cols = grid.block_cols.min(dst.len());
        let tiles = Tiles { cols: dst.len(), block_cols, chunk: COLUMNS };
        let codes = &view.row_codes(0)[start * self.bits as usize / 8..];
        let origin = grid.block(0, 0) + start / grid.block_cols;
        self.row(view, tiles, origin, codes, dst, &mut RestoreScratch::default());
        if self.streams {
            kernel::fence();
        }
    }

    /// The numbers of a row whose first block is `origin`.
    fn row(
        &self,
        view: &QuantView<'_>,
        tiles: Tiles,
        origin: usize,
        codes: &[u8],
        mut dst: NumbersMut<'_>,
        scratch: &mut RestoreScratch,
    ) {
        // A chunk of columns: its codes come in once, its blocks' factors and its numbers stay in the
        // first-level cache until they are done.
        for cols in tiles.ranges() {
            let blocks = tiles.touched(&cols);
            let (stored, blocks) = (view.bytes(), origin + blocks.start..origin + blocks.end);
            // Rows of a band have the same blocks, one after the other.
            if scratch.blocks != blocks {
                self.plan.factors(
                    [stored.scales, stored.offsets],
                    blocks.clone(),
                    &mut scratch.scales,
                    &mut scratch.offsets,
                    &mut scratch.wide,
                );
                scratch.blocks = blocks;
            }
            let mut dst = dst.range(cols.clone());
            if let (Some(numbers), false) = (dst.f32s(), self.streams) {
                self.restore(codes, tiles.length(), cols, numbers, scratch);
                continue;
            }
            let mut numbers = core::mem::take(&mut scratch.numbers);
            // Numbers on their way past the caches, or to another type, are made in L1 first.
            numbers.resize(cols.len(), 0.0);
            self.restore(codes, tiles.length(), cols, &mut numbers, scratch);
            match dst.f32s() {
                Some(dst) => kernel::copy_past_caches(&numbers, dst),
                None => dst.round(&numbers, self.rounding),
            }
            scratch.numbers = numbers;
        }
    }

    /// The numbers of some columns whose blocks' factors are in the scratch.
    fn restore(
        &self,
        row: &[u8],
        length: usize,
        cols: Range<usize>,
        numbers: &mut [f32],
        scratch: &mut RestoreScratch,
    ) {
        let RestoreScratch { scales, offsets, buffers, .. } = scratch;
        // Rules without offsets ignore theirs.
        let offsets = if offsets.is_empty() { &*scales } else { &*offsets };
        let blocks = PackedBlocks { bits: self.bits, length, scales, offsets, bytes: row };
        let (elements, first_bit) = (&self.plan.elements, cols.start * self.bits as usize);
        match self.plan.kernel {
            RestoreKernel::Product(rule) => {
                kernel::restore(rule, elements, blocks, first_bit, numbers, buffers);
            }
            RestoreKernel::AmaxQuotient(rule) => {
                kernel::restore(rule, elements, blocks, first_bit, numbers, buffers);
            }
            RestoreKernel::LessZeroPoint => {
                kernel::restore(LessZeroPoint, elements, blocks, first_bit, numbers, buffers);
            }
            RestoreKernel::PlusMinimum => {
                kernel::restore(PlusMinimum, elements, blocks, first_bit, numbers, buffers);
            }
        }
    }
}

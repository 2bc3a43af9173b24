//! [`Work`]: some tiles of A by some panels of B, and the loops that every kind of sum shares.
//!
//! ```text
//! for a chunk of KC positions                  its numbers of a panel stay in L1
//!     for a pair of panels, 2 · NR columns     decoded once for all tiles
//!         for a tile of mr rows                packed A streams from L2
//!             micro-kernel                     mr × NR sums (or 2 · NR) in registers, KC steps
//! ```
//!
//! A sum is put back between chunks and taken up again, so no bit depends on KC.

use super::job::MatmulJob;
use super::pack_b::Packer;
use super::panel::{PANELS_OF_UNIT, Panel};
use super::read::Reader;
use super::scratch::{AlignedScratch, StepScratch, WordScratch, WorkScratch};
use super::slices::Slicing;
use super::sums::Pair;
use super::tile::TileA;
use crate::kernel::gemm::{KC, Lanes, MR, NR};
use crate::mem::Aligned;
use alloc::vec::Vec;
use core::ops::Range;

/// The data of one unit: tiles of A, and panels of B for columns of one matrix of the product.
pub(super) struct Work<'a> {
    pub(super) job: &'a MatmulJob<'a>,
    pub(super) reader: &'a Reader,
    pub(super) matrix: usize,
    pub(super) tiles: &'a [TileA],
    pub(super) slicing: Option<&'a Slicing>,
    pub(super) columns: &'a [Columns<'a>],
}

/// Up to 16 columns of the product: rows of B.
pub(super) struct Columns<'a> {
    pub(super) packer: &'a Packer<'a>,
    /// Their panel, if B is packed.
    // `None`: packed by the thread that works on them.
    pub(super) packed: Option<&'a Panel>,
    /// The first of these columns in the product.
    pub(super) first: usize,
    /// The row of B that is column `first`, counted through all matrices.
    pub(super) line: usize,
    /// Rows of B, at most 16.
    pub(super) rows: usize,
}

impl Work<'_> {
    /// The panels, packed where they are not yet, with memory to decode them, and the memory of
    /// sums.
    pub(super) fn decoded<'s>(
        &'s self,
        scratch: &'s mut WorkScratch,
    ) -> (Decoded<'s>, SumMemory<'s>) {
        let WorkScratch { rows, panels: made, numbers, codes, .. } = scratch;
        // Never shorter: panels of an earlier, wider unit keep their memory.
        made.resize_with(self.columns.len().max(made.len()), Panel::default);
        for (columns, made) in self.columns.iter().zip(&mut *made) {
            // B that was packed before is read where it lies.
            if columns.packed.is_none() {
                columns.packer.fill(columns.line, columns.rows, rows, made);
            }
        }
        let (made, count) = (&*made, self.columns.len());
        let panel = |index: usize| {
            let index = index.min(count - 1);
            self.columns[index].packed.unwrap_or(&made[index])
        };
        let panels = UnitPanels { all: core::array::from_fn(panel), count };
        let WorkScratch { scales, sums, partials, sums_f64, steps, aligned, words, .. } = scratch;
        (
            Decoded { reader: self.reader, panels, numbers, codes },
            SumMemory { scales, sums, partials, sums_f64, steps, aligned, words },
        )
    }

    /// Runs `step(pair, tile, k, the numbers of one panel or two at k, sums)` over chunks of whole
    /// blocks of `block_k` of a range of K, from zero; leaves the sums of every pair of panels.
    pub(super) fn by_chunks<T: Copy + Default>(
        &self,
        decoded: &mut Decoded<'_>,
        range: Range<usize>,
        block_k: usize,
        sums: &mut Vec<Pair<T>>,
        mut step: impl FnMut(usize, &TileA, Range<usize>, &[&[Lanes<f32>]], &mut Pair<T>),
    ) {
        self.clear(sums);
        // K outside, so that each decoded chunk is used by all tiles before the next is decoded
        // over it.
        for k in chunks(range, block_k, KC) {
            for (pair, sums) in sums.chunks_mut(self.tiles.len()).enumerate() {
                // 2 · KC · NR numbers: 16 KiB, in the first-level cache until all tiles have used
                // them.
                let (b, count) = decoded.pair(pair, k.clone());
                self.tiles
                    .iter()
                    .zip(sums)
                    .for_each(|(tile, sums)| step(pair, tile, k.clone(), &b[..count], sums));
            }
        }
    }

    /// Starts the sums of a tile in a pair of panels with C, if the model takes it: `start` makes a
    /// sum of a number of C.
    pub(super) fn start_with_c<T>(
        &self,
        pair: usize,
        tile: &TileA,
        sums: &mut Pair<T>,
        start: impl Fn(f32) -> T,
    ) {
        let (shape, Some(c)) = (self.job.shape, self.job.c) else { return };
        for (columns, sums) in self.columns[2 * pair..].iter().zip(sums) {
            for (row, sums) in tile.rows.clone().zip(sums) {
                let from = (self.matrix * shape.m + row) * shape.n + columns.first;
                for (sum, c) in sums.iter_mut().zip(&c[from..from + columns.rows]) {
                    *sum = start(*c);
                }
            }
        }
    }

    /// Sets the sums of all tiles in each pair of panels to zero, tile after tile for each pair.
    pub(super) fn clear<T: Copy + Default>(&self, sums: &mut Vec<Pair<T>>) {
        sums.clear();
        sums.resize(
            self.columns.len().div_ceil(2) * self.tiles.len(),
            [[[T::default(); NR]; MR]; 2],
        );
    }

    /// Runs `work(index, panel, all its numbers, memory)` panel after panel, for sums that are made
    /// of a whole panel at a time.
    pub(super) fn each_panel(
        &self,
        scratch: &mut WorkScratch,
        mut work: impl FnMut(usize, &Panel, &[Lanes<f32>], &mut SumMemory<'_>),
    ) {
        let (mut decoded, mut memory) = self.decoded(scratch);
        for index in 0..self.columns.len() {
            // All of K at once, 64 bytes a position: a sum that a kernel does not keep in parts.
            let panel = decoded.panels.as_slice()[index];
            work(index, panel, decoded.numbers(index, 0..self.job.shape.k), &mut memory);
        }
    }
}

/// A range of K in chunks of whole blocks, about as long as `length`.
pub(super) fn chunks(
    k: Range<usize>,
    block_k: usize,
    length: usize,
) -> impl Iterator<Item = Range<usize>> {
    // Whole blocks of about `length`, or one block if that is longer.
    let length = if block_k < length { length / block_k * block_k } else { block_k };
    k.clone().step_by(length).map(move |start| start..start.saturating_add(length).min(k.end))
}

/// The panels of a unit: the first `count` of these.
#[derive(Clone, Copy)]
pub(super) struct UnitPanels<'a> {
    all: [&'a Panel; PANELS_OF_UNIT],
    count: usize,
}

impl<'a> UnitPanels<'a> {
    pub(super) fn as_slice(&self) -> &[&'a Panel] {
        &self.all[..self.count]
    }

    /// The scales of all panels for blocks of `block_k` of `depth` positions, made in `memory`
    /// where a panel does not have them so; no blocks beyond the last panel.
    pub(super) fn scales_by<'s>(
        &'s self,
        block_k: usize,
        depth: usize,
        memory: &'s mut [Aligned<Lanes<f32>>; PANELS_OF_UNIT],
    ) -> [&'s [Lanes<f32>]; PANELS_OF_UNIT] {
        let (mut panels, count) = (self.all.iter().enumerate(), self.count);
        memory.each_mut().map(|memory| match panels.next() {
            Some((index, panel)) if index < count => panel.scales_by(block_k, depth, memory),
            _ => &[],
        })
    }
}

/// Memory for the sums of a unit.
pub(super) struct SumMemory<'a> {
    pub(super) scales: &'a mut [Aligned<Lanes<f32>>; PANELS_OF_UNIT],
    pub(super) sums: &'a mut Vec<Pair<f32>>,
    pub(super) partials: &'a mut Vec<Pair<f32>>,
    pub(super) sums_f64: &'a mut Vec<Pair<f64>>,
    pub(super) steps: &'a mut StepScratch,
    pub(super) aligned: &'a mut AlignedScratch,
    pub(super) words: &'a mut WordScratch,
}

/// Panels, and memory for their numbers.
pub(super) struct Decoded<'a> {
    reader: &'a Reader,
    pub(super) panels: UnitPanels<'a>,
    numbers: &'a mut [Aligned<Lanes<f32>>; 2],
    codes: &'a mut Aligned<Lanes<u8>>,
}

impl Decoded<'_> {
    /// The numbers of a panel at some positions.
    fn numbers(&mut self, panel: usize, k: Range<usize>) -> &[Lanes<f32>] {
        // Two buffers: the panels of a pair are used together.
        let numbers = &mut self.numbers[panel % 2];
        numbers.resize(k.len());
        self.reader.panel(self.panels.as_slice()[panel], k, self.codes, numbers);
        numbers
    }

    /// The numbers of the two panels of a pair, or of the last; and how many panels that is.
    fn pair(&mut self, pair: usize, k: Range<usize>) -> ([&[Lanes<f32>]; 2], usize) {
        // The last pair may be a single panel.
        let panels = 2 * pair..(2 * pair + 2).min(self.panels.count);
        panels.clone().for_each(|panel| _ = self.numbers(panel, k.clone()));
        // Beyond the last panel the second buffer has another pair's numbers, and nobody looks.
        let numbers = |index: usize| self.numbers[index].get(..k.len()).unwrap_or_default();
        ([numbers(0), numbers(1)], panels.len())
    }
}

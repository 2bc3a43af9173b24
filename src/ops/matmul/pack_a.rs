//! Pack A: tiles of 16 rows, as numbers or as words of four bytes, with the scales of their blocks.
//!
//! ```text
//! numbers[k · mr + row]       position after position: a micro-kernel broadcasts mr numbers a step
//! words[k / 4 · mr + row]     four integers of a row, for dot products of bytes
//! scales[block · mr + row]
//! ```
//!
//! A row is read whole, then scattered to every mr-th place: decoding wants rows, kernels columns.

use super::codes::code_rows;
use super::job::MatmulJob;
use super::plan::{Int8, Plan};
use super::read::Reader;
use super::scales::ScaleReader;
use super::scratch::{RowScratch, WorkScratch};
use super::slices::Slicing;
use super::tile::TileA;
use crate::codec::Unpacked;
use crate::kernel::gemm::MR;
use crate::kernel::{AInt8Words, Isa, a_int8_words};
use alloc::vec::Vec;
use core::ops::Range;

/// Packs A once for the whole product, the tiles of each matrix one after another, in the memory of
/// earlier tiles. Every unit reads its MC rows again for each pair of panels, from L2. Returns how
/// numbers are cut for exact sums; `None` if that would be into too many slices.
pub(super) fn pack_a(
    job: &MatmulJob<'_>,
    reader: &Reader,
    plan: &Plan,
    memory: &mut Vec<TileA>,
    threads: &mut Vec<WorkScratch>,
) -> Option<Slicing> {
    // Only dot products of bytes read words.
    let int8 = if let Plan::Int8(int8) = plan { Some(int8) } else { None };
    let tiles = tiles(job, reader, int8, plan.block_k(), memory, threads);
    // How numbers are cut depends on all of them.
    let slicing =
        if let Plan::Exact = plan { Slicing::new(tiles, job.shape.k)? } else { return None };
    let isa = job.exec.isa();
    job.exec.each_with(tiles.iter_mut(), threads, |_, tile| slicing.cut(tile, isa));
    Some(slicing)
}

/// The tiles of a matrix of A.
pub(super) const fn tiles_of_matrix(job: &MatmulJob<'_>) -> usize {
    job.shape.m.div_ceil(MR)
}

/// Packs the rows of each matrix in tiles; with the scales of blocks of `block_k` positions, and
/// words of integers, where a plan needs these.
pub(super) fn tiles<'m>(
    job: &MatmulJob<'_>,
    reader: &Reader,
    int8: Option<&Int8>,
    block_k: Option<usize>,
    memory: &'m mut Vec<TileA>,
    threads: &mut Vec<WorkScratch>,
) -> &'m mut [TileA] {
    let (of_matrix, m) = (tiles_of_matrix(job), job.shape.m);
    let count = of_matrix * job.matrices_of_a();
    // Never fewer: tiles of a larger product keep their memory.
    memory.resize_with(count.max(memory.len()), TileA::default);
    let packer =
        TilePacker { job, reader, scales: ScaleReader::new(&job.a, job.exec.isa()), int8, block_k };
    let [first, _] = job.lines(0);
    // Each tile is packed on its own, on any thread.
    job.exec.each_with(
        memory[..count].iter_mut().enumerate(),
        threads,
        |scratch, (index, tile)| {
            let (matrix, start) = (index / of_matrix, index % of_matrix * MR);
            packer.pack(first + matrix * m, start..(start + MR).min(m), &mut scratch.rows, tile);
        },
    );
    &mut memory[..count]
}

/// What all tiles are packed with.
struct TilePacker<'p> {
    job: &'p MatmulJob<'p>,
    reader: &'p Reader,
    scales: ScaleReader,
    int8: Option<&'p Int8>,
    block_k: Option<usize>,
}

impl TilePacker<'_> {
    /// Packs some rows of the matrix whose first line is `first`.
    fn pack(&self, first: usize, rows: Range<usize>, scratch: &mut RowScratch, tile: &mut TileA) {
        let Self { job, reader, int8, .. } = *self;
        let (operand, isa) = (&job.a, job.exec.isa());
        tile.rows = rows.clone();
        let mr = tile.mr();
        tile.numbers.clear();
        // From codes to words without numbers in between, where the machine and the blocks allow
        // it.
        let made = int8.is_some_and(|int8| {
            self.words_of_codes(int8, first + rows.start, rows.len(), scratch, &mut tile.a_i8x4)
        });
        if !made {
            // A row at a time, whose numbers go to one lane of every position.
            tile.numbers.resize(mr * operand.cols(), 0.0);
            let RowScratch { codes, numbers: row, .. } = scratch;
            row.resize(operand.cols(), 0.0);
            for (lane, line) in rows.clone().enumerate() {
                reader.row(operand, first + line, codes, row);
                let lanes = tile.numbers.iter_mut().skip(lane).step_by(mr);
                lanes.zip(&*row).for_each(|(to, x)| *to = *x);
            }
            if let Some(int8) = int8 {
                a_i8x4_of_numbers(int8, tile, isa);
            }
        }
        tile.scales.clear();
        if let Some(block_k) = self.block_k {
            // Scales of lanes beyond the last row stay 0, as their numbers do.
            tile.scales.resize(mr * operand.cols().div_ceil(block_k), 0.0);
            for (lane, line) in rows.enumerate() {
                let lanes = tile.scales.iter_mut().skip(lane).step_by(mr);
                self.scales.row(operand, first + line, block_k, lanes);
            }
        }
    }

    /// Makes the words of a tile of 16 rows from its codes, if the machine takes codes and blocks
    /// are whole words. Returns whether it did.
    fn words_of_codes(
        &self,
        int8: &Int8,
        line: usize,
        rows: usize,
        scratch: &mut RowScratch,
        to: &mut AInt8Words,
    ) -> bool {
        let (operand, isa) = (&self.job.a, self.job.exec.isa());
        // Fewer rows would leave lanes without codes; a packed operand has panels, not rows.
        let fits = rows == MR && operand.packed().is_none() && int8.is_whole(operand.cols(), 4);
        let Some(dots) = int8.dots.of_rows().filter(|_| fits) else { return false };
        let rows = code_rows(operand, isa, line, MR, true, &mut scratch.copies);
        dots.words(&int8.a, int8.b.largest, &rows, operand.cols(), int8.block_k, to);
        true
    }
}

/// Makes the words of a tile from its numbers.
pub(super) fn a_i8x4_of_numbers(int8: &Int8, tile: &mut TileA, isa: Isa) {
    // A multiple of 2^exponent, times this, is an integer.
    let unit = Unpacked::new(false, 1, -int8.a.exponent).to_f32();
    let (mr, TileA { numbers, a_i8x4, .. }) = (tile.mr(), tile);
    a_int8_words(isa, unit, int8.b.largest, mr, int8.block_k, numbers, a_i8x4);
}

/// Makes the words of a tile for B's codes in pairs: for every eight positions 0, 2, 4 and 6 in one word
/// and 1, 3, 5 and 7 in the next.
pub(super) fn a_i8x4_of_pairs(int8: &Int8, tile: &mut TileA, isa: Isa) {
    a_i8x4_of_numbers(int8, tile, isa);
    let mr = tile.mr();
    for two in tile.a_i8x4.words.chunks_exact_mut(2 * mr) {
        // A byte of pairs has an even position in its low half and the next in its high half: a
        // register of low halves has the even positions of eight, one of high halves the odd.
        let (first, second) = two.split_at_mut(mr);
        for (first, second) in first.iter_mut().zip(second) {
            let [[a, b, c, d], [e, f, g, h]] = [*first, *second].map(u32::to_le_bytes);
            [*first, *second] = [[a, c, e, g], [b, d, f, h]].map(u32::from_le_bytes);
        }
    }
}

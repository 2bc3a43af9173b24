//! The choice among a search's candidates by kernels, with the bits of
//! [`BlockSpec::block_of`](crate::BlockSpec).
//!
//! ```text
//! for each candidate:                        scales of all blocks, then
//!     for each row, for each chunk of it:    the order in which errors are summed;
//!                                            rows that are a block each 16 at a time
//!         codes    <- numbers by the candidate's factors
//!         restored <- codes
//!         terms    <- restored - numbers, squared or as magnitudes
//!         error[block] += terms, one after another
//!     keep the candidate where its error is less
//! ```
//!
//! All candidates read a chunk of numbers while it is in a near cache. The codes of the candidate
//! that is kept are those of the tensor, unless some block is left to the rule.

use super::codes::CandidateCodes;
use super::encode::EncodeMemory;
use crate::block::{BlockArrays, Metric, QuantizePlan, SearchPlan, StoredBlocks, UNHANDLED};
use crate::kernel::{self, Fold, Isa};
use crate::ops::dequantize::{RestoreRows, RestoreScratch};
use crate::ops::numbers::Numbers;
use crate::ops::tiles::Tiles;
use crate::random::Dither;
use alloc::vec::Vec;
use core::mem;
use core::ops::Range;

/// Rows or blocks whose errors are summed side by side.
pub(super) const ROWS: usize = 16;

/// Arrays of a search, kept from chunk to chunk.
#[derive(Default)]
pub(super) struct SearchScratch {
    /// The errors of a candidate, an entry a block.
    errors: Vec<f32>,
    /// The least errors so far, and the factors and points of their candidates.
    least: Vec<f32>,
    factors: Vec<f32>,
    points: Vec<[f32; 2]>,
    /// Whether some candidate of a block needs the rule.
    by_rule: Vec<bool>,
    /// Stored codes of a candidate.
    scales: Vec<u8>,
    offsets: Vec<u8>,
    /// Whether a candidate is better than those before, an entry a block.
    less: Vec<bool>,
    /// Codes of a candidate.
    codes: CandidateCodes,
    buffer: Vec<f32>,
    restored: Vec<f32>,
    restore: RestoreScratch,
    terms: Vec<f32>,
}

/// A search, and the rows of the blocks that it is for.
pub(super) struct Candidates<'a> {
    pub(super) plan: &'a QuantizePlan<'a>,
    pub(super) search: &'a SearchPlan,
    pub(super) src: Numbers<'a>,
    pub(super) tiles: Tiles,
    /// Whether each row has blocks of its own; else all rows share theirs.
    pub(super) own_blocks: bool,
}

impl Candidates<'_> {
    /// Writes the scales and offsets of the best candidates, and leaves their factors in the
    /// arrays and their codes in `kept`. A block is left to the rule if one of its candidates is,
    /// or if it is all zeros.
    pub(super) fn choose(
        &self,
        scratch: &mut SearchScratch,
        arrays: &mut BlockArrays,
        memory: &mut EncodeMemory,
        stored: &mut StoredBlocks<'_>,
        kept: &mut CandidateCodes,
    ) {
        let Self { plan, search, src, tiles, own_blocks } = *self;
        let isa = plan.isa();
        let rows = if own_blocks { src.len().div_ceil(tiles.cols) } else { 1 };
        let count = rows * tiles.blocks();
        scratch.by_rule.clear();
        scratch.by_rule.resize(count, false);
        for candidate in 0..search.len() {
            scratch.scales.resize(stored.scales.len(), 0);
            scratch.offsets.resize(stored.offsets.len(), 0);
            let own = &mut StoredBlocks {
                scales: &mut scratch.scales,
                offsets: &mut scratch.offsets,
                first: stored.first,
            };
            plan.settle_candidate(candidate, arrays, own);
            let (factors, by_rule) = (&mut arrays.factors, &mut scratch.by_rule);
            kernel::set_aside(isa, &arrays.amax, factors, by_rule);
            self.sum_errors(count, scratch, arrays, memory);
            if candidate == 0 {
                // The first of equal errors wins, so the first candidate is the one to beat.
                mem::swap(&mut scratch.least, &mut scratch.errors);
                mem::swap(&mut scratch.factors, &mut arrays.factors);
                mem::swap(&mut scratch.points, &mut arrays.points);
                mem::swap(&mut scratch.codes, kept);
                stored.scales.copy_from_slice(&scratch.scales);
                stored.offsets.copy_from_slice(&scratch.offsets);
                continue;
            }
            scratch.less.resize(count, false);
            let less = &mut scratch.less[..];
            kernel::find_less(isa, &scratch.errors, &scratch.least, less);
            kernel::take_where(isa, less, &scratch.errors, &mut scratch.least);
            kernel::take_where(isa, less, &arrays.factors, &mut scratch.factors);
            kernel::take_where(isa, less, &arrays.points, &mut scratch.points);
            take_codes_where(isa, less, &scratch.scales, stored.scales);
            take_codes_where(isa, less, &scratch.offsets, stored.offsets);
            let flags = (0..src.len().div_ceil(tiles.cols)).map(|row| {
                let blocks = tiles.touched_in(if own_blocks { row } else { 0 }, &(0..tiles.cols));
                &less[blocks]
            });
            kept.take_blocks_where(isa, flags, [tiles.cols, tiles.block_cols], &scratch.codes);
        }
        mem::swap(&mut arrays.factors, &mut scratch.factors);
        mem::swap(&mut arrays.points, &mut scratch.points);
        for (factor, by_rule) in arrays.factors.iter_mut().zip(&scratch.by_rule) {
            *factor = if *by_rule { UNHANDLED } else { *factor };
        }
    }

    /// The errors of all blocks under the candidate whose factors are in the arrays and whose codes
    /// of scales and offsets are in the scratch.
    fn sum_errors(
        &self,
        count: usize,
        scratch: &mut SearchScratch,
        arrays: &BlockArrays,
        memory: &mut EncodeMemory,
    ) {
        let Self { plan, search, src, tiles, own_blocks } = *self;
        let fold = match search.metric {
            Metric::Mse | Metric::Mae => Fold::Sum,
            Metric::Max => Fold::Largest,
        };
        scratch.errors.clear();
        scratch.errors.resize(count, 0.0);
        scratch.codes.start(src.len());
        // Taken out, since each row borrows the rest of the scratch.
        let mut terms = mem::take(&mut scratch.terms);
        // The sums of rows that are a block each do not wait for one another.
        let group = if own_blocks && tiles.blocks() == 1 { ROWS } else { 1 };
        for (index, lines) in src.chunks(group * tiles.cols).enumerate() {
            let first = if own_blocks { index * group } else { 0 };
            for cols in tiles.ranges() {
                let rows = first..first + lines.len().div_ceil(tiles.cols);
                let last = tiles.touched_in(rows.end - 1, &cols).end;
                let errors = tiles.touched_in(first, &cols).start..last;
                // Terms of a row of one block, or of each block, and +0 behind shorter ones, which
                // changes no error.
                let length =
                    if group > 1 { cols.len().next_multiple_of(16) } else { tiles.length() };
                terms.resize(errors.len() * length, 0.0);
                let of_rows = terms.chunks_mut(errors.len() / rows.len() * length);
                let starts = (index * group * tiles.cols + cols.start..).step_by(tiles.cols);
                for ((row, start), terms) in rows.zip(starts).zip(of_rows) {
                    let (elements, blocks) =
                        (start..start + cols.len(), tiles.touched_in(row, &cols));
                    self.write_terms(elements, blocks, scratch, arrays, memory, terms);
                }
                kernel::fold_blocks(plan.isa(), fold, &terms, length, &mut scratch.errors[errors]);
            }
        }
        scratch.terms = terms;
    }

    /// The terms of the errors of some elements of a row, counted through all rows, and zeros
    /// behind the last.
    fn write_terms(
        &self,
        elements: Range<usize>,
        blocks: Range<usize>,
        scratch: &mut SearchScratch,
        arrays: &BlockArrays,
        EncodeMemory { chunk: memory, .. }: &mut EncodeMemory,
        terms: &mut [f32],
    ) {
        let Self { plan, search, src, tiles, .. } = *self;
        let SearchScratch { scales, offsets, buffer, restored, restore, codes: all, .. } = scratch;
        let first = elements.start;
        let numbers = src.range(elements).seen(plan.isa(), buffer);
        let chunk = arrays.chunk(numbers, tiles.length(), blocks.clone(), Dither::NONE);
        // Nibbles come back by one look-up for each, where there are kernels for them.
        let packed = search.bits == 4
            && first.is_multiple_of(2)
            && plan.encode_nibbles(chunk, memory, all.write(first, numbers.len(), true));
        if !packed {
            plan.encode_bytes(chunk, memory, all.write(first, numbers.len(), false));
        }
        let codes = all.written(first, numbers.len(), packed);
        let bits = if packed { search.bits } else { u8::BITS };
        restored.resize(numbers.len(), 0.0);
        let stored = [&scales[..], &offsets[..]];
        let rows = RestoreRows::new(&search.restore, bits);
        rows.chunk(stored, blocks, codes, tiles.length(), restored, restore);
        let squared = matches!(search.metric, Metric::Mse);
        terms[numbers.len()..].fill(0.0);
        kernel::error_terms(plan.isa(), squared, restored, numbers, terms);
    }
}

/// Replaces the stored codes, of as many bytes each, whose flag is set.
fn take_codes_where(isa: Isa, flags: &[bool], from: &[u8], to: &mut [u8]) {
    match to.len() / flags.len().max(1) {
        1 => kernel::take_where(isa, flags, from, to),
        2 => kernel::take_where(isa, flags, from.as_chunks::<2>().0, to.as_chunks_mut::<2>().0),
        _ => kernel::take_where(isa, flags, from.as_chunks::<4>().0, to.as_chunks_mut::<4>().0),
    }
}

//! The choice among a search's candidates by kernels, with the bits of
//! [`BlockSpec::block_of`](crate::BlockSpec).
//!
//! ```text
//! for each candidate:                        scales of all blocks, then
//!     for each row, for each chunk of it:    the order in which errors are summed
//!         codes    <- numbers by the candidate's factors
//!         elements <- codes
//!         terms    <- (restored elements - numbers), squared or as magnitudes
//!         error[block] += terms, one after another
//!     keep the candidate where its error is less
//! ```
//!
//! All candidates read a chunk of numbers while it is in a near cache. Codes are made once more
//! when all blocks are chosen, so that nothing but scales is kept.

use super::encode::EncodeMemory;
use crate::block::{
    BlockArrays, Metric, QuantizePlan, RestoreKernel, SearchPlan, StoredBlocks, UNHANDLED,
    is_unhandled,
};
use crate::kernel::{self, LessZeroPoint, PlusMinimum};
use crate::ops::numbers::Numbers;
use crate::ops::tiles::Tiles;
use crate::random::Dither;
use alloc::vec::Vec;

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
    buffer: Vec<f32>,
    elements: Vec<f32>,
    terms: Vec<f32>,
    /// What elements come back by: an entry a block, and an entry an element.
    back: [Vec<f32>; 2],
    each: [Vec<f32>; 2],
    wide: Vec<u16>,
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
    /// arrays. A block is left to the rule if one of its candidates is, or if it is all zeros.
    pub(super) fn choose(
        &self,
        scratch: &mut SearchScratch,
        arrays: &mut BlockArrays,
        memory: &mut EncodeMemory,
        stored: &mut StoredBlocks<'_>,
    ) {
        let Self { plan, search, src, tiles, own_blocks } = *self;
        let (isa, EncodeMemory { chunk: memory, codes }) = (plan.isa(), memory);
        let rows = if own_blocks { src.len().div_ceil(tiles.cols) } else { 1 };
        let count = rows * tiles.blocks();
        scratch.by_rule.clear();
        scratch.by_rule.resize(count, false);
        for candidate in 0..search.len() {
            scratch.scales.resize(stored.scales.len(), 0);
            scratch.offsets.resize(stored.offsets.len(), 0);
            let own = StoredBlocks {
                scales: &mut scratch.scales,
                offsets: &mut scratch.offsets,
                first: stored.first,
            };
            plan.settle_candidate(candidate, arrays, own);
            for ((factor, by_rule), amax) in
                arrays.factors.iter_mut().zip(&mut scratch.by_rule).zip(&arrays.amax)
            {
                *by_rule |= is_unhandled(*factor) || *amax == 0;
                // Something finite, as no kernel takes NaN for a factor.
                *factor = if is_unhandled(*factor) { 0.0 } else { *factor };
            }
            scratch.errors.clear();
            scratch.errors.resize(count, 0.0);
            for (row, line) in src.chunks(tiles.cols).enumerate() {
                let row = if own_blocks { row } else { 0 };
                for cols in tiles.ranges() {
                    let touched = tiles.touched_in(row, &cols);
                    let numbers = line.range(cols).seen(isa, &mut scratch.buffer);
                    codes.resize(numbers.len(), 0);
                    let chunk =
                        arrays.chunk(numbers, tiles.length(), touched.clone(), Dither::NONE);
                    plan.encode_bytes(chunk, memory, codes);
                    let own = [&scratch.scales[..], &scratch.offsets[..]];
                    let [scales, offsets] = &mut scratch.back;
                    search.restore.factors(
                        own,
                        touched.clone(),
                        scales,
                        offsets,
                        &mut scratch.wide,
                    );
                    scratch.elements.resize(numbers.len(), 0.0);
                    search.restore.elements.decode(codes, &mut scratch.elements);
                    for (back, each) in scratch.back.iter().zip(&mut scratch.each) {
                        each.resize(numbers.len(), 0.0);
                        if !back.is_empty() {
                            kernel::expand(isa, tiles.length(), back, each);
                        }
                    }
                    scratch.terms.resize(numbers.len(), 0.0);
                    let squared = matches!(search.metric, Metric::Mse);
                    let (elements, terms) = (&scratch.elements, &mut scratch.terms);
                    let [scales, offsets] = &scratch.each;
                    let each = [&scales[..], &offsets[..]];
                    match search.restore.kernel {
                        RestoreKernel::Product(rule) => {
                            kernel::error_terms(isa, rule, squared, elements, numbers, each, terms);
                        }
                        RestoreKernel::AmaxQuotient(rule) => {
                            kernel::error_terms(isa, rule, squared, elements, numbers, each, terms);
                        }
                        RestoreKernel::LessZeroPoint => kernel::error_terms(
                            isa,
                            LessZeroPoint,
                            squared,
                            elements,
                            numbers,
                            each,
                            terms,
                        ),
                        RestoreKernel::PlusMinimum => kernel::error_terms(
                            isa,
                            PlusMinimum,
                            squared,
                            elements,
                            numbers,
                            each,
                            terms,
                        ),
                    }
                    let errors = &mut scratch.errors[touched];
                    match search.metric {
                        Metric::Mse | Metric::Mae => {
                            kernel::add_in_order(terms, tiles.length(), errors);
                        }
                        Metric::Max => kernel::keep_largest(terms, tiles.length(), errors),
                    }
                }
            }
            if candidate == 0 {
                // The first of equal errors wins, so the first candidate is the one to beat.
                scratch.least.clone_from(&scratch.errors);
                scratch.factors.clone_from(&arrays.factors);
                scratch.points.clone_from(&arrays.points);
                stored.scales.copy_from_slice(&scratch.scales);
                stored.offsets.copy_from_slice(&scratch.offsets);
                continue;
            }
            let widths = [stored.scales.len() / count, stored.offsets.len() / count];
            for block in 0..count {
                let (error, least) = (scratch.errors[block], scratch.least[block]);
                // An error of NaN gives way to any other.
                if !(error < least || (least.is_nan() && !error.is_nan())) {
                    continue;
                }
                scratch.least[block] = error;
                scratch.factors[block] = arrays.factors[block];
                if let Some(point) = scratch.points.get_mut(block) {
                    *point = arrays.points[block];
                }
                let [scale, offset] = widths.map(|width| block * width..(block + 1) * width);
                stored.scales[scale.clone()].copy_from_slice(&scratch.scales[scale]);
                stored.offsets[offset.clone()].copy_from_slice(&scratch.offsets[offset]);
            }
        }
        arrays.factors.clone_from(&scratch.factors);
        arrays.points.clone_from(&scratch.points);
        for (factor, by_rule) in arrays.factors.iter_mut().zip(&scratch.by_rule) {
            *factor = if *by_rule { UNHANDLED } else { *factor };
        }
    }
}

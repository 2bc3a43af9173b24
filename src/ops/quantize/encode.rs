//! Codes of numbers whose blocks are settled.

use super::codes::CandidateCodes;
use super::job::ElementWords;
use crate::block::{Block, BlockArrays, BlockSpec, ChunkArrays, QuantizePlan, put};
use crate::kernel::{self, Isa};
use crate::ops::numbers::Numbers;
use crate::ops::slice::RandomWords;
use crate::ops::tiles::Tiles;
use alloc::vec::Vec;
use core::ops::Range;

/// Blocks whose scales are found.
#[derive(Default)]
pub(super) struct Settled {
    pub(super) blocks: BlockArrays,
    /// Blocks whose codes, or some of them, are the rule's, by their index.
    pub(super) by_rule: Vec<(usize, ByRule)>,
    /// The codes of all blocks, if they were made while scales were searched.
    pub(super) codes: CandidateCodes,
}

/// Memory for the codes of a chunk.
#[derive(Default)]
pub(super) struct EncodeMemory {
    pub(super) chunk: ChunkArrays,
    pub(super) codes: Vec<u8>,
}

/// Some rows, or a part of one, on the way to their codes.
#[derive(Clone, Copy)]
pub(super) struct Lines<'a> {
    pub(super) plan: &'a QuantizePlan<'a>,
    pub(super) spec: &'a BlockSpec,
    pub(super) words: ElementWords,
    pub(super) tiles: Tiles,
    /// Whether each row has blocks of its own; else all rows share theirs.
    pub(super) own_blocks: bool,
    pub(super) src: Numbers<'a>,
    /// The tensor's element that `src` begins with.
    pub(super) first: usize,
    /// The element that `src` begins with, counted through what was settled together.
    pub(super) settled_first: usize,
}

/// Which codes of a block the rule makes.
pub(super) enum ByRule {
    /// The codes of zeros, in a block of nothing else: of +0 and −0.
    Zeros([u8; 2]),
    /// All.
    Whole(Block),
    /// The codes of NaN and infinity.
    NotFinite(Block),
}

impl Lines<'_> {
    /// Adds the numbers to the statistics of their blocks, which accumulate over rows that share
    /// them.
    pub(super) fn look(&self, buffer: &mut Vec<f32>, arrays: &mut BlockArrays) {
        let (tiles, isa) = (self.tiles, self.plan.isa());
        for (row, line) in self.src.chunks(tiles.cols).enumerate() {
            let row = if self.own_blocks { row } else { 0 };
            for cols in tiles.ranges() {
                let numbers = line.range(cols.clone()).seen(isa, buffer);
                self.plan.look(numbers, tiles.length(), tiles.touched_in(row, &cols), arrays);
            }
        }
    }

    /// Writes the codes of rows whose blocks are settled.
    pub(super) fn encode(
        &self,
        settled: &Settled,
        memory: &mut EncodeMemory,
        buffer: &mut Vec<f32>,
        row_bytes: usize,
        codes: &mut [u8],
    ) {
        let (tiles, isa) = (self.tiles, self.plan.isa());
        let rows = self.src.chunks(tiles.cols).zip(codes.chunks_mut(row_bytes));
        for (index, (line, row)) in rows.enumerate() {
            let of_blocks = if self.own_blocks { index } else { 0 };
            for cols in tiles.ranges() {
                let src = line.range(cols.clone());
                let first = self.first + index * tiles.cols + cols.start;
                let numbers = src.seen(isa, buffer);
                let settled_first = self.settled_first + index * tiles.cols + cols.start;
                let lines = &Lines { src, first, settled_first, ..*self };
                let blocks = tiles.touched_in(of_blocks, &cols);
                settled.encode(lines, numbers, blocks, cols, memory, row);
            }
        }
    }
}

impl Settled {
    /// The codes of some columns of a row into the row. `lines` and `numbers` are these columns.
    pub(super) fn encode(
        &self,
        lines: &Lines<'_>,
        numbers: &[f32],
        blocks: Range<usize>,
        cols: Range<usize>,
        memory: &mut EncodeMemory,
        row: &mut [u8],
    ) {
        let Self { blocks: arrays, by_rule, codes: kept } = self;
        let EncodeMemory { chunk: memory, codes } = memory;
        let Lines { plan, spec, words, tiles, src, first, settled_first, .. } = *lines;
        let bits = spec.element.bits();
        let dither = words.from(first);
        let length = tiles.length();
        let chunk = arrays.chunk(numbers, length, blocks.clone(), dither);
        let start = cols.start * bits as usize;
        match kept.get(settled_first, numbers.len()) {
            Some((nibbles, true)) if start.is_multiple_of(8) => {
                row[start / 8..][..nibbles.len()].copy_from_slice(nibbles);
                return;
            }
            Some((codes, false)) => return store_codes(plan.isa(), bits, codes, cols.start, row),
            Some(_) | None => {}
        }
        // The few blocks of this chunk whose codes the rule makes.
        let (from, to) = (blocks.start, blocks.end);
        let within = by_rule.partition_point(|(index, _)| *index < from);
        let mut by_rule = by_rule[within..].iter().take_while(|(index, _)| *index < to).peekable();
        if bits == 4
            && by_rule.peek().is_none()
            && start.is_multiple_of(8)
            && plan.encode_nibbles(chunk, memory, &mut row[start / 8..])
        {
            return;
        }
        // Codes one a byte, where they belong or to be packed below.
        let bytes = if bits == 8 {
            &mut row[cols.clone()]
        } else {
            codes.resize(numbers.len(), 0);
            &mut codes[..]
        };
        plan.encode_bytes(chunk, memory, bytes);
        let words = RandomWords::new(spec.element_convert.round, dither);
        for (index, what) in by_rule {
            // Blocks of a chunk lie one after another; the last of a row may be shorter.
            let at = (index - blocks.start) * length;
            let at = at..(at + length).min(numbers.len());
            for index in at {
                let (code, x) = (&mut bytes[index], numbers[index]);
                match what {
                    ByRule::Zeros(zeros) => *code = zeros[usize::from(x.is_sign_negative())],
                    ByRule::NotFinite(_) if x.is_finite() => {}
                    ByRule::Whole(block) | ByRule::NotFinite(block) => {
                        *code = spec.code(block, src.number(index), words.get(index)) as u8;
                    }
                }
            }
        }
        if bits != 8 {
            store_codes(plan.isa(), bits, codes, cols.start, row);
        }
    }
}

/// Packs codes, of which there is one a byte, into a row of zeros from a column on.
fn store_codes(isa: Isa, bits: u32, codes: &[u8], col: usize, row: &mut [u8]) {
    let start = col * bits as usize;
    match bits {
        8 => row[col..][..codes.len()].copy_from_slice(codes),
        _ if start.is_multiple_of(8) => {
            kernel::pack_codes(isa, bits, codes, &mut row[start / 8..]);
        }
        // A chunk that starts within a byte: code by code, into zeros.
        _ => {
            (col..).zip(codes).for_each(|(col, &code)| put(row, bits, col, code.into()));
        }
    }
}

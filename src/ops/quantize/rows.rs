//! Rows of blocks by kernels, for schemes that have a [`QuantizePlan`]: the bits of `reference`.
//! Numbers are read twice, for the statistics of their blocks and to be encoded; between the two
//! the blocks are settled:
//!
//! ```text
//! for each chunk of 2048 columns          8 KiB of numbers and 2 KiB of codes stay in L1
//!     look:    amax[block]    <- numbers          one kernel, a maximum a block
//!     settle:  scale[block],  <- amax[block]      a kernel a step of the rule, an entry a block;
//!              factor[block]                      where it gives UNHANDLED, the rule itself
//!     encode:  codes          <- numbers          one kernel: numbers times the factor of their
//!                                                 block, rounded, packed
//! ```
//!
//! Blocks of several rows, or longer than a chunk, are looked at whole before the first of them is
//! settled.

use super::job::{BandGroup, ElementWords, QuantizeJob};
use crate::block::{
    Block, BlockArrays, BlockSpec, BlockStats, Chunk, ChunkArrays, QuantizePlan, UNHANDLED,
    is_unhandled, put, store,
};
use crate::kernel::{self, Isa};
use crate::ops::Exec;
use crate::ops::real::{Source, number, stats_of};
use crate::ops::slice::RandomWords;
use crate::ops::tiles::{COLUMNS, Tiles};
use alloc::vec;
use alloc::vec::Vec;
use core::mem;
use core::ops::Range;

/// Numbers that a thread looks at together: 256 KiB, some tens of microseconds.
const PIECE: usize = 1 << 16;

/// The largest magnitudes of blocks of a length in one long row, as bits: NaN is above infinity,
/// infinity above all others.
pub(super) fn amax_of_blocks<T: Source>(exec: Exec, src: &[T], length: usize) -> Vec<u32> {
    let isa = exec.isa();
    // Whole blocks, so that a maximum is complete when its chunk is done.
    let blocks = (COLUMNS / length).max(1);
    let mut known = Vec::with_capacity(src.len().div_ceil(length));
    let look = |_, piece: &[T]| {
        let (mut amax, mut buffer) = (vec![0; piece.len().div_ceil(length)], Vec::new());
        for (src, amax) in piece.chunks(blocks * length).zip(amax.chunks_mut(blocks)) {
            kernel::block_largest(
                kernel::AllValues,
                isa,
                T::seen(isa, src, &mut buffer),
                length,
                amax,
            );
        }
        amax
    };
    // Pieces of whole blocks, merged in order: the maxima of the tensor's blocks, row-major.
    exec.fold(src, PIECE.next_multiple_of(length), look, |piece| known.extend(piece));
    known
}

/// The largest magnitude of the finite numbers of a tensor, by those of its blocks where they are
/// known and all are finite.
pub(super) fn amax_of_all<T: Source>(exec: Exec, known: &[u32], src: &[T]) -> f32 {
    let isa = exec.isa();
    let mut largest = 0;
    // Magnitudes are bits of positive f32s, which compare like the numbers, NaN above infinity.
    kernel::amax(isa, bytemuck::cast_slice(known), &mut largest);
    // The maxima of blocks with NaN or infinity hide their finite numbers: the tensor is read
    // again.
    if known.is_empty() || largest >= f32::INFINITY.to_bits() {
        largest = 0;
        let look = |_, piece: &[T]| {
            let (mut amax, mut buffer) = (0, Vec::new());
            piece.chunks(COLUMNS).for_each(|src| {
                kernel::finite_amax(isa, T::seen(isa, src, &mut buffer), &mut amax);
            });
            amax
        };
        exec.fold(src, PIECE, look, |piece| largest = largest.max(piece));
    }
    f32::from_bits(largest)
}

/// Quantizes the bands of a piece. `known` has the largest magnitudes of all blocks, or nothing;
/// `streams` says that the tensor is more than the caches hold.
pub(super) fn quantize<T: Source>(
    plan: &QuantizePlan<'_>,
    job: &QuantizeJob<'_, T>,
    known: &[u32],
    streams: bool,
    piece: BandGroup<'_>,
) {
    let (grid, spec) = (&job.geometry, job.spec);
    let origin = grid.band(piece.first).start;
    let rows = grid.band(piece.first + piece.bands - 1).end - origin;
    let src = &job.src[origin * grid.cols..][..rows * grid.cols];
    // Rows of whole blocks and whole bytes are one long row.
    let long = grid.is_long(spec.element.bits()) && job.words.go_on();
    // Ranges need both ends, which the maxima do not tell.
    let known = if known.is_empty() || plan.has_zero_points() { &[] } else { known };
    let mut band = Band {
        plan,
        spec,
        words: job.words,
        // Long rows have no ends within a piece, so blocks of any length fill the chunks.
        tiles: Tiles {
            cols: if long { src.len() } else { grid.cols },
            block_cols: grid.block_cols,
            chunk: COLUMNS,
        },
        row_bytes: if long { piece.codes.len() } else { grid.row_bytes },
        scale_bytes: spec.scale_bytes(),
        known: known
            // The piece's part; empty stays empty.
            .get(piece.first * grid.grid_cols..(piece.first + piece.bands) * grid.grid_cols)
            .unwrap_or_default(),
        streams,
        buffer: Vec::new(),
        zero_block: None,
        scratch: BandScratch::default(),
    };
    if long {
        let parts =
            BandBuffers { codes: piece.codes, scales: piece.scales, offsets: piece.offsets };
        return band.quantize(src, origin * grid.cols, parts);
    }
    for index in 0..piece.bands {
        let lines = grid.band(piece.first + index);
        let lines = lines.start - origin..lines.end - origin;
        let blocks = index * grid.grid_cols..(index + 1) * grid.grid_cols;
        let parts = BandBuffers {
            codes: &mut piece.codes[lines.start * grid.row_bytes..lines.end * grid.row_bytes],
            scales: &mut piece.scales
                [blocks.start * band.scale_bytes..blocks.end * band.scale_bytes],
            offsets: piece.offsets.get_mut(blocks).unwrap_or_default(),
        };
        band.quantize(
            &src[lines.start * grid.cols..lines.end * grid.cols],
            (origin + lines.start) * grid.cols,
            parts,
        );
    }
}

/// The buffers of a band.
struct BandBuffers<'a> {
    codes: &'a mut [u8],
    scales: &'a mut [u8],
    offsets: &'a mut [u8],
}

/// Bands of one geometry: rows that share a row of blocks.
struct Band<'a> {
    plan: &'a QuantizePlan<'a>,
    spec: &'a BlockSpec,
    words: ElementWords,
    tiles: Tiles,
    row_bytes: usize,
    scale_bytes: usize,
    /// The largest magnitudes of the bands' blocks, if the tensor scale asked for them; else empty.
    known: &'a [u32],
    /// Whether the tensor is more than the caches hold.
    streams: bool,
    /// Numbers as f32s.
    buffer: Vec<f32>,
    /// [`QuantizePlan::zero_block`], once there was one.
    zero_block: Option<(Block, [u8; 2])>,
    scratch: BandScratch,
}

/// Arrays that are kept from chunk to chunk.
#[derive(Default)]
struct BandScratch {
    blocks: BlockArrays,
    /// The largest magnitudes above zero, where there are zero points.
    above: Vec<u32>,
    /// The largest magnitudes below zero, where there are zero points.
    below: Vec<u32>,
    /// Blocks whose codes, or some of them, are the rule's, by their index.
    by_rule: Vec<(usize, ByRule)>,
    chunk: ChunkArrays,
    codes: Vec<u8>,
}

/// Which codes of a block the rule makes.
enum ByRule {
    /// The codes of zeros, in a block of nothing else: of +0 and −0.
    Zeros([u8; 2]),
    /// All.
    Whole(Block),
    /// The codes of NaN and infinity.
    NotFinite(Block),
}

impl Band<'_> {
    /// Quantizes a band, whose first element is the tensor's `first`.
    fn quantize<T: Source>(&mut self, src: &[T], first: usize, parts: BandBuffers<'_>) {
        let (tiles, isa) = (self.tiles, self.plan.isa());
        let BandBuffers { codes, scales, offsets } = parts;
        // Taken out, since `look` and `settle` borrow the rest of the band.
        let mut buffer = mem::take(&mut self.buffer);
        if src.len() == tiles.cols && tiles.block_cols <= tiles.chunk {
            // Whole blocks: a chunk is looked at, settled and encoded while it is in L1.
            for cols in tiles.ranges() {
                let (blocks, src) = (tiles.touched(&cols), &src[cols.clone()]);
                if self.streams {
                    kernel::prefetch(src);
                }
                let numbers = T::seen(isa, src, &mut buffer);
                if self.known.is_empty() {
                    self.clear(blocks.len());
                    self.look(isa, numbers, 0..blocks.len());
                } else {
                    self.scratch.blocks.amax.clear();
                    // The tensor scale asked for these maxima already: the numbers are read once
                    // less.
                    self.scratch.blocks.amax.extend_from_slice(&self.known[blocks.clone()]);
                }
                let scales =
                    &mut scales[blocks.start * self.scale_bytes..blocks.end * self.scale_bytes];
                self.settle(
                    src,
                    cols.len(),
                    scales,
                    offsets.get_mut(blocks.clone()).unwrap_or_default(),
                );
                self.encode(src, numbers, first + cols.start, 0..blocks.len(), cols, codes);
            }
        } else {
            // Blocks go on from chunk to chunk or from row to row: all rows of the band are looked
            // at before any is encoded.
            self.clear(tiles.cols.div_ceil(tiles.block_cols));
            // Maxima accumulate over the rows of a block.
            for line in src.chunks(tiles.cols) {
                for cols in tiles.ranges() {
                    let numbers = T::seen(isa, &line[cols.clone()], &mut buffer);
                    self.look(isa, numbers, tiles.touched(&cols));
                }
            }
            self.settle(src, tiles.cols, scales, offsets);
            for (index, (line, codes)) in
                src.chunks(tiles.cols).zip(codes.chunks_mut(self.row_bytes)).enumerate()
            {
                for cols in tiles.ranges() {
                    let src = &line[cols.clone()];
                    let numbers = T::seen(isa, src, &mut buffer);
                    let touched = tiles.touched(&cols);
                    self.encode(
                        src,
                        numbers,
                        first + index * tiles.cols + cols.start,
                        touched,
                        cols,
                        codes,
                    );
                }
            }
        }
        self.buffer = buffer;
    }

    /// Forgets the statistics of blocks.
    fn clear(&mut self, blocks: usize) {
        let BandScratch { blocks: BlockArrays { amax, .. }, above, below, .. } = &mut self.scratch;
        let zeros = |statistics: &mut Vec<u32>| {
            statistics.clear();
            statistics.resize(blocks, 0);
        };
        if self.plan.has_zero_points() {
            zeros(above);
            zeros(below);
        } else {
            zeros(amax);
        }
    }

    /// Adds numbers to the statistics of their blocks.
    fn look(&mut self, isa: Isa, numbers: &[f32], blocks: Range<usize>) {
        let BandScratch { blocks: BlockArrays { amax, .. }, above, below, .. } = &mut self.scratch;
        let length = self.tiles.block_cols;
        if self.plan.has_zero_points() {
            // Two passes over numbers in L1: the largest positive and the largest negative
            // magnitude.
            kernel::block_largest(
                kernel::PositiveValues,
                isa,
                numbers,
                length,
                &mut above[blocks.clone()],
            );
            kernel::block_largest(kernel::NegativeValues, isa, numbers, length, &mut below[blocks]);
        } else {
            kernel::block_largest(kernel::AllValues, isa, numbers, length, &mut amax[blocks]);
        }
    }

    /// Scales, offsets and factors of the blocks whose statistics are in the scratch; `src` are
    /// their rows, `cols` long.
    fn settle<T: Source>(&mut self, src: &[T], cols: usize, scales: &mut [u8], offsets: &mut [u8]) {
        let BandScratch { blocks, above, below, by_rule, .. } = &mut self.scratch;
        let plan = self.plan;
        let with_points = plan.has_zero_points();
        if with_points {
            // The range of a block always includes zero, as integers with a zero point have it.
            let sides = || above.iter().zip(&*below);
            blocks.amax.clear();
            blocks.amax.extend(sides().map(|(above, below)| *above.max(below)));
            blocks.ranges.clear();
            // The smallest number of a block without numbers below zero is +0.
            blocks.ranges.extend(
                sides()
                    .map(|(above, below)| [0.0 - f32::from_bits(*below), f32::from_bits(*above)]),
            );
        }
        plan.settle(blocks, scales, offsets);
        // A wide number that was clamped into f32 hides how large it is, so the rule looks at the
        // f64.
        let BlockArrays { amax, factors, .. } = blocks;
        if T::IS_WIDE {
            // The largest f32 also stands for everything above it.
            let beyond =
                amax.iter().zip(&mut *factors).filter(|(amax, _)| **amax == f32::MAX.to_bits());
            beyond.for_each(|(_, factor)| *factor = UNHANDLED);
        }
        by_rule.clear();
        // Without a branch: in nearly every chunk all blocks are handled.
        if !factors.iter().fold(false, |any, factor| any | is_unhandled(*factor)) {
            return;
        }
        for (index, factor) in
            factors.iter_mut().enumerate().filter(|(_, factor)| is_unhandled(**factor))
        {
            // Kernels encode zeros here meanwhile; the codes are written over in `encode`.
            *factor = 0.0;
            let (block, what) = if amax[index] == 0 {
                // Blocks of zeros are alike, and common in sparse weights: the rule is asked once.
                let (block, codes) = self.zero_block.get_or_insert_with(|| plan.zero_block());
                (*block, Some(ByRule::Zeros(*codes)))
            } else {
                let block_cols =
                    index * self.tiles.block_cols..((index + 1) * self.tiles.block_cols).min(cols);
                let elements =
                    src.chunks(cols).flat_map(|line| line[block_cols.clone()].iter().copied());
                let finite = amax[index] < f32::INFINITY.to_bits();
                // Rules that have a plan read only amax, so a finite amax is all that they need.
                let stats = if finite && !with_points {
                    let amax = f32::from_bits(amax[index]);
                    BlockStats { amax, signed_max: amax, finite: 1, ..BlockStats::EMPTY }
                } else {
                    stats_of(elements)
                };
                // `usual`: the factor by which kernels make the codes that the rule would, if there
                // is one.
                let (block, usual) = plan.block_by_rule(&stats);
                let beyond = T::IS_WIDE && stats.amax == f32::MAX;
                // An f64 rounded to odd is only scaled exactly by a power of two.
                let exact = |factor: &f32| {
                    !T::IS_WIDE || *factor == 0.0 || factor.to_bits().trailing_zeros() >= 23
                };
                match usual.filter(|factor| exact(factor) && !beyond) {
                    Some(usual) => {
                        *factor = usual;
                        (block, (!finite).then_some(ByRule::NotFinite(block)))
                    }
                    None => (block, Some(ByRule::Whole(block))),
                }
            };
            store(scales, self.scale_bytes, index, block.scale);
            if with_points {
                store(offsets, 1, index, block.offset);
            }
            by_rule.extend(what.map(|what| (index, what)));
        }
    }

    /// The codes of some columns of a row, whose blocks' factors are in the scratch, into the row.
    fn encode<T: Source>(
        &mut self,
        src: &[T],
        numbers: &[f32],
        first: usize,
        blocks: Range<usize>,
        cols: Range<usize>,
        row: &mut [u8],
    ) {
        let BandScratch {
            blocks: BlockArrays { amax, factors, points, .. },
            by_rule,
            chunk: memory,
            codes,
            ..
        } = &mut self.scratch;
        let (plan, spec) = (self.plan, self.spec);
        let bits = spec.element.bits();
        let dither = self.words.from(first);
        let length = self.tiles.length();
        let chunk = Chunk {
            numbers,
            length,
            amax: &amax[blocks.clone()],
            factors: &factors[blocks.clone()],
            points: points.get(blocks.clone()).unwrap_or_default(),
            dither,
        };
        let start = cols.start * bits as usize;
        // The few blocks of this chunk whose codes the rule makes.
        let mut by_rule = by_rule.iter().filter(|(index, _)| blocks.contains(index)).peekable();
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
                        *code = spec.code(block, number(src[index]), words.get(index)) as u8;
                    }
                }
            }
        }
        let isa = plan.isa();
        match bits {
            8 => {}
            4 if start.is_multiple_of(8) => kernel::pack_4(isa, codes, &mut row[start / 8..]),
            6 if start.is_multiple_of(8) => kernel::pack_6(isa, codes, &mut row[start / 8..]),
            // Other widths, or a chunk that starts within a byte: code by code, into zeros.
            _ => codes
                .iter()
                .enumerate()
                .for_each(|(i, &code)| put(row, bits, cols.start + i, code.into())),
        }
    }
}

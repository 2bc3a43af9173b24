//! Rows of blocks by kernels, for schemes that have a [`QuantizePlan`]: the bits of `reference`.
//! Numbers are read twice, for the statistics of their blocks and to be encoded; between the two
//! the blocks are settled:
//!
//! ```text
//! for each chunk of 4096 columns          16 KiB of numbers and 4 KiB of codes stay in L1
//!     look:    amax[block]    <- numbers          one kernel, a maximum a block
//!     settle:  scale[block],  <- amax[block]      a kernel a step of the rule, an entry a block;
//!              factor[block]                      where it gives UNHANDLED, the rule itself
//!     encode:  codes          <- numbers          one kernel: numbers times the factor of their
//!                                                 block, rounded, packed
//! ```
//!
//! Blocks of several rows, or longer than a chunk, are looked at whole before the first of them is
//! settled.

use super::encode::{ByRule, EncodeMemory, Lines, Settled};
use super::job::{BandGroup, ElementWords, QuantizeJob};
use super::search::{self, SearchScratch};
use crate::block::{
    Block, BlockArrays, BlockSpec, BlockStats, QuantizePlan, StoredBlocks, UNHANDLED,
    any_unhandled, is_unhandled, store,
};
use crate::kernel;
use crate::ops::Exec;
use crate::ops::numbers::Numbers;
use crate::ops::real::stats_of;
use crate::ops::tiles::{COLUMNS, Tiles};
use alloc::vec;
use alloc::vec::Vec;
use core::mem;

/// Numbers that a thread looks at together: 256 KiB, some tens of microseconds.
const PIECE: usize = 1 << 16;

/// Columns of a chunk where nothing but numbers and codes is kept: what a step of a rule costs beside
/// its blocks, some nanoseconds, is shared by twice as many.
const CHUNK: usize = 2 * COLUMNS;

/// The largest magnitudes of blocks of a length in one long row, as bits: NaN is above infinity,
/// infinity above all others.
pub(super) fn amax_of_blocks(exec: Exec, src: Numbers<'_>, length: usize) -> Vec<u32> {
    let isa = exec.isa();
    // Whole blocks, so that a maximum is complete when its chunk is done.
    let blocks = (COLUMNS / length).max(1);
    let mut known = Vec::with_capacity(src.len().div_ceil(length));
    let look = |piece: Numbers<'_>| {
        let (mut amax, mut buffer) = (vec![0; piece.len().div_ceil(length)], Vec::new());
        for (src, amax) in piece.chunks(blocks * length).zip(amax.chunks_mut(blocks)) {
            let numbers = src.seen(isa, &mut buffer);
            kernel::block_largest(kernel::AllValues, isa, numbers, length, amax);
        }
        amax
    };
    // Pieces of whole blocks, merged in order: the maxima of the tensor's blocks, row-major.
    let pieces = src.chunks(PIECE.next_multiple_of(length)).collect();
    exec.map(pieces, look).into_iter().for_each(|piece| known.extend(piece));
    known
}

/// The largest magnitude of the finite numbers of a tensor, by those of its blocks where they are
/// known and all are finite.
pub(super) fn amax_of_all(exec: Exec, known: &[u32], src: Numbers<'_>) -> f32 {
    let isa = exec.isa();
    let mut largest = 0;
    // Magnitudes are bits of positive f32s, which compare like the numbers, NaN above infinity.
    kernel::amax(isa, bytemuck::cast_slice(known), &mut largest);
    // The maxima of blocks with NaN or infinity hide their finite numbers: the tensor is read
    // again.
    if known.is_empty() || largest >= f32::INFINITY.to_bits() {
        let look = |piece: Numbers<'_>| {
            let (mut amax, mut buffer) = (0, Vec::new());
            piece.chunks(COLUMNS).for_each(|src| {
                kernel::finite_amax(isa, src.seen(isa, &mut buffer), &mut amax);
            });
            amax
        };
        let pieces = exec.map(src.chunks(PIECE).collect(), look);
        largest = pieces.into_iter().fold(0, u32::max);
    }
    f32::from_bits(largest)
}

/// Quantizes the bands of a piece. `known` has the largest magnitudes of all blocks, or nothing;
/// `streams` says that the tensor is more than the caches hold.
pub(super) fn quantize(
    plan: &QuantizePlan<'_>,
    job: &QuantizeJob<'_>,
    known: &[u32],
    streams: bool,
    piece: BandGroup<'_>,
) {
    let (grid, spec) = (&job.geometry, job.spec);
    let origin = grid.band(piece.first).start;
    let rows = grid.band(piece.first + piece.bands - 1).end - origin;
    // A part of a row, or rows of whole blocks and whole bytes, are one long row.
    let part = piece.columns.len() < grid.cols;
    let first = origin * grid.cols + piece.columns.start;
    let src = job.src.range(first..first + rows * piece.columns.len());
    let long = part || (grid.is_long(spec.element.bits()) && job.words.go_on());
    let first_block = piece.first * grid.grid_cols + piece.columns.start / grid.block_cols;
    // A search sums the errors of several blocks side by side, in a near cache if not in L1.
    let elements = match plan.search() {
        Some(_) => COLUMNS.max(search::ROWS.saturating_mul(grid.block_cols).min(PIECE)),
        None if plan.keeps_scaled() => COLUMNS,
        None => CHUNK,
    };
    let mut band = Band::new(
        plan,
        job,
        Tiles {
            // Long rows have no ends within a piece, so blocks of any length fill the chunks.
            cols: if long { src.len() } else { grid.cols },
            block_cols: grid.block_cols,
            chunk: elements,
        },
    );
    band.streams = streams;
    band.first_block = first_block;
    // Ranges need both ends, which the maxima do not tell; empty stays empty.
    let blocks = piece.bands * piece.columns.len().div_ceil(grid.block_cols);
    let known = if plan.sees_amax_alone() { known } else { &[] };
    let known = known.get(first_block..first_block + blocks).unwrap_or_default();
    if long {
        band.known = known;
        band.row_bytes = piece.codes.len();
        let parts =
            BandBuffers { codes: piece.codes, scales: piece.scales, offsets: piece.offsets };
        band.quantize(src, first, parts);
        band.scratch.keep();
        return;
    }
    // Short rows with blocks of their own are settled some at a time: what a step costs is shared.
    let together = if grid.block_rows == 1 { (elements.max(CHUNK) / grid.cols).max(1) } else { 1 };
    for index in (0..piece.bands).step_by(together) {
        let count = together.min(piece.bands - index);
        let (start, last) = (piece.first + index, piece.first + index + count - 1);
        let lines = grid.band(start).start - origin..grid.band(last).end - origin;
        let blocks = index * grid.grid_cols..(index + count) * grid.grid_cols;
        let bytes = |width: usize| blocks.start * width..blocks.end * width;
        let parts = BandBuffers {
            codes: &mut piece.codes[lines.start * grid.row_bytes..lines.end * grid.row_bytes],
            scales: &mut piece.scales[bytes(band.scale_bytes)],
            offsets: &mut piece.offsets[bytes(band.offset_bytes)],
        };
        band.first_block = (piece.first + index) * grid.grid_cols;
        band.known = known.get(blocks.clone()).unwrap_or_default();
        band.quantize(
            src.range(lines.start * grid.cols..lines.end * grid.cols),
            (origin + lines.start) * grid.cols,
            parts,
        );
    }
    band.scratch.keep();
}

/// The buffers of a band.
struct BandBuffers<'a> {
    codes: &'a mut [u8],
    scales: &'a mut [u8],
    offsets: &'a mut [u8],
}

/// Bands of one geometry: rows that share a row of blocks.
pub(super) struct Band<'a> {
    pub(super) plan: &'a QuantizePlan<'a>,
    spec: &'a BlockSpec,
    words: ElementWords,
    pub(super) tiles: Tiles,
    /// Whether each row has blocks of its own; else all rows share theirs.
    own_blocks: bool,
    row_bytes: usize,
    scale_bytes: usize,
    offset_bytes: usize,
    /// The first block of the band that is worked on, counted through the tensor.
    first_block: usize,
    /// The largest magnitudes of the bands' blocks, if the tensor scale asked for them; else empty.
    known: &'a [u32],
    /// Whether the tensor is more than the caches hold.
    streams: bool,
    /// [`QuantizePlan::zero_block`], once it was asked for.
    zero_block: Option<Option<(Block, [u8; 2])>>,
    pub(super) scratch: BandScratch,
}

#[cfg(feature = "std")]
std::thread_local! {
    /// The arrays of the thread's last band, so that calls of few elements allocate none.
    static KEPT: core::cell::Cell<BandScratch> = core::cell::Cell::default();
}

/// Arrays that are kept from chunk to chunk, and by a thread from band to band.
#[derive(Default)]
pub(super) struct BandScratch {
    /// Numbers as f32s.
    buffer: Vec<f32>,
    pub(super) settled: Settled,
    pub(super) memory: EncodeMemory,
    pub(super) search: SearchScratch,
}

impl BandScratch {
    /// The arrays of the thread's last band.
    fn kept() -> Self {
        #[cfg(feature = "std")]
        // A thread that is ending may have dropped them.
        return KEPT.try_with(core::cell::Cell::take).unwrap_or_default();
        #[cfg(not(feature = "std"))]
        Self::default()
    }

    /// Leaves the arrays for the next band of this thread, unless they are large.
    fn keep(self) {
        #[cfg(feature = "std")]
        if self.settled.blocks.factors.capacity() <= 4 * COLUMNS && self.settled.codes.is_short() {
            // A thread that is ending keeps nothing.
            let _ = KEPT.try_with(|kept| kept.set(self));
        }
    }
}

impl<'a> Band<'a> {
    /// A band of a tensor, with rows or parts of rows of this kind.
    pub(super) fn new(plan: &'a QuantizePlan<'a>, job: &QuantizeJob<'a>, tiles: Tiles) -> Self {
        Self {
            plan,
            spec: job.spec,
            words: job.words,
            tiles,
            own_blocks: job.geometry.block_rows == 1,
            row_bytes: job.geometry.row_bytes,
            scale_bytes: job.spec.scale_bytes(),
            offset_bytes: job.spec.offset_bytes(),
            first_block: 0,
            known: &[],
            streams: false,
            zero_block: None,
            scratch: BandScratch::kept(),
        }
    }

    /// Quantizes a band, whose first element is the tensor's `first`.
    fn quantize(&mut self, src: Numbers<'_>, first: usize, parts: BandBuffers<'_>) {
        let (tiles, isa) = (self.tiles, self.plan.isa());
        let BandBuffers { codes, scales, offsets } = parts;
        // Taken out, since `look` and `settle` borrow the rest of the band.
        let mut buffer = mem::take(&mut self.scratch.buffer);
        if src.len() == tiles.cols && tiles.block_cols <= tiles.chunk {
            // Whole blocks: a chunk is looked at, settled and encoded while it is in L1.
            for cols in tiles.ranges() {
                let (blocks, src) = (tiles.touched(&cols), src.range(cols.clone()));
                if self.streams {
                    src.prefetch();
                }
                let numbers = src.seen(isa, &mut buffer);
                if self.known.is_empty() {
                    let arrays = &mut self.scratch.settled.blocks;
                    self.plan.clear(blocks.len(), arrays);
                    self.plan.look(numbers, tiles.length(), 0..blocks.len(), arrays);
                } else {
                    self.scratch.settled.blocks.amax.clear();
                    // The tensor scale asked for these maxima already: the numbers are read once
                    // less.
                    self.scratch.settled.blocks.amax.extend_from_slice(&self.known[blocks.clone()]);
                }
                let bytes = |width: usize| blocks.start * width..blocks.end * width;
                let mut stored = StoredBlocks {
                    scales: &mut scales[bytes(self.scale_bytes)],
                    offsets: &mut offsets[bytes(self.offset_bytes)],
                    first: self.first_block + blocks.start,
                };
                self.settle(src, Tiles { cols: cols.len(), ..tiles }, &mut stored);
                let lines = &Lines { first: first + cols.start, ..self.lines(src) };
                let BandScratch { settled, memory, .. } = &mut self.scratch;
                settled.encode(lines, numbers, 0..blocks.len(), cols, memory, codes);
            }
        } else {
            // Blocks go on from chunk to chunk or from row to row, or rows are short: all are looked
            // at before any is encoded.
            let rows = if self.own_blocks { src.len() / tiles.cols } else { 1 };
            self.plan.clear(rows * tiles.blocks(), &mut self.scratch.settled.blocks);
            let lines = Lines { first, ..self.lines(src) };
            lines.look(&mut buffer, &mut self.scratch.settled.blocks);
            let mut stored = StoredBlocks { scales, offsets, first: self.first_block };
            self.settle(src, tiles, &mut stored);
            let BandScratch { settled, memory, .. } = &mut self.scratch;
            lines.encode(settled, memory, &mut buffer, self.row_bytes, codes);
        }
        self.scratch.buffer = buffer;
    }

    /// This band with its first block counted through the tensor.
    pub(super) const fn starting(mut self, first_block: usize) -> Self {
        self.first_block = first_block;
        self
    }

    pub(super) const fn first_block(&self) -> usize {
        self.first_block
    }

    /// Rows of the band.
    pub(super) fn lines<'b>(&self, src: Numbers<'b>) -> Lines<'b>
    where
        'a: 'b,
    {
        let Self { plan, spec, words, tiles, own_blocks, .. } = *self;
        Lines { plan, spec, words, tiles, own_blocks, src, first: 0, settled_first: 0 }
    }

    /// Scales, offsets and factors of the blocks whose statistics are in the scratch; `src` are
    /// their rows, of `tiles.cols` columns.
    pub(super) fn settle(&mut self, src: Numbers<'_>, tiles: Tiles, stored: &mut StoredBlocks<'_>) {
        let plan = self.plan;
        let (cols, own_blocks) = (tiles.cols, self.own_blocks);
        // The numbers of a block, in the order of the rule: those of its own row, or of all rows.
        let elements_of = |index: usize| {
            let (row, col) = (index / tiles.blocks(), index % tiles.blocks());
            let own = row * cols..(row + 1) * cols;
            let rows = if own_blocks { src.range(own) } else { src };
            let block_cols = col * tiles.block_cols..((col + 1) * tiles.block_cols).min(cols);
            rows.chunks(cols).flat_map(move |line| line.range(block_cols.clone()).each())
        };
        plan.break_ties(&mut self.scratch.settled.blocks, |index, largest| {
            let mut numbers = elements_of(index).map(|x| x.nearest());
            let first = numbers.find(|x| x.abs().to_bits() == largest);
            first.is_some_and(f32::is_sign_negative)
        });
        if let Some(search) = plan.search() {
            let BandScratch { settled, memory, search: scratch, .. } = &mut self.scratch;
            let job = search::Candidates { plan, search, src, tiles, own_blocks };
            job.choose(scratch, &mut settled.blocks, memory, stored, &mut settled.codes);
        } else {
            self.scratch.settled.codes.clear();
            plan.settle(&mut self.scratch.settled.blocks, stored);
        }
        let Settled { blocks, by_rule, codes } = &mut self.scratch.settled;
        // A wide number that was clamped into f32 hides how large it is, so the rule looks at the
        // f64.
        let BlockArrays { amax, factors, points, .. } = blocks;
        if src.are_wide() {
            // The largest f32 also stands for everything above it.
            let beyond =
                amax.iter().zip(&mut *factors).filter(|(amax, _)| **amax == f32::MAX.to_bits());
            beyond.for_each(|(_, factor)| *factor = UNHANDLED);
        }
        by_rule.clear();
        if !any_unhandled(plan.isa(), factors) {
            return;
        }
        // The rule may give a block another factor than the search did.
        codes.clear();
        for (index, factor) in
            factors.iter_mut().enumerate().filter(|(_, factor)| is_unhandled(**factor))
        {
            // Kernels encode zeros here meanwhile; the codes are written over in `encode`.
            *factor = 0.0;
            let zeros = amax[index] == 0 && plan.zeros_are_alike();
            // Blocks of zeros are alike, and common in sparse weights: the rule is asked once.
            let known = if zeros {
                *self.zero_block.get_or_insert_with(|| plan.zero_block())
            } else {
                None
            };
            let (block, what) = if let Some((block, codes)) = known {
                (block, Some(ByRule::Zeros(codes)))
            } else {
                let elements = elements_of(index);
                let finite = amax[index] < f32::INFINITY.to_bits();
                // Rules that see amax alone have the whole statistic in a finite one.
                let stats = if finite && plan.sees_amax_alone() {
                    BlockStats { finite: 1, ..BlockStats::of_amax(f32::from_bits(amax[index])) }
                } else {
                    stats_of(elements.clone())
                };
                // `usual`: the factor by which kernels make the codes that the rule would, if there
                // is one.
                let (block, usual) = plan.block_by_rule(stored.first + index, &stats, elements);
                let beyond = src.are_wide() && stats.amax == f32::MAX;
                // An f64 rounded to odd is only scaled exactly by a power of two.
                let exact = |factor: &f32| {
                    !src.are_wide() || *factor == 0.0 || factor.to_bits().trailing_zeros() >= 23
                };
                match usual.filter(|factor| exact(factor) && !beyond) {
                    Some(usual) => {
                        *factor = usual;
                        (block, (!finite).then_some(ByRule::NotFinite(block)))
                    }
                    None => (block, Some(ByRule::Whole(block))),
                }
            };
            store(stored.scales, self.scale_bytes, index, block.scale);
            store(stored.offsets, self.offset_bytes, index, block.offset);
            by_rule.extend(what.map(|what| (index, what)));
        }
        // Factors stand beside offsets too.
        points.iter_mut().zip(&*factors).for_each(|(point, factor)| point[0] = *factor);
    }
}

//! The sums of some rows in some columns, as a plan has it. What is read again and again stays in the caches: the numbers of a piece of positions go through all
//! tiles for one panel after another before the next piece. Chains go on where they were, so no sum depends on it.

use super::left::Tile;
use super::packed::{Columns, Panel};
use super::plan::{Kernel, Plan, scales};
use super::read::Reader;
use super::{Job, Sum};
use crate::bits::fma_f32;
use crate::codec::Unpacked;
use crate::kernel::gemm::{Block, Blocks, LANES, Lanes, PIECE, ROWS, chain_blocks_of, chain_f32_of, chain_f64, chain_rounded};
use crate::kernel::{Aligned, Quad};
use crate::mma::{Chain, Partial, Scale};
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops::Range;

/// The sums of a row in the columns of a panel.
pub(super) enum Sums<'a> {
    Singles(&'a Lanes<f32>),
    Any(Vec<Sum>),
}

/// Takes the sums of each row, by its number and that of the columns.
pub(super) type Sink<'a> = dyn FnMut(usize, usize, Sums<'_>) + 'a;

/// Sums of a tile in two panels; of the last, if there is no other, in one.
pub(super) type Pair<T> = [Block<T>; 2];

/// Memory that a thread keeps from one unit of work to the next: fresh memory costs more than what is done in it.
#[derive(Default)]
pub(super) struct Scratch {
    panels: Vec<Panel>,
    numbers: [Aligned<Lanes<f32>>; 2],
    pub(super) codes: Aligned<Lanes<u8>>,
    pub(super) sides: Vec<Side>,
    /// For every two panels the sums of all tiles.
    pub(super) states: Vec<Pair<f32>>,
}

/// The integers of a panel and its scales, for dot products.
pub(super) type Side = (Aligned<Quad>, Aligned<Lanes<f32>>);

/// Some tiles of the left side and some columns of one matrix.
pub(super) struct Work<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) reader: &'a Reader,
    pub(super) matrix: usize,
    pub(super) tiles: &'a [Tile],
    pub(super) columns: &'a [Columns<'a>],
}

impl Kernel {
    /// Continues the chains of a tile in one panel or two, whose sums are f32s.
    fn singles(&self, job: &Job<'_>, tile: &Tile, k: Range<usize>, b: &[&[Lanes<f32>]], sums: &mut [Block<f32>]) {
        let (isa, rows, a) = (job.exec.isa(), tile.rows.len(), tile.positions(k));
        match self {
            Self::Rounded(rounding) => b.iter().zip(sums).for_each(|(b, sums)| chain_rounded(isa, rounding, rows, a, b, sums)),
            _ => chain_f32_of(isa, rows, a, b, sums),
        }
    }

    /// The chains of a tile from zero, as exact numbers.
    fn values(&self, job: &Job<'_>, tile: &Tile, k: Range<usize>, b: &[Lanes<f32>]) -> Block<Unpacked> {
        if let Self::Double = self {
            doubles(job, tile, k, b).map(|sums| sums.map(Unpacked::from_f64))
        } else {
            let mut sums = [[[0.0; LANES]; ROWS]];
            self.singles(job, tile, k, &[b], &mut sums);
            sums[0].map(|sums| sums.map(Unpacked::from_f32))
        }
    }
}

/// The f64 chains of a tile, from zero.
fn doubles(job: &Job<'_>, tile: &Tile, k: Range<usize>, b: &[Lanes<f32>]) -> Block<f64> {
    let mut sums = [[0.0; LANES]; ROWS];
    chain_f64(job.exec.isa(), tile.rows.len(), tile.positions(k), b, &mut sums);
    sums
}

impl Work<'_> {
    /// Makes the sums.
    pub(super) fn run(&self, plan: &Plan, scratch: &mut Scratch, sink: &mut Sink<'_>) {
        if let Plan::Dots(dots) = plan {
            return dots.run(self, scratch, sink);
        }
        let Scratch { panels, numbers, codes, states, .. } = scratch;
        let (job, whole) = (self.job, 0..self.job.shape.depth);
        let decoded = &mut Decoded { reader: self.reader, panels: self.panels(panels), numbers, codes };
        match plan {
            Plan::Chain(Kernel::Double) => {
                let mut states = Vec::new();
                self.by_pieces(decoded, whole, 1, &mut states, |_, tile, k, b, sums| {
                    let (isa, rows, a) = (job.exec.isa(), tile.rows.len(), tile.positions(k));
                    b.iter().zip(sums).for_each(|(b, sums)| chain_f64(isa, rows, a, b, sums));
                });
                self.hand_over(&states, |row, columns, sums| sink(row, columns, Sums::Any(sums.map(Sum::Double).into())));
            }
            Plan::Chain(kernel) => {
                self.by_pieces(decoded, whole, 1, states, |_, tile, k, b, sums| kernel.singles(job, tile, k, b, sums));
                self.hand_over_singles(states, sink);
            }
            Plan::Chunked { k: length, inner, outer: Chain::F32 } if !matches!(inner, Kernel::Double) => {
                self.by_pieces(decoded, whole, *length, states, |_, tile, k, b, sums| {
                    for run in pieces(0..k.len(), *length, *length) {
                        let mut chunk = [[[0.0; LANES]; ROWS]; 2];
                        let of_run: Vec<_> = b.iter().map(|b| &b[run.clone()]).collect();
                        inner.singles(job, tile, k.start + run.start..k.start + run.end, &of_run, &mut chunk);
                        let sums = sums.as_flattened_mut().as_flattened_mut().iter_mut();
                        sums.zip(chunk.as_flattened().as_flattened()).for_each(|(sum, chunk)| *sum += chunk);
                    }
                });
                self.hand_over_singles(states, sink);
            }
            Plan::PlainBlocks { run } => {
                let cols: Vec<_> = decoded.panels.iter().map(|panel| scales(panel, *run, whole.end)).collect();
                if *run > PIECE {
                    self.long_blocks(&cols, *run, decoded, states);
                } else {
                    self.blocks(&cols, *run, decoded, states);
                }
                self.hand_over_singles(states, sink);
            }
            _ => {
                for (index, columns) in self.columns.iter().enumerate() {
                    let panel = decoded.panels[index];
                    let b = decoded.one(index, whole.clone());
                    self.run_one(plan, columns, panel, b, &mut |row, sums| sink(row, index, sums));
                }
            }
        }
    }

    /// The panels, made of what is not packed.
    fn panels<'b>(&'b self, made: &'b mut Vec<Panel>) -> Vec<&'b Panel> {
        made.resize_with(self.columns.len().max(made.len()), Panel::default);
        let each = self.columns.iter().zip(made);
        each.map(|(columns, made)| {
            columns.packed.unwrap_or_else(|| {
                columns.packer.fill(columns.line, columns.rows, made);
                made
            })
        })
        .collect()
    }

    /// Runs `step(pair, tile, positions, their numbers in one panel or two, sums)` over pieces of whole runs of some positions; leaves the sums of each pair
    /// of panels.
    fn by_pieces<T: Copy + Default>(
        &self,
        decoded: &mut Decoded<'_>,
        positions: Range<usize>,
        run: usize,
        states: &mut Vec<Pair<T>>,
        step: impl Fn(usize, &Tile, Range<usize>, &[&[Lanes<f32>]], &mut Pair<T>),
    ) {
        self.clear(states);
        for k in pieces(positions, run, PIECE) {
            for (pair, states) in states.chunks_mut(self.tiles.len()).enumerate() {
                let b: Vec<&[Lanes<f32>]> = decoded.pair(pair, k.clone()).collect();
                self.tiles.iter().zip(states).for_each(|(tile, sums)| step(pair, tile, k.clone(), &b, sums));
            }
        }
    }

    /// Zeros for the sums of all tiles in each pair of panels.
    pub(super) fn clear<T: Copy + Default>(&self, states: &mut Vec<Pair<T>>) {
        states.clear();
        states.resize(self.columns.len().div_ceil(2) * self.tiles.len(), [[[T::default(); LANES]; ROWS]; 2]);
    }

    /// Sums of short blocks.
    fn blocks(&self, cols: &[Cow<'_, [Lanes<f32>]>], run: usize, decoded: &mut Decoded<'_>, states: &mut Vec<Pair<f32>>) {
        self.by_pieces(decoded, 0..self.job.shape.depth, run, states, |index, tile, k, b, sums| {
            let (blocks, height) = (k.start / run..k.end.div_ceil(run), tile.height());
            let rows = &tile.scales[blocks.start * height..blocks.end * height];
            let parts = |panel: usize| {
                let cols = cols.get(panel).map_or(&[][..], |cols| &cols[blocks.clone()]);
                Blocks { run, rows, rows_scaled: self.job.a.is_scaled(), cols }
            };
            let parts = [parts(2 * index), parts(2 * index + 1)];
            chain_blocks_of(self.job.exec.isa(), &parts[..b.len()], tile.rows.len(), tile.positions(k), b, sums);
        });
    }

    /// Sums of blocks that are longer than a piece.
    fn long_blocks(&self, cols: &[Cow<'_, [Lanes<f32>]>], run: usize, decoded: &mut Decoded<'_>, states: &mut Vec<Pair<f32>>) {
        self.clear(states);
        let mut partials = Vec::new();
        for (block, positions) in pieces(0..self.job.shape.depth, run, run).enumerate() {
            self.by_pieces(decoded, positions, 1, &mut partials, |_, tile, k, b, sums| {
                Kernel::Single.singles(self.job, tile, k, b, sums);
            });
            let tiles = self.tiles.len();
            for ((states, partials), cols) in states.chunks_mut(tiles).zip(partials.chunks(tiles)).zip(cols.chunks(2)) {
                for (tile, (sums, partials)) in self.tiles.iter().zip(states.iter_mut().zip(partials)) {
                    let mine = &tile.scales[block * tile.height()..][..tile.rows.len()];
                    for ((sums, partials), cols) in sums.iter_mut().zip(partials).zip(cols) {
                        for ((sums, partials), mine) in sums.iter_mut().zip(partials).zip(mine) {
                            let each = sums.iter_mut().zip(partials).zip(&cols[block]);
                            each.for_each(|((sum, partial), theirs)| *sum = fma_f32(*partial, mine * theirs, *sum));
                        }
                    }
                }
            }
        }
    }

    /// Row by row: those of neighbouring panels lie side by side in the product.
    fn hand_over<T>(&self, states: &[Pair<T>], mut take: impl FnMut(usize, usize, &Lanes<T>)) {
        let count = self.tiles.len();
        for (tile, number) in self.tiles.iter().zip(0..) {
            for (i, row) in tile.rows.clone().enumerate() {
                (0..self.columns.len()).for_each(|index| take(row, index, &states[index / 2 * count + number][index % 2][i]));
            }
        }
    }

    pub(super) fn hand_over_singles(&self, states: &[Pair<f32>], sink: &mut Sink<'_>) {
        self.hand_over(states, |row, index, sums| sink(row, index, Sums::Singles(sums)));
    }

    /// Makes the sums in the columns of one panel of these numbers, tile by tile.
    fn run_one(&self, plan: &Plan, columns: &Columns<'_>, panel: &Panel, b: &[Lanes<f32>], sink: &mut dyn FnMut(usize, Sums<'_>)) {
        let (job, depth) = (self.job, self.job.shape.depth);
        match plan {
            Plan::Chunked { k: length, inner, outer } => {
                for tile in self.tiles {
                    let mut sums = [[Unpacked::ZERO; LANES]; ROWS];
                    for k in pieces(0..depth, *length, *length) {
                        let chunk = inner.values(job, tile, k.clone(), &b[k]);
                        for (sum, x) in sums.as_flattened_mut()[..tile.rows.len() * LANES].iter_mut().zip(chunk.as_flattened()) {
                            *sum = outer.add(*sum, *x, 0);
                        }
                    }
                    for (row, sums) in tile.rows.clone().zip(sums) {
                        sink(row, Sums::Any(sums.map(|sum| Sum::of_chain(outer, sum)).into()));
                    }
                }
            }
            Plan::Blocks { run, integers, wide } => {
                let cols = scales(panel, *run, depth);
                for tile in self.tiles {
                    let mut sums = [[0.0f32; LANES]; ROWS];
                    for (block, k) in pieces(0..depth, *run, *run).enumerate() {
                        let partials = match integers {
                            Some(exponent) => {
                                doubles(job, tile, k.clone(), &b[k]).map(|sums| sums.map(|sum| integer(sum, *exponent)))
                            }
                            None => {
                                let mut sums = [[[0.0; LANES]; ROWS]];
                                Kernel::Single.singles(job, tile, k.clone(), &[&b[k]], &mut sums);
                                sums[0].map(|sums| sums.map(Partial::Float))
                            }
                        };
                        for (i, (sums, partials)) in sums.iter_mut().zip(partials).enumerate().take(tile.rows.len()) {
                            let mine = tile.scales[block * tile.height() + i];
                            for ((sum, partial), theirs) in sums.iter_mut().zip(partials).zip(&cols[block]) {
                                *sum = partial.scaled_onto(*sum, Scale::new(mine, *theirs, *wide));
                            }
                        }
                    }
                    tile.rows.clone().zip(&sums).for_each(|(row, sums)| sink(row, Sums::Singles(sums)));
                }
            }
            Plan::Integers { bits, exponent } => {
                for tile in self.tiles {
                    let wrap = |sum: f64| {
                        let Partial::Integer(sum, exponent) = integer(sum, *exponent) else { return Sum::Double(sum) };
                        let sum = sum << (64 - bits) >> (64 - bits);
                        Sum::Double(Unpacked::new(sum < 0, sum.unsigned_abs(), exponent).to_f64())
                    };
                    for (row, sums) in tile.rows.clone().zip(doubles(job, tile, 0..depth, b)) {
                        sink(row, Sums::Any(sums.map(wrap).into()));
                    }
                }
            }
            Plan::Exact(Some(split)) if split.run(job, self.tiles, b, sink) => {}
            _ => {
                let cols = columns.first..columns.first + columns.rows;
                let rows: Vec<Vec<f32>> = (0..cols.len()).map(|lane| b.iter().map(|lanes| lanes[lane]).collect()).collect();
                for tile in self.tiles {
                    for row in tile.rows.clone() {
                        let x = tile.row(row);
                        let sums = cols.clone().zip(&rows).map(|(col, y)| job.sum(self.matrix, row, col, &x, y));
                        sink(row, Sums::Any(sums.collect()));
                    }
                }
            }
        }
    }
}

/// Positions in pieces of whole runs, about as long as `length`.
pub(super) fn pieces(positions: Range<usize>, run: usize, length: usize) -> impl Iterator<Item = Range<usize>> {
    let length = if run < length { length / run * run } else { run };
    positions.clone().step_by(length).map(move |start| start..start.saturating_add(length).min(positions.end))
}

/// An integer sum in units of the last place.
fn integer(sum: f64, exponent: i32) -> Partial {
    // Below 2^53 units: the division is exact.
    Partial::Integer((sum / Unpacked::new(false, 1, exponent).to_f64()) as i64, exponent)
}

/// Panels, and memory for their numbers.
struct Decoded<'a> {
    reader: &'a Reader,
    panels: Vec<&'a Panel>,
    numbers: &'a mut [Aligned<Lanes<f32>>; 2],
    codes: &'a mut Aligned<Lanes<u8>>,
}

impl Decoded<'_> {
    /// The numbers of a panel at some positions.
    fn one(&mut self, panel: usize, k: Range<usize>) -> &[Lanes<f32>] {
        let numbers = &mut self.numbers[panel % 2];
        numbers.resize(k.len());
        self.reader.panel(self.panels[panel], k, self.codes, numbers);
        numbers
    }

    /// Those of two panels, or of the last.
    fn pair(&mut self, pair: usize, k: Range<usize>) -> impl Iterator<Item = &[Lanes<f32>]> {
        let panels = 2 * pair..(2 * pair + 2).min(self.panels.len());
        panels.clone().for_each(|panel| _ = self.one(panel, k.clone()));
        self.numbers.iter().take(panels.len()).map(move |numbers| &numbers[..k.len()])
    }
}

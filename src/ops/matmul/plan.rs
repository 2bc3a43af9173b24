//! How the sums of a tile are made: which kernel, over which runs of positions.

use super::dots::DotPlan;
use super::engine::Sums;
use super::left::Tile;
use super::packed::Panel;
use super::read::{Reader, buffer};
use super::split::Split;
use super::{Job, Sum};
use crate::codec::Unpacked;
use crate::kernel::gemm::{Blocks, LANES, Lanes, ROWS, chain_blocks, chain_f32, chain_f64, chain_rounded};
use crate::kernel::{Isa, Rounding};
use crate::mma::{Accumulator, Chain, IntegerOverflow, Partial, Scale};
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops::Range;

/// A way to make the sums of a tile.
#[derive(Debug)]
pub(super) enum Plan {
    /// One chain.
    Chain(Kernel),
    /// Runs of one chain, added up by another.
    Chunked { k: usize, inner: Kernel, outer: Chain },
    /// Blocks, their partial sums taken in f32, or in f64 if they are integers.
    Blocks { run: usize, integers: Option<i32>, wide: bool },
    /// As blocks, of partial sums that f32 holds and scales whose products it does.
    PlainBlocks { run: usize },
    /// The same, of integers that fit bytes.
    Dots(DotPlan),
    /// Integer sums that wrap.
    Integers { bits: u32, exponent: i32 },
    /// Exact sums.
    Exact(Split),
    /// Element by element, as the definition does.
    Reference,
}

/// The chains that there are kernels for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kernel {
    Single,
    Double,
    Rounded(Rounding),
}

impl Kernel {
    fn of(chain: &Chain, job: &Job<'_>) -> Option<Self> {
        match chain {
            Chain::F32 => Some(Self::Single),
            Chain::F64 => Some(Self::Double),
            Chain::Rounded { format, rounding } => {
                let rounding = Rounding::lower(format, *rounding)?;
                let products = job.a.number_range().zip(job.b.number_range()).map(|(a, b)| a.times(b));
                Some(Self::Rounded(products.map_or(rounding, |of| rounding.of_products(of.last, of.end, of.bits))))
            }
        }
    }

    /// Continues the chains of a tile.
    fn run(&self, job: &Job<'_>, tile: &Tile, k: Range<usize>, b: &[Lanes<f32>], state: &mut State) {
        let (isa, rows, a) = (job.exec.isa(), tile.rows.len(), tile.positions(k));
        match self {
            Self::Single => chain_f32(isa, rows, a, b, &mut state.singles),
            Self::Double => chain_f64(isa, rows, a, b, &mut state.doubles),
            Self::Rounded(rounding) => chain_rounded(isa, rounding, rows, a, b, &mut state.singles),
        }
    }

    /// The sum of a chain.
    fn value(&self, state: &State, row: usize, lane: usize) -> Unpacked {
        match self {
            Self::Double => Unpacked::from_f64(state.doubles[row][lane]),
            _ => Unpacked::from_f32(state.singles[row][lane]),
        }
    }
}

/// The sums of a tile.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) singles: [Lanes<f32>; ROWS],
    pub(super) doubles: [Lanes<f64>; ROWS],
}

impl State {
    pub(super) const ZERO: Self = Self { singles: [[0.0; LANES]; ROWS], doubles: [[0.0; LANES]; ROWS] };
}

/// Takes the sums of each row of the product.
pub(super) type Sink<'a> = dyn FnMut(usize, Sums<'_>) + 'a;

impl Plan {
    pub(super) fn new(job: &Job<'_>, left: &[Vec<Tile>]) -> Self {
        Self::find(job, left).unwrap_or(Self::Reference)
    }

    fn find(job: &Job<'_>, left: &[Vec<Tile>]) -> Option<Self> {
        let exponent = || Some(-job.a.fraction_bits()? - job.b.fraction_bits()?);
        // The largest sum of so many products of integers.
        let bound = |positions: usize| {
            let largest = |side: &super::Operand<'_>| side.largest_integer().unwrap_or(f64::INFINITY);
            largest(&job.a) * largest(&job.b) * positions.min(job.shape.depth) as f64
        };
        let fits = || bound(job.shape.depth) <= (1u64 << 53) as f64;
        match &job.accumulator {
            Accumulator::Chain(chain) => Kernel::of(chain, job).map(Self::Chain),
            Accumulator::Exact => Split::new(left, job.shape.depth).map(Self::Exact),
            Accumulator::Chunked { k, inner, outer } => {
                Some(Self::Chunked { k: *k, inner: Kernel::of(inner, job)?, outer: *outer })
                    .filter(|_| outer.random_bits().is_none())
            }
            Accumulator::BlockF32 => {
                let runs = [job.a.run(), job.b.run()];
                let run = nested(runs, job.shape.depth)?;
                let wide = job.a.has_f32_scales() || job.b.has_f32_scales();
                if let Some(dots) = DotPlan::of(job, run, wide) {
                    return Some(Self::Dots(dots));
                }
                let scales_fit = wide || job.a.scale_range().times(job.b.scale_range()).is_f32();
                let integers = exponent();
                if scales_fit && (integers.is_none() || bound(run) <= (1u64 << 24) as f64) {
                    return Some(Self::PlainBlocks { run });
                }
                (integers.is_none() || bound(run) <= (1u64 << 53) as f64).then_some(Self::Blocks { run, integers, wide })
            }
            Accumulator::Integer { bits, overflow: IntegerOverflow::Wrap }
                if !job.a.is_scaled() && !job.b.is_scaled() && fits() =>
            {
                Some(Self::Integers { bits: *bits, exponent: exponent()? })
            }
            Accumulator::Integer { .. } => None,
        }
    }

    /// Whether tiles need something made of their numbers.
    pub(super) const fn prepares(&self) -> bool {
        matches!(self, Self::Dots(_) | Self::Exact(_))
    }

    /// Makes it.
    pub(super) fn prepare(&self, tile: &mut Tile, isa: Isa) {
        match self {
            Self::Dots(dots) => dots.prepare(tile),
            Self::Exact(split) => split.prepare(tile, isa),
            _ => {}
        }
    }

    /// Makes the sums of some tiles in the columns of a panel.
    pub(super) fn run(
        &self,
        job: &Job<'_>,
        reader: &Reader,
        tiles: &[Tile],
        panel: &Panel,
        place: (usize, Range<usize>),
        sink: &mut Sink<'_>,
    ) {
        let depth = job.shape.depth;
        match self {
            Self::Chain(Kernel::Double) => {
                let mut scratch = Scratch::default();
                let b = scratch.decode(reader, panel, 0..depth);
                for tile in tiles {
                    let mut state = State::ZERO;
                    Kernel::Double.run(job, tile, 0..depth, b, &mut state);
                    tile.rows.clone().zip(state.doubles).for_each(|(row, sums)| sink(row, Sums::Any(sums.map(Sum::Double).into())));
                }
            }
            Self::Chain(kernel) => {
                let mut scratch = Scratch::default();
                let b = scratch.decode(reader, panel, 0..depth);
                for tile in tiles {
                    let mut state = State::ZERO;
                    kernel.run(job, tile, 0..depth, b, &mut state);
                    tile.rows.clone().zip(&state.singles).for_each(|(row, sums)| sink(row, Sums::Singles(sums)));
                }
            }
            Self::Chunked { k: length, inner, outer } => {
                let mut scratch = Scratch::default();
                let b = scratch.decode(reader, panel, 0..depth);
                for tile in tiles {
                    let mut sums = [[Unpacked::ZERO; LANES]; ROWS];
                    for start in (0..depth).step_by(*length) {
                        let k = start..start.saturating_add(*length).min(depth);
                        let mut state = State::ZERO;
                        inner.run(job, tile, k.clone(), &b[k], &mut state);
                        for (i, sums) in sums.iter_mut().enumerate().take(tile.rows.len()) {
                            for (lane, sum) in sums.iter_mut().enumerate() {
                                *sum = outer.add(*sum, inner.value(&state, i, lane), 0);
                            }
                        }
                    }
                    for (row, sums) in tile.rows.clone().zip(sums) {
                        sink(row, Sums::Any(sums.map(|sum| Sum::of_chain(outer, sum)).into()));
                    }
                }
            }
            Self::Dots(dots) => dots.run(job, reader, tiles, panel, sink),
            Self::PlainBlocks { run } => {
                let mut scratch = Scratch::default();
                let b = scratch.decode(reader, panel, 0..depth);
                let cols = scales(panel, *run, depth);
                for tile in tiles {
                    let mut sums = [[0.0f32; LANES]; ROWS];
                    let blocks = Blocks { run: *run, rows: &tile.scales, cols: &cols };
                    chain_blocks(job.exec.isa(), &blocks, tile.rows.len(), tile.positions(0..depth), b, &mut sums);
                    tile.rows.clone().zip(&sums).for_each(|(row, sums)| sink(row, Sums::Singles(sums)));
                }
            }
            Self::Blocks { run, integers, wide } => {
                let mut scratch = Scratch::default();
                let b = scratch.decode(reader, panel, 0..depth);
                let cols = scales(panel, *run, depth);
                for tile in tiles {
                    let mut sums = [[0.0f32; LANES]; ROWS];
                    for (block, start) in (0..depth).step_by(*run).enumerate() {
                        let k = start..(start + run).min(depth);
                        let mut state = State::ZERO;
                        let kernel = if integers.is_some() { Kernel::Double } else { Kernel::Single };
                        kernel.run(job, tile, k.clone(), &b[k], &mut state);
                        for (i, sums) in sums.iter_mut().enumerate().take(tile.rows.len()) {
                            let scale = tile.scales[block * tile.height() + i];
                            for (lane, sum) in sums.iter_mut().enumerate() {
                                let scale = Scale::new(scale, cols[block][lane], *wide);
                                let partial = match integers {
                                    Some(exponent) => integer(state.doubles[i][lane], *exponent),
                                    None => Partial::Float(state.singles[i][lane]),
                                };
                                *sum = partial.scaled_onto(*sum, scale);
                            }
                        }
                    }
                    tile.rows.clone().zip(&sums).for_each(|(row, sums)| sink(row, Sums::Singles(sums)));
                }
            }
            Self::Integers { bits, exponent } => {
                let mut scratch = Scratch::default();
                let b = scratch.decode(reader, panel, 0..depth);
                for tile in tiles {
                    let mut state = State::ZERO;
                    Kernel::Double.run(job, tile, 0..depth, b, &mut state);
                    for (i, row) in tile.rows.clone().enumerate() {
                        let sums = state.doubles[i].map(|sum| {
                            let Partial::Integer(sum, exponent) = integer(sum, *exponent) else { return Sum::Double(sum) };
                            let sum = sum << (64 - bits) >> (64 - bits);
                            Sum::Double(Unpacked::new(sum < 0, sum.unsigned_abs(), exponent).to_f64())
                        });
                        sink(row, Sums::Any(sums.into()));
                    }
                }
            }
            Self::Exact(split) => {
                let mut scratch = Scratch::default();
                let b = scratch.decode(reader, panel, 0..depth);
                if !split.run(job, tiles, b, sink) {
                    Self::Reference.run(job, reader, tiles, panel, place, sink);
                }
            }
            Self::Reference => {
                let (matrix, cols) = place;
                let mut scratch = Scratch::default();
                let b = scratch.decode(reader, panel, 0..depth);
                let rows: Vec<Vec<f32>> = (0..cols.len()).map(|lane| b.iter().map(|lanes| lanes[lane]).collect()).collect();
                for tile in tiles {
                    for row in tile.rows.clone() {
                        let x = tile.row(row);
                        let sums = cols.clone().zip(&rows).map(|(col, y)| job.sum(matrix, row, col, &x, y));
                        sink(row, Sums::Any(sums.collect()));
                    }
                }
            }
        }
    }
}

/// An integer sum in units of the last place.
fn integer(sum: f64, exponent: i32) -> Partial {
    // Below 2^53 units: the division is exact.
    Partial::Integer((sum / Unpacked::new(false, 1, exponent).to_f64()) as i64, exponent)
}

/// The shorter of two runs, if it divides the longer up to the end of a row.
pub(super) fn nested([a, b]: [usize; 2], depth: usize) -> Option<usize> {
    let (short, long) = (a.min(b), a.max(b));
    (short >= depth || long >= depth || long.is_multiple_of(short)).then_some(short.max(1))
}

/// The scales of a panel for blocks of so many positions, none of which is longer than the panel's.
pub(super) fn scales(panel: &Panel, run: usize, depth: usize) -> Cow<'_, [Lanes<f32>]> {
    if run == panel.run && !panel.scales.is_empty() {
        return Cow::Borrowed(&panel.scales);
    }
    let block = |k: usize| panel.scales.get(k / panel.run).copied().unwrap_or([1.0; LANES]);
    Cow::Owned((0..depth).step_by(run).map(block).collect())
}

/// A panel's numbers.
#[derive(Default)]
struct Scratch {
    numbers: Vec<Lanes<f32>>,
    codes: Vec<Lanes<u8>>,
}

impl Scratch {
    fn decode(&mut self, reader: &Reader, panel: &Panel, k: Range<usize>) -> &[Lanes<f32>] {
        if self.numbers.len() < k.len() {
            self.numbers = buffer(k.len());
        }
        let numbers = &mut self.numbers[..k.len()];
        reader.panel(panel, k, &mut self.codes, numbers);
        numbers
    }
}

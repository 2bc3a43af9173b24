//! Sums block by block as dot products of bytes: the same bits as chains of f32, for elements whose partial sums f32 holds.

use super::left::Tile;
use super::packed::{Columns, Data};
use super::plan;
use super::read::code_rows;
use super::sums::{Scratch, Side, Sink, Work, pieces};
use super::{Job, Operand};
use crate::codec::Unpacked;
use crate::kernel::gemm::{LANES, Lanes, PIECE, ROWS};
use crate::kernel::{
    Aligned, Dots, Isa, Left, LeftRows, LeftWords, PANELS, Right, SmallIntegers, ThinPanel, left_words, positions,
};
use alloc::vec::Vec;
use core::ops::Range;

/// Positions that are worked on for all tiles before the next.
const POSITIONS: usize = 4 * PIECE;

/// The formats of both sides and the instructions.
#[derive(Debug)]
pub(super) struct DotPlan {
    dots: Dots,
    run: usize,
    left: SmallIntegers,
    right: SmallIntegers,
}

/// Rows of the left side for dot products with codes.
#[derive(Debug)]
pub(super) struct Rows {
    integers: LeftWords,
    /// In the order of pairs.
    paired: bool,
}

impl DotPlan {
    /// For a machine, formats and scales that allow it.
    pub(super) fn of(job: &Job<'_>, run: usize, wide: bool) -> Option<Self> {
        let integers = |side: &Operand<'_>| {
            let offset = side.spec().is_some_and(|spec| spec.offset_bytes() > 0);
            side.element().filter(|_| !offset).and_then(SmallIntegers::lower)
        };
        let (left, right) = (integers(&job.a)?, integers(&job.b)?);
        let dots = Dots::new(job.exec.isa(), &left, &right)?;
        let largest = f64::from(left.largest) * f64::from(right.largest) * run.min(job.shape.depth) as f64;
        // The right side's scales take up the units of both.
        let exponent = left.exponent + right.exponent;
        let scales_fit = || {
            let theirs = job.b.scale_range().shifted(exponent);
            theirs.is_f32() && job.a.scale_range().times(theirs).is_f32()
        };
        (plan::f32s_hold(largest, exponent) && if wide { exponent == 0 } else { scales_fit() }).then_some(Self {
            dots,
            run,
            left,
            right,
        })
    }

    /// The words of a whole tile from its codes, if the machine takes those and blocks are whole words.
    pub(super) fn left(&self, operand: &Operand<'_>, isa: Isa, line: usize, rows: usize) -> Option<LeftWords> {
        let fits = rows == ROWS && operand.packed().is_none() && self.is_whole(operand.cols(), 4);
        let dots = self.dots.of_rows().filter(|_| fits)?;
        let mut copies = [const { Vec::new() }; LANES];
        let rows = code_rows(operand, isa, line, ROWS, true, &mut copies);
        Some(dots.words(&self.left, self.right.largest, &rows, operand.cols(), self.run))
    }

    /// Whether blocks begin at multiples of so many positions.
    const fn is_whole(&self, depth: usize, positions: usize) -> bool {
        self.run.is_multiple_of(positions) || self.run >= depth
    }

    /// Makes the words of other tiles from numbers.
    pub(super) fn prepare(&self, tile: &mut Tile, isa: Isa) {
        if tile.integers.words.is_empty() {
            tile.integers = self.words(tile, isa);
        }
    }

    /// Words and starts of a tile's numbers.
    fn words(&self, tile: &Tile, isa: Isa) -> LeftWords {
        let unit = Unpacked::new(false, 1, -self.left.exponent).to_f32();
        left_words(isa, unit, self.right.largest, tile.height(), self.run, &tile.numbers)
    }

    /// Whether so few rows are better done without tiles, by codes, one a byte or in pairs: if blocks are whole registers of them.
    pub(super) fn is_thin(&self, rows: usize, depth: usize, paired: bool) -> bool {
        let positions = if paired { 8 } else { 4 };
        let whole = depth.is_multiple_of(positions) && self.is_whole(depth, positions);
        whole && rows <= self.dots.pays(paired)
    }

    /// Rows that are then worked on together.
    pub(super) fn height(&self) -> usize {
        self.dots.height()
    }

    /// The words and starts of a tile for them.
    pub(super) fn rows(&self, tile: &Tile, isa: Isa, paired: bool) -> Rows {
        let (mut integers, height) = (self.words(tile, isa), tile.height());
        if paired {
            for two in integers.words.chunks_exact_mut(2 * height) {
                let (first, second) = two.split_at_mut(height);
                for (first, second) in first.iter_mut().zip(second) {
                    let [[a, b, c, d], [e, f, g, h]] = [*first, *second].map(u32::to_le_bytes);
                    [*first, *second] = [[a, c, e, g], [b, d, f, h]].map(u32::from_le_bytes);
                }
            }
        }
        Rows { integers, paired }
    }

    /// The sums of rows by four panels.
    pub(super) fn sums(&self, rows: &Rows, tile: &Tile, panels: &[ThinPanel<'_>; PANELS], sums: &mut [[Lanes<f32>; PANELS]]) {
        let left = Left { words: &rows.integers.words, starts: &rows.integers.starts, scales: &tile.scales };
        let left = LeftRows { paired: rows.paired, run: self.run.div_ceil(4), unit: self.unit(), left };
        self.dots.rows(&self.right, &left, panels, sums);
    }

    /// The unit of the products, which the right side's scales take up.
    fn unit(&self) -> f32 {
        Unpacked::new(false, 1, self.left.exponent + self.right.exponent).to_f32()
    }

    /// Makes the sums.
    pub(super) fn run(&self, work: &Work<'_>, scratch: &mut Scratch, sink: &mut Sink<'_>) {
        let (depth, run) = (work.job.shape.depth, self.run);
        let quads_of_run = run.div_ceil(4);
        let Scratch { sides, states, codes, .. } = scratch;
        sides.resize_with(work.columns.len().max(sides.len()), Side::default);
        for (columns, side) in work.columns.iter().zip(&mut *sides) {
            self.fill(work, columns, codes, side);
        }
        let sides = &sides[..work.columns.len()];
        work.clear(states);
        for k in pieces(0..depth, run, POSITIONS) {
            let blocks = k.start / run..k.end.div_ceil(run);
            let of_quads = blocks.start * quads_of_run..(blocks.end * quads_of_run).min(sides[0].0.len());
            for (sides, states) in sides.chunks(2).zip(states.chunks_mut(work.tiles.len())) {
                let right: Vec<Right<'_>> = sides
                    .iter()
                    .map(|(quads, scales)| Right {
                        run: quads_of_run,
                        quads: &quads[of_quads.clone()],
                        scales: &scales[blocks.clone()],
                    })
                    .collect();
                for (tile, sums) in work.tiles.iter().zip(states) {
                    let of = |range: &Range<usize>| range.start * tile.height()..range.end * tile.height();
                    let (words, blocks) = (&tile.integers.words[of(&of_quads)], of(&blocks));
                    let left = Left { words, starts: &tile.integers.starts[blocks.clone()], scales: &tile.scales[blocks] };
                    self.dots.chain(tile.rows.len(), &left, &right, sums);
                }
            }
        }
        work.hand_over_singles(states, sink);
    }

    /// The integers of a panel, and its scales in the units of both sides.
    fn fill(&self, work: &Work<'_>, columns: &Columns<'_>, codes: &mut Aligned<Lanes<u8>>, (quads, scales): &mut Side) {
        let (run, depth) = (self.run, work.job.shape.depth);
        quads.resize(depth / run * run.div_ceil(4) + (depth % run).div_ceil(4));
        if let Some(panel) = columns.packed {
            match &panel.data {
                Data::Nibbles(pairs) if self.is_whole(depth, 8) => self.dots.quads_of_pairs(&self.right, pairs, quads),
                _ => self.dots.quads(&self.right, &work.reader.codes(panel, codes)[..depth], run, quads),
            }
            let theirs = plan::scales(panel, run, depth);
            scales.resize(theirs.len());
            scales.copy_from_slice(&theirs);
        } else {
            let mut copies = [const { Vec::new() }; LANES];
            let (isa, whole) = (work.job.exec.isa(), self.is_whole(depth, 4));
            let dots = self.dots.of_rows().filter(|_| whole);
            let rows = code_rows(&columns.packer.operand, isa, columns.line, columns.rows, dots.is_some(), &mut copies);
            if let Some(dots) = dots {
                dots.quads(&self.right, &rows, depth, quads);
            } else {
                codes.resize(depth);
                positions(isa, &rows.bytes, codes);
                self.dots.quads(&self.right, codes, run, quads);
            }
            columns.packer.scales(columns.line, columns.rows, run, scales);
        }
        let unit = self.unit();
        scales.as_flattened_mut().iter_mut().for_each(|scale| *scale *= unit);
    }
}

//! The left side of a product, as kernels read it: tiles of up to 16 rows, position by position, all numbers decoded.

use super::Job;
use super::plan::Plan;
use super::read::{Reader, ScaleReader};
use crate::kernel::LeftWords;
use crate::kernel::gemm::{ROWS, height};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// Some rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Tile {
    pub(super) rows: Range<usize>,
    /// `height(rows)` numbers for each position; of rows that are not there zeros. Not made where there are integers of codes.
    pub(super) numbers: Vec<f32>,
    /// As many scales for each block, of sums block by block.
    pub(super) scales: Vec<f32>,
    /// As many words for each four positions of a block, and starts for each block, of dot products of bytes.
    pub(super) integers: LeftWords,
    /// The numbers cut into slices, of exact sums that need more than one.
    pub(super) slices: Vec<Vec<f32>>,
}

impl Tile {
    /// Numbers for each position.
    pub(super) fn height(&self) -> usize {
        height(self.rows.len())
    }

    /// The numbers of some positions.
    pub(super) fn positions(&self, k: Range<usize>) -> &[f32] {
        &self.numbers[k.start * self.height()..k.end * self.height()]
    }

    /// Tiles of so many of the rows, the last of those that are left.
    pub(super) fn split(&self, count: usize) -> Vec<Self> {
        let tile = |first: usize| {
            let rows = first..(first + count).min(self.rows.end);
            let (from, to) = (first - self.rows.start, height(rows.len()));
            let lanes = |all: &[f32]| {
                let of_position =
                    |all: &[f32]| core::array::from_fn::<f32, ROWS, _>(|lane| all.get(from + lane).copied().unwrap_or(0.0));
                all.chunks_exact(self.height()).flat_map(|all| of_position(all).into_iter().take(to)).collect()
            };
            Self { rows, numbers: lanes(&self.numbers), scales: lanes(&self.scales), ..Self::default() }
        };
        self.rows.clone().step_by(count).map(tile).collect()
    }

    /// The numbers of a row.
    pub(super) fn row(&self, row: usize) -> Vec<f32> {
        self.numbers.iter().skip(row - self.rows.start).step_by(self.height()).copied().collect()
    }
}

/// The rows from `first` on, `count` of them, in tiles; with the scales of blocks of so many positions, and what a plan needs.
pub(super) fn tiles(job: &Job<'_>, reader: &Reader, first: usize, run: Option<usize>, plan: &Plan) -> Vec<Tile> {
    let (operand, isa) = (&job.a, job.exec.isa());
    let reader_of_scales = ScaleReader::new(operand);
    let starts: Vec<usize> = (0..job.shape.rows).step_by(ROWS).collect();
    job.exec.map(starts, |start| {
        let rows = start..(start + ROWS).min(job.shape.rows);
        let height = height(rows.len());
        let mut tile = Tile { rows: rows.clone(), ..Tile::default() };
        let of_codes = if let Plan::Dots(dots) = plan { dots.left(operand, isa, first + start, rows.len()) } else { None };
        if let Some(integers) = of_codes {
            tile.integers = integers;
        } else {
            tile.numbers = vec![0.0; height * operand.cols()];
            let mut row = vec![0.0; operand.cols()];
            for (lane, line) in rows.clone().enumerate() {
                reader.row(operand, first + line, &mut row);
                tile.numbers.iter_mut().skip(lane).step_by(height).zip(&row).for_each(|(to, x)| *to = *x);
            }
        }
        if let Some(run) = run {
            tile.scales.resize(height * operand.cols().div_ceil(run), 0.0);
            for (lane, line) in rows.enumerate() {
                reader_of_scales.row(operand, first + line, run, tile.scales.iter_mut().skip(lane).step_by(height));
            }
        }
        tile
    })
}

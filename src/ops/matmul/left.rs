//! The left side of a product, as kernels read it: tiles of up to 16 rows, position by position, all numbers decoded.

use super::operand::Operand;
use super::read::Reader;
use crate::kernel::gemm::{ROWS, height};
use crate::ops::Exec;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// Some rows.
#[derive(Debug)]
pub(super) struct Tile {
    pub(super) rows: Range<usize>,
    /// `height(rows)` numbers for each position; of rows that are not there zeros.
    pub(super) numbers: Vec<f32>,
    /// As many scales for each block, of sums block by block.
    pub(super) scales: Vec<f32>,
    /// As many words for each four positions of a block, and starts for each block, of dot products of bytes.
    pub(super) words: Vec<u32>,
    pub(super) starts: Vec<i32>,
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

    /// The numbers of a row.
    pub(super) fn row(&self, row: usize) -> Vec<f32> {
        self.numbers.iter().skip(row - self.rows.start).step_by(self.height()).copied().collect()
    }
}

/// The rows from `first` on, `count` of them, in tiles; with the scales of blocks of so many positions.
pub(super) fn tiles(
    operand: &Operand<'_>,
    reader: &Reader,
    first: usize,
    count: usize,
    run: Option<usize>,
    exec: Exec,
) -> Vec<Tile> {
    let starts: Vec<usize> = (0..count).step_by(ROWS).collect();
    exec.map(starts, |start| {
        let rows = start..(start + ROWS).min(count);
        let height = height(rows.len());
        let mut numbers = vec![0.0; height * operand.cols()];
        let mut row = vec![0.0; operand.cols()];
        for (lane, line) in rows.clone().enumerate() {
            reader.row(operand, first + line, &mut row);
            numbers.iter_mut().skip(lane).step_by(height).zip(&row).for_each(|(to, x)| *to = *x);
        }
        let mut scales = Vec::new();
        if let Some(run) = run {
            scales.resize(height * operand.cols().div_ceil(run), 0.0);
            for (lane, line) in rows.clone().enumerate() {
                let blocks = scales.iter_mut().skip(lane).step_by(height).enumerate();
                blocks.for_each(|(block, to)| *to = operand.scale(first + line, block * run));
            }
        }
        Tile { rows, numbers, scales, words: Vec::new(), starts: Vec::new(), slices: Vec::new() }
    })
}

//! [`TileA`]: up to 16 rows of A, position by position, as micro-kernels read them.

use crate::kernel::AInt8Words;
use crate::kernel::gemm::{MR, height};
use alloc::vec::Vec;
use core::ops::Range;

/// Packed rows of A. A micro-kernel takes `mr` rows at a time: the number of rows, or the next for
/// which there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct TileA {
    pub(super) rows: Range<usize>,
    /// `mr` numbers for each position; zeros for rows beyond the last. Empty where codes became
    /// integers at once.
    pub(super) numbers: Vec<f32>,
    /// `mr` scales for each block, for sums block by block.
    pub(super) scales: Vec<f32>,
    /// For dot products of bytes: `mr` words of four integers for every four positions of a block,
    /// and `mr` compensations for each block.
    pub(super) a_i8x4: AInt8Words,
    /// For exact sums that need more than one: the numbers cut into slices.
    pub(super) slices: Vec<Vec<f32>>,
    /// Slices in use; others keep their memory.
    pub(super) slices_used: usize,
}

impl TileA {
    /// Rows that the micro-kernel takes.
    #[inline]
    pub(super) fn mr(&self) -> usize {
        // 1, 2, 4, 8 or 16: the heights that micro-kernels exist for.
        height(self.rows.len())
    }

    /// The numbers at some positions.
    #[inline]
    pub(super) fn at(&self, k: Range<usize>) -> &[f32] {
        &self.numbers[k.start * self.mr()..k.end * self.mr()]
    }

    /// Makes `part` the tile of at most `count` rows from `first` on.
    pub(super) fn part(&self, first: usize, count: usize, part: &mut Self) {
        part.rows = first..(first + count).min(self.rows.end);
        let (from, mr) = (first - self.rows.start, part.mr());
        let lanes = |all: &[f32], to: &mut Vec<f32>| {
            // Lanes `from..` of one position; lanes beyond the last row are 0 and their sums are
            // dropped.
            let of_position = |all: &[f32]| {
                core::array::from_fn::<f32, MR, _>(|lane| {
                    all.get(from + lane).copied().unwrap_or(0.0)
                })
            };
            to.clear();
            let positions = all.chunks_exact(self.mr());
            to.extend(positions.flat_map(|all| of_position(all).into_iter().take(mr)));
        };
        lanes(&self.numbers, &mut part.numbers);
        lanes(&self.scales, &mut part.scales);
    }

    /// The numbers of a row, into the memory of another.
    pub(super) fn row(&self, row: usize, to: &mut Vec<f32>) {
        to.clear();
        // A row is a column of the packed layout: every `mr`-th number.
        to.extend(self.numbers.iter().skip(row - self.rows.start).step_by(self.mr()));
    }
}

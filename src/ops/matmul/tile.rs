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

    /// Tiles of `count` rows each, the last of those that are left.
    pub(super) fn split(&self, count: usize) -> Vec<Self> {
        let tile = |first: usize| {
            let rows = first..(first + count).min(self.rows.end);
            let (from, mr) = (first - self.rows.start, height(rows.len()));
            let lanes = |all: &[f32]| {
                // Lanes `from..` of one position; lanes beyond the last row are 0 and their sums
                // are dropped.
                let of_position = |all: &[f32]| {
                    core::array::from_fn::<f32, MR, _>(|lane| {
                        all.get(from + lane).copied().unwrap_or(0.0)
                    })
                };
                all.chunks_exact(self.mr())
                    .flat_map(|all| of_position(all).into_iter().take(mr))
                    .collect()
            };
            Self {
                rows,
                numbers: lanes(&self.numbers),
                scales: lanes(&self.scales),
                ..Self::default()
            }
        };
        self.rows.clone().step_by(count).map(tile).collect()
    }

    /// The numbers of a row.
    pub(super) fn row(&self, row: usize) -> Vec<f32> {
        // A row is a column of the packed layout: every `mr`-th number.
        self.numbers.iter().skip(row - self.rows.start).step_by(self.mr()).copied().collect()
    }
}

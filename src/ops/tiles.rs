//! In which runs of columns a row is worked on, so that the numbers and codes of a run stay in the
//! first-level cache.

use core::ops::Range;

/// Columns of a run: 8 KiB of f32s, and what is made of them.
pub(super) const COLUMNS: usize = 2048;

/// The runs of columns of a row.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    /// Columns of the row.
    pub(super) cols: usize,
    /// Columns of a block.
    pub(super) block_cols: usize,
    /// Columns of a run, about.
    pub(super) run: usize,
}

impl Tiles {
    /// The runs: whole blocks, as many as end at a byte, or parts of one block.
    pub(super) fn ranges(self) -> impl Iterator<Item = Range<usize>> {
        let Self { cols, block_cols, run } = self;
        let together = if block_cols.is_multiple_of(8) { 1 } else { 8 };
        let (unit, tile) = if block_cols > run {
            (block_cols, run)
        } else {
            (cols.max(1), (run / block_cols / together).max(1) * together * block_cols)
        };
        (0..cols).step_by(unit).flat_map(move |start| {
            let end = (start + unit).min(cols);
            (start..end).step_by(tile).map(move |at| at..(at + tile).min(end))
        })
    }

    /// The blocks that a run touches.
    pub(super) fn touched(self, cols: &Range<usize>) -> Range<usize> {
        cols.start / self.block_cols..cols.end.div_ceil(self.block_cols)
    }

    /// Columns of a block in a run: a part of a block is a block.
    pub(super) fn length(self) -> usize {
        self.block_cols.min(self.run)
    }
}

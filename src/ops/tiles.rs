//! Chunks of columns of a row, so short that the numbers and codes of one stay in the first-level
//! cache.

use core::ops::Range;

/// Columns of a chunk: 8 KiB of f32s, and what is made of them.
pub(super) const COLUMNS: usize = 2048;

/// Cuts a row into chunks of columns.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    /// Columns of the row.
    pub(super) cols: usize,
    /// Columns of a block.
    pub(super) block_cols: usize,
    /// Columns of a chunk, about.
    pub(super) chunk: usize,
}

impl Tiles {
    /// The chunks: whole blocks, as many as end at a byte, or parts of one block.
    pub(super) fn ranges(self) -> impl Iterator<Item = Range<usize>> {
        let Self { cols, block_cols, chunk } = self;
        let together = if block_cols.is_multiple_of(8) { 1 } else { 8 };
        let (unit, tile) = if block_cols > chunk {
            (block_cols, chunk)
        } else {
            (cols.max(1), (chunk / block_cols / together).max(1) * together * block_cols)
        };
        (0..cols).step_by(unit).flat_map(move |start| {
            let end = (start + unit).min(cols);
            (start..end).step_by(tile).map(move |at| at..(at + tile).min(end))
        })
    }

    /// The blocks that a chunk touches.
    pub(super) fn touched(self, cols: &Range<usize>) -> Range<usize> {
        cols.start / self.block_cols..cols.end.div_ceil(self.block_cols)
    }

    /// Blocks of a row.
    pub(super) const fn blocks(self) -> usize {
        self.cols.div_ceil(self.block_cols)
    }

    /// The blocks that a chunk of a row touches, where each row has blocks of its own and those of
    /// the rows before come first.
    pub(super) fn touched_in(self, row: usize, cols: &Range<usize>) -> Range<usize> {
        let Range { start, end } = self.touched(cols);
        start + row * self.blocks()..end + row * self.blocks()
    }

    /// Columns of a block in a chunk: a part of a block is a block.
    pub(super) fn length(self) -> usize {
        self.block_cols.min(self.chunk)
    }
}

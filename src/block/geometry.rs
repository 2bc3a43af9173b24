//! Where the blocks of a tensor are.

use super::pack::packed_bytes;
use super::scheme::Extent;
use super::spec::BlockSpec;
use crate::error::Error;
use core::ops::Range;

/// Where the blocks of a tensor are: every extent is a grid of equal tiles over each of `matrices`
/// matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) matrices: usize,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) block_rows: usize,
    pub(crate) block_cols: usize,
    pub(crate) grid_rows: usize,
    pub(crate) grid_cols: usize,
    /// Bytes of one row of codes.
    pub(crate) row_bytes: usize,
}

impl Geometry {
    pub(crate) fn of(spec: &BlockSpec, shape: &[usize]) -> Result<Self, Error> {
        let product = |axes: &[usize]| {
            axes.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis))
        };
        let count = product(shape)
            .filter(|&count| count <= isize::MAX as usize / 8)
            .ok_or(Error::TooLarge)?;
        let cols = shape.last().copied().unwrap_or(1);
        let rows = if shape.len() > 1 { shape[shape.len() - 2] } else { 1 };
        let matrices = product(&shape[..shape.len().saturating_sub(2)]).ok_or(Error::TooLarge)?;
        Self::new(spec, matrices, rows, cols, count).ok_or(Error::TooLarge)
    }

    fn new(
        spec: &BlockSpec,
        matrices: usize,
        rows: usize,
        cols: usize,
        count: usize,
    ) -> Option<Self> {
        // Nothing is done for each row of a tensor without elements, however many it has.
        let matrices = if count == 0 { 0 } else { matrices };
        let (matrices, rows, cols) = match spec.extent {
            Extent::Tensor if count == 0 => (0, rows, cols),
            Extent::Tensor => (1, matrices.checked_mul(rows)?, cols),
            Extent::Flat(_) => (1, 1, count),
            _ => (matrices, rows, cols),
        };
        let (block_rows, block_cols) = match spec.extent {
            Extent::Tensor => (rows.max(1), cols.max(1)),
            Extent::Row => (1, cols.max(1)),
            Extent::Column => (rows.max(1), 1),
            Extent::Block { rows, cols } => (rows as usize, cols as usize),
            Extent::Flat(length) => (1, length as usize),
        };
        let geometry = Self {
            matrices,
            rows,
            cols,
            block_rows,
            block_cols,
            grid_rows: rows.div_ceil(block_rows),
            grid_cols: cols.div_ceil(block_cols),
            row_bytes: packed_bytes(cols, spec.element.bits())?,
        };
        // Of a tensor without elements, whose other axes may be anything, every product that is
        // used must still exist.
        let bytes = geometry.lines().checked_mul(geometry.row_bytes)?;
        let scales = matrices
            .checked_mul(geometry.grid_rows)?
            .checked_mul(geometry.grid_cols)?
            .checked_mul(4)?;
        (bytes.max(scales) <= isize::MAX as usize && matrices.checked_mul(rows).is_some())
            .then_some(geometry)
    }

    /// Rows of all matrices.
    pub(crate) const fn lines(&self) -> usize {
        self.matrices * self.rows
    }

    pub(crate) const fn blocks(&self) -> usize {
        self.matrices * self.grid_rows * self.grid_cols
    }

    /// Whether rows, codes and scales alike, go on from one to the next as one long row of blocks.
    pub(crate) const fn is_long(&self, bits: u32) -> bool {
        self.block_rows == 1
            && self.cols.is_multiple_of(self.block_cols)
            && (self.cols * bits as usize).is_multiple_of(8)
    }

    /// The block of an element.
    pub(crate) const fn block(&self, line: usize, col: usize) -> usize {
        let (matrix, row) = (line / self.rows, line % self.rows);
        (matrix * self.grid_rows + row / self.block_rows) * self.grid_cols + col / self.block_cols
    }

    /// The lines of a band: a row of the grid. Bands are numbered through all matrices.
    pub(crate) fn band(&self, band: usize) -> Range<usize> {
        let (matrix, row) = (band / self.grid_rows, band % self.grid_rows * self.block_rows);
        let start = matrix * self.rows;
        start + row..start + (row + self.block_rows).min(self.rows)
    }

    /// The columns of a block of a band.
    pub(crate) fn block_cols(&self, column: usize) -> Range<usize> {
        column * self.block_cols..((column + 1) * self.block_cols).min(self.cols)
    }
}

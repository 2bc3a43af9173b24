//! Where the codes and the blocks of a tensor are: the grid of blocks over each matrix, and of a
//! tensor that was cut out of a larger one where its rows and blocks lie in that one's bytes.
//!
//! An element is a line and a column, with lines the rows of all matrices one after the other. A
//! block is a row and a column of the grid, with rows of the grid counted likewise:
//!
//! ```text
//! grid row    = matrix · grid_rows + (origin row + row) / block_rows
//! grid column = (origin column + column) / block_cols
//! block       = grid row · grid_stride + grid column
//! ```

use super::pack::packed_bytes;
use super::scheme::Extent;
use super::spec::{BlockSpec, code_bytes};
use crate::error::Error;
use core::ops::Range;

/// A shape as matrices, rows and columns; `usize::MAX` for more matrices than can be counted.
pub(crate) fn matrix_axes(shape: &[usize]) -> [usize; 3] {
    let cols = shape.last().copied().unwrap_or(1);
    let rows = if shape.len() > 1 { shape[shape.len() - 2] } else { 1 };
    let leading = &shape[..shape.len().saturating_sub(2)];
    [leading.iter().fold(1usize, |product, &axis| product.saturating_mul(axis)), rows, cols]
}

/// Where the codes and the blocks of a tensor are. Every extent is a grid of equal tiles over each
/// of `matrices` matrices; the first tile of a row or column of the grid may lack what is before
/// `origin`, the last what is behind the tensor's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) matrices: usize,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) block_rows: usize,
    pub(crate) block_cols: usize,
    pub(crate) grid_rows: usize,
    pub(crate) grid_cols: usize,
    /// Where the first element lies in its block: row, column. Below the block's own.
    pub(crate) origin: [usize; 2],
    /// Bytes from a row of codes to the next.
    pub(crate) row_bytes: usize,
    /// Where the first code of a row begins in its byte: 0 to 7.
    pub(crate) first_bit: usize,
    /// Blocks from a row of the grid to the next, as scales are stored.
    pub(crate) grid_stride: usize,
    /// Whether the bytes of columns that were cut off lie between rows.
    pub(crate) has_gaps: bool,
}

impl Geometry {
    /// The geometry of a whole tensor of this shape.
    pub(crate) fn of(spec: &BlockSpec, shape: &[usize]) -> Result<Self, Error> {
        Self::at(spec, shape, [0, 0])
    }

    /// The geometry of a tensor whose first element lies at this row and column of its block.
    pub(crate) fn at(spec: &BlockSpec, shape: &[usize], origin: [usize; 2]) -> Result<Self, Error> {
        let product = |axes: &[usize]| {
            axes.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis))
        };
        // The elements as f64s, 8 bytes each, must fit the address space.
        let count = product(shape)
            .filter(|&count| count <= isize::MAX as usize / 8)
            .ok_or(Error::TooLarge)?;
        // No axes are one element; one axis is one row.
        let [matrices, rows, cols] = matrix_axes(shape);
        // In a tensor without elements the other axes may have any lengths whose product can be
        // counted.
        product(&shape[..shape.len().saturating_sub(2)]).ok_or(Error::TooLarge)?;
        // A tensor cannot begin inside a block that is as long as itself.
        let within = match spec.extent {
            Extent::Block { rows, cols } => origin[0] < rows as usize && origin[1] < cols as usize,
            Extent::Flat(length) => origin[0] == 0 && origin[1] < length as usize,
            Extent::Tensor | Extent::Row | Extent::Column => origin == [0, 0],
        };
        if !within {
            return Err(Error::Scheme {
                what: "origin of a tensor",
                expected: "a row and a column of its first block",
            });
        }
        Self::new(spec, [matrices, rows, cols], count, origin).ok_or(Error::TooLarge)
    }

    fn new(
        spec: &BlockSpec,
        [matrices, rows, cols]: [usize; 3],
        count: usize,
        origin: [usize; 2],
    ) -> Option<Self> {
        // Nothing is done for each row of a tensor without elements, however many it has.
        let matrices = if count == 0 { 0 } else { matrices };
        // A block over all matrices, or over the ends of rows, sees one matrix, or one row.
        let (matrices, rows, cols) = match spec.extent {
            Extent::Tensor if count == 0 => (0, rows, cols),
            Extent::Tensor => (1, matrices.checked_mul(rows)?, cols),
            // Without elements there is no block either, wherever the first would have begun.
            Extent::Flat(_) => (usize::from(count != 0), 1, count),
            _ => (matrices, rows, cols),
        };
        let (block_rows, block_cols) = match spec.extent {
            Extent::Tensor => (rows.max(1), cols.max(1)),
            Extent::Row => (1, cols.max(1)),
            Extent::Column => (rows.max(1), 1),
            Extent::Block { rows, cols } => (rows as usize, cols as usize),
            Extent::Flat(length) => (1, length as usize),
        };
        let [row, col] = origin;
        // What the first block has lost before the origin counts for the grid.
        let grid_cols = cols.checked_add(col)?.div_ceil(block_cols);
        let geometry = Self {
            matrices,
            rows,
            cols,
            block_rows,
            block_cols,
            grid_rows: rows.checked_add(row)?.div_ceil(block_rows),
            grid_cols,
            origin,
            row_bytes: packed_bytes(cols, spec.element.bits())?,
            first_bit: 0,
            grid_stride: grid_cols,
            has_gaps: false,
        };
        // A tensor without elements may have any other axes, but every product that is used must
        // exist. A block stores at most two scales of 4 bytes.
        let bytes = geometry.lines().checked_mul(geometry.row_bytes)?;
        let scales = matrices
            .checked_mul(geometry.grid_rows)?
            .checked_mul(geometry.grid_cols)?
            .checked_mul(8)?;
        // A codebook for each row may take more than its codes.
        let codebooks = geometry.lines().checked_mul(codebook_bytes(spec))?;
        (bytes.max(scales).max(codebooks) <= isize::MAX as usize
            && matrices.checked_mul(rows).is_some())
        .then_some(geometry)
    }

    /// Rows of all matrices.
    pub(crate) const fn lines(&self) -> usize {
        self.matrices * self.rows
    }

    /// Blocks of all matrices.
    pub(crate) const fn blocks(&self) -> usize {
        self.matrices * self.grid_rows * self.grid_cols
    }

    /// This geometry without gaps between rows.
    pub(crate) fn without_gaps(self, bits: u32) -> Self {
        Self {
            row_bytes: packed_bytes(self.cols, bits).unwrap_or(self.row_bytes),
            first_bit: 0,
            grid_stride: self.grid_cols,
            has_gaps: false,
            ..self
        }
    }

    /// Whether every row begins at a byte and at a block, so that kernels can read it.
    pub(crate) const fn rows_begin_blocks(&self) -> bool {
        self.first_bit == 0 && self.origin[1] == 0
    }

    /// Whether rows, codes and scales alike, go on from one to the next as one long row of blocks.
    pub(crate) const fn is_long(&self, bits: u32) -> bool {
        self.block_rows == 1
            && self.rows_begin_blocks()
            && !self.has_gaps
            && self.cols.is_multiple_of(self.block_cols)
            && (self.cols * bits as usize).is_multiple_of(8)
    }

    /// The block of an element, as scales are stored.
    pub(crate) const fn block(&self, line: usize, col: usize) -> usize {
        // Each matrix begins a row of blocks of its own.
        let (matrix, row) = (line / self.rows, line % self.rows);
        let grid_row = matrix * self.grid_rows + (self.origin[0] + row) / self.block_rows;
        grid_row * self.grid_stride + (self.origin[1] + col) / self.block_cols
    }

    /// The block of a row and a column of the grid, rows counted through all matrices.
    pub(crate) const fn block_at(&self, grid_row: usize, grid_col: usize) -> usize {
        grid_row * self.grid_stride + grid_col
    }

    /// The group of a block, as blocks and sub-scales are stored, with `blocks` blocks a group.
    /// Each row of the grid begins a new group, and may end with a short one.
    pub(super) const fn group(&self, block: usize, blocks: usize) -> usize {
        let (grid_row, grid_col) = (block / self.grid_stride, block % self.grid_stride);
        grid_row * self.grid_stride.div_ceil(blocks) + grid_col / blocks
    }

    /// The lines of a band: a row of the grid. Bands are numbered through all matrices.
    pub(crate) fn band(&self, band: usize) -> Range<usize> {
        let (matrix, row) = (band / self.grid_rows, band % self.grid_rows * self.block_rows);
        let start = matrix * self.rows;
        // Counted in rows of the grid, which begins `origin` rows above the tensor: hence the
        // subtractions.
        let end = (row + self.block_rows).saturating_sub(self.origin[0]).min(self.rows);
        start + row.saturating_sub(self.origin[0])..start + end
    }

    /// The columns of a block of a band.
    pub(crate) fn block_cols(&self, column: usize) -> Range<usize> {
        let (start, end) = (column * self.block_cols, (column + 1) * self.block_cols);
        start.saturating_sub(self.origin[1])..end.saturating_sub(self.origin[1]).min(self.cols)
    }
}

/// Bytes of one codebook; 0 without.
pub(super) fn codebook_bytes(spec: &BlockSpec) -> usize {
    spec.codebooks.format().map_or(0, |format| code_bytes(format) << spec.element.bits())
}

//! Views of some rows or columns of a tensor, over the same bytes.
//!
//! A cut moves no bit. The slices of codes and scales begin later, and the geometry says where
//! inside its first byte (`first_bit`) and its first block (`origin`) the view begins. `row_bytes`
//! and `grid_stride` stay those of the whole, so that a view of columns steps over the columns that
//! were cut off. Rows of two matrices are one view only if no block and no tensor scale tells the
//! matrices apart.

use super::geometry::{Geometry, codebook_bytes, matrix_axes};
use super::scheme::{Codebooks, Extent};
use super::spec::code_bytes;
use super::view::{QuantView, ViewShape};
use crate::error::Error;
use core::ops::Range;

impl<'a> QuantView<'a> {
    /// Returns some rows as a tensor of shape `[rows, columns]`, without copying; rows are counted
    /// through all matrices. Rows may begin and end inside a tile: the view's
    /// [`origin`](Self::origin) says where, and its numbers are those of the whole.
    ///
    /// ```
    /// use subhalf::{QuantTensor, preset};
    /// let x: Vec<f32> = (0..96).map(|i| i as f32).collect();
    /// let mxfp8 = preset::ocp::MXFP8_E5M2;
    /// let whole = QuantTensor::quantize(&mxfp8, &x, &[3, 32])?;
    /// let last = whole.view().rows(2..3)?;
    /// assert_eq!(last.to_owned(), QuantTensor::quantize(&mxfp8, &x[64..], &[1, 32])?);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Rows`] for rows that are not there, that reach over two matrices whose tiles,
    /// columns or tensor scales do not go on from one to the other, and for rows of flat blocks
    /// that do not begin at a block and a byte.
    pub fn rows(&self, range: Range<usize>) -> Result<Self, Error> {
        let shape = self.shape();
        let cols = shape.last().copied().unwrap_or(1);
        let rows = shape[..shape.len().saturating_sub(1)].iter().product::<usize>();
        let refuse = |step| Error::Rows { start: range.start, end: range.end, rows, step };
        if range.start > range.end || range.end > rows {
            return Err(refuse(1));
        }
        let count = range.len();
        // The view has no axis of matrices: the chosen rows are one matrix.
        let shape = ViewShape::with_cols(&[count, 0], cols);
        if count == 0 || cols == 0 {
            return self.without_elements(&[count, cols], shape);
        }
        if let Extent::Flat(length) = self.spec.extent {
            return self.flat_rows(range, rows, length as usize, shape);
        }
        let whole = self.geometry;
        let tile = whole.block_rows;
        let mut cut = Self { shape, ..*self };
        // All rows begin at the same bit of a byte: whole bytes are cut off.
        cut.parts.codes = &self.parts.codes[range.start * whole.row_bytes..];
        if let Codebooks::Row(_) = self.spec.codebooks {
            let bytes = codebook_bytes(self.spec);
            cut.parts.codebooks = &self.parts.codebooks[range.start * bytes..range.end * bytes];
        }
        // The row of the old grid that is the first of the new one. A tensor's only block just
        // becomes shorter.
        let geometry = &mut cut.geometry;
        let first_grid_row = if matches!(self.spec.extent, Extent::Tensor) {
            (geometry.rows, geometry.block_rows) = (count, count);
            0
        } else {
            // The matrices that the first and the last row lie in, and the places of these rows in
            // them.
            let (first, last) = (range.start / whole.rows, (range.end - 1) / whole.rows);
            let (start, end) = (range.start - first * whole.rows, range.end - last * whole.rows);
            // The rows of several matrices form one matrix only if no tile and no scale depends on
            // where a matrix ends.
            let go_on = match self.spec.extent {
                _ if !self.parts.tensor_scales.is_empty() => false,
                // A column has a scale for each matrix.
                Extent::Column => false,
                // Blocks of one row do not depend on where a matrix ends.
                _ if tile == 1 => true,
                _ => {
                    let full = start == 0 && end == whole.rows;
                    full && whole.origin[0] == 0 && whole.rows.is_multiple_of(tile)
                }
            };
            if first != last && !go_on {
                return Err(refuse(tile));
            }
            if let Some(scale) = self.parts.tensor_scales.get(first) {
                (cut.parts.tensor_scale, cut.parts.tensor_scales) = (*scale, &[]);
            }
            let above = match self.spec.extent {
                // The only row of blocks becomes shorter.
                Extent::Column => {
                    (geometry.grid_rows, geometry.block_rows) = (1, count);
                    0
                }
                _ => {
                    let start = whole.origin[0] + start;
                    geometry.origin[0] = start % tile;
                    geometry.grid_rows = (geometry.origin[0] + count).div_ceil(tile);
                    start / tile
                }
            };
            (geometry.matrices, geometry.rows) = (1, count);
            first * whole.grid_rows + above
        };
        cut.begin_blocks_at(first_grid_row, 0);
        cut.end_at_last_row();
        Ok(cut)
    }

    /// Rows of a tensor whose blocks are runs of elements over the ends of rows.
    fn flat_rows(
        &self,
        range: Range<usize>,
        rows: usize,
        length: usize,
        shape: ViewShape<'a>,
    ) -> Result<Self, Error> {
        let (cols, bits) = (self.geometry.cols / rows.max(1), self.spec.element.bits() as usize);
        let origin = self.geometry.origin[1];
        // A group of blocks with one sub-scale is cut no more than a block is.
        let group = self.spec.sub_scale.map_or(1, |sub_scale| sub_scale.blocks as usize);
        let unit = length.saturating_mul(group);
        // Blocks and codes go on over the ends of rows: few rows begin both a block and a byte.
        let begins = |row: usize| {
            (origin + row * cols).is_multiple_of(unit) && (row * cols * bits).is_multiple_of(8)
        };
        // The step may be too large to exist.
        let step = (1..=rows)
            .find(|step| {
                (step * cols).is_multiple_of(unit) && (step * cols * bits).is_multiple_of(8)
            })
            .unwrap_or(rows.max(1));
        // The first row may begin, and the last end, wherever the tensor does.
        let starts = range.start == 0 || begins(range.start);
        if !starts || !(range.end == rows || begins(range.end)) {
            return Err(Error::Rows { start: range.start, end: range.end, rows, step });
        }
        let (start, end) = (range.start * cols, range.end * cols);
        let mut cut = Self { shape, ..*self };
        // Done while the geometry is still that of the whole tensor, in which blocks are counted.
        cut.begin_blocks_at(0, if range.start == 0 { 0 } else { (origin + start) / length });
        cut.geometry.origin[1] = if range.start == 0 { origin } else { 0 };
        cut.geometry.cols = end - start;
        cut.geometry.grid_cols = (cut.geometry.origin[1] + end - start).div_ceil(length);
        cut.geometry.grid_stride = cut.geometry.grid_cols;
        cut.parts.codes = &self.parts.codes[start * bits / 8..(end * bits).div_ceil(8)];
        cut.geometry.row_bytes = cut.parts.codes.len();
        cut.end_at_last_row();
        Ok(cut)
    }

    /// Returns some columns of every row, without copying: a tensor of this shape with a shorter
    /// last axis.
    /// Columns may begin and end inside a block: the view's [`origin`](Self::origin) says where,
    /// and its numbers are those of the whole. Kernels read views that begin at a block and a byte.
    ///
    /// ```
    /// use subhalf::{QuantTensor, preset};
    /// let x: Vec<f32> = (0..128).map(|i| i as f32 / 16.0).collect();
    /// let whole = QuantTensor::quantize(&preset::ocp::MXFP4, &x, &[2, 64])?;
    /// let [left, right] = [whole.view().cols(0..32)?, whole.view().cols(32..64)?];
    /// assert_eq!((right.shape(), right.to_owned().scales()), (&[2, 32][..], &[126, 127][..]));
    /// assert_eq!(QuantTensor::concat_cols(&[left, right])?, whole);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Columns`] for columns that are not there, and for a first column inside a group of
    /// blocks with one sub-scale; [`Error::Scheme`] for flat blocks, which reach over rows.
    pub fn cols(&self, range: Range<usize>) -> Result<Self, Error> {
        let axes = self.shape();
        let cols = axes.last().copied().unwrap_or(1);
        let refuse = |step| Error::Columns { start: range.start, end: range.end, cols, step };
        if range.start > range.end || range.end > cols {
            return Err(refuse(1));
        }
        if matches!(self.spec.extent, Extent::Flat(_)) {
            return Err(Error::Scheme {
                what: "tensor to cut at columns",
                expected: "blocks that do not reach over rows",
            });
        }
        // The whole view, which has no gaps if it had none.
        if range == (0..cols) {
            return Ok(*self);
        }
        let count = range.len();
        let [stack, rows, _] = matrix_axes(axes);
        let shape = ViewShape::with_cols(axes, count);
        if count == 0 || self.is_empty() {
            return self.without_elements(&[stack, rows, count], shape);
        }
        let whole = self.geometry;
        let mut cut = Self { shape, ..*self };
        let geometry = &mut cut.geometry;
        let first = match self.spec.extent {
            // The only column of blocks becomes narrower.
            Extent::Tensor | Extent::Row => {
                geometry.block_cols = count;
                0
            }
            _ => {
                let start = whole.origin[1] + range.start;
                geometry.origin[1] = start % whole.block_cols;
                geometry.grid_cols = (geometry.origin[1] + count).div_ceil(whole.block_cols);
                start / whole.block_cols
            }
        };
        // Groups of blocks are counted from the first block of a row, so that a group cannot be
        // cut.
        let group = self.spec.sub_scale.map_or(1, |sub_scale| sub_scale.blocks as usize);
        if !first.is_multiple_of(group) {
            return Err(refuse(group.saturating_mul(whole.block_cols)));
        }
        let bit = whole.first_bit + range.start * self.spec.element.bits() as usize;
        // `row_bytes` and `grid_stride` stay those of the whole: its bytes lie in between.
        (geometry.cols, geometry.first_bit, geometry.has_gaps) = (count, bit % 8, true);
        cut.parts.codes = &self.parts.codes[bit / 8..];
        cut.begin_blocks_at(0, first);
        cut.end_at_last_row();
        Ok(cut)
    }

    /// Returns one matrix of a stack as a tensor of shape `[rows, columns]`, with its own tensor
    /// scale: the weight of one expert.
    ///
    /// # Errors
    /// [`Error::Rows`] for a matrix that is not there, or whose blocks reach into another.
    pub fn matrix(&self, index: usize) -> Result<Self, Error> {
        let [count, rows, _] = matrix_axes(self.shape());
        if index >= count {
            let (start, end) = (index.saturating_mul(rows), usize::MAX);
            return Err(Error::Rows { start, end, rows: count * rows, step: rows.max(1) });
        }
        self.rows(index * rows..(index + 1) * rows)
    }

    /// A view without elements of this shape.
    fn without_elements(&self, shape: &[usize], axes: ViewShape<'a>) -> Result<Self, Error> {
        let mut cut = Self { shape: axes, geometry: Geometry::of(self.spec, shape)?, ..*self };
        let tensor_scale =
            if self.parts.tensor_scales.is_empty() { self.parts.tensor_scale } else { 1.0 };
        cut.parts = super::parts::Parts::new(&[], &[]).with_tensor_scale(tensor_scale);
        if let Codebooks::Tensor(_) = self.spec.codebooks {
            cut.parts.codebooks = self.parts.codebooks;
        }
        Ok(cut)
    }

    /// Makes a block of the grid the first, which begins a group of sub-scales.
    fn begin_blocks_at(&mut self, grid_row: usize, grid_col: usize) {
        let spec = self.spec;
        let stride = self.geometry.grid_stride;
        let first = grid_row * stride + grid_col;
        let scale_bytes = spec.scales_per_block() * spec.scale_bytes();
        self.parts.scales = &self.parts.scales[first * scale_bytes..];
        self.parts.offsets = &self.parts.offsets[first * spec.offset_bytes()..];
        if let Some(sub_scale) = &spec.sub_scale {
            let group = self.geometry.group(first, sub_scale.blocks as usize);
            self.parts.sub_scales = &self.parts.sub_scales[group * code_bytes(&sub_scale.format)..];
        }
    }

    /// Cuts off the bytes behind the last row, where rows have no gaps.
    fn end_at_last_row(&mut self) {
        self.parts.origin = self.geometry.origin;
        if self.geometry.has_gaps {
            return;
        }
        let lengths = super::parts::Lengths::of(self.spec, &self.geometry);
        self.parts.codes = &self.parts.codes[..lengths.codes];
        self.parts.scales = &self.parts.scales[..lengths.scales];
        self.parts.offsets = &self.parts.offsets[..lengths.offsets];
        self.parts.sub_scales = &self.parts.sub_scales[..lengths.sub_scales];
    }
}

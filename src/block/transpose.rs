//! Tensors with rows and columns exchanged, codes and scales alike.

use super::geometry::{Geometry, matrix_axes};
use super::pack::put;
use super::scheme::{Codebooks, Extent};
use super::tensor::QuantTensor;
use super::view::QuantView;
use crate::error::Error;

impl QuantView<'_> {
    /// A tensor of its own with the last two axes exchanged, and blocks with them: `1 × 32` becomes
    /// `32 × 1`, a scale for each row one for each column. Codes and scales are moved, nothing is
    /// rounded: element `[i, j]` of each matrix is element `[j, i]` of this one.
    ///
    /// ```
    /// use subhalf::{Extent, QuantTensor, preset};
    /// let x: Vec<f32> = (0..64).map(|i| i as f32).collect();
    /// let weight = QuantTensor::quantize(&preset::ocp::MXFP4, &x, &[2, 32])?;
    /// let turned = weight.view().transposed()?;
    /// assert_eq!((turned.shape(), turned.scales()), (&[32, 2][..], weight.scales()));
    /// assert_eq!(turned.spec().extent, Extent::Block { rows: 32, cols: 1 });
    /// assert_eq!(turned.view().get(3), weight.view().get(32 + 1));
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Scheme`] for flat blocks, sub-scales and codebooks of rows, which have no
    /// counterpart along columns; [`Error::TooLarge`] beyond the address space.
    pub fn transposed(&self) -> Result<QuantTensor, Error> {
        let extent = match self.spec().extent {
            Extent::Tensor => Extent::Tensor,
            Extent::Row => Extent::Column,
            Extent::Column => Extent::Row,
            Extent::Block { rows, cols } => Extent::Block { rows: cols, cols: rows },
            Extent::Flat(_) => return Err(refuse("blocks that do not reach over rows")),
        };
        if self.spec().sub_scale.is_some() {
            return Err(refuse("scales without sub-scales, whose groups lie along rows"));
        }
        if matches!(self.spec().codebooks, Codebooks::Row(_)) {
            return Err(refuse("no codebooks for rows"));
        }
        // Everything else in a scheme treats rows and columns alike.
        let spec = self.spec().with_extent(extent);
        let axes = self.shape();
        let [_, rows, cols] = matrix_axes(axes);
        let mut shape = axes[..axes.len().saturating_sub(2)].to_vec();
        shape.extend([cols, rows]);
        let [row, col] = self.origin();
        // A first block that was cut lacks rows where it lacked columns.
        let geometry = Geometry::at(&spec, &shape, [col, row])?;
        let mut turned = QuantTensor::zeroed_at(&spec, &shape, geometry);
        turned.tensor_scale = self.bytes().tensor_scale;
        turned.tensor_scales = self.bytes().tensor_scales.to_vec();
        turned.codebooks.as_mut_slice().copy_from_slice(self.bytes().codebooks);
        let bits = spec.element.bits();
        let codes = turned.codes.as_mut_slice();
        // Reads along rows and writes down a column, one code into each row. `put` adds bits to
        // zeros, so that the order of writing does not matter.
        for line in 0..self.len() / cols.max(1) {
            let (matrix, row) = (line / rows, line % rows);
            for col in 0..cols {
                let to = &mut codes[(matrix * cols + col) * geometry.row_bytes..];
                put(to, bits, row, self.code_at(line, col));
            }
        }
        let from = self.geometry();
        let scale_bytes = spec.scales_per_block() * spec.scale_bytes();
        // Block [i, j] of each matrix is block [j, i] of the new one.
        for grid_row in 0..from.matrices * from.grid_rows {
            let (matrix, row) = (grid_row / from.grid_rows, grid_row % from.grid_rows);
            for col in 0..from.grid_cols {
                let source = from.block_at(grid_row, col);
                let target = geometry.block_at(matrix * geometry.grid_rows + col, row);
                let copy = |from: &[u8], to: &mut [u8], width: usize| {
                    let entry = &from[source * width..][..width];
                    to[target * width..][..width].copy_from_slice(entry);
                };
                copy(self.bytes().scales, turned.scales.as_mut_slice(), scale_bytes);
                copy(self.bytes().offsets, turned.offsets.as_mut_slice(), spec.offset_bytes());
            }
        }
        Ok(turned)
    }
}

fn refuse(expected: &'static str) -> Error {
    Error::Scheme { what: "tensor to transpose", expected }
}

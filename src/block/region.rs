//! [`Region`]: where the elements of a block are in the tensor.

use super::view::QuantView;
use core::ops::Range;

/// The elements that share a scale: a tile of a tensor whose rows are counted through all matrices.
/// A tensor with [`Extent::Flat`](super::Extent::Flat) has a single row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Rows of the tile, counted from 0 through all matrices of the tensor; the end is excluded.
    pub rows: Range<usize>,
    /// Columns of the tile in each of its rows, counted from 0; the end is excluded.
    pub cols: Range<usize>,
    /// Columns of the tensor: the distance between rows in row-major indices.
    row_length: usize,
}

impl Region {
    /// A tile of a tensor whose row-major indices do not overflow.
    #[cfg(feature = "serde")]
    pub(crate) fn checked(
        rows: Range<usize>,
        cols: Range<usize>,
        row_length: usize,
    ) -> Option<Self> {
        let fits = cols.end <= row_length && rows.end.checked_mul(row_length).is_some();
        fits.then_some(Self { rows, cols, row_length })
    }

    /// Columns of the tensor.
    #[cfg(feature = "serde")]
    pub(crate) const fn row_length(&self) -> usize {
        self.row_length
    }

    /// The row-major indices of the elements, in order.
    pub fn indices(&self) -> impl Iterator<Item = usize> + Clone + use<> {
        let Self { rows, cols, row_length } = self.clone();
        rows.flat_map(move |row| cols.clone().map(move |col| row * row_length + col))
    }
}

impl QuantView<'_> {
    /// Returns the rows and columns of a block; `None` beyond the last block.
    ///
    /// ```
    /// use subhalf::{BlockSpec, Extent, FormatSpec, QuantTensor, ScaleRule};
    /// let tiles = Extent::Block { rows: 2, cols: 2 };
    /// let scale = Some(FormatSpec::E8M0);
    /// let spec = BlockSpec::new(FormatSpec::F4E2M1, scale, tiles, ScaleRule::Floor);
    /// let tensor = QuantTensor::quantize(&spec, &[0.0f32; 9], &[3, 3])?;
    /// let region = tensor.view().region(1).unwrap();
    /// assert_eq!((region.rows.clone(), region.cols.clone()), (0..2, 2..3));
    /// assert!(region.indices().eq([2, 5]));
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    pub fn region(&self, block: usize) -> Option<Region> {
        let geometry = self.geometry();
        (block < self.blocks()).then(|| Region {
            rows: geometry.band(block / geometry.grid_cols),
            cols: geometry.block_cols(block % geometry.grid_cols),
            row_length: geometry.cols,
        })
    }
}

//! [`QuantTensor`] and [`QuantView`]: the parts of a block-scaled tensor and their invariants. It checks and addresses; making one from
//! numbers, and numbers from one, is `ops`' work.

use super::apply::Restorer;
use super::given::Accept;
use super::pack::{get, packed_bytes};
use super::spec::{BlockSpec, Extent, Offset, TensorScale, code_bytes};
use crate::error::Error;
use crate::kernel::Aligned;
use crate::spec::FormatSpec;
use alloc::vec::Vec;
use core::ops::Range;

/// Where the blocks of a tensor are: every extent is a grid of equal tiles over each of `matrices` matrices.
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
        let product = |axes: &[usize]| axes.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis));
        let count = product(shape).filter(|&count| count <= isize::MAX as usize / 8).ok_or(Error::TooLarge)?;
        let cols = shape.last().copied().unwrap_or(1);
        let rows = if shape.len() > 1 { shape[shape.len() - 2] } else { 1 };
        let matrices = product(&shape[..shape.len().saturating_sub(2)]).ok_or(Error::TooLarge)?;
        Self::new(spec, matrices, rows, cols, count).ok_or(Error::TooLarge)
    }

    fn new(spec: &BlockSpec, matrices: usize, rows: usize, cols: usize, count: usize) -> Option<Self> {
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
        // Of a tensor without elements, whose other axes may be anything, every product that is used must still exist.
        let bytes = geometry.lines().checked_mul(geometry.row_bytes)?;
        let scales = matrices.checked_mul(geometry.grid_rows)?.checked_mul(geometry.grid_cols)?.checked_mul(4)?;
        (bytes.max(scales) <= isize::MAX as usize && matrices.checked_mul(rows).is_some()).then_some(geometry)
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
        self.block_rows == 1 && self.cols.is_multiple_of(self.block_cols) && (self.cols * bits as usize).is_multiple_of(8)
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

/// A tensor in a block-scaled format: packed codes, scales, and what else the format has, in buffers of their own.
///
/// # Layout
/// Codes are row-major, each row a dense stream with the first code in the low bits, starting at a byte of its own; the buffer starts at a multiple
/// of 64 bytes. Scales are row-major over the grid of blocks, one, two or four little-endian bytes each; so are offsets. [`Extent::Flat`] has a single row. A last
/// block may be smaller than the others; there is no padding. Other programs' layouts are conversions: see [`layout`](super::layout).
///
/// ```
/// use subhalf::{QuantTensor, preset};
/// let x: Vec<f32> = (0..64).map(|i| i as f32 / 8.0 - 4.0).collect();
/// let tensor = QuantTensor::quantize(&preset::ocp::MXFP4, &x, &[2, 32])?;
/// assert_eq!((tensor.codes().len(), tensor.scales()), (32, &[127, 126][..]));       // 1.0 and 0.5
/// assert_eq!(tensor.dequantize()[..3], [-4.0, -4.0, -4.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct QuantTensor {
    pub(crate) spec: BlockSpec,
    pub(crate) shape: Vec<usize>,
    pub(crate) geometry: Geometry,
    pub(crate) codes: Aligned<u8>,
    pub(crate) scales: Aligned<u8>,
    pub(crate) offsets: Aligned<u8>,
    pub(crate) tensor_scale: f32,
}

/// The parts of a tensor, as bytes: see [`QuantTensor`] for their layout. What a format does not have is empty, or 1 for the tensor scale.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// Packed element codes.
    pub codes: &'a [u8],
    /// Scale codes.
    pub scales: &'a [u8],
    /// Offset codes.
    pub offsets: &'a [u8],
    /// The tensor scale, as [`TensorScale`] says.
    pub tensor_scale: f32,
}

/// A borrowed [`QuantTensor`], or some rows of one: over its buffers, or over bytes that the caller has, say a mapped file.
#[derive(Clone, Copy, Debug)]
pub struct QuantView<'a> {
    spec: &'a BlockSpec,
    shape: ViewShape<'a>,
    geometry: Geometry,
    parts: Parts<'a>,
}

#[derive(Clone, Copy, Debug)]
enum ViewShape<'a> {
    Whole(&'a [usize]),
    Rows([usize; 2]),
}

impl QuantTensor {
    /// All zeros: codes, scales and offsets of code 0.
    pub(crate) fn zeroed(spec: &BlockSpec, shape: &[usize]) -> Result<Self, Error> {
        spec.validate()?;
        let geometry = Geometry::of(spec, shape)?;
        Ok(Self {
            spec: *spec,
            shape: shape.to_vec(),
            geometry,
            codes: Aligned::zeroed(geometry.lines() * geometry.row_bytes),
            scales: Aligned::zeroed(geometry.blocks() * spec.scale_bytes()),
            offsets: Aligned::zeroed(geometry.blocks() * spec.offset_bytes()),
            tensor_scale: 1.0,
        })
    }

    /// A tensor of these parts, copied.
    ///
    /// # Errors
    /// As [`QuantView::from_parts`].
    pub fn from_parts(spec: &BlockSpec, shape: &[usize], parts: Parts<'_>) -> Result<Self, Error> {
        Self::from_parts_with(spec, shape, parts, Accept::Finite)
    }

    /// A tensor of these parts, copied, under a choice of scales and minima.
    ///
    /// # Errors
    /// Refuses what [`QuantView::from_parts_with`] refuses.
    pub fn from_parts_with(spec: &BlockSpec, shape: &[usize], parts: Parts<'_>, accept: Accept) -> Result<Self, Error> {
        Ok(QuantView::from_parts_with(spec, shape, parts, accept)?.to_owned())
    }

    /// The whole tensor, borrowed.
    #[must_use]
    pub fn view(&self) -> QuantView<'_> {
        QuantView { spec: &self.spec, shape: ViewShape::Whole(&self.shape), geometry: self.geometry, parts: self.parts() }
    }

    /// The buffers.
    #[must_use]
    pub fn parts(&self) -> Parts<'_> {
        Parts {
            codes: self.codes.as_slice(),
            scales: self.scales.as_slice(),
            offsets: self.offsets.as_slice(),
            tensor_scale: self.tensor_scale,
        }
    }

    /// The format.
    #[must_use]
    pub const fn spec(&self) -> &BlockSpec {
        &self.spec
    }

    /// The logical shape.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Packed element codes.
    #[must_use]
    pub fn codes(&self) -> &[u8] {
        self.codes.as_slice()
    }

    /// Scale codes.
    #[must_use]
    pub fn scales(&self) -> &[u8] {
        self.scales.as_slice()
    }

    /// Offset codes.
    #[must_use]
    pub fn offsets(&self) -> &[u8] {
        self.offsets.as_slice()
    }

    /// The tensor scale, as [`TensorScale`] says; 1 without one.
    #[must_use]
    pub const fn tensor_scale(&self) -> f32 {
        self.tensor_scale
    }
}

/// Refuses stored codes with bits above their format.
fn check_codes(what: &'static str, bytes: &[u8], format: &FormatSpec) -> Result<(), Error> {
    let width = code_bytes(format);
    if format.bits() as usize == 8 * width {
        return Ok(());
    }
    let wrong =
        (0..bytes.len() / width).map(|index| (index, stored(bytes, width, index))).find(|(_, code)| code >> format.bits() != 0);
    match wrong {
        None => Ok(()),
        Some((index, found)) => Err(Error::Stored { what, index, expected: "a code without bits above its format", found }),
    }
}

/// A little-endian code of 1, 2 or 4 bytes; 0 of a part that is not there.
pub(crate) fn stored(bytes: &[u8], width: usize, index: usize) -> u32 {
    bytes.get(index * width..(index + 1) * width).unwrap_or(&[]).iter().rev().fold(0, |code, &byte| code << 8 | u32::from(byte))
}

/// Puts a little-endian code of 0, 1, 2 or 4 bytes.
pub(crate) fn store(bytes: &mut [u8], width: usize, index: usize, code: u32) {
    bytes[index * width..(index + 1) * width].copy_from_slice(&code.to_le_bytes()[..width]);
}

impl<'a> QuantView<'a> {
    /// A tensor over bytes that the caller has. A scale may be 0, and negative if its format has a
    /// sign; NaN and infinity are refused unless 8-bit scales poison a block so ([`Accept::Finite`]).
    ///
    /// # Errors
    /// Refuses what [`from_parts_with`](Self::from_parts_with) refuses under [`Accept::Finite`].
    pub fn from_parts(spec: &'a BlockSpec, shape: &'a [usize], parts: Parts<'a>) -> Result<Self, Error> {
        Self::from_parts_with(spec, shape, parts, Accept::Finite)
    }

    /// A tensor over bytes that the caller has, under a choice of scales and minima. With
    /// [`Accept::Nonfinite`] the parts of every tensor that this crate makes are taken.
    ///
    /// # Errors
    /// [`Error::Block`] for a spec that contradicts itself; [`Error::TooLarge`] for a shape beyond the address space; [`Error::Length`] for
    /// a part of another length than the shape asks for; [`Error::Stored`] for bits behind the last code of a row, for a scale or zero point
    /// with bits above its format, for a scale or minimum that `accept` excludes, and for a tensor
    /// scale that is not finite (whatever `accept` is), or not 1 where the format has none.
    pub fn from_parts_with(spec: &'a BlockSpec, shape: &'a [usize], parts: Parts<'a>, accept: Accept) -> Result<Self, Error> {
        spec.validate()?;
        let geometry = Geometry::of(spec, shape)?;
        Error::check_length("bytes of codes", geometry.lines() * geometry.row_bytes, parts.codes.len())?;
        Error::check_length("bytes of scales", geometry.blocks() * spec.scale_bytes(), parts.scales.len())?;
        Error::check_length("bytes of offsets", geometry.blocks() * spec.offset_bytes(), parts.offsets.len())?;
        // Rows end within a byte; what is left of it belongs to no code. Tensors are equal if their bytes are.
        let used = geometry.cols * spec.element.bits() as usize % 8;
        if used != 0 {
            let rows = parts.codes.chunks_exact(geometry.row_bytes);
            let last = rows.map(|row| row[geometry.row_bytes - 1]).enumerate().find(|(_, byte)| byte >> used != 0);
            if let Some((index, byte)) = last {
                let expected = "zeros behind the last code of a row";
                return Err(Error::Stored { what: "row", index, expected, found: byte.into() });
            }
        }
        if let Some(scale) = &spec.scale {
            check_codes("scale", parts.scales, scale)?;
        }
        match &spec.offset {
            Offset::None => {}
            Offset::ZeroPoint => check_codes("zero point", parts.offsets, &spec.element)?,
            Offset::Minimum(format) => check_codes("minimum", parts.offsets, format)?,
        }
        accept.check(spec, parts.scales, parts.offsets)?;
        let tensor_scale = parts.tensor_scale;
        let refuse = |expected| Err(Error::Stored { what: "tensor scale", index: 0, expected, found: tensor_scale.to_bits() });
        match spec.tensor_scale {
            TensorScale::None if tensor_scale != 1.0 => refuse("1.0, as the format has none"),
            _ if !tensor_scale.is_finite() => refuse("a finite f32"),
            _ => Ok(Self { spec, shape: ViewShape::Whole(shape), geometry, parts }),
        }
    }

    /// A tensor of its own.
    #[must_use]
    pub fn to_owned(&self) -> QuantTensor {
        QuantTensor {
            spec: *self.spec,
            shape: self.shape().to_vec(),
            geometry: self.geometry,
            codes: Aligned::copied(self.parts.codes),
            scales: Aligned::copied(self.parts.scales),
            offsets: Aligned::copied(self.parts.offsets),
            tensor_scale: self.parts.tensor_scale,
        }
    }

    /// The format.
    #[must_use]
    pub const fn spec(&self) -> &'a BlockSpec {
        self.spec
    }

    /// The logical shape.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        match &self.shape {
            ViewShape::Whole(shape) => shape,
            ViewShape::Rows(shape) => shape,
        }
    }

    /// The bytes.
    #[must_use]
    pub const fn parts(&self) -> Parts<'a> {
        self.parts
    }

    pub(crate) const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Number of elements.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.geometry.lines() * self.geometry.cols
    }

    /// Whether there are no elements.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of scales.
    #[must_use]
    pub const fn blocks(&self) -> usize {
        self.geometry.blocks()
    }

    /// Bytes of one row of codes: the storage shape is this many columns of bytes.
    #[must_use]
    pub const fn row_bytes(&self) -> usize {
        self.geometry.row_bytes
    }

    /// The code of an element by its row-major index.
    #[must_use]
    pub fn code(&self, index: usize) -> Option<u32> {
        let (line, col) = self.place(index)?;
        Some(self.code_at(line, col))
    }

    /// The scale of an element by its row-major index, as the format stores it; without the tensor scale.
    #[must_use]
    pub fn scale(&self, index: usize) -> Option<f32> {
        let (line, col) = self.place(index)?;
        Some(self.block_scale(self.geometry.block(line, col)))
    }

    /// An element by its row-major index, as [`dequantize`](Self::dequantize) gives it.
    ///
    /// ```
    /// use subhalf::{QuantTensor, preset};
    /// let tensor = QuantTensor::quantize(&preset::ocp::MXFP8_E4M3, &[0.3f32, 448.0, -7.0], &[3])?;
    /// assert_eq!(tensor.view().get(0), Some(0.3125));
    /// assert_eq!(tensor.view().get(3), None);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    pub fn get(&self, index: usize) -> Option<f32> {
        let (line, col) = self.place(index)?;
        let restorer = self.block_restorer(self.geometry.block(line, col));
        Some(restorer.restore(self.spec.element.decode_f32(self.code_at(line, col))))
    }

    fn place(&self, index: usize) -> Option<(usize, usize)> {
        (index < self.len()).then(|| (index / self.geometry.cols, index % self.geometry.cols))
    }

    pub(crate) fn code_at(&self, line: usize, col: usize) -> u32 {
        get(&self.parts.codes[line * self.geometry.row_bytes..], self.spec.element.bits(), col)
    }

    /// The code of a block's scale; 0 without scales.
    #[must_use]
    pub fn scale_code(&self, block: usize) -> u32 {
        stored(self.parts.scales, self.spec.scale_bytes(), block)
    }

    /// The code of a block's offset; 0 without offsets.
    #[must_use]
    pub fn offset_code(&self, block: usize) -> u32 {
        stored(self.parts.offsets, self.spec.offset_bytes(), block)
    }

    /// The scale of a block, as its format has it; 1 without scales.
    #[must_use]
    pub fn block_scale(&self, block: usize) -> f32 {
        self.spec.scale.as_ref().map_or(1.0, |format| format.decode_f32(self.scale_code(block)))
    }

    pub(crate) fn block_restorer(&self, block: usize) -> Restorer {
        self.spec.restorer(self.scale_code(block), self.offset_code(block), self.parts.tensor_scale)
    }

    /// Some rows as a tensor of shape `[rows, columns]`, without copying; rows are counted through all matrices.
    ///
    /// ```
    /// use subhalf::{QuantTensor, preset};
    /// let x: Vec<f32> = (0..96).map(|i| i as f32).collect();
    /// let whole = QuantTensor::quantize(&preset::ocp::MXFP8_E5M2, &x, &[3, 32])?;
    /// let last = whole.view().rows(2..3)?;
    /// assert_eq!(last.to_owned(), QuantTensor::quantize(&preset::ocp::MXFP8_E5M2, &x[64..], &[1, 32])?);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Rows`] for rows that are not there, that would cut a block, or that reach over two matrices whose tiles or columns do not go on from one
    /// to the other.
    pub fn rows(&self, range: Range<usize>) -> Result<Self, Error> {
        let shape = self.shape();
        let cols = shape.last().copied().unwrap_or(1);
        let rows = shape[..shape.len().saturating_sub(1)].iter().product::<usize>();
        let whole = self.geometry;
        let refuse = |step| Error::Rows { start: range.start, end: range.end, rows, step };
        if range.start > range.end || range.end > rows {
            return Err(refuse(1));
        }
        let count = range.len();
        let mut geometry = whole;
        let mut parts = self.parts;
        let (scale_bytes, offset_bytes) = (self.spec.scale_bytes(), self.spec.offset_bytes());
        let mut blocks = 0..whole.blocks();
        match self.spec.extent {
            Extent::Flat(length) => {
                let (start, end, length) = (range.start * cols, range.end * cols, length as usize);
                let bits = self.spec.element.bits() as usize;
                // The step may be too large to exist.
                let step = (1..=rows)
                    .find(|step| (step * cols).is_multiple_of(length) && (step * cols * bits).is_multiple_of(8))
                    .unwrap_or(rows.max(1));
                if !range.start.is_multiple_of(step) || (!range.end.is_multiple_of(step) && range.end != rows) {
                    return Err(refuse(step));
                }
                parts.codes = &parts.codes[start * bits / 8..(end * bits).div_ceil(8)];
                blocks = start / length..end.div_ceil(length);
                geometry.cols = end - start;
                geometry.grid_cols = blocks.len();
                geometry.row_bytes = parts.codes.len();
            }
            _ => {
                parts.codes = &parts.codes[range.start * whole.row_bytes..range.end * whole.row_bytes];
                let tile = whole.block_rows;
                if matches!(self.spec.extent, Extent::Tensor) {
                    (geometry.rows, geometry.block_rows) = (count, count.max(1));
                    geometry.grid_rows = usize::from(count > 0).min(whole.grid_rows);
                } else if tile == 1 {
                    (geometry.matrices, geometry.rows, geometry.grid_rows) = (1, count, count);
                    blocks = range.start * whole.grid_cols..range.end * whole.grid_cols;
                } else if count == 0 {
                    (geometry.matrices, geometry.rows, geometry.grid_rows) = (1, 0, 0);
                    blocks = 0..0;
                } else {
                    let (first, last) = (range.start / whole.rows, (range.end - 1) / whole.rows);
                    let (start, end) = (range.start - first * whole.rows, range.end - last * whole.rows);
                    let full = start == 0 && end == whole.rows;
                    let column = matches!(self.spec.extent, Extent::Column);
                    let cut = !column && (start % tile != 0 || (end % tile != 0 && end != whole.rows));
                    // Several matrices are one of their rows where tiles do not notice.
                    let whole_tiles = full && !column && whole.rows.is_multiple_of(tile);
                    if cut || (first != last && !whole_tiles) {
                        return Err(refuse(tile));
                    }
                    if full {
                        (geometry.matrices, geometry.rows, geometry.grid_rows) = (1, count, (last - first + 1) * whole.grid_rows);
                        blocks = first * whole.grid_rows * whole.grid_cols..(last + 1) * whole.grid_rows * whole.grid_cols;
                    } else {
                        let (above, below) = if column { (0, 1) } else { (start / tile, end.div_ceil(tile)) };
                        (geometry.matrices, geometry.rows, geometry.grid_rows) = (1, count, below - above);
                        geometry.block_rows = if column { count } else { tile };
                        let origin = first * whole.grid_rows;
                        blocks = (origin + above) * whole.grid_cols..(origin + below) * whole.grid_cols;
                    }
                }
            }
        }
        if count == 0 || cols == 0 {
            (geometry, blocks, parts.codes) = (Geometry::of(self.spec, &[count, cols])?, 0..0, &[]);
        }
        let slice = |bytes: &'a [u8], width: usize| &bytes[blocks.start * width..blocks.end * width];
        parts.scales = slice(parts.scales, scale_bytes);
        parts.offsets = slice(parts.offsets, offset_bytes);
        Ok(Self { spec: self.spec, shape: ViewShape::Rows([count, cols]), geometry, parts })
    }
}

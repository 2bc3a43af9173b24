//! [`QuantView`]: a block-scaled tensor over borrowed bytes, which it checks and addresses.

use super::apply::Restorer;
use super::geometry::Geometry;
use super::given::Accept;
use super::pack::{get, stored};
use super::scheme::{Extent, Offset, TensorScale};
use super::spec::{BlockSpec, code_bytes};
use super::tensor::{Parts, QuantTensor};
use crate::error::Error;
use crate::mem::Aligned;
use crate::spec::FormatSpec;
use core::ops::Range;

/// A borrowed [`QuantTensor`], or some rows of one: over its buffers, or over bytes that the caller
/// has, say a mapped file.
#[derive(Clone, Copy)]
pub struct QuantView<'a> {
    spec: &'a BlockSpec,
    shape: ViewShape<'a>,
    geometry: Geometry,
    parts: Parts<'a>,
}

#[derive(Clone, Copy)]
enum ViewShape<'a> {
    Whole(&'a [usize]),
    Rows([usize; 2]),
}

impl QuantTensor {
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
    pub fn from_parts_with(
        spec: &BlockSpec,
        shape: &[usize],
        parts: Parts<'_>,
        accept: Accept,
    ) -> Result<Self, Error> {
        Ok(QuantView::from_parts_with(spec, shape, parts, accept)?.to_owned())
    }

    /// The whole tensor, borrowed.
    #[must_use]
    pub fn view(&self) -> QuantView<'_> {
        QuantView {
            spec: &self.spec,
            shape: ViewShape::Whole(&self.shape),
            geometry: self.geometry,
            parts: self.parts(),
        }
    }
}

/// Refuses stored codes with bits above their format.
fn check_codes(what: &'static str, bytes: &[u8], format: &FormatSpec) -> Result<(), Error> {
    let width = code_bytes(format);
    if format.bits() as usize == 8 * width {
        return Ok(());
    }
    let wrong = (0..bytes.len() / width)
        .map(|index| (index, stored(bytes, width, index)))
        .find(|(_, code)| code >> format.bits() != 0);
    match wrong {
        None => Ok(()),
        Some((index, found)) => Err(Error::Stored {
            what,
            index,
            expected: "a code without bits above its format",
            found,
        }),
    }
}

impl<'a> QuantView<'a> {
    /// A tensor over bytes that the caller has. A scale may be 0, and negative if its format has a
    /// sign; NaN and infinity are refused unless 8-bit scales poison a block so
    /// ([`Accept::Finite`]).
    ///
    /// # Errors
    /// Refuses what [`from_parts_with`](Self::from_parts_with) refuses under [`Accept::Finite`].
    pub fn from_parts(
        spec: &'a BlockSpec,
        shape: &'a [usize],
        parts: Parts<'a>,
    ) -> Result<Self, Error> {
        Self::from_parts_with(spec, shape, parts, Accept::Finite)
    }

    /// A tensor over bytes that the caller has, under a choice of scales and minima. With
    /// [`Accept::Nonfinite`] the parts of every tensor that this crate makes are taken.
    ///
    /// # Errors
    /// [`Error::Block`] for a spec that contradicts itself; [`Error::TooLarge`] for a shape beyond
    /// the address space; [`Error::Length`] for a part of another length than the shape asks for;
    /// [`Error::Stored`] for bits behind the last code of a row, for a scale or zero point with
    /// bits above its format, for a scale or minimum that `accept` excludes, and for a tensor scale
    /// that is not finite (whatever `accept` is), or not 1 where the format has none.
    pub fn from_parts_with(
        spec: &'a BlockSpec,
        shape: &'a [usize],
        parts: Parts<'a>,
        accept: Accept,
    ) -> Result<Self, Error> {
        spec.validate()?;
        let geometry = Geometry::of(spec, shape)?;
        Error::check_length(
            "bytes of codes",
            geometry.lines() * geometry.row_bytes,
            parts.codes.len(),
        )?;
        Error::check_length(
            "bytes of scales",
            geometry.blocks() * spec.scale_bytes(),
            parts.scales.len(),
        )?;
        Error::check_length(
            "bytes of offsets",
            geometry.blocks() * spec.offset_bytes(),
            parts.offsets.len(),
        )?;
        // Rows end within a byte; what is left of it belongs to no code. Tensors are equal if their
        // bytes are.
        let used = geometry.cols * spec.element.bits() as usize % 8;
        if used != 0 {
            let rows = parts.codes.chunks_exact(geometry.row_bytes);
            let last = rows
                .map(|row| row[geometry.row_bytes - 1])
                .enumerate()
                .find(|(_, byte)| byte >> used != 0);
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
        let refuse = |expected| {
            Err(Error::Stored {
                what: "tensor scale",
                index: 0,
                expected,
                found: tensor_scale.to_bits(),
            })
        };
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

    /// The scale of an element by its row-major index, as the format stores it; without the tensor
    /// scale.
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

    /// Some rows as a tensor of shape `[rows, columns]`, without copying; rows are counted through
    /// all matrices.
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
    /// [`Error::Rows`] for rows that are not there, that would cut a block, or that reach over two
    /// matrices whose tiles or columns do not go on from one to the other.
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
                    .find(|step| {
                        (step * cols).is_multiple_of(length)
                            && (step * cols * bits).is_multiple_of(8)
                    })
                    .unwrap_or(rows.max(1));
                if !range.start.is_multiple_of(step)
                    || (!range.end.is_multiple_of(step) && range.end != rows)
                {
                    return Err(refuse(step));
                }
                parts.codes = &parts.codes[start * bits / 8..(end * bits).div_ceil(8)];
                blocks = start / length..end.div_ceil(length);
                geometry.cols = end - start;
                geometry.grid_cols = blocks.len();
                geometry.row_bytes = parts.codes.len();
            }
            _ => {
                parts.codes =
                    &parts.codes[range.start * whole.row_bytes..range.end * whole.row_bytes];
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
                    let (start, end) =
                        (range.start - first * whole.rows, range.end - last * whole.rows);
                    let full = start == 0 && end == whole.rows;
                    let column = matches!(self.spec.extent, Extent::Column);
                    let cut =
                        !column && (start % tile != 0 || (end % tile != 0 && end != whole.rows));
                    // Several matrices are one of their rows where tiles do not notice.
                    let whole_tiles = full && !column && whole.rows.is_multiple_of(tile);
                    if cut || (first != last && !whole_tiles) {
                        return Err(refuse(tile));
                    }
                    if full {
                        (geometry.matrices, geometry.rows, geometry.grid_rows) =
                            (1, count, (last - first + 1) * whole.grid_rows);
                        blocks = first * whole.grid_rows * whole.grid_cols
                            ..(last + 1) * whole.grid_rows * whole.grid_cols;
                    } else {
                        let (above, below) =
                            if column { (0, 1) } else { (start / tile, end.div_ceil(tile)) };
                        (geometry.matrices, geometry.rows, geometry.grid_rows) =
                            (1, count, below - above);
                        geometry.block_rows = if column { count } else { tile };
                        let origin = first * whole.grid_rows;
                        blocks =
                            (origin + above) * whole.grid_cols..(origin + below) * whole.grid_cols;
                    }
                }
            }
        }
        if count == 0 || cols == 0 {
            (geometry, blocks, parts.codes) = (Geometry::of(self.spec, &[count, cols])?, 0..0, &[]);
        }
        let slice =
            |bytes: &'a [u8], width: usize| &bytes[blocks.start * width..blocks.end * width];
        parts.scales = slice(parts.scales, scale_bytes);
        parts.offsets = slice(parts.offsets, offset_bytes);
        Ok(Self { spec: self.spec, shape: ViewShape::Rows([count, cols]), geometry, parts })
    }
}

//! [`QuantView`]: a block-scaled tensor over borrowed bytes, which it checks and addresses.

use super::apply::Restorer;
use super::bytes::{Bytes, SharedMemory};
use super::geometry::{Geometry, codebook_bytes};
use super::given::Accept;
use super::pack::{get_bits, stored};
use super::parts::Parts;
use super::scheme::{Codebooks, ScaleSigns};
use super::spec::{BlockSpec, code_bytes};
use super::tensor::QuantTensor;
use crate::error::Error;

/// A borrowed [`QuantTensor`], or some rows or columns of one: over its buffers, or over bytes that
/// the caller has, say a mapped file.
#[derive(Clone, Copy)]
pub struct QuantView<'a> {
    pub(super) spec: &'a BlockSpec,
    pub(super) shape: ViewShape<'a>,
    pub(super) geometry: Geometry,
    /// The bytes from the first row and block on. In a view that was cut at columns, other columns'
    /// bytes lie between rows.
    pub(super) parts: Parts<'a>,
}

/// The axes of a view: its tensor's, or the last few of three.
#[derive(Clone, Copy)]
pub(super) enum ViewShape<'a> {
    Whole(&'a [usize]),
    /// The last `rank` of these.
    Cut {
        axes: [usize; AXES],
        rank: usize,
    },
}

/// Axes that a view of some columns keeps apart; the first ones of a longer shape count as one.
const AXES: usize = 8;

impl ViewShape<'_> {
    /// These axes with another last one.
    pub(super) fn with_cols(shape: &[usize], cols: usize) -> Self {
        let rank = shape.len().clamp(1, AXES);
        let leading = &shape[..shape.len().saturating_sub(1)];
        let (together, apart) = leading.split_at(leading.len() - (rank - 1).min(leading.len()));
        let mut axes = [1; AXES];
        axes[AXES - 1] = cols;
        axes[AXES - 1 - apart.len()..AXES - 1].copy_from_slice(apart);
        if !together.is_empty() {
            axes[0] *= together.iter().product::<usize>();
        }
        Self::Cut { axes, rank }
    }
}

impl QuantTensor {
    /// A tensor with copies of these parts. A scale may be 0, and negative if its format has a
    /// sign; NaN and infinity are refused unless 8-bit scales poison a block so
    /// ([`Accept::Finite`]).
    ///
    /// # Errors
    /// [`Error::Length`] for a part of another length than the shape asks for, [`Error::Stored`]
    /// for a code with bits above its format and for a scale or minimum that is NaN or infinite
    /// where that is refused, and the other errors of [`QuantView::from_parts_with`].
    pub fn from_parts(spec: &BlockSpec, shape: &[usize], parts: Parts<'_>) -> Result<Self, Error> {
        Self::from_parts_with(spec, shape, parts, Accept::Finite)
    }

    /// A tensor with copies of these parts; `accept` says whether scales and minima may be NaN or
    /// infinite.
    ///
    /// # Errors
    /// [`Error::Length`] for a part of another length than the shape asks for, [`Error::Stored`]
    /// for a code with bits above its format and for a scale or minimum that `accept` excludes, and
    /// the other errors of [`QuantView::from_parts_with`].
    pub fn from_parts_with(
        spec: &BlockSpec,
        shape: &[usize],
        parts: Parts<'_>,
        accept: Accept,
    ) -> Result<Self, Error> {
        Ok(QuantView::from_parts_with(spec, shape, parts, accept)?.to_owned())
    }

    /// A tensor over memory that it shares, say a mapped file: parts that lie within `memory` stay
    /// there, and the tensor keeps the memory alive; others are copied. The memory must not change
    /// while tensors have parts of it: if it does, numbers are others, and if it shrinks, calls may
    /// panic. Writing to the tensor
    /// ([`Quantizer::quantize_into`](crate::Quantizer::quantize_into)) gives it buffers of its own.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use subhalf::{Parts, QuantTensor, SharedMemory, preset};
    /// let file: SharedMemory = Arc::new(vec![0x21u8, 0x43, 0x65, 0x07, 128, 127]);
    /// let bytes = (*file).as_ref();
    /// let parts = Parts::new(&bytes[..4], &bytes[4..]);
    /// let weight = QuantTensor::from_shared(&file, &preset::ocp::MXFP4, &[2, 4], parts)?;
    /// assert!(std::ptr::eq(weight.codes(), &bytes[..4]));
    /// assert_eq!(weight.dequantize(), [1.0, 2.0, 3.0, 4.0, 3.0, 4.0, 6.0, 0.0]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] for a part of another length than the shape asks for, [`Error::Stored`]
    /// for a code with bits above its format and for a scale or minimum that is NaN or infinite
    /// where that is refused, and the other errors of [`QuantView::from_parts_with`].
    pub fn from_shared(
        memory: &SharedMemory,
        spec: &BlockSpec,
        shape: &[usize],
        parts: Parts<'_>,
    ) -> Result<Self, Error> {
        Self::from_shared_with(memory, spec, shape, parts, Accept::Finite)
    }

    /// A tensor over memory that it shares: parts that lie within `memory` stay there, as
    /// [`from_shared`](Self::from_shared) explains, and others are copied. `accept` says whether
    /// scales and minima may be NaN or infinite.
    ///
    /// # Errors
    /// [`Error::Length`] for a part of another length than the shape asks for, [`Error::Stored`]
    /// for a code with bits above its format and for a scale or minimum that `accept` excludes, and
    /// the other errors of [`QuantView::from_parts_with`].
    pub fn from_shared_with(
        memory: &SharedMemory,
        spec: &BlockSpec,
        shape: &[usize],
        parts: Parts<'_>,
        accept: Accept,
    ) -> Result<Self, Error> {
        let view = QuantView::from_parts_with(spec, shape, parts, accept)?;
        Ok(view.owned_by(|bytes| Bytes::within(memory, bytes)))
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

impl<'a> QuantView<'a> {
    /// A tensor over bytes that the caller has. A scale may be 0, and negative if its format has a
    /// sign; NaN and infinity are refused unless 8-bit scales poison a block so
    /// ([`Accept::Finite`]).
    ///
    /// # Errors
    /// [`Error::Length`] for a part of another length than the shape asks for, [`Error::Stored`]
    /// for a code with bits above its format and for a scale or minimum that is refused, and the
    /// other errors of [`from_parts_with`](Self::from_parts_with).
    pub fn from_parts(
        spec: &'a BlockSpec,
        shape: &'a [usize],
        parts: Parts<'a>,
    ) -> Result<Self, Error> {
        Self::from_parts_with(spec, shape, parts, Accept::Finite)
    }

    /// A tensor over bytes that the caller has; `accept` says whether scales and minima may be NaN
    /// or infinite. With [`Accept::Nonfinite`] the parts of every tensor that this crate makes are
    /// taken.
    ///
    /// A call takes some tens of nanoseconds and reads no codes, but for the last byte of each row
    /// whose codes end within it. Scales, offsets and codebooks are read, by a kernel at the speed
    /// of memory, only if there is something to find: formats that do not fill their bytes (`UE4M3`
    /// has 7 bits), and under [`Accept::Finite`] infinity and, in more than 8 bits, NaN. So a view
    /// may be made anew in every step of a loop; an E8M0 scale is never read here, and with
    /// [`Accept::Nonfinite`] neither are those in F32, F16 and BF16.
    ///
    /// # Errors
    /// [`Error::Block`] for a spec that contradicts itself; [`Error::TooLarge`] for a shape beyond
    /// the address space; [`Error::Scheme`] for an origin outside of the first block, and for
    /// tensor scales of matrices that share blocks; [`Error::Length`] for a part of another length
    /// than the shape asks for, which is 0 for parts that the scheme does not have;
    /// [`Error::Stored`] for bits behind the last code of a row, for a code with bits above its
    /// format, for a scale, sub-scale, codebook entry or minimum that `accept` excludes, and for a
    /// tensor scale that is not finite (whatever `accept` is), or not 1 where the format has none.
    pub fn from_parts_with(
        spec: &'a BlockSpec,
        shape: &'a [usize],
        parts: Parts<'a>,
        accept: Accept,
    ) -> Result<Self, Error> {
        // In this order: the geometry divides by block lengths, lengths of parts need the geometry.
        spec.validate()?;
        let geometry = Geometry::at(spec, shape, parts.origin)?;
        parts.check(spec, &geometry, accept)?;
        Ok(Self { spec, shape: ViewShape::Whole(shape), geometry, parts })
    }

    /// Copies the view to a tensor of its own, whose rows follow each other without gaps.
    #[must_use]
    pub fn to_owned(&self) -> QuantTensor {
        self.owned_by(Bytes::copied)
    }

    /// A tensor of its own. Its parts are kept by a function of their bytes where rows follow
    /// each other without gaps, and copied otherwise.
    pub(super) fn owned_by(&self, keep: impl Fn(&[u8]) -> Bytes) -> QuantTensor {
        // With other columns' bytes between rows no part is one range of bytes.
        if self.geometry.has_gaps {
            return self.gathered();
        }
        let parts = self.parts;
        QuantTensor {
            spec: *self.spec,
            shape: self.shape().to_vec(),
            geometry: self.geometry,
            codes: keep(parts.codes),
            scales: keep(parts.scales),
            offsets: keep(parts.offsets),
            sub_scales: keep(parts.sub_scales),
            codebooks: keep(parts.codebooks),
            tensor_scale: parts.tensor_scale,
            tensor_scales: parts.tensor_scales.to_vec(),
        }
    }

    /// The scheme of the tensor: formats, blocks and rules.
    #[must_use]
    pub const fn spec(&self) -> &'a BlockSpec {
        self.spec
    }

    /// The lengths of the axes, outermost first, columns last, counted in elements.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        match &self.shape {
            ViewShape::Whole(shape) => shape,
            // The axes that count are the last ones.
            ViewShape::Cut { axes, rank } => &axes[AXES - rank..],
        }
    }

    /// All parts of the view as borrowed buffers; `None` if it was cut at columns, since other
    /// columns' bytes then lie between its rows. [`to_owned`](Self::to_owned) makes a tensor with
    /// bytes of its own.
    #[must_use]
    pub fn parts(&self) -> Option<Parts<'a>> {
        (!self.geometry.has_gaps).then(|| self.parts.with_origin(self.geometry.origin))
    }

    /// The bytes from the first row and block on, whatever lies between the rows.
    pub(crate) const fn bytes(&self) -> &Parts<'a> {
        &self.parts
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

    /// Number of blocks.
    #[must_use]
    pub const fn blocks(&self) -> usize {
        self.geometry.blocks()
    }

    /// Bytes from one row of codes to the next. Unless the view was cut at columns, its codes are a
    /// matrix of bytes with this many columns.
    #[must_use]
    pub const fn row_bytes(&self) -> usize {
        self.geometry.row_bytes
    }

    /// The row and column at which the first element lies in the first block.
    #[must_use]
    pub const fn origin(&self) -> [usize; 2] {
        self.geometry.origin
    }

    /// The tensor scale of a matrix of the stack; 1 if the scheme has no tensor scale.
    #[must_use]
    pub fn tensor_scale(&self, matrix: usize) -> f32 {
        // The list is empty where one number is for all.
        self.parts.tensor_scales.get(matrix).copied().unwrap_or(self.parts.tensor_scale)
    }

    /// The code of an element by its row-major index; `None` behind the last.
    #[must_use]
    pub fn code(&self, index: usize) -> Option<u32> {
        let (line, col) = self.place(index)?;
        Some(self.code_at(line, col))
    }

    /// The scale of an element by its row-major index, with the sub-scale and without the tensor
    /// scale; `None` behind the last.
    #[must_use]
    pub fn scale(&self, index: usize) -> Option<f32> {
        let (line, col) = self.place(index)?;
        let number = self.element_at(line, col);
        Some(self.scale_at(self.geometry.block(line, col), number.is_sign_negative()))
    }

    /// The number of an element, dequantized to f32, by its row-major index; `None` behind the
    /// last.
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
        Some(self.number_at(line, col))
    }

    fn place(&self, index: usize) -> Option<(usize, usize)> {
        // Flat blocks have a geometry of one row, whatever the shape.
        (index < self.len()).then(|| (index / self.geometry.cols, index % self.geometry.cols))
    }

    /// The number of an element: the definition of [`dequantize`](Self::dequantize).
    pub(crate) fn number_at(&self, line: usize, col: usize) -> f32 {
        let block = self.geometry.block(line, col);
        let number = self.element_at(line, col);
        // The sign, that of −0 too, chooses between the two scales of a block.
        let scale = self.scale_at(block, number.is_sign_negative());
        let (offset, tensor) = (self.offset_at(block), self.tensor_scale_at(line));
        self.spec.restorer_of(self.spec.dequantization, scale, offset, tensor).restore(number)
    }

    /// The number that an element's code stands for, before any scale.
    fn element_at(&self, line: usize, col: usize) -> f32 {
        let code = self.code_at(line, col);
        let (format, book) = match &self.spec.codebooks {
            Codebooks::Format => return self.spec.element.decode_f32(code),
            Codebooks::Tensor(format) => (format, 0),
            Codebooks::Row(format) => (format, line),
        };
        // Codebooks lie row after row; a single one for all rows is number 0.
        let entries = &self.parts.codebooks[book * codebook_bytes(self.spec)..];
        format.decode_f32(stored(entries, code_bytes(format), code as usize))
    }

    /// The scale of a block, as scales are stored, for elements of a sign; 1 without scales.
    pub(super) fn scale_at(&self, block: usize, negative: bool) -> f32 {
        let Some(format) = &self.spec.scale else { return 1.0 };
        // Both scales of a block lie together, that of positive elements first.
        let second = matches!(self.spec.scale_signs, ScaleSigns::PerSign) && negative;
        let index = block * self.spec.scales_per_block() + usize::from(second);
        let scale = format.decode_f32(stored(self.parts.scales, self.spec.scale_bytes(), index));
        let Some(sub_scale) = &self.spec.sub_scale else { return scale };
        let group = self.geometry.group(block, sub_scale.blocks as usize);
        let width = code_bytes(&sub_scale.format);
        // An f32 product: it is rounded before the element comes in.
        scale * sub_scale.format.decode_f32(stored(self.parts.sub_scales, width, group))
    }

    /// The tensor scale of a row's matrix.
    fn tensor_scale_at(&self, line: usize) -> f32 {
        match self.parts.tensor_scales {
            [] => self.parts.tensor_scale,
            // Rows are counted through all matrices.
            each => each[line / self.geometry.rows],
        }
    }

    /// The bytes of a row's codes, from the byte in which the first begins to the byte in which the
    /// last ends.
    pub(crate) fn row_codes(&self, line: usize) -> &'a [u8] {
        let Geometry { row_bytes, first_bit, cols, .. } = self.geometry;
        // Codes begin `first_bit` bits into the first byte.
        let bytes = (first_bit + cols * self.spec.element.bits() as usize).div_ceil(8);
        &self.parts.codes[line * row_bytes..][..bytes]
    }

    pub(crate) fn code_at(&self, line: usize, col: usize) -> u32 {
        let (geometry, bits) = (&self.geometry, self.spec.element.bits());
        let row = &self.parts.codes[line * geometry.row_bytes..];
        get_bits(row, bits, geometry.first_bit + col * bits as usize)
    }

    /// The code of a block's scale; 0 without scales and for a block that is not there. Blocks
    /// count row-major over the grid. With a scale for each sign it is that of positive elements.
    #[must_use]
    pub fn scale_code(&self, block: usize) -> u32 {
        self.stored_block(block).map_or(0, |block| self.scale_code_at(block))
    }

    /// The codes of a block's scales: none (also for a block that is not there), one, or one for
    /// each sign. Blocks count row-major over the grid.
    pub fn scale_codes(&self, block: usize) -> impl Iterator<Item = u32> + use<'a> {
        let (scales, width) = (self.parts.scales, self.spec.scale_bytes());
        // None without scales: the range of indices is empty then.
        let block = self.stored_block(block);
        let each = if block.is_some() { self.spec.scales_per_block() } else { 0 };
        let first = block.unwrap_or(0) * each;
        (first..first + each).map(move |index| stored(scales, width, index))
    }

    /// The code of a block's offset; 0 without offsets and for a block that is not there. Blocks
    /// count row-major over the grid.
    #[must_use]
    pub fn offset_code(&self, block: usize) -> u32 {
        self.stored_block(block).map_or(0, |block| self.offset_at(block))
    }

    /// The scale of a block, sub-scale included; 1 without scales and for a block that is not
    /// there. Blocks count row-major over the grid. With a scale for each sign it is that of
    /// positive elements.
    #[must_use]
    pub fn block_scale(&self, block: usize) -> f32 {
        self.stored_block(block).map_or(1.0, |block| self.scale_at(block, false))
    }

    /// The place of a block of the grid among the stored scales, if there is such a block.
    fn stored_block(&self, block: usize) -> Option<usize> {
        let cols = self.geometry.grid_cols;
        (block < self.blocks()).then(|| self.geometry.block_at(block / cols, block % cols))
    }

    /// The code of the scale of a block, as scales are stored.
    pub(crate) fn scale_code_at(&self, block: usize) -> u32 {
        let index = block * self.spec.scales_per_block();
        stored(self.parts.scales, self.spec.scale_bytes(), index)
    }

    /// The code of the offset of a block, as offsets are stored.
    pub(crate) fn offset_at(&self, block: usize) -> u32 {
        stored(self.parts.offsets, self.spec.offset_bytes(), block)
    }

    /// The formula by which the elements of a stored block of a plain scheme come back.
    pub(crate) fn restorer_at(&self, block: usize) -> Restorer {
        let (scale, offset) = (self.scale_code_at(block), self.offset_at(block));
        self.spec.restorer(scale, offset, self.parts.tensor_scale)
    }

    /// Refuses a tensor with parts that other programs' layouts have no place for: sub-scales,
    /// scales for each sign, codebooks, tensor scales of matrices, a first block that was cut.
    /// Returns a copy without gaps if the view has gaps, else `None`.
    pub(super) fn for_layout(&self, what: &'static str) -> Result<Option<QuantTensor>, Error> {
        // Other programs know neither gaps nor a first block that lacks a part.
        if !self.is_plain() || self.origin() != [0, 0] {
            let expected = "codes, scales and offsets alone, from the start of a block";
            return Err(Error::Scheme { what, expected });
        }
        Ok(self.geometry.has_gaps.then(|| self.gathered()))
    }

    /// Whether elements of a block are the numbers of its codes under one scale, and all matrices
    /// have one tensor scale: what kernels and block-wise sums can take.
    pub(crate) const fn is_plain(&self) -> bool {
        self.spec.is_plain() && self.parts.tensor_scales.is_empty()
    }
}

//! [`Operand`]: one side of a matrix product, whatever its numbers are kept in.

use super::packed::PackedMatrix;
use crate::block::{
    BitOrder, BlockSpec, Extent, Offset, QuantTensor, QuantView, SchemeName, TensorScale,
    matrix_axes, unpack_by,
};
use crate::error::Error;
use crate::format::Format;
use crate::kernel::Isa;
use crate::mma::Formats;
use crate::ops::numbers::Numbers;
use crate::ops::quantize::Quantizer;
use crate::spec::{Code, CodeSlice, FormatSpec};
use bytemuck::{AnyBitPattern, NoUninit};

mod sealed {
    pub trait Sealed {}
}

/// The number types of an operand: f32 and, with the `half` feature, f16 and bf16.
pub trait Activation: sealed::Sealed + Copy + Send + Sync + 'static {
    #[doc(hidden)]
    fn activations(numbers: &[Self]) -> Numbers<'_>;
}

macro_rules! activation {
    ($($(#[$attr:meta])* $type:ty: $variant:ident;)*) => {$(
        $(#[$attr])*
        impl sealed::Sealed for $type {}
        $(#[$attr])*
        impl Activation for $type {
            #[inline]
            fn activations(numbers: &[Self]) -> Numbers<'_> {
                Numbers::$variant(numbers)
            }
        }
    )*};
}

activation! {
    f32: F32;
    #[cfg(feature = "half")] half::f16: F16;
    #[cfg(feature = "half")] half::bf16: BF16;
}

/// One side of a matrix product: rows of K numbers, in any format, borrowed. Both sides are given
/// this way, so that the product is `A · Bᵀ`: a weight of shape `[outputs, inputs]` goes in as it
/// is.
///
/// A shape's last axis is K, the one before it the rows, those before matrices of a batch.
#[derive(Clone, Copy)]
pub struct Operand<'a> {
    batch: usize,
    rows: usize,
    cols: usize,
    transposed: bool,
    pub(super) source: Stored<'a>,
}

/// Where the numbers of an operand are.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "a box would not be `Copy`; a product has two")]
pub(super) enum Stored<'a> {
    Numbers(Numbers<'a>),
    Codes(&'a FormatSpec, CodeSlice<'a>),
    Tensor(QuantView<'a>),
    Quantize(&'a Quantizer<'a>, Numbers<'a>),
    Packed(&'a PackedMatrix),
}

impl core::fmt::Debug for Operand<'_> {
    /// The shape and what the numbers are kept in, in one line.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Operand({:?}, ", [self.batch, self.rows, self.cols])?;
        match &self.source {
            Stored::Numbers(numbers) => write!(f, "{}", numbers.name())?,
            Stored::Codes(format, _) => write!(f, "{} codes", format.name())?,
            Stored::Tensor(view) => write!(f, "{}", SchemeName(view.spec()))?,
            Stored::Quantize(quantizer, numbers) => {
                write!(f, "{} to {}", numbers.name(), SchemeName(quantizer.spec))?;
            }
            Stored::Packed(packed) => write!(f, "{packed:?}")?,
        }
        f.write_str(")")
    }
}

impl<'a> Operand<'a> {
    /// Numbers as they are: f32, f16 or bf16.
    ///
    /// # Errors
    /// [`Error::Length`] if the shape has another number of elements, [`Error::TooLarge`] if it has
    /// more than the address space.
    pub fn numbers<T: Activation>(numbers: &'a [T], shape: &[usize]) -> Result<Self, Error> {
        let numbers = T::activations(numbers);
        Self::new(Stored::Numbers(numbers), numbers.len(), shape)
    }

    /// Codes of a format, one an element in the low bits, without scales. Each stands for the f32
    /// nearest to its number.
    ///
    /// ```
    /// use subhalf::{FormatSpec, Operand, matmul};
    /// let (e4m3, int4) = ([0x38u8, 0x40], [0x3u8, 0xF]); // 1 and 2; 3 and -1
    /// let a = Operand::codes(&FormatSpec::F8E4M3, &e4m3, &[1, 2])?;
    /// let b = Operand::codes(&FormatSpec::INT4, &int4, &[1, 2])?;
    /// assert_eq!(matmul(a, b)?, [1.0]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if the shape has another number of elements, [`Error::TooLarge`] if it has
    /// more than the address space, [`Error::CodeWidth`] if `C` is too narrow for the format.
    pub fn codes<C: Code>(
        spec: &'a FormatSpec,
        codes: &'a [C],
        shape: &[usize],
    ) -> Result<Self, Error> {
        // Narrower codes would lose bits; wider types leave theirs unused.
        if spec.bits() > C::BITS {
            return Err(Error::CodeWidth {
                format: spec.short_name(),
                needed: spec.bits(),
                found: C::BITS,
            });
        }
        Self::new(Stored::Codes(spec, C::slice(codes)), codes.len(), shape)
    }

    /// Numbers of a format's own type, without scales.
    ///
    /// ```
    /// use subhalf::{F4E2M1, F8E5M2, Operand, matmul};
    /// let (a, b) = ([1.5, -2.0].map(F8E5M2::from_f32), [4.0, 0.5].map(F4E2M1::from_f32));
    /// assert_eq!(matmul(Operand::typed(&a, &[1, 2])?, Operand::typed(&b, &[1, 2])?)?, [5.0]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if the shape has another number of elements, [`Error::TooLarge`] if it has
    /// more than the address space.
    pub fn typed<F: Format<Code: AnyBitPattern> + NoUninit>(
        codes: &'a [F],
        shape: &[usize],
    ) -> Result<Self, Error> {
        Self::codes(const { &F::SPEC }, bytemuck::must_cast_slice::<F, F::Code>(codes), shape)
    }

    /// Numbers that are quantized when the product is taken: the same as quantizing them first.
    ///
    /// # Errors
    /// [`Error::Length`] if the shape has another number of elements, [`Error::TooLarge`] if it has
    /// more than the address space. What quantization refuses is refused when the product is run.
    pub fn quantized<T: Activation>(
        quantizer: &'a Quantizer<'a>,
        numbers: &'a [T],
        shape: &[usize],
    ) -> Result<Self, Error> {
        let numbers = T::activations(numbers);
        Self::new(Stored::Quantize(quantizer, numbers), numbers.len(), shape)
    }

    fn new(source: Stored<'a>, len: usize, shape: &[usize]) -> Result<Self, Error> {
        let [batch, rows, cols] = matrices(shape)?;
        // No overflow: `matrices` refuses a shape beyond the address space.
        Error::check_length("elements of an operand", batch * rows * cols, len)?;
        Ok(Self { batch, rows, cols, transposed: false, source })
    }

    /// An operand of matrices, rows and columns that its source has.
    pub(super) const fn over(source: Stored<'a>, [batch, rows, cols]: [usize; 3]) -> Self {
        Self { batch, rows, cols, transposed: false, source }
    }

    /// This operand with rows and columns exchanged: `[K, N]` as it is stored goes in as `[N, K]`,
    /// so that `matmul(x, weight.transposed())` is `X · W`. The blocks of a block-scaled tensor are
    /// transposed too: `1 × 32` becomes `32 × 1`. The product makes a copy of the operand, once.
    ///
    /// ```
    /// use subhalf::{Operand, matmul};
    /// let (x, w) = ([1.0f32, 2.0], [3.0f32, 4.0, 5.0, 6.0]);
    /// let (x, w) = (Operand::numbers(&x, &[1, 2])?, Operand::numbers(&w, &[2, 2])?);
    /// assert_eq!(matmul(x, w)?, [11.0, 17.0]);
    /// assert_eq!(matmul(x, w.transposed())?, [13.0, 16.0]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    pub const fn transposed(self) -> Self {
        // Nothing moves: `Held` makes the copy when the product is run.
        Self { rows: self.cols, cols: self.rows, transposed: !self.transposed, ..self }
    }

    /// Whether rows of the source are columns of the operand.
    pub(super) const fn is_transposed(&self) -> bool {
        self.transposed
    }

    /// One matrix of a batch whose matrices have tensor scales, under its own; of another operand
    /// all of it.
    pub(super) fn matrix_with_scale(&self, index: usize) -> Result<Self, Error> {
        match self.source {
            Stored::Tensor(view) if self.has_matrix_scales() => {
                // The only matrix of a stack goes with all of the other side.
                let index = if self.batch == 1 { 0 } else { index };
                Ok(Self { batch: 1, source: Stored::Tensor(view.matrix(index)?), ..*self })
            }
            _ => Ok(*self),
        }
    }

    /// Whether the matrices of a tensor have tensor scales of their own.
    pub(super) const fn has_matrix_scales(&self) -> bool {
        matches!(&self.source, Stored::Tensor(view) if !view.bytes().tensor_scales.is_empty())
    }

    /// The number of matrices in the batch: 1 for a single matrix.
    #[must_use]
    pub const fn batch(&self) -> usize {
        self.batch
    }

    /// Rows of each matrix: M for the operand A, N for B.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers in each row: K.
    #[must_use]
    pub const fn cols(&self) -> usize {
        self.cols
    }

    /// All matrices stacked into one.
    pub(super) const fn stacked(self) -> Self {
        // Rows of all matrices lie one after another, so no number moves.
        Self { batch: 1, rows: self.batch * self.rows, ..self }
    }

    /// Whether elements have scales of their own.
    pub(super) const fn is_scaled(&self) -> bool {
        match &self.source {
            Stored::Numbers(_) | Stored::Codes(..) => false,
            // Other tensors take part as the numbers that they stand for.
            Stored::Tensor(view) => {
                let turned_flat = self.transposed && matches!(view.spec().extent, Extent::Flat(_));
                view.spec().is_plain() && !turned_flat
            }
            Stored::Quantize(..) => true,
            Stored::Packed(packed) => packed.spec().is_some(),
        }
    }

    /// The scheme of a block-scaled operand.
    pub(super) const fn spec(&self) -> Option<&'a BlockSpec> {
        match self.source {
            Stored::Numbers(_) | Stored::Codes(..) => None,
            Stored::Tensor(view) => Some(view.spec()),
            Stored::Quantize(quantizer, _) => Some(quantizer.spec),
            Stored::Packed(packed) => packed.spec(),
        }
    }

    /// The format of the elements, if they are codes.
    pub(super) const fn element(&self) -> Option<&'a FormatSpec> {
        match self.source {
            Stored::Numbers(_) => None,
            Stored::Codes(spec, _) => Some(spec),
            Stored::Packed(packed) => packed.element.as_ref(),
            _ => match self.spec() {
                Some(spec) => Some(&spec.element),
                None => None,
            },
        }
    }

    /// The panels of a packed operand.
    pub(super) const fn packed(&self) -> Option<&'a PackedMatrix> {
        match self.source {
            Stored::Packed(packed) => Some(packed),
            _ => None,
        }
    }

    /// Where an element of a tensor is in its grid: rows of a flat one are one line.
    fn place(view: &QuantView<'_>, cols: usize, line: usize, k: usize) -> (usize, usize) {
        match view.spec().extent {
            // A flat tensor is one line in the tensor's grid, whatever its shape.
            Extent::Flat(_) => (0, line * cols + k),
            _ => (line, k),
        }
    }

    /// The length of a block along K, at whose multiples blocks end; 1 for a flat tensor whose
    /// blocks end elsewhere in every row.
    pub(super) fn block_k(&self) -> usize {
        // At least 1, so that it can divide.
        let whole = self.cols.max(1);
        match self.spec().map(|spec| spec.extent) {
            // A scale for each position covers any layout.
            _ if !self.blocks_align() => 1,
            // One scale for a row, or none: no block ends within K.
            None | Some(Extent::Tensor | Extent::Row) => whole,
            Some(Extent::Column) => 1,
            Some(Extent::Block { cols, .. }) => (cols as usize).min(whole),
            // A block of several rows is one block to each of them.
            Some(Extent::Flat(length)) => (length as usize).min(whole),
        }
    }

    /// Whether a tensor was not cut inside a block of its columns.
    pub(super) fn rows_begin_blocks(&self) -> bool {
        !matches!(&self.source, Stored::Tensor(view) if view.origin()[1] != 0)
    }

    /// Whether every row begins at a block, so that blocks end at the same places in all.
    pub(super) fn blocks_align(&self) -> bool {
        if !self.rows_begin_blocks() {
            return false;
        }
        match self.spec().map(|spec| spec.extent) {
            Some(Extent::Flat(length)) => {
                let length = length as usize;
                // Blocks within rows, or rows within blocks.
                self.cols.is_multiple_of(length) || length.is_multiple_of(self.cols.max(1))
            }
            _ => true,
        }
    }

    /// What multiplies a whole sum, if anything.
    pub(super) fn tensor_factor(&self) -> Option<f32> {
        let stored = self.stored_tensor_scale();
        match self.spec()?.tensor_scale {
            TensorScale::None => None,
            TensorScale::Multiplier { .. } => Some(stored),
            // The stored number divides; a sum is multiplied by 1 over it, rounded to f32.
            TensorScale::Divisor { .. } => Some(1.0 / stored),
            TensorScale::Amax { target } => Some(stored / target),
        }
    }

    /// What a model of the sum may know of this side.
    pub(super) fn formats(&self) -> Formats<'a> {
        let scale = self.spec().and_then(|spec| spec.scale.as_ref());
        Formats { element: self.element(), scale, is_scaled: self.is_scaled() }
    }

    /// The numbers of a row, as [`dequantize`](QuantView::dequantize) gives them.
    pub(super) fn values(&self, line: usize, dst: &mut [f32]) {
        match self.source {
            Stored::Tensor(view) => {
                for (k, to) in dst.iter_mut().enumerate() {
                    let (line, col) = Self::place(&view, self.cols, line, k);
                    // The rule is made anew for every element: this is the definition, and slow.
                    let restorer = view.restorer_at(view.geometry().block(line, col));
                    *to = restorer.restore(view.spec().element.decode_f32(view.code_at(line, col)));
                }
            }
            Stored::Packed(packed) => packed.values(line, dst),
            // Operands without scales: the elements are the values.
            _ => self.elements(line, dst),
        }
    }

    /// The elements of a row without scales, zero points taken off.
    pub(super) fn elements(&self, line: usize, dst: &mut [f32]) {
        let first = line * self.cols;
        match self.source {
            Stored::Numbers(numbers) | Stored::Quantize(_, numbers) => {
                // Exact: no operand is of f64s. A slow path, so without vectors.
                numbers.range(first..first + dst.len()).widen(Isa::portable(), dst);
            }
            Stored::Codes(spec, codes) => {
                dst.iter_mut()
                    .enumerate()
                    .for_each(|(k, to)| *to = spec.decode_f32(codes.get(first + k)));
            }
            Stored::Tensor(view) => {
                let element = &view.spec().element;
                for (k, to) in dst.iter_mut().enumerate() {
                    let (line, col) = Self::place(&view, self.cols, line, k);
                    // Minima are refused where elements are asked for.
                    let zero_point =
                        zero_point(view.spec(), view.offset_at(view.geometry().block(line, col)));
                    *to = element.decode_f32(view.code_at(line, col)) - zero_point;
                }
            }
            Stored::Packed(packed) => packed.elements(line, dst),
        }
    }

    /// The stored bytes of a row of codes of at most 8 bits, packed as a tensor's are, if a row
    /// starts at a byte and is all that it has.
    pub(super) fn row_codes(&self, line: usize) -> Option<&'a [u8]> {
        match self.source {
            // One code a byte, whatever the width.
            Stored::Codes(_, CodeSlice::U8(codes)) => Some(&codes[line * self.cols..][..self.cols]),
            Stored::Tensor(view) if !matches!(view.spec().extent, Extent::Flat(_)) => {
                Some(view.row_codes(line))
            }
            _ => None,
        }
    }

    /// The tensor scale as it is stored; 1 without one.
    pub(super) fn stored_tensor_scale(&self) -> f32 {
        match self.source {
            Stored::Tensor(view) => view.bytes().tensor_scale,
            Stored::Packed(packed) => packed.tensor_scale,
            _ => 1.0,
        }
    }

    /// The codes of a row, for elements of at most 8 bits.
    pub(super) fn codes_of(&self, isa: Isa, line: usize, dst: &mut [u8]) {
        match self.source {
            Stored::Codes(_, codes) => {
                dst.iter_mut()
                    .enumerate()
                    .for_each(|(k, to)| *to = codes.get(line * self.cols + k) as u8);
            }
            Stored::Tensor(view) if matches!(view.spec().extent, Extent::Flat(_)) => {
                dst.iter_mut()
                    .enumerate()
                    .for_each(|(k, to)| *to = view.code_at(0, line * self.cols + k) as u8);
            }
            Stored::Tensor(view) => {
                let bits = view.spec().element.bits();
                unpack_by(isa, view.row_codes(line), bits, BitOrder::LsbFirst, dst);
            }
            _ => {}
        }
    }

    /// The codes of scale and offset of the block at a position of a tensor; else 0.
    pub(super) fn block_codes(&self, line: usize, k: usize) -> (u32, u32) {
        match self.source {
            Stored::Tensor(view) => {
                let (line, col) = Self::place(&view, self.cols, line, k);
                let block = view.geometry().block(line, col);
                (view.scale_code_at(block), view.offset_at(block))
            }
            _ => (0, 0),
        }
    }

    /// The bytes of the scale codes of a line, if they lie one after another along K.
    pub(super) fn scale_bytes(&self, line: usize) -> Option<&'a [u8]> {
        let Stored::Tensor(view) = self.source else { return None };
        let (grid, width) = (view.geometry(), view.spec().scale_bytes());
        let along = matches!(view.spec().extent, Extent::Block { .. }) && self.blocks_align();
        along.then(|| &view.bytes().scales[grid.block(line, 0) * width..][..grid.grid_cols * width])
    }

    /// The scale at a position, without the tensor scale.
    pub(super) fn scale(&self, line: usize, k: usize) -> f32 {
        match (self.source, self.spec().and_then(|spec| spec.scale.as_ref())) {
            (Stored::Packed(packed), _) => packed.scale(line, k),
            // Scales of more than 8 bits and of any layout: by their code.
            (_, Some(format)) => format.decode_f32(self.block_codes(line, k).0),
            (_, None) => 1.0,
        }
    }
}

/// The number that is taken off the elements of a block.
pub(super) fn zero_point(spec: &BlockSpec, offset: u32) -> f32 {
    // A zero point is an element; -0 and +0 aside, taking off 0 changes nothing.
    if matches!(spec.offset, Offset::ZeroPoint) { spec.element.decode_f32(offset) } else { 0.0 }
}

/// A shape as matrices, rows, columns.
fn matrices(shape: &[usize]) -> Result<[usize; 3], Error> {
    let product = |axes: &[usize]| {
        axes.iter()
            .try_fold(1usize, |product, &axis| product.checked_mul(axis))
            .ok_or(Error::TooLarge)
    };
    // A scalar is a row of one, a vector a matrix of one row.
    let [batch, rows, cols] = matrix_axes(shape);
    product(&shape[..shape.len().saturating_sub(2)])?;
    // No buffer of f64s has more elements.
    if product(shape)? > isize::MAX as usize / 8 {
        Err(Error::TooLarge)
    } else {
        Ok([batch, rows, cols])
    }
}

impl<'a> From<QuantView<'a>> for Operand<'a> {
    /// Its last axis is K.
    fn from(view: QuantView<'a>) -> Self {
        // A product that does not exist is one of no elements.
        Self::over(Stored::Tensor(view), matrix_axes(view.shape()))
    }
}

impl<'a> From<&'a QuantTensor> for Operand<'a> {
    /// Its last axis is K.
    fn from(tensor: &'a QuantTensor) -> Self {
        tensor.view().into()
    }
}

impl<'a> From<&'a PackedMatrix> for Operand<'a> {
    fn from(packed: &'a PackedMatrix) -> Self {
        Self::over(Stored::Packed(packed), packed.shape())
    }
}

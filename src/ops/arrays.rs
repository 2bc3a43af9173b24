//! `ndarray`: views in, arrays out. An array of numbers is read in its logical order, whatever its
//! strides are; what must not be copied asks for row-major elements.

#[cfg(feature = "matmul")]
use super::matmul::{Activation, Operand};
use super::quantize::Quantizer;
use super::real::Source;
use crate::block::{QuantTensor, QuantView};
use crate::error::Error;
use alloc::vec::Vec;
use ndarray::{ArrayD, ArrayView, Dimension, IxDyn};

impl Quantizer<'_> {
    /// Quantizes an array, whose shape is the tensor's. Elements that are not row-major are copied
    /// first.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use subhalf::{Quantizer, preset};
    /// let x = Array2::from_shape_fn((32, 2), |(row, col)| (row + 32 * col) as f32);
    /// let tensor = Quantizer::new(&preset::ocp::MXFP4).quantize_array(x.t())?;
    /// assert_eq!(tensor.shape(), [2, 32]);
    /// assert_eq!(tensor.to_array()[[1, 0]], 32.0);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`quantize`](Self::quantize).
    pub fn quantize_array<T: Source, D: Dimension>(
        &self,
        array: ArrayView<'_, T, D>,
    ) -> Result<QuantTensor, Error> {
        match array.as_slice() {
            Some(numbers) => self.quantize(numbers, array.shape()),
            None => self.quantize(&array.iter().copied().collect::<Vec<T>>(), array.shape()),
        }
    }
}

impl QuantTensor {
    /// The dequantized numbers as an array of the tensor's shape.
    #[must_use]
    pub fn to_array(&self) -> ArrayD<f32> {
        self.view().to_array()
    }
}

impl QuantView<'_> {
    /// The dequantized numbers as an array of the tensor's shape.
    #[must_use]
    pub fn to_array(&self) -> ArrayD<f32> {
        // A tensor has as many numbers as its shape says, each of which is taken once.
        let mut numbers = self.dequantize().into_iter();
        ArrayD::from_shape_simple_fn(IxDyn(self.shape()), || numbers.next().unwrap_or_default())
    }
}

#[cfg(feature = "matmul")]
impl<'a> Operand<'a> {
    /// Numbers of an array as they are: f32, f16 or bf16, with the shape of the array.
    ///
    /// ```
    /// use ndarray::array;
    /// use subhalf::{Operand, matmul};
    /// let (a, b) = (array![[1.0f32, 2.0], [3.0, 4.0]], array![[1.0f32, 1.0]]);
    /// assert_eq!(matmul(Operand::array(a.view())?, Operand::array(b.view())?)?, [3.0, 7.0]);
    /// assert!(Operand::array(a.t()).is_err()); // not row-major: copied by as_standard_layout
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Scheme`] if the elements are not row-major without gaps, and the errors of
    /// [`numbers`](Self::numbers).
    pub fn array<T: Activation, D: Dimension>(array: ArrayView<'a, T, D>) -> Result<Self, Error> {
        let numbers = array.to_slice().ok_or(Error::Scheme {
            what: "array",
            expected: "row-major elements without gaps (as_standard_layout copies others)",
        })?;
        Self::numbers(numbers, array.shape())
    }
}

//! The doors: products and dot products of any two operands, and the definition of both.

use super::builder::Matmul;
use super::job::{self, Shape};
use super::operand::{Activation, Operand};
use super::{engine, reference};
use crate::error::Error;
use crate::ops::real::Real;
use alloc::vec;
use alloc::vec::Vec;

impl Matmul<'_> {
    /// The product as f32s, row-major: `[M, N]`, or so many matrices.
    ///
    /// # Errors
    /// As [`multiply_into`](Self::multiply_into).
    pub fn multiply<'b>(&self, a: impl Into<Operand<'b>>, b: impl Into<Operand<'b>>) -> Result<Vec<f32>, Error> {
        let (a, b) = (a.into(), b.into());
        let len = Shape::of(&a, &b)?.len()?;
        // Operands of no elements may have a product beyond all memory.
        Vec::<f32>::new().try_reserve_exact(len).map_err(|_| Error::TooLarge)?;
        let mut out = vec![0.0; len];
        self.multiply_into(a, b, &mut out)?;
        Ok(out)
    }

    /// The product into a slice, row-major, each element rounded once from its sum (ties to even).
    ///
    /// `a` is `[M, K]`, `b` `[N, K]`; of batches both have as many matrices, or one of them one, which goes with all of the other.
    ///
    /// # Errors
    /// [`Error::Length`] for sides whose K or whose batches differ, and for an output, an addend or a bias of another length than the shape asks for;
    /// [`Error::TooLarge`] for a product beyond the address space; [`Error::Scheme`] for operands that the accumulator does not take: codes of formats wider
    /// than f32 into [`Exact`](crate::Accumulator::Exact), anything but integers into [`Integer`](crate::Accumulator::Integer), minima and misplaced flat blocks
    /// block by block; the errors of [`Accumulator::validate`](crate::Accumulator::validate), and of a quantization on the way.
    pub fn multiply_into<'b, D: Real>(
        &self,
        a: impl Into<Operand<'b>>,
        b: impl Into<Operand<'b>>,
        dst: &mut [D],
    ) -> Result<(), Error> {
        job::resolve(self, a.into(), b.into(), dst, engine::run)
    }
}

/// The definition that [`Matmul::multiply_into`] follows: one element after the other on one thread, each number read from its code, each sum made step by
/// step. The same bits, slowly.
///
/// ```
/// use subhalf::{Matmul, Operand, reference_matmul};
/// let (a, b) = ([1.0f32, 2.0], [3.0f32, 4.0, 5.0, 6.0]);
/// let mut product = [0.0f32; 2];
/// reference_matmul(&Matmul::new(), Operand::numbers(&a, &[1, 2])?, Operand::numbers(&b, &[2, 2])?, &mut product)?;
/// assert_eq!(product, [11.0, 17.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// As [`Matmul::multiply_into`].
pub fn reference_matmul<'a, D: Real>(
    matmul: &Matmul<'_>,
    a: impl Into<Operand<'a>>,
    b: impl Into<Operand<'a>>,
    dst: &mut [D],
) -> Result<(), Error> {
    job::resolve(matmul, a.into(), b.into(), dst, reference::fill)
}

/// `A · Bᵀ` as f32s, under the defaults of [`Matmul`].
///
/// ```
/// use subhalf::{QuantTensor, matmul, preset};
/// let x: Vec<f32> = (0..64).map(|i| i as f32 / 8.0).collect();
/// let a = QuantTensor::quantize(&preset::ocp::MXFP8_E4M3, &x, &[2, 32])?;
/// let b = QuantTensor::quantize(&preset::nvfp4::MODEL_OPTIMIZER, &x, &[2, 32])?;
/// assert_eq!(matmul(&a, &b)?.len(), 4);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// As [`Matmul::multiply_into`].
pub fn matmul<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<Vec<f32>, Error> {
    Matmul::new().multiply(a, b)
}

/// `A · Bᵀ` into a slice: [`matmul`] with an output of f32, f64, f16 or bf16.
///
/// # Errors
/// As [`Matmul::multiply_into`].
pub fn matmul_into<'a, D: Real>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>, dst: &mut [D]) -> Result<(), Error> {
    Matmul::new().multiply_into(a, b, dst)
}

/// The sum of products of two rows: the product of `[1, K]` and `[1, K]`.
///
/// ```
/// use subhalf::{Operand, QuantTensor, dot, preset};
/// let (x, y) = ([1.0f32; 32], [0.5f32; 32]);
/// let weight = QuantTensor::quantize(&preset::ocp::MXFP4, &y, &[32])?;
/// assert_eq!(dot(Operand::numbers(&x, &[32])?, &weight)?, 16.0);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// As [`Matmul::multiply_into`]; [`Error::Length`] for a side of more rows than one.
pub fn dot<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<f32, Error> {
    let (a, b) = (a.into(), b.into());
    let mut out = [0.0f32];
    Error::check_length("rows of a dot product's left side", 1, a.batch().saturating_mul(a.rows()))?;
    Error::check_length("rows of a dot product's right side", 1, b.batch().saturating_mul(b.rows()))?;
    matmul_into(a, b, &mut out)?;
    Ok(out[0])
}

/// A matrix of shape `[N, K]` times a vector of K numbers.
///
/// ```
/// use subhalf::{QuantTensor, gemv, preset};
/// let weight = QuantTensor::quantize(&preset::ocp::MXFP4, &[2.0f32; 64], &[2, 32])?;
/// assert_eq!(gemv(&weight, &[0.25; 32])?, [16.0, 16.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// As [`Matmul::multiply_into`].
pub fn gemv<'a, T: Activation>(matrix: impl Into<Operand<'a>>, vector: &'a [T]) -> Result<Vec<f32>, Error> {
    matmul(Operand::numbers(vector, &[1, vector.len()])?, matrix)
}

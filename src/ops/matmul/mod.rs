//! Matrix products: checks, shapes and the order of work. How products are added up is `mma`'s; the inner loops are `kernel`'s.

mod dots;
mod engine;
mod left;
mod operand;
mod packed;
mod plan;
mod read;
mod reference;
mod split;
mod sums;
mod thin;

pub use operand::{Activation, Operand};
pub use packed::PackedMatrix;
pub use reference::reference_matmul;

use super::Exec;
use super::real::Real;
use crate::bits::F32_NAN;
use crate::codec::Unpacked;
use crate::error::Error;
use crate::mma::{Accumulator, Chain, Fixed};
use crate::random::Dither;
use alloc::vec;
use alloc::vec::Vec;

/// A matrix product `A · Bᵀ` with everything that it may be told: how sums are made, what is added, where random bits come from, how to run.
///
/// ```
/// use subhalf::{Accumulator, Matmul, Operand, QuantTensor, preset};
/// let weight: Vec<f32> = (0..3 * 32).map(|i| (i % 7) as f32 - 3.0).collect();
/// let weight = QuantTensor::quantize(&preset::ocp::MXFP4, &weight, &[3, 32])?;
/// let x = [1.0f32; 32];
/// let x = Operand::numbers(&x, &[1, 32])?;
/// assert_eq!(Matmul::new().bias(&[0.5, 0.0, 0.0]).multiply(x, &weight)?, [-5.5, 3.0, -2.0]);
/// assert_eq!(Matmul::new().accumulator(Accumulator::Exact).multiply(x, &weight)?, [-6.0, 3.0, -2.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Matmul<'a> {
    accumulator: Option<Accumulator>,
    addend: Option<&'a [f32]>,
    bias: Option<&'a [f32]>,
    dither: Dither,
    exec: Exec,
}

impl Default for Matmul<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Matmul<'a> {
    /// Nothing added, no random bits, on all threads; sums are [`Accumulator::BlockF32`] if a side is a block-scaled tensor, else [`Accumulator::F32`].
    #[must_use]
    pub const fn new() -> Self {
        Self { accumulator: None, addend: None, bias: None, dither: Dither::NONE, exec: Exec::PARALLEL }
    }

    /// How sums are made.
    #[must_use]
    pub const fn accumulator(mut self, accumulator: Accumulator) -> Self {
        self.accumulator = Some(accumulator);
        self
    }

    /// C in `A · Bᵀ + C`: as many numbers as the product has.
    #[must_use]
    pub const fn addend(mut self, addend: &'a [f32]) -> Self {
        self.addend = Some(addend);
        self
    }

    /// A number for each column of the product, added last.
    #[must_use]
    pub const fn bias(mut self, bias: &'a [f32]) -> Self {
        self.bias = Some(bias);
        self
    }

    /// Random words for a stochastic rounding: see [`Chain::Rounded`].
    #[must_use]
    pub const fn dither(mut self, dither: Dither) -> Self {
        self.dither = dither;
        self
    }

    /// How to run; no result depends on it.
    #[must_use]
    pub const fn exec(mut self, exec: Exec) -> Self {
        self.exec = exec;
        self
    }

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
    /// than f32 into [`Exact`](Accumulator::Exact), anything but integers into [`Integer`](Accumulator::Integer), minima and misplaced flat blocks
    /// block by block; the errors of [`Accumulator::validate`], and of a quantization on the way.
    pub fn multiply_into<'b, D: Real>(
        &self,
        a: impl Into<Operand<'b>>,
        b: impl Into<Operand<'b>>,
        dst: &mut [D],
    ) -> Result<(), Error> {
        self.resolve(a.into(), b.into(), dst, engine::run)
    }

    /// Quantizes what is to be quantized, checks everything, and runs.
    fn resolve<'b, D: Real>(
        &self,
        a: Operand<'b>,
        b: Operand<'b>,
        dst: &mut [D],
        run: impl for<'c> FnOnce(&Job<'c>, &mut [D]),
    ) -> Result<(), Error> {
        let shape = Shape::of(&a, &b)?;
        let len = shape.len()?;
        Error::check_length("elements of the product", len, dst.len())?;
        if let Some(addend) = self.addend {
            Error::check_length("elements of the addend", len, addend.len())?;
        }
        if let Some(bias) = self.bias {
            Error::check_length("elements of the bias", shape.cols, bias.len())?;
        }
        let default = if a.is_scaled() || b.is_scaled() { Accumulator::BlockF32 } else { Accumulator::F32 };
        let accumulator = self.accumulator.unwrap_or(default);
        accumulator.validate()?;
        let (a_tensor, b_tensor) = (a.quantize()?, b.quantize()?);
        let a = a_tensor.as_ref().map_or(a, Operand::from);
        let b = b_tensor.as_ref().map_or(b, Operand::from);
        for side in [&a, &b] {
            check(side, &accumulator)?;
        }
        let finish = Finish { factor: factor(&a, &b), addend: self.addend, bias: self.bias, cols: shape.cols };
        run(&Job { a, b, shape, accumulator, finish, dither: self.dither, exec: self.exec }, dst);
        Ok(())
    }
}

/// Refuses a side that an accumulator does not take.
fn check(side: &Operand<'_>, accumulator: &Accumulator) -> Result<(), Error> {
    match accumulator {
        Accumulator::BlockF32 => side.check_blockwise(),
        Accumulator::Integer { .. } if side.fraction_bits().is_none() => {
            Err(Error::Scheme { what: "operand of an integer sum", expected: "integer elements of at most 16 bits" })
        }
        Accumulator::Integer { .. } => side.check_blockwise(),
        Accumulator::Exact => {
            let exact = |format: &crate::spec::FormatSpec| {
                let last = format.min_positive().exponent();
                format.max_exponent() < 128 && last >= -149 && format.precision().is_none_or(|bits| bits <= 24)
            };
            match (side.spec(), side.element()) {
                (None, Some(format)) if !exact(format) => {
                    Err(Error::Scheme { what: "format of an exact sum", expected: "numbers that are f32s" })
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// The product of the tensor scales, if there is one.
fn factor(a: &Operand<'_>, b: &Operand<'_>) -> Option<f32> {
    match (a.tensor_factor(), b.tensor_factor()) {
        (None, None) => None,
        (one, other) => Some(one.unwrap_or(1.0) * other.unwrap_or(1.0)),
    }
}

/// The product's shape; of a side with one matrix all steps stay at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) batch: usize,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) depth: usize,
}

impl Shape {
    fn of(a: &Operand<'_>, b: &Operand<'_>) -> Result<Self, Error> {
        Error::check_length("columns of the right side (K)", a.cols(), b.cols())?;
        if a.batch() != b.batch() && a.batch() != 1 && b.batch() != 1 {
            return Err(Error::Length { what: "matrices of the right side", expected: a.batch(), found: b.batch() });
        }
        let batch = if a.batch() == 1 { b.batch() } else { a.batch() };
        Ok(Self { batch, rows: a.rows(), cols: b.rows(), depth: a.cols() })
    }

    /// Elements of the product.
    fn len(&self) -> Result<usize, Error> {
        let len = self.rows.checked_mul(self.cols).and_then(|len| len.checked_mul(self.batch));
        len.filter(|&len| len <= isize::MAX as usize / 8).ok_or(Error::TooLarge)
    }
}

/// Everything about a product that was checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job<'a> {
    pub(crate) a: Operand<'a>,
    pub(crate) b: Operand<'a>,
    pub(crate) shape: Shape,
    pub(crate) accumulator: Accumulator,
    pub(crate) finish: Finish<'a>,
    pub(crate) dither: Dither,
    pub(crate) exec: Exec,
}

impl<'a> Job<'a> {
    /// The same product with the left side's matrices under each other, if the right side has one for all.
    fn stacked(&self) -> Self {
        let Self { shape, .. } = *self;
        if self.b.batch() > 1 {
            return *self;
        }
        let rows = shape.batch * shape.rows;
        Self { a: self.a.stacked(), shape: Shape { batch: 1, rows, ..shape }, ..*self }
    }

    /// The first line of a matrix on both sides.
    pub(crate) const fn lines(&self, matrix: usize) -> (usize, usize) {
        let a = if self.a.batch() == 1 { 0 } else { matrix };
        let b = if self.b.batch() == 1 { 0 } else { matrix };
        (a * self.a.rows(), b * self.b.rows())
    }
}

/// A sum before anything is added to it.
#[derive(Clone, Debug)]
pub(crate) enum Sum {
    Single(f32),
    Double(f64),
    Exact(Fixed),
}

impl Sum {
    /// The value of a chain's accumulator.
    pub(crate) const fn of_chain(chain: &Chain, value: Unpacked) -> Self {
        match chain {
            Chain::F64 => Self::Double(value.to_f64()),
            Chain::F32 | Chain::Rounded { .. } => Self::Single(value.to_f32()),
        }
    }
}

/// What is done to a sum at its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finish<'a> {
    factor: Option<f32>,
    addend: Option<&'a [f32]>,
    bias: Option<&'a [f32]>,
    cols: usize,
}

impl Finish<'_> {
    /// The element of the product at a row-major index; `scaled` if the tensor scales are not in the sum yet.
    pub(crate) fn apply<D: Real>(&self, index: usize, sum: Sum, scaled: bool) -> D {
        let added = [self.addend.map(|addend| addend[index]), self.bias.map(|bias| bias[index % self.cols])];
        let added = added.into_iter().flatten();
        let factor = self.factor.filter(|_| scaled);
        let exact = match sum {
            Sum::Single(sum) => {
                let sum = factor.map_or(sum, |factor| sum * factor);
                Unpacked::from_f32(added.fold(sum, |sum, x| sum + x))
            }
            Sum::Double(sum) => {
                let sum = factor.map_or(sum, |factor| sum * f64::from(factor));
                Unpacked::from_f64(added.fold(sum, |sum, x| sum + f64::from(x)))
            }
            Sum::Exact(mut sum) => {
                added.for_each(|x| sum.add(Unpacked::from_f32(x)));
                sum.value()
            }
        };
        D::nearest(exact)
    }

    /// As [`apply`](Self::apply) to sums of a part of a row, from an index on.
    pub(crate) fn apply_singles<D: Real>(&self, index: usize, sums: &[f32], scaled: bool, dst: &mut [D]) {
        if let (Some(dst), None, None) = (D::f32s_mut(dst), self.addend, self.bias) {
            let factor = self.factor.filter(|_| scaled).unwrap_or(1.0);
            for (to, sum) in dst.iter_mut().zip(sums) {
                let product = sum * factor;
                *to = if product.is_nan() { F32_NAN } else { product };
            }
            return;
        }
        for (i, (to, sum)) in dst.iter_mut().zip(sums).enumerate() {
            *to = self.apply(index + i, Sum::Single(*sum), scaled);
        }
    }
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

//! The doors: products and dot products of any two operands, and the definition of both. Everything
//! that can be refused is refused here.

use super::builder::Matmul;
use super::finish::Finish;
use super::held::held;
use super::job::{MatmulJob, ProductShape};
use super::operand::{Activation, Operand};
use super::unit_operand::check_unit;
use super::workspace::{ProductMemory, Workspace};
use super::{engine, reference};
use crate::block::Offset;
use crate::error::Error;
use crate::mma::{Accumulator, AnyAccumulate, Takes};
use crate::ops::numbers::NumbersMut;
use crate::ops::real::Real;
use crate::spec::FormatSpec;
use alloc::vec;
use alloc::vec::Vec;

impl Matmul<'_> {
    /// The product as f32s, row-major: `[M, N]`, or `[batch, M, N]`.
    ///
    /// # Errors
    /// [`Error::Length`] for operands whose K or whose batches differ, [`Error::Scheme`] for
    /// operands that the accumulator does not take, [`Error::TooLarge`] for a product beyond the
    /// address space, and the other errors of [`multiply_into`](Self::multiply_into).
    pub fn multiply<'b>(
        &self,
        a: impl Into<Operand<'b>>,
        b: impl Into<Operand<'b>>,
    ) -> Result<Vec<f32>, Error> {
        self.product([a.into(), b.into()])
    }

    /// The product as f32s.
    fn product(&self, [a, b]: [Operand<'_>; 2]) -> Result<Vec<f32>, Error> {
        let len = shape_of(&a, &b)?.len()?;
        // Operands of no elements (K = 0) may have a product beyond all memory: an error, no abort.
        Vec::<f32>::new().try_reserve_exact(len).map_err(|_| Error::TooLarge)?;
        let mut out = vec![0.0; len];
        self.multiply_into(a, b, &mut out)?;
        Ok(out)
    }

    /// The product into a slice, row-major, each element rounded once from its sum (ties to even).
    ///
    /// `a` is `[M, K]`, `b` `[N, K]`. In a batch both have the same number of matrices, or one has
    /// a single matrix, which is multiplied with all of the other's.
    ///
    /// # Errors
    /// [`Error::Length`] for operands whose K or whose batches differ, and for an output, an addend
    /// or a bias of another length than the shape asks for; [`Error::TooLarge`] for a product
    /// beyond the address space; [`Error::Scheme`] for operands that the accumulator does not take:
    /// codes of formats wider than f32 into [`Exact`](Accumulator::Exact), anything but integers
    /// into [`integer`](Accumulator::integer), minima, misplaced flat blocks and columns cut inside
    /// a block block by block; [`Error::Scheme`] for a packed matrix transposed; the errors of
    /// [`Accumulator::validate`], and of a quantization on the way.
    pub fn multiply_into<'b, D: Real>(
        &self,
        a: impl Into<Operand<'b>>,
        b: impl Into<Operand<'b>>,
        dst: &mut [D],
    ) -> Result<(), Error> {
        self.multiply_with(a, b, dst, &mut Workspace::new())
    }

    /// The product into a slice, as [`multiply_into`](Self::multiply_into) makes it, in memory that
    /// is kept from one product to the next: on one thread a product like one before allocates
    /// nothing. [`Workspace`] has an example, and says what else is allocated.
    ///
    /// # Errors
    /// Refuses what [`multiply_into`](Self::multiply_into) refuses.
    pub fn multiply_with<'b, D: Real>(
        &self,
        a: impl Into<Operand<'b>>,
        b: impl Into<Operand<'b>>,
        dst: &mut [D],
        workspace: &mut Workspace,
    ) -> Result<(), Error> {
        resolve(self, [a.into(), b.into()], D::slice_mut(dst), workspace, engine::run)
    }
}

/// The definition that [`Matmul::multiply_into`] follows: one element after the other on one
/// thread, each number read from its code, each sum made step by step. The same bits, slowly.
///
/// ```
/// use subhalf::{Matmul, Operand, reference_matmul};
/// let (a, b) = ([1.0f32, 2.0], [3.0f32, 4.0, 5.0, 6.0]);
/// let mut product = [0.0f32; 2];
/// let (a, b) = (Operand::numbers(&a, &[1, 2])?, Operand::numbers(&b, &[2, 2])?);
/// reference_matmul(&Matmul::new(), a, b, &mut product)?;
/// assert_eq!(product, [11.0, 17.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] for operands whose K or whose batches differ and for a `dst` of another length
/// than the product, [`Error::Scheme`] for operands that the accumulator does not take,
/// [`Error::TooLarge`] for a product beyond the address space, and the other errors of
/// [`Matmul::multiply_into`].
pub fn reference_matmul<'a, D: Real>(
    matmul: &Matmul<'_>,
    a: impl Into<Operand<'a>>,
    b: impl Into<Operand<'a>>,
    dst: &mut [D],
) -> Result<(), Error> {
    let dst = D::slice_mut(dst);
    resolve(matmul, [a.into(), b.into()], dst, &mut Workspace::new(), reference::fill)
}

/// `A · Bᵀ` as f32s, under the defaults of [`Matmul`].
///
/// ```
/// use subhalf::{QuantTensor, matmul, preset};
/// let x: Vec<f32> = (0..64).map(|i| i as f32 / 8.0).collect();
/// let a = QuantTensor::quantize(&preset::ocp::MXFP8_E4M3, &x, &[2, 32])?;
/// let b = QuantTensor::quantize(&preset::modelopt::NVFP4, &x, &[2, 32])?;
/// assert_eq!(matmul(&a, &b)?.len(), 4);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] for operands whose K or whose batches differ, [`Error::Scheme`] for operands
/// that the accumulator does not take, [`Error::TooLarge`] for a product beyond the address space,
/// and the other errors of [`Matmul::multiply_into`].
pub fn matmul<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<Vec<f32>, Error> {
    Matmul::new().multiply(a, b)
}

/// `A · Bᵀ` into a slice: [`matmul`] with an output of f32, f64, f16 or bf16.
///
/// # Errors
/// [`Error::Length`] for operands whose K or whose batches differ and for a `dst` of another length
/// than the product, [`Error::Scheme`] for operands that the accumulator does not take,
/// [`Error::TooLarge`] for a product beyond the address space, and the other errors of
/// [`Matmul::multiply_into`].
pub fn matmul_into<'a, D: Real>(
    a: impl Into<Operand<'a>>,
    b: impl Into<Operand<'a>>,
    dst: &mut [D],
) -> Result<(), Error> {
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
/// [`Error::Length`] for an operand of more than one row and for operands whose lengths differ,
/// [`Error::Scheme`] for operands that the accumulator does not take, and the other errors of
/// [`Matmul::multiply_into`].
pub fn dot<'a>(a: impl Into<Operand<'a>>, b: impl Into<Operand<'a>>) -> Result<f32, Error> {
    let (a, b) = (a.into(), b.into());
    let mut out = [0.0f32];
    Error::check_length("rows of a dot product's A", 1, a.batch().saturating_mul(a.rows()))?;
    Error::check_length("rows of a dot product's B", 1, b.batch().saturating_mul(b.rows()))?;
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
/// [`Error::Length`] for a vector that is not as long as the rows of the matrix, [`Error::Scheme`]
/// for a matrix that the accumulator does not take, and the other errors of
/// [`Matmul::multiply_into`].
pub fn gemv<'a, T: Activation>(
    matrix: impl Into<Operand<'a>>,
    vector: &'a [T],
) -> Result<Vec<f32>, Error> {
    matmul(Operand::numbers(vector, &[1, vector.len()])?, matrix)
}

/// Checks a product, quantizes what is to be quantized, and runs it.
fn resolve<'b>(
    matmul: &Matmul<'_>,
    [a, b]: [Operand<'b>; 2],
    dst: NumbersMut<'_>,
    Workspace { held: [held_a, held_b], product: memory }: &mut Workspace,
    run: fn(&MatmulJob<'_>, NumbersMut<'_>, &mut ProductMemory),
) -> Result<(), Error> {
    let shape = shape_of(&a, &b)?;
    let len = shape.len()?;
    Error::check_length("elements of the product", len, dst.len())?;
    if let Some(addend) = matmul.addend {
        Error::check_length("elements of the addend", len, addend.len())?;
    }
    if let Some(bias) = matmul.bias {
        Error::check_length("elements of the bias", shape.n, bias.len())?;
    }
    // Scales in the sum, block by block, are what a matrix unit does with block-scaled operands.
    let default =
        if a.is_scaled() || b.is_scaled() { Accumulator::BlockF32 } else { Accumulator::F32 };
    let accumulator = matmul.accumulator.unwrap_or(default);
    accumulator.validate()?;
    // Copies live in the workspace, so that the job can borrow them.
    let (a, b) = (held(a, matmul.exec, held_a)?, held(b, matmul.exec, held_b)?);
    // After quantizing, which may refuse its numbers first; before any output is written.
    check(&a, &accumulator)?;
    check(&b, &accumulator)?;
    if let Accumulator::Unit { spec, schedule } = &accumulator {
        check_unit(&a, spec.a(), (spec, schedule))?;
        check_unit(&b, spec.b(), (spec, schedule))?;
    }
    let model = accumulator.model([a.formats(), b.formats()]);
    let model = model.any();
    if len == 0 || !(a.has_matrix_scales() || b.has_matrix_scales()) {
        run(&job_of(matmul, [a, b], shape, accumulator, model), dst, memory);
        return Ok(());
    }
    // Where each matrix has its own tensor scale, each product is one by itself.
    let each = shape.m * shape.n;
    let one = ProductShape { batch: 1, ..shape };
    for (matrix, dst) in dst.chunks(each).enumerate() {
        // A side without such scales stays whole: its blocks may reach over matrices.
        let of = |operand: Operand<'_>| (!operand.has_matrix_scales()).then_some(matrix);
        let first_matrices = [of(a).unwrap_or(0), of(b).unwrap_or(0)];
        let (a, b) = (a.matrix_with_scale(matrix)?, b.matrix_with_scale(matrix)?);
        let first = matrix * each;
        let words = (first as u64).wrapping_mul(shape.k as u64);
        let matmul = Matmul {
            addend: matmul.addend.map(|addend| &addend[first..][..each]),
            dither: matmul.dither.skip(words),
            ..*matmul
        };
        let job = job_of(&matmul, [a, b], one, accumulator, model);
        run(&MatmulJob { first: first_matrices, ..job }, dst, memory);
    }
    Ok(())
}

/// Refuses an operand that an accumulator does not take.
fn check(operand: &Operand<'_>, accumulator: &Accumulator) -> Result<(), Error> {
    match accumulator {
        // A chain takes the values of any operand.
        Accumulator::Chain(_) | Accumulator::Chunked { .. } => Ok(()),
        Accumulator::BlockF32 => check_blockwise(operand),
        Accumulator::Integer { .. } if operand.formats().fraction_bits().is_none() => {
            Err(Error::Scheme {
                what: "operand of an integer sum",
                // A product of 17 bits by 17 and a sum of 53 stay within i64.
                expected: "integer elements of at most 16 bits",
            })
        }
        Accumulator::Integer { .. } | Accumulator::Unit { .. } => check_blockwise(operand),
        // A fixed-point sum has room for products of f32s; values of a block-scaled operand are
        // f32s.
        Accumulator::Exact => match (operand.spec(), operand.element()) {
            (None, Some(format)) if !is_within_f32(format) => Err(Error::Scheme {
                what: "format of an exact sum",
                expected: "numbers that are f32s",
            }),
            _ => Ok(()),
        },
    }
}

/// Whether all numbers of a format are f32s.
fn is_within_f32(format: &FormatSpec) -> bool {
    // The smallest number has the last bit of any; with at most 24 bits up to 2^128 all are f32s.
    let last = format.smallest_positive().exponent();
    format.max_exponent() < 128 && last >= -149 && format.precision().is_none_or(|bits| bits <= 24)
}

/// The product of the tensor scales, if there is one.
fn factor(a: &Operand<'_>, b: &Operand<'_>) -> Option<f32> {
    match (a.tensor_factor(), b.tensor_factor()) {
        (None, None) => None,
        // Both factors are f32s, and their product is rounded to f32: the definition has one
        // factor.
        (a, b) => Some(a.unwrap_or(1.0) * b.unwrap_or(1.0)),
    }
}

/// The shape of a product, if the operands go together.
fn shape_of(a: &Operand<'_>, b: &Operand<'_>) -> Result<ProductShape, Error> {
    Error::check_length("columns of B (K)", a.cols(), b.cols())?;
    if a.batch() != b.batch() && a.batch() != 1 && b.batch() != 1 {
        return Err(Error::Length { what: "matrices of B", expected: a.batch(), found: b.batch() });
    }
    // One matrix goes with all of the other side, also with none.
    let batch = if a.batch() == 1 { b.batch() } else { a.batch() };
    Ok(ProductShape { batch, m: a.rows(), n: b.rows(), k: a.cols() })
}

/// A product of operands that the accumulator takes, under its model. Where B has one matrix for
/// all matrices of A, the latter become one matrix, stacked: lines and elements of the product keep
/// their order, and B is packed once.
pub(super) fn job_of<'a>(
    matmul: &Matmul<'a>,
    [a, b]: [Operand<'a>; 2],
    shape: ProductShape,
    accumulator: Accumulator,
    model: &'a dyn AnyAccumulate,
) -> MatmulJob<'a> {
    let factor = match model.takes() {
        Takes::Elements => factor(&a, &b),
        Takes::Values => None,
    };
    // C is added once: by the model, or after the sum. A tensor scale would multiply a C that is in
    // the sum; programs add C to the scaled one.
    let by_model = model.takes_c() && factor.is_none();
    let (c, addend) = if by_model { (matmul.addend, None) } else { (None, matmul.addend) };
    let finish = Finish { factor, addend, bias: matmul.bias, n: shape.n };
    // A product of no elements may have more rows than can be counted.
    let (a, shape) = match shape.len() {
        // One matrix of a batch of A is one matrix already.
        Ok(1..) if b.batch() == 1 && a.batch() == shape.batch => {
            (a.stacked(), ProductShape { batch: 1, m: shape.batch * shape.m, ..shape })
        }
        _ => (a, shape),
    };
    MatmulJob {
        a,
        b,
        shape,
        accumulator,
        first: [0, 0],
        model,
        c,
        finish,
        dither: matmul.dither,
        exec: matmul.exec,
    }
}

/// Refuses schemes whose numbers are not elements times scales, block by block.
fn check_blockwise(operand: &Operand<'_>) -> Result<(), Error> {
    let Some(spec) = operand.spec() else { return Ok(()) };
    if matches!(spec.offset, Offset::Minimum(_)) {
        return Err(Error::Scheme {
            what: "operand of a block-wise sum",
            expected: "elements without a minimum; F32 takes them",
        });
    }
    if !operand.rows_begin_blocks() {
        return Err(Error::Scheme {
            what: "operand of a block-wise sum",
            expected: "columns that begin at a block; F32 takes those that do not",
        });
    }
    if !operand.blocks_align() {
        return Err(Error::Scheme {
            what: "operand of a block-wise sum",
            expected: "flat blocks that divide a row or are whole rows; F32 takes them",
        });
    }
    Ok(())
}

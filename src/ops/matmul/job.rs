//! [`Job`]: a product whose operands, shape and accumulator go together. Everything that can be refused is refused here.

use super::builder::Matmul;
use super::finish::Finish;
use super::operand::Operand;
use crate::error::Error;
use crate::mma::{Accumulator, AnyAccumulate, Takes};
use crate::ops::Exec;
use crate::random::Dither;
use crate::spec::FormatSpec;
use alloc::boxed::Box;

/// The shape of a product.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) batch: usize,
    pub(super) m: usize,
    pub(super) n: usize,
    pub(super) k: usize,
}

impl Shape {
    pub(super) fn of(a: &Operand<'_>, b: &Operand<'_>) -> Result<Self, Error> {
        Error::check_length("columns of the right side (K)", a.cols(), b.cols())?;
        if a.batch() != b.batch() && a.batch() != 1 && b.batch() != 1 {
            return Err(Error::Length { what: "matrices of the right side", expected: a.batch(), found: b.batch() });
        }
        let batch = if a.batch() == 1 { b.batch() } else { a.batch() };
        Ok(Self { batch, m: a.rows(), n: b.rows(), k: a.cols() })
    }

    /// Elements of the product.
    pub(super) fn len(&self) -> Result<usize, Error> {
        let len = self.m.checked_mul(self.n).and_then(|len| len.checked_mul(self.batch));
        len.filter(|&len| len <= isize::MAX as usize / 8).ok_or(Error::TooLarge)
    }
}

/// A product that was checked.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) a: Operand<'a>,
    pub(super) b: Operand<'a>,
    pub(super) shape: Shape,
    pub(super) accumulator: Accumulator,
    /// What the accumulator does, step by step.
    pub(super) model: Box<dyn AnyAccumulate>,
    /// C, if the model takes it into its sums.
    pub(super) c: Option<&'a [f32]>,
    pub(super) finish: Finish<'a>,
    pub(super) dither: Dither,
    pub(super) exec: Exec,
}

impl<'a> Job<'a> {
    /// A product of operands that the accumulator takes, under its model. Where B has one matrix for all of A's, these are taken as one, under each other:
    /// the same lines, and the same elements of the product.
    pub(super) fn new(
        matmul: &Matmul<'a>,
        [a, b]: [Operand<'a>; 2],
        shape: Shape,
        accumulator: Accumulator,
        model: Box<dyn AnyAccumulate>,
    ) -> Self {
        let factor = match model.takes() {
            Takes::Elements => factor(&a, &b),
            Takes::Values => None,
        };
        let (c, addend) = if model.takes_c() { (matmul.addend, None) } else { (None, matmul.addend) };
        let finish = Finish { factor, addend, bias: matmul.bias, n: shape.n };
        // A product of no elements may have more rows than can be counted.
        let (a, shape) = match shape.len() {
            Ok(1..) if b.batch() == 1 => (a.stacked(), Shape { batch: 1, m: shape.batch * shape.m, ..shape }),
            _ => (a, shape),
        };
        Self { a, b, shape, accumulator, model, c, finish, dither: matmul.dither, exec: matmul.exec }
    }

    /// The matrices of A and B that make a matrix of the product: an operand with a single one has it for all.
    pub(super) const fn matrices(&self, matrix: usize) -> [usize; 2] {
        [if self.a.batch() == 1 { 0 } else { matrix }, if self.b.batch() == 1 { 0 } else { matrix }]
    }

    /// The first line of a matrix of the product in A and in B.
    pub(super) const fn lines(&self, matrix: usize) -> [usize; 2] {
        let [a, b] = self.matrices(matrix);
        [a * self.a.rows(), b * self.b.rows()]
    }
}

/// Checks a product, quantizes what is to be quantized, and runs it.
pub(super) fn resolve<'b, D>(
    matmul: &Matmul<'_>,
    a: Operand<'b>,
    b: Operand<'b>,
    dst: &mut [D],
    run: impl for<'c> FnOnce(&Job<'c>, &mut [D]),
) -> Result<(), Error> {
    let shape = Shape::of(&a, &b)?;
    let len = shape.len()?;
    Error::check_length("elements of the product", len, dst.len())?;
    if let Some(addend) = matmul.addend {
        Error::check_length("elements of the addend", len, addend.len())?;
    }
    if let Some(bias) = matmul.bias {
        Error::check_length("elements of the bias", shape.n, bias.len())?;
    }
    let default = if a.is_scaled() || b.is_scaled() { Accumulator::BlockF32 } else { Accumulator::F32 };
    let accumulator = matmul.accumulator.unwrap_or(default);
    accumulator.validate()?;
    let (a_tensor, b_tensor) = (a.quantize()?, b.quantize()?);
    let a = a_tensor.as_ref().map_or(a, Operand::from);
    let b = b_tensor.as_ref().map_or(b, Operand::from);
    check(&a, &accumulator)?;
    check(&b, &accumulator)?;
    let model = accumulator.model([a.formats(), b.formats()]);
    run(&Job::new(matmul, [a, b], shape, accumulator, model), dst);
    Ok(())
}

/// Refuses an operand that an accumulator does not take.
fn check(operand: &Operand<'_>, accumulator: &Accumulator) -> Result<(), Error> {
    match accumulator {
        // Values of any operand.
        Accumulator::Chain(_) | Accumulator::Chunked { .. } => Ok(()),
        Accumulator::BlockF32 => operand.check_blockwise(),
        Accumulator::Integer { .. } if operand.formats().fraction_bits().is_none() => {
            Err(Error::Scheme { what: "operand of an integer sum", expected: "integer elements of at most 16 bits" })
        }
        Accumulator::Integer { .. } => operand.check_blockwise(),
        Accumulator::Exact => match (operand.spec(), operand.element()) {
            (None, Some(format)) if !is_within_f32(format) => {
                Err(Error::Scheme { what: "format of an exact sum", expected: "numbers that are f32s" })
            }
            _ => Ok(()),
        },
    }
}

/// Whether all numbers of a format are f32s.
fn is_within_f32(format: &FormatSpec) -> bool {
    let last = format.min_positive().exponent();
    format.max_exponent() < 128 && last >= -149 && format.precision().is_none_or(|bits| bits <= 24)
}

/// The product of the tensor scales, if there is one.
fn factor(a: &Operand<'_>, b: &Operand<'_>) -> Option<f32> {
    match (a.tensor_factor(), b.tensor_factor()) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(1.0) * b.unwrap_or(1.0)),
    }
}

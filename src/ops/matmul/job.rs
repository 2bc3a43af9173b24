//! [`MatmulJob`]: a product whose operands, shape and accumulator go together, as data.

use super::finish::Finish;
use super::operand::Operand;
use crate::error::Error;
use crate::mma::{Accumulator, AnyAccumulate};
use crate::ops::Exec;
use crate::random::Dither;

/// The shape of a product.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProductShape {
    pub(super) batch: usize,
    pub(super) m: usize,
    pub(super) n: usize,
    pub(super) k: usize,
}

impl ProductShape {
    /// Elements of the product.
    pub(super) fn len(&self) -> Result<usize, Error> {
        // In this order, so that M = 0 or N = 0 gives no elements whatever the others are.
        let len = self.m.checked_mul(self.n).and_then(|len| len.checked_mul(self.batch));
        // Rust allocates up to isize::MAX bytes, and an element of the product has at most 8.
        len.filter(|&len| len <= isize::MAX as usize / 8).ok_or(Error::TooLarge)
    }
}

/// A product that was checked: operands, shape, accumulator and everything that it may be told.
#[derive(Debug)]
pub(super) struct MatmulJob<'a> {
    pub(super) a: Operand<'a>,
    pub(super) b: Operand<'a>,
    pub(super) shape: ProductShape,
    pub(super) accumulator: Accumulator,
    /// The matrices of A and B that the first matrix of the product is of: 0 of whole operands.
    pub(super) first: [usize; 2],
    /// What the accumulator does, step by step.
    pub(super) model: &'a dyn AnyAccumulate,
    /// C, if the model takes it into its sums.
    pub(super) c: Option<&'a [f32]>,
    /// What is done to a sum when all its products are in it.
    pub(super) finish: Finish<'a>,
    /// Random words of stochastic accumulators: K for each element of the product.
    pub(super) dither: Dither,
    pub(super) exec: Exec,
}

impl MatmulJob<'_> {
    /// The matrices of A and B that make a matrix of the product: an operand with a single one has
    /// it for all.
    pub(super) const fn matrices(&self, matrix: usize) -> [usize; 2] {
        let [a, b] = self.first;
        // An operand with a batch of one is broadcast.
        [
            if self.a.batch() == 1 { 0 } else { a + matrix },
            if self.b.batch() == 1 { 0 } else { b + matrix },
        ]
    }

    /// How many matrices of A take part.
    pub(super) const fn matrices_of_a(&self) -> usize {
        if self.a.batch() == 1 { 1 } else { self.shape.batch }
    }

    /// The place of A's matrix for a matrix of the product among those that take part.
    pub(super) const fn place_of_a(&self, matrix: usize) -> usize {
        if self.a.batch() == 1 { 0 } else { matrix }
    }

    /// The first line of a matrix of the product in A and in B.
    pub(super) const fn lines(&self, matrix: usize) -> [usize; 2] {
        let [a, b] = self.matrices(matrix);
        [a * self.a.rows(), b * self.b.rows()]
    }
}

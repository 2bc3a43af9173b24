//! The definition of a matrix product, element by element.

use super::operand::Operand;
use super::{Job, Matmul, Sum};
use crate::codec::Unpacked;
use crate::error::Error;
use crate::mma::{Accumulator, Chain, Fixed, IntegerOverflow, Partial, Scale, integer_dot};
use crate::ops::real::Real;
use alloc::vec;
use alloc::vec::Vec;

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
    matmul.resolve(a.into(), b.into(), dst, |job, dst| {
        for (index, to) in dst.iter_mut().enumerate() {
            *to = job.finish.apply(index, job.element(index), job.accumulator.is_blockwise());
        }
    })
}

impl Job<'_> {
    /// The sum at a row-major index of the product.
    fn element(&self, index: usize) -> Sum {
        let (line, col) = (index / self.shape.cols, index % self.shape.cols);
        let (matrix, row) = (line / self.shape.rows, line % self.shape.rows);
        let (first_a, first_b) = self.lines(matrix);
        let read = |side: &Operand<'_>, line| -> Vec<f32> {
            let mut row = vec![0.0; self.shape.depth];
            match self.accumulator.is_blockwise() {
                true => side.elements(line, &mut row),
                false => side.values(line, &mut row),
            }
            row
        };
        self.sum(matrix, row, col, &read(&self.a, first_a + row), &read(&self.b, first_b + col))
    }

    /// The sum of a row of each side: their numbers or, block by block, their elements.
    pub(super) fn sum(&self, matrix: usize, row: usize, col: usize, x: &[f32], y: &[f32]) -> Sum {
        let (first_a, first_b) = self.lines(matrix);
        let index = (matrix * self.shape.rows + row) * self.shape.cols + col;
        let dither = self.dither.skip((index as u64).wrapping_mul(self.shape.depth as u64));
        match &self.accumulator {
            Accumulator::Chain(chain) => Sum::of_chain(chain, chain.dot(x, y, dither)),
            Accumulator::Exact => {
                let mut sum = Fixed::ZERO;
                x.iter().zip(y).for_each(|(&x, &y)| sum.add_product(x, y));
                Sum::Exact(sum)
            }
            Accumulator::Chunked { k, inner, outer } => {
                let mut sum = Unpacked::ZERO;
                for (run, (x, y)) in x.chunks(*k).zip(y.chunks(*k)).enumerate() {
                    let first = (run * k) as u64;
                    let last = dither.skip(first + x.len() as u64 - 1);
                    let random = outer.random_bits().map_or(0, |bits| last.word(0, bits));
                    sum = outer.add(sum, inner.dot(x, y, dither.skip(first)), random);
                }
                Sum::of_chain(outer, sum)
            }
            Accumulator::BlockF32 | Accumulator::Integer { .. } => self.blocks(first_a + row, first_b + col, x, y),
        }
    }

    /// The sum of two rows of elements, block by block.
    fn blocks(&self, line_a: usize, line_b: usize, x: &[f32], y: &[f32]) -> Sum {
        let wide = self.a.has_f32_scales() || self.b.has_f32_scales();
        let (mut sum, mut k) = (0.0f32, 0);
        if let Accumulator::Integer { .. } = self.accumulator
            && !self.a.is_scaled()
            && !self.b.is_scaled()
        {
            return Sum::Double(match self.partial(x, y) {
                Partial::Integer(sum, exponent) => Unpacked::new(sum < 0, sum.unsigned_abs(), exponent).to_f64(),
                Partial::Float(sum) => sum.into(),
            });
        }
        while k < x.len() {
            let end = [&self.a, &self.b].map(|side| (k / side.run() + 1) * side.run()).into_iter().min().unwrap_or(0).min(x.len());
            let scale = Scale::new(self.a.scale(line_a, k), self.b.scale(line_b, k), wide);
            sum = self.partial(&x[k..end], &y[k..end]).scaled_onto(sum, scale);
            k = end;
        }
        Sum::Single(sum)
    }

    /// The sum of a block without its scales.
    fn partial(&self, x: &[f32], y: &[f32]) -> Partial {
        let (bits, overflow) = match self.accumulator {
            Accumulator::Integer { bits, overflow } => (bits, overflow),
            // Wide enough for any sum of products of 17 bits each.
            _ => (64, IntegerOverflow::Wrap),
        };
        match (self.a.fraction_bits(), self.b.fraction_bits()) {
            (Some(a), Some(b)) => {
                let units = |row: &[f32], bits: i32| -> Vec<f32> {
                    let unit = Unpacked::new(false, 1, bits).to_f32();
                    row.iter().map(|x| x * unit).collect()
                };
                Partial::Integer(integer_dot(&units(x, a), &units(y, b), bits, overflow), -a - b)
            }
            _ => {
                let sum = Chain::F32.dot(x, y, self.dither);
                Partial::Float(sum.to_f32())
            }
        }
    }
}

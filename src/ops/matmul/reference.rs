//! The definition of a matrix product, element by element, under any model of how products are
//! added up.

use super::job::MatmulJob;
use super::operand::Operand;
use super::workspace::ProductMemory;
use crate::mma::{BlockScales, Products, Sum, Takes};
use crate::ops::numbers::NumbersMut;
use alloc::vec;
use alloc::vec::Vec;

/// Fills the product: each number is read from its code, each sum made step by step.
pub(super) fn fill(job: &MatmulJob<'_>, mut dst: NumbersMut<'_>, _: &mut ProductMemory) {
    let mut blocks = Vec::new();
    for index in 0..dst.len() {
        // Row-major over batch, M and N: `line` counts rows of all matrices.
        let (line, col) = (index / job.shape.n, index % job.shape.n);
        let (matrix, row) = (line / job.shape.m, line % job.shape.m);
        let [first_a, first_b] = job.lines(matrix);
        let numbers = |operand: &Operand<'_>, line| {
            let mut numbers = vec![0.0; job.shape.k];
            match job.model.takes() {
                // Read anew for every element, from codes: nothing is kept that a kernel might
                // share.
                Takes::Elements => operand.elements(line, &mut numbers),
                Takes::Values => operand.values(line, &mut numbers),
            }
            numbers
        };
        let (a, b) = (numbers(&job.a, first_a + row), numbers(&job.b, first_b + col));
        let sum = job.sum((matrix, row, col), &a, &b, &mut blocks);
        dst.set(index, job.finish.apply(index, sum));
    }
}

impl MatmulJob<'_> {
    /// The sum for a matrix, row and column of the product, from the numbers that the model takes
    /// of both lines; `memory` is for their blocks.
    pub(super) fn sum(
        &self,
        (matrix, row, col): (usize, usize, usize),
        a: &[f32],
        b: &[f32],
        memory: &mut Vec<BlockScales>,
    ) -> Sum {
        // Element `index` takes random words `index · K` to `index · K + K - 1`; indices wrap at
        // 2^64 like those of slices.
        let index = (matrix * self.shape.m + row) * self.shape.n + col;
        let dither = self.dither.skip((index as u64).wrapping_mul(self.shape.k as u64));
        memory.clear();
        if self.model.takes() == Takes::Elements {
            self.blocks(matrix, row, col, memory);
        }
        let products = Products { first: 0, a, b, blocks: memory, dither };
        self.model.sum(products, self.c.map(|c| c[index]))
    }

    /// The blocks of a row of A and a row of B: stretches of K in which neither side meets the end
    /// of one of its blocks.
    fn blocks(&self, matrix: usize, row: usize, col: usize, blocks: &mut Vec<BlockScales>) {
        let [first_a, first_b] = self.lines(matrix);
        let mut k = 0;
        while k < self.shape.k {
            // Blocks of an operand end at multiples of its `block_k`, and at the end of the row.
            let next_end = |operand: &Operand<'_>| (k / operand.block_k() + 1) * operand.block_k();
            let scales = [self.a.scale(first_a + row, k), self.b.scale(first_b + col, k)];
            let end = next_end(&self.a).min(next_end(&self.b)).min(self.shape.k);
            blocks.push(BlockScales { end, scales });
            k = end;
        }
    }
}

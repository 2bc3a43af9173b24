//! [`Matmul`]: what a product may be told. How it is then made is [`product`](super::product)'s.

use crate::mma::Accumulator;
use crate::ops::Exec;
use crate::random::Dither;

/// A matrix product `A · Bᵀ` with everything that it may be told: how sums are made, what is added,
/// where random bits come from, how to run.
///
/// ```
/// use subhalf::{Accumulator, Matmul, Operand, QuantTensor, preset};
/// let weight: Vec<f32> = (0..3 * 32).map(|i| (i % 7) as f32 - 3.0).collect();
/// let weight = QuantTensor::quantize(&preset::ocp::MXFP4, &weight, &[3, 32])?;
/// let x = [1.0f32; 32];
/// let x = Operand::numbers(&x, &[1, 32])?;
/// assert_eq!(Matmul::new().bias(&[0.5, 0.0, 0.0]).multiply(x, &weight)?, [-5.5, 3.0, -2.0]);
/// let exact = Matmul::new().accumulator(Accumulator::Exact);
/// assert_eq!(exact.multiply(x, &weight)?, [-6.0, 3.0, -2.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Matmul<'a> {
    /// `None`: by the operands, once they are known.
    pub(super) accumulator: Option<Accumulator>,
    /// C, row-major, in the shape of the product.
    pub(super) addend: Option<&'a [f32]>,
    /// A number for each of the N columns.
    pub(super) bias: Option<&'a [f32]>,
    // Read by stochastic roundings alone.
    pub(super) dither: Dither,
    // Threads and instructions; the kernels for the latter are chosen when a product is run.
    pub(super) exec: Exec,
}

impl core::fmt::Debug for Matmul<'_> {
    /// Writes what the product is told, in one line; slices of numbers show their lengths.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Matmul({:?}", self.accumulator)?;
        for (what, numbers) in [("addend", self.addend), ("bias", self.bias)] {
            if let Some(numbers) = numbers {
                write!(f, ", {what} of {}", numbers.len())?;
            }
        }
        write!(f, ", {:?}, {:?})", self.dither, self.exec)
    }
}

impl Default for Matmul<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Matmul<'a> {
    /// Nothing added, no random bits, on all threads; sums are [`Accumulator::BlockF32`] if a side
    /// is a block-scaled tensor, else [`Accumulator::F32`].
    #[must_use]
    pub const fn new() -> Self {
        Self {
            // The default depends on the operands, which are not known yet.
            accumulator: None,
            addend: None,
            bias: None,
            dither: Dither::NONE,
            exec: Exec::PARALLEL,
        }
    }

    /// How the products that make up an element of the result are summed, and with what rounding:
    /// in a chain, exactly, in integers or block by block. Whether it takes the operands is checked
    /// when the product is run.
    #[must_use]
    pub const fn accumulator(mut self, accumulator: Accumulator) -> Self {
        // Checked when the product is run, so that builders are const and cannot fail.
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

    /// Random words for a stochastic rounding. [`Chain::rounded`](crate::Chain::rounded) says which
    /// product takes which word.
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
}

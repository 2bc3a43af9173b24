//! [`Workspace`]: memory that a product needs beside its operands and its result.

use super::held::HeldMemory;
use super::scratch::WorkScratch;
use super::tile::TileA;
use alloc::vec::Vec;

/// Memory for products, kept from one to the next: the packed operand A, panels of B, sums. A
/// product with a workspace that one of the same shape and formats had before allocates nothing on
/// one thread; without, each product allocates and frees about as much as A has, and some hundred
/// KiB for each thread. No result depends on it.
///
/// It grows to what the largest product needs and never shrinks; a new one has no memory. On
/// several threads lists of the pieces of work are allocated all the same, a few bytes for each row
/// of each piece. So is what an operand costs that has to be made first: a
/// [transposed](super::Operand::transposed) tensor, and what
/// [`Quantizer::quantize_into`](crate::Quantizer::quantize_into) allocates for an operand that is
/// quantized on the way.
///
/// ```
/// use subhalf::{Matmul, Operand, QuantTensor, Workspace, preset};
/// let weight = QuantTensor::quantize(&preset::ocp::MXFP4, &[0.5f32; 96], &[3, 32])?;
/// let (mut y, mut workspace) = ([0.0f32; 3], Workspace::new());
/// for token in 1..4 {
///     let x = [token as f32; 32];
///     let x = Operand::numbers(&x, &[1, 32])?;
///     Matmul::new().multiply_with(x, &weight, &mut y, &mut workspace)?;
///     assert_eq!(y, [16.0 * token as f32; 3]);
/// }
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Default)]
pub struct Workspace {
    /// Copies of A and B, where kernels cannot read the caller's.
    pub(super) held: [HeldMemory; 2],
    pub(super) product: ProductMemory,
}

impl Workspace {
    /// A workspace without memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sums of the last product that no kernel made: the steps of the accumulator's model did, one
    /// after the other, some hundred times as slowly. That is all of them where there is no kernel
    /// for the accumulator, and under a [matrix unit](crate::unit) those of rows and columns with
    /// numbers that its kernel does not take: NaN, infinities, numbers outside of 2^-50 to 2^63.
    ///
    /// ```
    /// use subhalf::{Accumulator, FormatSpec, KSchedule, Matmul, Operand, Workspace, unit};
    /// let e4m3 = FormatSpec::F8E4M3;
    /// let unit = Accumulator::unit(unit::hopper::WGMMA_FP8.spec(e4m3, e4m3)?, KSchedule::InOrder);
    /// // Two rows, the second with a NaN, by three.
    /// let (a, b) = ([0x38u8, 0x38, 0x7F, 0x38], [0x30u8; 6]);
    /// let (a, b) = (Operand::codes(&e4m3, &a, &[2, 2])?, Operand::codes(&e4m3, &b, &[3, 2])?);
    /// let (mut y, mut workspace) = ([0.0f32; 6], Workspace::new());
    /// Matmul::new().accumulator(unit).multiply_with(a, b, &mut y, &mut workspace)?;
    /// assert_eq!((y[0], y[5].is_nan(), workspace.sums_by_steps()), (1.0, true, 3));
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    pub fn sums_by_steps(&self) -> usize {
        self.product.threads.iter().map(|scratch| scratch.steps.count).sum()
    }
}

impl core::fmt::Debug for Workspace {
    /// Its name; the contents mean nothing.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Workspace")
    }
}

/// What the fast path keeps.
#[derive(Default)]
pub(super) struct ProductMemory {
    /// The tiles of A, those of one matrix after those of another; more than the last product had
    /// keep their memory.
    pub(super) tiles: Vec<TileA>,
    /// Tiles cut to fewer rows.
    pub(super) parts: Vec<TileA>,
    /// One for each thread that works at the same time.
    pub(super) threads: Vec<WorkScratch>,
}

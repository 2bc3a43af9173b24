//! Operands of the GEMV kernels.

use super::tile::{Lanes, Quad};

/// Panels of B that are worked on together: 64 columns.
pub(crate) const PANELS: usize = 4;

/// Rows of A that are worked on together at most.
pub(crate) const GEMV_MR: usize = 8;

/// Rows up to which GEMV kernels are faster than micro-kernels of 16 rows.
pub(super) const MAX_ROWS: usize = 12;

/// The scales or factors of a panel, one for each block and column: f32, or bf16 where all are
/// exact in it, which halves what is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BlockFactors<'a> {
    /// One f32 for each column.
    F32(&'a [Lanes<f32>]),
    /// The upper halves of f32s whose lower halves are zero.
    Bf16(&'a [Lanes<u16>]),
}

impl BlockFactors<'_> {
    /// Returns the factors of a block, one for each column.
    #[inline(always)]
    pub(crate) fn at(self, block: usize) -> Lanes<f32> {
        match self {
            Self::F32(numbers) => numbers[block],
            // A widening and a shift in one register.
            Self::Bf16(halves) => halves[block].map(|half| f32::from_bits(u32::from(half) << 16)),
        }
    }
}

/// What an element of B has besides a factor, one number for each block and column.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BlockOffsets<'a> {
    /// Nothing.
    None,
    /// A number that is added after the factor was multiplied.
    Minima(&'a [Lanes<f32>]),
    /// A number that is subtracted before the factor is multiplied.
    ZeroPoints(&'a [Lanes<f32>]),
}

impl BlockOffsets<'_> {
    /// Returns the offsets of a block, one for each column; zeros if there are none.
    #[inline(always)]
    pub(crate) fn at(self, block: usize) -> Lanes<f32> {
        match self {
            Self::None => Lanes::default(),
            Self::Minima(numbers) | Self::ZeroPoints(numbers) => numbers[block],
        }
    }
}

/// A panel of B as codes, with the factors and offsets of its blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GemvPanel<'a> {
    /// Codes of 16 columns: a byte for each k, or quads of 4-bit codes.
    pub(crate) codes: &'a [u8],
    /// The factors of its blocks.
    pub(crate) factors: BlockFactors<'a>,
    /// The offsets of its blocks, of one kind in all panels of a call.
    pub(crate) offsets: BlockOffsets<'a>,
}

/// What the factors of blocks multiply, which is part of the definition of a product.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Factors<'a> {
    /// Every element of B, before its product with A.
    Elements,
    /// The sum of a block, together with the scales of A's rows that are given here.
    Sums(&'a [f32]),
}

/// Fills eight rows of numbers, one for each k, from each quad; the last quad may have fewer.
#[inline(always)]
pub(in crate::kernel) fn by_eights(
    quads: &[Quad],
    numbers: &mut [Lanes<f32>],
    decode: impl Fn(&Quad) -> [Lanes<f32>; 8],
) {
    // Eight rows are a constant count: they are stored from registers without a loop.
    let (whole, last) = numbers.as_chunks_mut();
    whole.iter_mut().zip(quads).for_each(|(rows, quad)| *rows = decode(quad));
    // The end of K, decoded whole and stored in part.
    if let (false, Some(quad)) = (last.is_empty(), quads.get(whole.len())) {
        last.iter_mut().zip(decode(quad)).for_each(|(to, row)| *to = row);
    }
}

/// The numbers of 4-bit codes as a table for registers.
#[derive(Clone, Debug)]
pub(in crate::kernel) enum NibbleTable {
    /// Sixteen f32s, for permutes of f32s.
    Numbers(Lanes<f32>),
    /// The low and the high bytes of sixteen bf16s, for permutes of bytes. Rows go one by one.
    Bytes([[u8; 16]; 2]),
}

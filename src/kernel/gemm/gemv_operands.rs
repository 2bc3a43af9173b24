//! What sums of a few rows are given.

use super::tile::{Lanes, Quad};

/// Panels that are worked on together.
pub(crate) const PANELS: usize = 4;

/// Rows that are, at most.
pub(crate) const GEMV_MR: usize = 8;

/// Rows up to which such sums are quicker than tiles of 16.
pub(super) const MAX_ROWS: usize = 12;

/// Numbers of a panel's blocks: f32s, or the upper halves of those that have nothing in the lower.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BlockFactors<'a> {
    F32(&'a [Lanes<f32>]),
    Bf16(&'a [Lanes<u16>]),
}

impl BlockFactors<'_> {
    /// The numbers of a block.
    #[inline(always)]
    pub(crate) fn at(self, block: usize) -> Lanes<f32> {
        match self {
            Self::F32(numbers) => numbers[block],
            Self::Bf16(halves) => halves[block].map(|half| f32::from_bits(u32::from(half) << 16)),
        }
    }
}

/// A panel of codes, position by position or in pairs as quads, and what its elements are
/// multiplied by, block by block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GemvPanel<'a> {
    pub(crate) codes: &'a [u8],
    pub(crate) factors: BlockFactors<'a>,
}

/// What the factors multiply.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Factors<'a> {
    /// Every element; the rows' numbers are multiplied by the products.
    Elements,
    /// The sums of blocks, together with the rows' scales.
    Sums(&'a [f32]),
}

/// Fills eight positions for each quad; for the last there may be fewer.
#[inline(always)]
pub(in crate::kernel) fn by_eights(
    quads: &[Quad],
    numbers: &mut [Lanes<f32>],
    decode: impl Fn(&Quad) -> [Lanes<f32>; 8],
) {
    let (whole, last) = numbers.as_chunks_mut();
    whole.iter_mut().zip(quads).for_each(|(rows, quad)| *rows = decode(quad));
    if let (false, Some(quad)) = (last.is_empty(), quads.get(whole.len())) {
        last.iter_mut().zip(decode(quad)).for_each(|(to, row)| *to = row);
    }
}

/// Numbers of 4-bit codes in registers.
#[derive(Clone, Debug)]
pub(in crate::kernel) enum NibbleTable {
    /// Sixteen numbers.
    Numbers(Lanes<f32>),
    /// The low bytes of numbers that are bf16s, and the high ones; rows go one by one.
    Bytes([[u8; 16]; 2]),
}

//! [`Slicing`]: numbers cut into slices of so few bits that sums of products of two slices are
//! exact in f64.
//!
//! ```text
//! x = x0 + x1 + .. with bits last + i·w up to last + (i+1)·w in xi,   w = (53 - log2 K) / 2
//! sum of a·b over K = sum over i, j of (sum of ai·bj over K)      2w + log2 K <= 53 bits each
//! ```
//!
//! The inner sums are f64 kernels; the outer one is in fixed point.

use super::tile::TileA;
use crate::kernel::Isa;
use crate::kernel::gemm::cut_bits;
use alloc::vec::Vec;

/// Slices of an operand above which sums in fixed point are faster.
const MOST: usize = 4;

/// How the numbers of A are cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slicing {
    range: BitSpan,
    /// Bits of a slice.
    width: i32,
}

/// Where the bits of some numbers lie: the exponents of the last bit of any and behind the first of
/// any.
#[derive(Clone, Copy, Debug)]
pub(super) struct BitSpan {
    last: i32,
    end: i32,
    finite: bool,
}

impl BitSpan {
    const NONE: Self = Self { last: i32::MAX, end: i32::MIN, finite: true };

    pub(super) fn of(numbers: &[f32]) -> Self {
        numbers.iter().fold(Self::NONE, |span, x| {
            let bits = x.to_bits() & 0x7FFF_FFFF;
            // Zero has no bits.
            if bits == 0 {
                return span;
            }
            let (field, mantissa) = ((bits >> 23) as i32, bits & 0x007F_FFFF);
            // `significand · 2^unit`, subnormal numbers without the leading one.
            let significand = if field == 0 { mantissa } else { mantissa | 0x0080_0000 };
            let unit = field.max(1) - 150;
            Self {
                last: span.last.min(unit + significand.trailing_zeros() as i32),
                end: span.end.max(unit + 32 - significand.leading_zeros() as i32),
                finite: span.finite && field < 255,
            }
        })
    }

    fn join(self, other: Self) -> Self {
        Self {
            last: self.last.min(other.last),
            end: self.end.max(other.end),
            finite: self.finite && other.finite,
        }
    }

    /// How many slices of a width these numbers have.
    fn slices(self, width: i32) -> usize {
        // Nothing but zeros: one slice, so that there is a sum.
        if self.end <= self.last {
            1
        } else {
            ((self.end - self.last) as usize).div_ceil(width as usize)
        }
    }
}

impl Slicing {
    /// How the numbers of A are cut for sums of `depth` products, if into few slices.
    pub(super) fn new(tiles: &[TileA], depth: usize) -> Option<Self> {
        let range =
            tiles.iter().fold(BitSpan::NONE, |range, tile| range.join(BitSpan::of(&tile.numbers)));
        // A sum of `depth` products of two slices has twice this many bits and those of `depth`: at
        // most 53.
        let width = (53 - (usize::BITS - depth.leading_zeros()) as i32) / 2;
        (range.finite && width > 0 && range.slices(width) <= MOST).then_some(Self { range, width })
    }

    /// How many slices the numbers of A have.
    pub(super) fn count(&self) -> usize {
        self.range.slices(self.width)
    }

    /// How many slices of this width the numbers of a panel of B have, if few.
    pub(super) fn count_of(&self, b: BitSpan) -> Option<usize> {
        let count = b.slices(self.width);
        (b.finite && count <= MOST).then_some(count)
    }

    /// Appends the bits of numbers that are in a slice, the last bits' slice first.
    pub(super) fn slice(
        &self,
        isa: Isa,
        range: BitSpan,
        index: usize,
        numbers: &[f32],
        to: &mut Vec<f32>,
    ) {
        // A range of zeros alone has `last` = i32::MAX.
        let from = range.last.saturating_add(index as i32 * self.width);
        let first = to.len();
        to.extend_from_slice(numbers);
        cut_bits(isa, from, from.saturating_add(self.width), &mut to[first..]);
    }

    /// Cuts the numbers of a tile, if there is anything to cut.
    pub(super) fn cut(&self, tile: &mut TileA, isa: Isa) {
        let count = self.count();
        tile.slices_used = if count > 1 { count } else { 0 };
        // Never fewer, so that slices of an earlier product keep their memory.
        tile.slices.resize_with(tile.slices_used.max(tile.slices.len()), Vec::new);
        for (index, slice) in tile.slices.iter_mut().enumerate().take(tile.slices_used) {
            slice.clear();
            self.slice(isa, self.range, index, &tile.numbers, slice);
        }
    }
}

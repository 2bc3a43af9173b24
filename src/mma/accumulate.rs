//! [`Accumulate`]: the seam between matrix products and the models of how products are added up. It
//! owns what a model is told and asked; shapes, and where numbers come from, are `ops::matmul`'s.
//!
//! One element of a product is made so, whatever the model ([`AnyAccumulate::sum`]):
//!
//! ```text
//! state = start_with(C), or start() where the model leaves C to the end
//! for group in products, k upward:         group_len() says where a group ends
//!     step(state, group)                   numbers of both sides, scales of blocks, random words
//! sum = finish(state)                      before tensor scales, a C left to the end and the bias
//! ```
//!
//! A fused multiply-add chain has groups of one product and no scales. A matrix unit has groups of
//! 4 to 64; it may align C with the products of its first group, and see the scales of the blocks
//! in a group.

use super::fixed::Fixed;
use crate::arith;
use crate::codec::Unpacked;
use crate::random::Dither;
use core::fmt::Debug;

/// Which numbers a model multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// The numbers that [`dequantize`](crate::QuantView::dequantize) gives, scales and tensor
    /// scales in them; it sees no blocks.
    Values,
    /// Elements, zero points taken off, with the scales of their blocks beside them. Tensor scales
    /// multiply the finished sum.
    Elements,
}

/// How many products enter a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupLen {
    /// This many, at least one; the last group of a sum may be shorter.
    Products(usize),
    /// All up to the next end of a block of either side.
    Block,
}

/// The scales of consecutive products in which neither side meets the end of one of its blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockScales {
    /// The position behind the last product, counted from the first product of the sum.
    pub(crate) end: usize,
    /// The scales of both sides, without tensor scales; 1 for a side that has none.
    pub(crate) scales: [f32; 2],
}

/// Consecutive products of a sum: all of them, or a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Products<'a> {
    /// The position of the first one in the sum.
    pub(crate) first: usize,
    /// The numbers of both sides, as many of each.
    pub(crate) a: &'a [f32],
    pub(crate) b: &'a [f32],
    /// The blocks that these products are in. The first may have begun before, the last may go on;
    /// [`Takes::Values`] has none.
    pub(crate) blocks: &'a [BlockScales],
    /// Random words, the first product's first.
    pub(crate) dither: Dither,
}

impl<'a> Products<'a> {
    /// The pairs of numbers, *k* upward.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (f32, f32)> {
        self.a.iter().copied().zip(self.b.iter().copied())
    }

    /// The scales of the block that the first product is in.
    pub(crate) fn scales(&self) -> [f32; 2] {
        self.blocks.first().map_or([1.0; 2], |block| block.scales)
    }

    /// The random word of the product at a position of this group, for a rounding that takes `bits`
    /// random bits.
    pub(crate) const fn word(&self, position: usize, bits: u8) -> u32 {
        self.dither.word(position as u64, bits)
    }

    /// These products in groups. A group of [`Products`](GroupLen::Products) splits into its blocks
    /// by [`Block`](GroupLen::Block).
    pub(crate) fn groups(self, length: GroupLen) -> impl Iterator<Item = Self> {
        let mut rest = self;
        core::iter::from_fn(move || {
            let length = match length {
                GroupLen::Products(count) => count,
                GroupLen::Block => {
                    rest.blocks.first().map_or(rest.a.len(), |block| block.end - rest.first)
                }
            };
            (!rest.a.is_empty()).then(|| rest.take_first(length))
        })
    }

    /// Cuts off the first products, at most `count`.
    fn take_first(&mut self, count: usize) -> Self {
        let count = count.min(self.a.len());
        let ((a, rest_a), (b, rest_b)) = (self.a.split_at(count), self.b.split_at(count));
        let end = self.first + count;
        // Blocks that end before or with the group; one that goes on is in both parts.
        let ended = self.blocks.iter().take_while(|block| block.end <= end).count();
        let goes_on = ended == 0 || self.blocks[ended - 1].end < end;
        let blocks = &self.blocks[..(ended + usize::from(goes_on)).min(self.blocks.len())];
        let group = Self { a, b, blocks, ..*self };
        *self = Self {
            first: end,
            a: rest_a,
            b: rest_b,
            blocks: &self.blocks[ended..],
            dither: self.dither.skip(count as u64),
        };
        group
    }
}

/// A sum before anything is added to it.
#[derive(Clone, Debug)]
pub(crate) enum Sum {
    F32(f32),
    F64(f64),
    Exact(Fixed),
}

/// A model of how the products of one element of a matrix product are added up. It is part of the
/// definition of a result, to the last bit.
pub(crate) trait Accumulate {
    /// What it keeps from one group to the next.
    type State;

    /// Which numbers it multiplies.
    fn takes(&self) -> Takes;

    /// How many products enter a step.
    fn group_len(&self) -> GroupLen;

    /// The state of a sum of nothing.
    fn start(&self) -> Self::State;

    /// The state of a sum that C is a part of, before its first product; `None` if C is added to
    /// the finished sum.
    fn start_with(&self, c: f32) -> Option<Self::State> {
        let _ = c;
        None
    }

    /// The product rule: what a pair of numbers contributes to a sum. It is exact unless a model
    /// says otherwise.
    fn product(&self, a: f32, b: f32) -> Unpacked {
        // The significand of a product of two f32s has at most 48 bits.
        arith::product(Unpacked::from_f32(a), Unpacked::from_f32(b))
    }

    /// Adds a group of products.
    fn step(&self, state: &mut Self::State, group: &Products<'_>);

    /// The sum of all groups.
    fn finish(&self, state: Self::State) -> Sum;
}

/// [`Accumulate`] without the type of its state, so that a product can hold any model.
pub(crate) trait AnyAccumulate: Debug + Send + Sync {
    /// Which numbers it multiplies.
    fn takes(&self) -> Takes;

    /// Whether C is a part of the sum, so that it is not added at the end.
    fn takes_c(&self) -> bool;

    /// The sum of some products. `c` is given only to a model that [takes it](Self::takes_c).
    fn sum(&self, products: Products<'_>, c: Option<f32>) -> Sum;
}

impl<M: Accumulate + Debug + Send + Sync> AnyAccumulate for M {
    fn takes(&self) -> Takes {
        Accumulate::takes(self)
    }

    fn takes_c(&self) -> bool {
        self.start_with(0.0).is_some()
    }

    fn sum(&self, products: Products<'_>, c: Option<f32>) -> Sum {
        let mut state = c.and_then(|c| self.start_with(c)).unwrap_or_else(|| self.start());
        products.groups(self.group_len()).for_each(|group| self.step(&mut state, &group));
        self.finish(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn groups_know_the_blocks_they_are_in() {
        let numbers: Vec<f32> = (0..10).map(|k| k as f32).collect();
        let blocks = [(3, 0.5), (4, 1.0), (8, 2.0), (10, 4.0)]
            .map(|(end, scale)| BlockScales { end, scales: [scale, 1.0] });
        let all = Products {
            first: 0,
            a: &numbers,
            b: &numbers,
            blocks: &blocks,
            dither: Dither::new(1),
        };
        let ends =
            |group: &Products<'_>| group.blocks.iter().map(|block| block.end).collect::<Vec<_>>();
        let groups: Vec<Products<'_>> = all.groups(GroupLen::Products(4)).collect();
        assert_eq!(groups.iter().map(ends).collect::<Vec<_>>(), [&[3, 4][..], &[8], &[10]]);
        assert_eq!(
            groups.iter().map(|group| (group.first, group.a.len())).collect::<Vec<_>>(),
            [(0, 4), (4, 4), (8, 2)]
        );
        assert_eq!(groups[1].word(1, 32), Dither::new(1).word(5, 32));
        // A block that two groups share, in parts.
        let parts = |length| {
            all.groups(GroupLen::Products(length)).flat_map(|group| group.groups(GroupLen::Block))
        };
        let found: Vec<_> =
            parts(6).map(|part| (part.first, part.a.len(), part.scales()[0])).collect();
        assert_eq!(found, [(0, 3, 0.5), (3, 1, 1.0), (4, 2, 2.0), (6, 2, 2.0), (8, 2, 4.0)]);
        // Without blocks a group is all there is.
        assert_eq!(Products { blocks: &[], ..all }.groups(GroupLen::Block).count(), 1);
    }
}

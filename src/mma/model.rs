//! From an [`Accumulator`] to the [`Accumulate`](super::accumulate::Accumulate) that defines it.

use super::accumulate::AnyAccumulate;
use super::accumulator::Chain;
use super::accumulator::{Accumulator, IntegerOverflow};
use super::blocks::{BlockSum, IntegerSum};
use super::chain::{Chunked, ExactSum};
use super::unit::UnitSum;
use crate::spec::{Encoding, FormatSpec};

/// What a model may know of one side of a product before it sees numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Formats<'a> {
    /// The format of the elements, if they are codes.
    pub(crate) element: Option<&'a FormatSpec>,
    /// The format of the scales of blocks, if there are any.
    pub(crate) scale: Option<&'a FormatSpec>,
    /// Whether the side is a block-scaled tensor.
    pub(crate) is_scaled: bool,
}

impl Formats<'_> {
    /// Bits behind the binary point of integer elements of at most 16 bits.
    pub(crate) fn fraction_bits(&self) -> Option<i32> {
        match self.element?.encoding() {
            Encoding::Int(layout) if layout.bits <= 16 => Some(layout.fraction_bits.into()),
            _ => None,
        }
    }

    /// Whether scales are f32s, whose products have to be rounded.
    pub(crate) fn has_f32_scales(&self) -> bool {
        self.scale == Some(&FormatSpec::F32)
    }
}

/// The model of an accumulator, by value: a product keeps it on the stack.
#[derive(Debug)]
pub(crate) enum Model {
    Chain(Chain),
    Blocks(BlockSum),
    Exact(ExactSum),
    Chunked(Chunked),
    Integers(IntegerSum),
    Unit(UnitSum),
}

impl Model {
    /// The model without its type.
    pub(crate) fn any(&self) -> &dyn AnyAccumulate {
        match self {
            Self::Chain(model) => model,
            Self::Blocks(model) => model,
            Self::Exact(model) => model,
            Self::Chunked(model) => model,
            Self::Integers(model) => model,
            Self::Unit(model) => model,
        }
    }
}

impl Accumulator {
    /// The model of this accumulator for sides of these formats.
    pub(crate) fn model(&self, [a, b]: [Formats<'_>; 2]) -> Model {
        let wide = a.has_f32_scales() || b.has_f32_scales();
        let fraction_bits = a.fraction_bits().zip(b.fraction_bits()).map(|(a, b)| [a, b]);
        let integers =
            |bits, overflow| fraction_bits.map(|both| IntegerSum::new(both, bits, overflow));
        match *self {
            Self::Chain(chain) => Model::Chain(chain),
            // 64 bits are enough for any sum of products of 17 bits each.
            Self::BlockF32 => {
                Model::Blocks(BlockSum { integers: integers(64, IntegerOverflow::Wrap), wide })
            }
            Self::Exact => Model::Exact(ExactSum),
            Self::Chunked { k, inner, outer } => Model::Chunked(Chunked { k, inner, outer }),
            Self::Unit { spec, schedule } => Model::Unit(UnitSum { unit: spec, schedule }),
            Self::Integer { bits, overflow } => match integers(bits, overflow) {
                Some(sum) if !a.is_scaled && !b.is_scaled => Model::Integers(sum),
                integers => Model::Blocks(BlockSum { integers, wide }),
            },
        }
    }
}

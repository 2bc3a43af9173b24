//! Chains: one step on exact numbers, **the definition**, and [`Accumulate`] for [`Chain`], chunks
//! of chains and exact sums. They know nothing about matrices or speed.

use super::accumulate::{Accumulate, GroupLen, Products, Sum, Takes};
use super::accumulator::Chain;
use super::fixed::Fixed;
use crate::arith;
use crate::bits::fma_f32;
use crate::codec::Unpacked;
use crate::round::Round;

impl Chain {
    /// `acc + x`, rounded once; `x` is exact.
    pub(crate) fn add(&self, acc: Unpacked, x: Unpacked, random: u32) -> Unpacked {
        self.round(arith::sum(acc, x, self.rounding()), random)
    }

    /// The sum that an accumulator of this value is.
    pub(crate) const fn sum_of(&self, value: Unpacked) -> Sum {
        match self {
            Self::F64 => Sum::F64(value.to_f64()),
            Self::F32 | Self::Rounded { .. } => Sum::F32(value.to_f32()),
        }
    }

    /// The sum of some products, from zero.
    pub(super) fn total(&self, products: &Products<'_>) -> Unpacked {
        let mut state = self.start();
        self.step(&mut state, products);
        match state {
            ChainState::F32(sum) => Unpacked::from_f32(sum),
            ChainState::F64(sum) => Unpacked::from_f64(sum),
            ChainState::Rounded(sum) => sum,
        }
    }

    const fn rounding(&self) -> Round {
        match self {
            Self::F32 | Self::F64 => Round::NearestEven,
            Self::Rounded { rounding, .. } => *rounding,
        }
    }

    const fn round(&self, exact: Unpacked, random: u32) -> Unpacked {
        match self {
            Self::F32 => Unpacked::from_f32(exact.to_f32()),
            Self::F64 => Unpacked::from_f64(exact.to_f64()),
            Self::Rounded { format, rounding } => format.decode(
                format
                    .encode_with(exact, &format.default_convert().with_round(*rounding), random)
                    .code,
            ),
        }
    }
}

/// The accumulator of a chain, in the processor's arithmetic where that is the same.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ChainState {
    F32(f32),
    F64(f64),
    Rounded(Unpacked),
}

impl Accumulate for Chain {
    type State = ChainState;

    fn takes(&self) -> Takes {
        Takes::Values
    }

    fn group_len(&self) -> GroupLen {
        GroupLen::Products(1)
    }

    fn start(&self) -> ChainState {
        match self {
            Self::F32 => ChainState::F32(0.0),
            Self::F64 => ChainState::F64(0.0),
            Self::Rounded { .. } => ChainState::Rounded(Unpacked::ZERO),
        }
    }

    fn step(&self, state: &mut ChainState, group: &Products<'_>) {
        match state {
            // `add` of each product, in plain arithmetic: a product of two f32s is exact in f64.
            ChainState::F32(acc) => {
                *acc = group.pairs().fold(*acc, |acc, (a, b)| fma_f32(a, b, acc));
            }
            ChainState::F64(acc) => {
                *acc = group.pairs().fold(*acc, |acc, (a, b)| acc + f64::from(a) * f64::from(b));
            }
            ChainState::Rounded(acc) => {
                for (k, (a, b)) in group.pairs().enumerate() {
                    let random = self.random_bits().map_or(0, |bits| group.word(k, bits));
                    *acc = self.add(*acc, self.product(a, b), random);
                }
            }
        }
    }

    fn finish(&self, state: ChainState) -> Sum {
        match state {
            ChainState::F32(sum) => Sum::F32(sum),
            ChainState::F64(sum) => Sum::F64(sum),
            ChainState::Rounded(sum) => self.sum_of(sum),
        }
    }
}

/// [`Accumulator::chunked`](super::Accumulator::chunked): a group is a chunk, which `inner` adds up
/// from zero; `outer` adds up the sums of chunks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunked {
    pub(super) k: usize,
    pub(super) inner: Chain,
    pub(super) outer: Chain,
}

impl Accumulate for Chunked {
    type State = Unpacked;

    fn takes(&self) -> Takes {
        Takes::Values
    }

    fn group_len(&self) -> GroupLen {
        GroupLen::Products(self.k)
    }

    fn start(&self) -> Unpacked {
        Unpacked::ZERO
    }

    fn step(&self, acc: &mut Unpacked, group: &Products<'_>) {
        // A stochastic `outer` takes the word of the chunk's last product; a stochastic `inner`
        // takes the words of all its products.
        let random = self.outer.random_bits().map_or(0, |bits| group.word(group.a.len() - 1, bits));
        *acc = self.outer.add(*acc, self.inner.total(group), random);
    }

    fn finish(&self, acc: Unpacked) -> Sum {
        self.outer.sum_of(acc)
    }
}

/// [`Accumulator::Exact`](super::Accumulator::Exact).
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExactSum;

impl Accumulate for ExactSum {
    type State = Fixed;

    fn takes(&self) -> Takes {
        Takes::Values
    }

    fn group_len(&self) -> GroupLen {
        GroupLen::Products(1)
    }

    fn start(&self) -> Fixed {
        Fixed::ZERO
    }

    fn step(&self, sum: &mut Fixed, group: &Products<'_>) {
        group.pairs().for_each(|(a, b)| sum.add(self.product(a, b)));
    }

    fn finish(&self, sum: Fixed) -> Sum {
        Sum::Exact(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::F32_NAN;
    use crate::random::philox4x32_10;

    /// The plain arithmetic of `step` against `add`, the definition.
    #[test]
    fn fma_rounds_once() {
        let check = |bits: [u32; 3]| {
            let [a, b, c] = bits.map(f32::from_bits);
            let exact = Chain::F32.add(Unpacked::from_f32(c), Chain::F32.product(a, b), 0);
            let found = fma_f32(a, b, c);
            let found = if found.is_nan() { F32_NAN } else { found };
            assert_eq!(found.to_bits(), exact.to_f32().to_bits(), "{a:e} {b:e} {c:e}");
        };
        for i in 0..300_000 {
            let [a, b, c, d] = philox4x32_10([i, 0, 0, 0], [5, 0]);
            check([a, b, c]);
            // Ties and near ties: few bits, an addend near the product.
            let (a, b) = (a & 0xFFF8_0000, b & 0xBF80_F000);
            let product = (f32::from_bits(a) * f32::from_bits(b)).to_bits();
            check([a, b, product.wrapping_add(d % 5) ^ (d & 0x8000_0000)]);
            check([a, b, product.wrapping_sub((d % 64) << 22) & 0xFFFF_0000]);
        }
        for a in
            [0, 1, 0x8000_0001, 0x3F80_0000, 0x7F80_0000, 0xFF80_0000, 0x7F7F_FFFF, 0x7FC0_0000]
        {
            for b in [0, 0x8000_0000, 1, 0x3F80_0000, 0x7F7F_FFFF] {
                for c in [0, 0x8000_0000, 1, 0x8000_0001, 0x7F7F_FFFF, 0xFF80_0000, 0x0080_0000] {
                    check([a, b, c]);
                }
            }
        }
    }
}

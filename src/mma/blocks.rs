//! Sums block by block: a partial sum of elements without scales, exact or a chain, which one
//! rounding adds to the sum under the block's two scales.

use super::accumulate::{Accumulate, GroupLen, Products, Sum, Takes};
use super::accumulator::{Chain, IntegerOverflow};
use super::fixed::Fixed;
use crate::arith;
use crate::codec::Unpacked;
use crate::round::Round;

/// What multiplies the partial sum of a pair of blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PairScale {
    /// The exact product of two scales.
    Exact(f32, f32),
    /// The product rounded to f32.
    Rounded(f32),
}

impl PairScale {
    /// The scale for two blocks; `wide` if the scale format of either is f32, whose products are
    /// rounded to f32.
    pub(crate) fn new(a: f32, b: f32, wide: bool) -> Self {
        if wide { Self::Rounded(a * b) } else { Self::Exact(a, b) }
    }
}

/// The partial sum of a block without scales.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Partial {
    /// An integer, and the exponent of the power of two that multiplies it.
    Integer(i64, i32),
    Float(f32),
}

impl Partial {
    /// The exact value.
    pub(crate) const fn value(self) -> Unpacked {
        match self {
            Self::Integer(sum, exponent) => Unpacked::new(sum < 0, sum.unsigned_abs(), exponent),
            Self::Float(sum) => Unpacked::from_f32(sum),
        }
    }

    /// `acc + self · scale`, rounded once to f32.
    pub(crate) fn scaled_onto(self, acc: f32, scale: PairScale) -> f32 {
        let (s, t) = match scale {
            PairScale::Exact(a, b) => (Unpacked::from_f32(a), Unpacked::from_f32(b)),
            PairScale::Rounded(s) => (Unpacked::from_f32(s), Unpacked::ONE),
        };
        let partial = self.value();
        let scaled = arith::product(partial, s);
        let product = arith::product(scaled, t);
        if product.is_zero() || !product.is_finite() {
            // A zero has a sign to add, infinity and NaN decide the sum: no significand to
            // multiply.
            return arith::sum(Unpacked::from_f32(acc), product, Round::NearestEven).to_f32();
        }
        // The product itself has up to 111 bits, more than `product` keeps.
        let mut sum = Fixed::ZERO;
        sum.add(Unpacked::from_f32(acc));
        let scale = u128::from(s.significand()) * u128::from(t.significand());
        let (negative, exponent) =
            (product.is_negative(), partial.exponent() + s.exponent() + t.exponent());
        sum.add_scaled(negative, u128::from(partial.significand()) * scale, exponent);
        sum.value().to_f32()
    }
}

/// [`Accumulator::BlockF32`](super::Accumulator::BlockF32), and
/// [`Accumulator::Integer`](super::Accumulator::Integer) where a side has scales.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockSum {
    /// How partial sums of two integer formats are made; those of others are chains of f32s.
    pub(super) integers: Option<IntegerSum>,
    /// Whether a side has f32 scales.
    pub(super) wide: bool,
}

impl Accumulate for BlockSum {
    type State = f32;

    fn takes(&self) -> Takes {
        Takes::Elements
    }

    fn group_len(&self) -> GroupLen {
        GroupLen::Block
    }

    fn start(&self) -> f32 {
        0.0
    }

    fn step(&self, acc: &mut f32, block: &Products<'_>) {
        let partial = match &self.integers {
            Some(integers) => integers.partial(integers.add(0, block)),
            None => Partial::Float(Chain::F32.total(block).to_f32()),
        };
        let [a, b] = block.scales();
        *acc = partial.scaled_onto(*acc, PairScale::new(a, b, self.wide));
    }

    fn finish(&self, acc: f32) -> Sum {
        Sum::F32(acc)
    }
}

/// [`Accumulator::Integer`](super::Accumulator::Integer) where no side has scales, and the partial
/// sums of integer blocks: exact products, in units of the last place, whose sum wraps or saturates
/// after each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IntegerSum {
    bits: u32,
    overflow: IntegerOverflow,
    /// The factors that make the elements of both sides integers.
    units: [f32; 2],
    /// The exponent of the last place.
    exponent: i32,
}

impl IntegerSum {
    /// Integer sums of elements with `a` and `b` bits behind the binary point.
    pub(super) fn new([a, b]: [i32; 2], bits: u32, overflow: IntegerOverflow) -> Self {
        let units = [a, b].map(|bits| Unpacked::new(false, 1, bits).to_f32());
        Self { bits, overflow, units, exponent: -a - b }
    }

    fn add(&self, acc: i64, products: &Products<'_>) -> i64 {
        let (low, spare) = (-1i64 << (self.bits - 1), 64 - self.bits);
        // No product of elements up to 16 bits, plus a sum of 53, leaves an i64.
        products.pairs().fold(acc, |acc, (a, b)| {
            let sum = acc + (a * self.units[0]) as i64 * (b * self.units[1]) as i64;
            match self.overflow {
                IntegerOverflow::Wrap => sum << spare >> spare,
                IntegerOverflow::Saturate => sum.clamp(low, !low),
            }
        })
    }

    const fn partial(&self, sum: i64) -> Partial {
        Partial::Integer(sum, self.exponent)
    }
}

impl Accumulate for IntegerSum {
    type State = i64;

    fn takes(&self) -> Takes {
        Takes::Elements
    }

    fn group_len(&self) -> GroupLen {
        GroupLen::Products(1)
    }

    fn start(&self) -> i64 {
        0
    }

    fn step(&self, sum: &mut i64, group: &Products<'_>) {
        *sum = self.add(*sum, group);
    }

    fn finish(&self, sum: i64) -> Sum {
        Sum::F64(self.partial(sum).value().to_f64())
    }
}

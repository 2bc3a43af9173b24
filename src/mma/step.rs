//! One step of every accumulator on exact numbers: **the definition**. It knows nothing about matrices or speed.

use super::accumulator::{Chain, IntegerOverflow};
use super::fixed::Fixed;
use crate::arith;
use crate::bits::fma_f32;
use crate::codec::Unpacked;
use crate::random::Dither;
use crate::round::Round;

impl Chain {
    /// `acc + x`, rounded once; `x` is exact.
    pub(crate) fn add(&self, acc: Unpacked, x: Unpacked, random: u32) -> Unpacked {
        self.round(arith::sum(acc, x, self.rounding()), random)
    }

    /// `acc + a · b`, rounded once.
    pub(crate) fn step(&self, acc: Unpacked, a: f32, b: f32, random: u32) -> Unpacked {
        self.round(arith::fused(Unpacked::from_f32(a), Unpacked::from_f32(b), acc, self.rounding()), random)
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
            Self::Rounded { format, rounding } => {
                format.decode(format.encode_with(exact, &format.default_convert().with_round(*rounding), random).code)
            }
        }
    }

    /// The sum of all products, *k* upward. `dither` is at the word of the first.
    pub(crate) fn dot(&self, a: &[f32], b: &[f32], dither: Dither) -> Unpacked {
        let pairs = a.iter().zip(b);
        match self {
            // The same steps in plain arithmetic: a product of two f32s is exact in f64.
            Self::F32 => Unpacked::from_f32(pairs.fold(0.0, |acc, (&a, &b)| fma_f32(a, b, acc))),
            Self::F64 => Unpacked::from_f64(pairs.fold(0.0, |acc, (&a, &b)| acc + f64::from(a) * f64::from(b))),
            Self::Rounded { .. } => pairs.enumerate().fold(Unpacked::ZERO, |acc, (k, (&a, &b))| {
                let random = self.random_bits().map_or(0, |bits| dither.word(k as u64, bits));
                self.step(acc, a, b, random)
            }),
        }
    }
}

/// The scale of a pair of blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scale {
    /// The product of the two, exactly.
    Exact(f32, f32),
    /// The product rounded to f32.
    Rounded(f32),
}

impl Scale {
    /// Of two blocks; `wide` if one of the scales is an f32.
    pub(crate) fn new(a: f32, b: f32, wide: bool) -> Self {
        if wide { Self::Rounded(a * b) } else { Self::Exact(a, b) }
    }
}

/// The partial sum of a block without scales.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Partial {
    /// An integer times a power of two.
    Integer(i64, i32),
    Float(f32),
}

impl Partial {
    /// `acc + self · scale`, rounded once to f32.
    pub(crate) fn scaled_onto(self, acc: f32, scale: Scale) -> f32 {
        let (s, t) = match scale {
            Scale::Exact(a, b) => (Unpacked::from_f32(a), Unpacked::from_f32(b)),
            Scale::Rounded(s) => (Unpacked::from_f32(s), Unpacked::ONE),
        };
        let partial = match self {
            Self::Integer(sum, exponent) => Unpacked::new(sum < 0, sum.unsigned_abs(), exponent),
            Self::Float(sum) => Unpacked::from_f32(sum),
        };
        let scaled = arith::product(partial, s);
        let product = arith::product(scaled, t);
        if product.is_zero() || !product.is_finite() {
            // Of zeros the signs count, of the rest its kind.
            return arith::sum(Unpacked::from_f32(acc), product, Round::NearestEven).to_f32();
        }
        // The product itself has up to 111 bits, more than `product` keeps.
        let mut sum = Fixed::ZERO;
        sum.add(Unpacked::from_f32(acc));
        let scale = u128::from(s.significand()) * u128::from(t.significand());
        let (negative, exponent) = (product.is_negative(), partial.exponent() + s.exponent() + t.exponent());
        sum.add_scaled(negative, u128::from(partial.significand()) * scale, exponent);
        sum.value().to_f32()
    }
}

/// The sum of products of integers in this many bits.
pub(crate) fn integer_dot(a: &[f32], b: &[f32], bits: u32, overflow: IntegerOverflow) -> i64 {
    let low = -1i64 << (bits - 1);
    // No product of elements up to 16 bits, plus a sum of 53, leaves an i64.
    a.iter().zip(b).fold(0, |acc, (&a, &b)| {
        let sum = acc + a as i64 * b as i64;
        match overflow {
            IntegerOverflow::Wrap => sum << (64 - bits) >> (64 - bits),
            IntegerOverflow::Saturate => sum.clamp(low, !low),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::F32_NAN;
    use crate::random::philox4x32_10;

    /// The arithmetic of `dot` against that of `step`.
    #[test]
    fn fma_rounds_once() {
        let check = |bits: [u32; 3]| {
            let [a, b, c] = bits.map(f32::from_bits);
            let exact = Chain::F32.step(Unpacked::from_f32(c), a, b, 0);
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
        for a in [0, 1, 0x8000_0001, 0x3F80_0000, 0x7F80_0000, 0xFF80_0000, 0x7F7F_FFFF, 0x7FC0_0000] {
            for b in [0, 0x8000_0000, 1, 0x3F80_0000, 0x7F7F_FFFF] {
                for c in [0, 0x8000_0000, 1, 0x8000_0001, 0x7F7F_FFFF, 0xFF80_0000, 0x0080_0000] {
                    check([a, b, c]);
                }
            }
        }
    }
}

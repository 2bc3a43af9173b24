//! Sums of separately rounded f32 operations: chains of fused multiply-adds, lanes and trees.

use super::spec::{InputFlush, MmaSpec, RoundedOrder};
use super::step::StepGroup;
use crate::arith;
use crate::bits::top_bit;
use crate::codec::Unpacked;
use crate::spec::FormatSpec;
use alloc::vec::Vec;
use core::num::FpCategory;

/// A number below 2^-126 in magnitude.
fn is_tiny(x: Unpacked) -> bool {
    x.is_finite() && !x.is_zero() && i64::from(x.exponent()) + top_bit(x.significand()) < -126
}

impl MmaSpec {
    /// A C that is subnormal as an f32 counts as zero where operands are flushed.
    pub(super) fn flushed_c(&self, c: Unpacked) -> Unpacked {
        let flush = self.flush_inputs != InputFlush::Keep && is_tiny(c);
        if flush { Unpacked::zero(c.is_negative()) } else { c }
    }

    /// An operand as the unit takes it.
    fn operand(&self, x: f32, format: &FormatSpec) -> Unpacked {
        let value = Unpacked::from_f32(x);
        let tiny = match self.flush_inputs {
            InputFlush::Keep => false,
            InputFlush::BelowF32 => is_tiny(value),
            InputFlush::OwnFormat => {
                format.decode(format.encode_f32(x)).class() == FpCategory::Subnormal
            }
        };
        if tiny { Unpacked::zero(value.is_negative()) } else { value }
    }

    /// D of a step, given the accumulator; `None` for NaN.
    pub(super) fn rounded_step(
        &self,
        order: RoundedOrder,
        group: &StepGroup<'_>,
        c: Unpacked,
    ) -> Option<Unpacked> {
        // A NaN in an operation is one in the result; the end tells.
        let round = |x: Unpacked| self.round_result(x).unwrap_or(Unpacked::NAN);
        let sum = |x: Unpacked, y: Unpacked| round(arith::sum(x, y, self.round));
        let pair = |k: usize| {
            // Beyond the last product stand zeros.
            let at = |numbers: &[f32], format| {
                self.operand(numbers.get(k).copied().unwrap_or(0.0), format)
            };
            (at(group.a, &self.a), at(group.b, &self.b))
        };
        let product = |k: usize| {
            let (a, b) = pair(k);
            arith::product(a, b)
        };
        let fma = |c: Unpacked, k: usize| round(arith::sum(c, product(k), self.round));
        let c = self.flushed_c(c);
        let fan_in = self.fan_in();
        // A step without pairs multiplies zeros too.
        let len = group.a.len().max(1);
        let d = match order {
            RoundedOrder::Chain => (0..len).fold(c, fma),
            RoundedOrder::OddFirst => (0..len).step_by(2).fold(c, |c, k| fma(fma(c, k + 1), k)),
            RoundedOrder::TwoLanes => {
                let pairs = (0..group.a.len()).step_by(2);
                let lane = |odd: usize| pairs.clone().fold(Unpacked::ZERO, |t, k| fma(t, k + odd));
                sum(c, sum(lane(0), lane(1)))
            }
            RoundedOrder::Tree => {
                let mut sums: Vec<Unpacked> = (0..fan_in).map(|k| round(product(k))).collect();
                while sums.len() > 1 {
                    sums = sums.chunks(2).map(|pair| sum(pair[0], pair[1])).collect();
                }
                sum(c, sums[0])
            }
        };
        (!d.is_nan()).then_some(d)
    }
}

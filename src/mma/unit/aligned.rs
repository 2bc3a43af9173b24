//! Fused sums: terms are aligned to the largest exponent, cut, added exactly and rounded once, or
//! added exactly from the start.
//!
//! ```text
//! top = max(floor_exponent, rank of every nonzero term)
//! S   = Σ ± floor(|term| · 2^(keep − top))        cut toward zero or to odd, an exact integer sum
//! D   = round(S · 2^(top − keep))
//! ```

use super::spec::{Adder, Join, MmaSpec};
use super::step::StepGroup;
use super::term::{Ranks, Term};
use crate::arith;
use crate::codec::Unpacked;
use crate::mma::fixed::Fixed;
use crate::round::Round;
use alloc::vec::Vec;

/// The exponent of a sum of sixteen whose products or whose scale are zero.
const NO_PRODUCTS: i32 = -139;
/// The exponent that a zero C has on a unit with [`Join::Floored`].
const NO_C: i32 = -126;

impl MmaSpec {
    /// D of a step, given the accumulator; `None` for NaN.
    pub(super) fn fused_step(&self, group: &StepGroup<'_>, c: Unpacked) -> Option<Unpacked> {
        if let Some(special) = self.special(group, c) {
            return special;
        }
        let terms = self.terms(group);
        let (keep, even_odd) = match self.adder {
            Adder::Aligned { keep } | Adder::ToOdd { keep } => (i32::from(keep), false),
            Adder::EvenOdd { keep } => (i32::from(keep), true),
            _ => return self.exact_step(&terms, c),
        };
        let Join::Floored { drop_below } = self.join else {
            if matches!(self.join, Join::Rounded) {
                let (sum, top) = self.aligned(&terms, keep);
                return self.joined_late(at(sum.into(), top - keep), c);
            }
            let of_c = Ranks::new(&self.acc.format()).term(c);
            let mut terms = terms;
            if of_c.significand > 0 {
                terms.push(of_c);
            }
            let (sum, top) = self.aligned(&terms, keep);
            return self.round_result(at(sum.into(), top - keep));
        };
        let overflows = |negative| {
            terms.iter().any(|term| {
                term.negative == negative && term.significand > 0 && term.value().log2() >= 128
            })
        };
        match (overflows(false), overflows(true)) {
            (true, true) => return None,
            (false, false) => {}
            (_, negative) => return Some(Unpacked::infinity(negative)),
        }
        let (sum, top) = if even_odd {
            let every_other = |first: usize| {
                let terms: Vec<Term> = terms.iter().copied().skip(first).step_by(2).collect();
                self.aligned(&terms, keep)
            };
            let ((even, of_even), (odd, of_odd)) = (every_other(0), every_other(1));
            let top = of_even.max(of_odd);
            // An arithmetic shift to the right rounds down.
            let floor = |sum: i64, rank: i32| sum >> (top - rank).min(63);
            (floor(even, of_even) + floor(odd, of_odd), top)
        } else {
            self.aligned(&terms, keep)
        };
        self.round_result(floored(i128::from(sum), top, keep, c, drop_below))
    }

    /// The products of a step, or sums of sixteen of them, as terms. Zero terms keep no rank.
    fn terms(&self, group: &StepGroup<'_>) -> Vec<Term> {
        let (of_a, of_b) = (Ranks::new(&self.a), Ranks::new(&self.b));
        let product = |k: usize| {
            let term = of_a
                .term(Unpacked::from_f32(group.a[k]))
                .times(of_b.term(Unpacked::from_f32(group.b[k])));
            Term { rank: term.rank + i32::from(self.shift), ..term }
        };
        let Some(format) = self.scales.format() else {
            return (0..group.a.len()).map(product).collect();
        };
        let of_scale = Ranks::new(&format);
        let scale = |k: usize| {
            let [a, b] = group.scales_of(k).map(|scale| of_scale.term(Unpacked::from_f32(scale)));
            a.times(b)
        };
        if !self.scales.by_sixteen() {
            // The significand of a scale that multiplies single products is 1, or it is E4M3's.
            return (0..group.a.len()).map(|k| product(k).times(scale(k))).collect();
        }
        (0..group.a.len())
            .step_by(16)
            .map(|first| {
                let products = (first..(first + 16).min(group.a.len())).map(product);
                let scale = scale(first);
                // Products of formats with two exponent bits are multiples of one small unit.
                let least = of_a.term(Unpacked::ZERO).times(of_b.term(Unpacked::ZERO));
                let unit = least.rank - least.fraction;
                let (mut sum, mut any) = (0i64, false);
                for product in products {
                    let count =
                        (product.significand << (product.rank - product.fraction - unit)) as i64;
                    any |= count != 0;
                    sum += if product.negative { -count } else { count };
                }
                let rank = if any && scale.significand > 0 { scale.rank } else { NO_PRODUCTS };
                let fraction = rank - (scale.rank - scale.fraction + unit);
                let significand = sum.unsigned_abs() * scale.significand;
                Term { negative: sum < 0, significand, rank, fraction }
            })
            .collect()
    }

    /// The sum of cut terms in units of `2^(top − keep)`, and the top.
    fn aligned(&self, terms: &[Term], keep: i32) -> (i64, i32) {
        // A sum of sixteen that cancels still has the exponent of its scales.
        let by_sixteen = self.scales.by_sixteen();
        let ranks =
            terms.iter().filter(|term| term.significand > 0 || by_sixteen).map(|term| term.rank);
        let top = ranks.fold(self.floor_exponent, i32::max);
        let to_odd = matches!(self.adder, Adder::ToOdd { .. });
        (terms.iter().map(|term| term.cut(keep, top, to_odd)).sum(), top)
    }

    fn exact_step(&self, terms: &[Term], c: Unpacked) -> Option<Unpacked> {
        let mut sum = Fixed::ZERO;
        terms.iter().for_each(|term| sum.add(term.value()));
        if matches!(self.join, Join::Rounded) {
            return self.joined_late(sum.value(), c);
        }
        sum.add(c);
        self.round_result(sum.value())
    }

    /// The sum of products, rounded, added to C and rounded again.
    fn joined_late(&self, sum: Unpacked, c: Unpacked) -> Option<Unpacked> {
        let sum = self.round_result(sum)?;
        let c = self.flushed_c(c);
        // An exact zero sum of numbers is +0 here as everywhere in a fused unit.
        self.round_result(arith::sum(c, sum, Round::NearestEven))
    }

    /// The result that operands which are no numbers have: `Some(None)` is NaN.
    fn special(&self, group: &StepGroup<'_>, c: Unpacked) -> Option<Option<Unpacked>> {
        let mut infinite = [false; 2];
        let mut nan = c.is_nan()
            || (0..group.a.len()).any(|k| group.scales_of(k).iter().any(|scale| scale.is_nan()));
        for (&a, &b) in group.a.iter().zip(group.b) {
            let product = arith::product(Unpacked::from_f32(a), Unpacked::from_f32(b));
            nan |= product.is_nan();
            infinite[usize::from(product.is_negative())] |= product.is_infinite();
        }
        if matches!(self.join, Join::Rounded) && infinite == [false; 2] && !nan {
            // The sum of products may overflow to the other infinity; only then C makes NaN.
            return None;
        }
        infinite[usize::from(c.is_negative())] |= c.is_infinite();
        match (nan, infinite) {
            (true, _) | (_, [true, true]) => Some(None),
            (_, [false, false]) => None,
            (_, [_, negative]) => Some(Some(Unpacked::infinity(negative))),
        }
    }
}

/// `sum · 2^exponent`.
fn at(sum: i128, exponent: i32) -> Unpacked {
    // Sums have at most 62 bits; those that were aligned downward with C too.
    Unpacked::new(sum < 0, sum.unsigned_abs() as u64, exponent)
}

/// A sum in units of `2^(top − keep)` and C by [`Join::Floored`]: the value before its rounding.
fn floored(sum: i128, top: i32, keep: i32, c: Unpacked, drop_below: Option<u8>) -> Unpacked {
    /// Fraction bits of the sum, of C and of what they add up to.
    const SUM: i32 = 32;
    const C: i32 = 24;
    const TOTAL: i32 = 31;
    // `x · 2^shift`, rounded down.
    let shifted =
        |x: i128, shift: i32| if shift >= 0 { x << shift } else { x >> (-shift).min(127) };
    let of_c = Ranks::new(&crate::spec::FormatSpec::F32).term(c);
    let rank_c = if of_c.significand == 0 { NO_C } else { of_c.rank };
    let all = top.max(rank_c);
    let significand = i128::from(of_c.significand);
    let significand = if of_c.negative { -significand } else { significand };
    let dropped = drop_below.is_some_and(|binades| rank_c < all - i32::from(binades));
    let c = if dropped { 0 } else { shifted(significand, C - of_c.fraction + rank_c - all) };
    // Both in units of 2^(all - SUM), the finer of the two.
    let total = shifted(sum, SUM - keep + top - all) + (c << (SUM - C));
    if total == 0 {
        return Unpacked::ZERO;
    }
    let log2 = 127 - total.unsigned_abs().leading_zeros() as i32 + all - SUM;
    let last = log2.max(-126) - TOTAL;
    at(shifted(total, all - SUM - last), last)
}

//! How a scale is applied: from numbers to codes and back, block by block. Every formula is that of
//! [`Division`], [`ElementRounding`] or [`Dequantization`].
//!
//! A block takes three steps. `scale` finds the scale and its code. `block_of_codes` derives from
//! the code what elements are divided by and how they come back: a [`Block`]. [`BlockSpec::code`]
//! makes a code of each element:
//!
//! ```text
//! y    = (x − minimum) / divisor      exact, or an f32 quotient, or a product with a reciprocal
//! code = round(y) + zero point        by ElementRounding, under the element's policy
//! code = +0 or −0                     by ZeroSign, if the code is that of a zero
//! ```
//!
//! Every f32 operation stands in the order of the program that it follows, as another order rounds
//! to other bits. An f64 is scaled exactly and rounded once. A search takes all three steps for
//! each of its factors and keeps the block with the least error.

use super::rule::log2_floor;
use super::scale::Scale;
use super::scheme::{
    Dequantization, Division, ElementRounding, Metric, Nonfinite, Offset, ZeroMinimum, ZeroSign,
};
use super::spec::BlockSpec;
use super::statistics::BlockStats;
use crate::arith;
use crate::bits::F32_NAN;
use crate::codec::Unpacked;
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec, IntSpec};
use alloc::vec::Vec;

/// The bit of an f32 NaN that makes it quiet.
const QUIET: u32 = 0x0040_0000;

/// A number on its way to a code, as the caller has it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    /// An f32, or a number that is one: every operation of a rule is f32's.
    F32(f32),
    /// An f64: it is scaled exactly and rounded once, into the element.
    F64(f64),
}

impl Number {
    /// The nearest f32, which the errors of searches are taken from.
    pub(crate) fn nearest(self) -> f32 {
        match self {
            Self::F32(x) => x,
            Self::F64(x) => x as f32,
        }
    }
}

/// What an element is divided or multiplied by.
#[derive(Clone, Copy, Debug)]
pub(super) enum Divisor {
    Exact(Unpacked),
    Divide(f32),
    Multiply(f32),
    /// Every number becomes zero; NaN stays.
    Zero,
    /// Everything becomes zero, NaN too: [`Nonfinite::Erase`].
    Erased,
}

impl Divisor {
    /// A NaN element keeps its sign and payload, unless the scale is NaN too; an f32 operation
    /// makes it quiet, as processors do. Every NaN that is made here is the positive one: the sign
    /// that a processor gives it is its own.
    fn scaled(self, x: f32) -> Unpacked {
        let rounded = match self {
            Self::Erased => return Unpacked::zero(x.is_sign_negative()),
            Self::Divide(other) | Self::Multiply(other) if other.is_nan() => F32_NAN,
            Self::Divide(_) | Self::Multiply(_) if x.is_nan() => {
                f32::from_bits(x.to_bits() | QUIET)
            }
            // No f32 operation touches the element here: a signaling NaN stays one.
            _ if x.is_nan() => x,
            // Not rounded to f32: the element's own rounding is the only one.
            Self::Exact(divisor) => return arith::quotient(Unpacked::from_f32(x), divisor),
            Self::Divide(divisor) => x / divisor,
            Self::Multiply(factor) => x * factor,
            Self::Zero => return Unpacked::zero(x.is_sign_negative()),
        };
        // 0 / 0, infinity / infinity and 0 · infinity: NaN is negative on x86-64 and positive on
        // Arm.
        Unpacked::from_f32(if rounded.is_nan() && !x.is_nan() { F32_NAN } else { rounded })
    }

    /// The exact quotient or product of an f64, or of its difference from a minimum. A NaN stays as
    /// it is.
    fn scaled_exactly(self, x: Unpacked) -> Unpacked {
        let (number, by_product) = match self {
            Self::Erased => return Unpacked::zero(x.is_negative()),
            Self::Divide(other) | Self::Multiply(other) if other.is_nan() => {
                return Unpacked::from_f32(F32_NAN);
            }
            _ if x.is_nan() => return x,
            Self::Zero => return Unpacked::zero(x.is_negative()),
            Self::Exact(divisor) => (divisor, false),
            Self::Divide(divisor) => (Unpacked::from_f32(divisor), false),
            Self::Multiply(factor) => (Unpacked::from_f32(factor), true),
        };
        let scaled =
            if by_product { arith::product(x, number) } else { arith::quotient(x, number) };
        if scaled.is_nan() { Unpacked::from_f32(F32_NAN) } else { scaled }
    }
}

/// One block's parameters: all that quantizing and restoring an element needs beside the spec.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// The code of the scale.
    pub(crate) scale: u32,
    /// The code of the offset; 0 without one.
    pub(crate) offset: u32,
    /// How numbers are scaled before they become elements.
    pub(super) divisor: Divisor,
    /// How elements become numbers again.
    restorer: Restorer,
    /// The zero point, or 0.
    zero_point: i32,
    /// The minimum, or 0.
    minimum: f32,
}

/// How the numbers of one block come back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Restorer {
    /// `q · factor`.
    Times(f32),
    /// `q · factor` with −0 as +0.
    TimesPlusZero(f32),
    /// `((q · s) · amax) / target`.
    TimesTimesOver(f32, f32, f32),
    /// `(q − z) · s`.
    Affine(f32, f32),
    /// `q · s + m`.
    Plus(f32, f32),
}

impl Restorer {
    pub(crate) fn restore(self, q: f32) -> f32 {
        let value = match self {
            Self::Times(factor) => q * factor,
            // −0 + 0 is +0; every other number stays as it is.
            Self::TimesPlusZero(factor) => (q + 0.0) * factor,
            // Evaluated from left to right, each result rounded to f32: the order is part of the
            // formula.
            Self::TimesTimesOver(scale, amax, target) => q * scale * amax / target,
            Self::Affine(scale, zero_point) => (q - zero_point) * scale,
            Self::Plus(scale, minimum) => q * scale + minimum,
        };
        if value.is_nan() { F32_NAN } else { value }
    }
}

impl BlockSpec {
    /// How numbers under this scale and offset come back.
    pub(crate) fn restorer(&self, scale: u32, offset: u32, tensor: f32) -> Restorer {
        self.restorer_by(self.dequantization, scale, offset, tensor)
    }

    fn restorer_by(
        &self,
        restore: Dequantization,
        scale: u32,
        offset: u32,
        tensor: f32,
    ) -> Restorer {
        let s = self.scale.as_ref().map_or(1.0, |format| format.decode_f32(scale));
        self.restorer_of(restore, s, offset, tensor)
    }

    /// How numbers under a scale of this value come back.
    pub(crate) fn restorer_of(
        &self,
        restore: Dequantization,
        s: f32,
        offset: u32,
        tensor: f32,
    ) -> Restorer {
        // An offset fixes the formula: `validate` refuses a tensor scale beside one.
        match self.offset {
            Offset::None => {}
            Offset::ZeroPoint => return Restorer::Affine(s, self.element.decode_f32(offset)),
            Offset::Minimum(format) => return Restorer::Plus(s, format.decode_f32(offset)),
        }
        match restore {
            Dequantization::Product => Restorer::Times(s * tensor),
            Dequantization::ProductPlusZero => Restorer::TimesPlusZero(s * tensor),
            Dequantization::Quotient => Restorer::Times(s / tensor),
            Dequantization::AmaxProduct => {
                // A product with the f32 reciprocal: a quotient may differ in the last bit.
                Restorer::Times(s * tensor * (1.0 / self.tensor_scale.target()))
            }
            Dequantization::AmaxQuotient => {
                Restorer::TimesTimesOver(s, tensor, self.tensor_scale.target())
            }
        }
    }

    fn divisor(&self, scale: Scale, tensor: f32) -> Divisor {
        let Some(format) = &self.scale else { return Divisor::Divide(1.0) };
        // With `TensorScale::Amax` the stored number is amax, and t is computed from it.
        let t = self.tensor_scale.factor(tensor);
        let other = self.divisors.iter().find(|(code, _)| *code == scale.code);
        let s = other.map_or_else(|| format.decode_f32(scale.code), |(_, divisor)| *divisor);
        // What a scale of zero does: some programs divide by it, or by a floor in its place; ggml
        // looks at the scale before it was rounded.
        let zero = match self.division {
            Division::ClampedReciprocal | Division::FlooredReciprocal | Division::DivideIeee => {
                false
            }
            Division::UnroundedReciprocal => scale.ideal == 0.0,
            Division::Exact
            | Division::Divide
            | Division::DivideQuotient
            | Division::Reciprocal
            | Division::TensorReciprocal
            | Division::InverseReciprocal => s == 0.0,
        };
        if zero {
            return Divisor::Zero;
        }
        match self.division {
            Division::Exact => {
                // Two significands of 24 bits have a product of 48: nothing is rounded.
                Divisor::Exact(arith::product(Unpacked::from_f32(s), Unpacked::from_f32(t)))
            }
            Division::Divide | Division::DivideIeee => Divisor::Divide(s * t),
            Division::DivideQuotient => Divisor::Divide(s / t),
            Division::Reciprocal => Divisor::Multiply(1.0 / (s * t)),
            Division::TensorReciprocal => Divisor::Multiply(1.0 / t / s),
            Division::InverseReciprocal => Divisor::Multiply(1.0 / (s * (1.0 / t))),
            Division::ClampedReciprocal => Divisor::Multiply((1.0 / (s * (1.0 / t))).min(f32::MAX)),
            // NaN is no less than anything: it stays.
            Division::FlooredReciprocal if s * t < 1e-38 => Divisor::Multiply(1.0 / 1e-38),
            Division::FlooredReciprocal => Divisor::Multiply(1.0 / (s * t)),
            // Where the ideal scale is an f32, this is the f32 quotient: rounding an f64 quotient
            // again does no harm, as 53 bits are at least 2 · 24 + 2.
            Division::UnroundedReciprocal => Divisor::Multiply((1.0 / scale.ideal) as f32),
        }
    }

    /// The block of these statistics, under its rule. A search looks at the elements themselves,
    /// and tries the given factors, or else its own.
    pub(crate) fn block_of(
        &self,
        stats: &BlockStats<'_>,
        elements: impl Iterator<Item = Number> + Clone,
        tensor: f32,
        factors: Option<&[f32]>,
    ) -> Block {
        // The statistics of one zero stand for the block that is erased.
        let erased = matches!(self.nonfinite, Nonfinite::Erase) && (stats.nan || stats.infinite);
        // Custom rules alone see elements; all others take no memory.
        let seen: Vec<f32> = if self.rule.sees_elements() && !erased {
            elements.clone().map(Number::nearest).collect()
        } else {
            Vec::new()
        };
        let mut stats = if erased { BlockStats { finite: 1, ..BlockStats::EMPTY } } else { *stats };
        // A minimum is stored with its sign, and that of a zero depends on the order of
        // comparisons.
        if stats.min == 0.0 && matches!(self.zero_minimum, ZeroMinimum::NumpyAvx512) {
            let zero = numpy_zero(elements.clone()).unwrap_or(stats.min);
            // In a block of zeros the largest number is found by the same fold.
            (stats.min, stats.max) = (zero, if stats.max == 0.0 { zero } else { stats.max });
        }
        stats.elements = &seen;
        let stats = &stats;
        let plain = |factor| {
            let block = self.block_with(self.scale_of(stats, tensor, factor), stats, tensor);
            // Flushing concerns the codes alone: the scale stays that of the rule.
            match stats.amax < self.flush_below {
                _ if erased => Block { divisor: Divisor::Erased, ..block },
                true => Block { divisor: Divisor::Zero, ..block },
                false => block,
            }
        };
        let Some(search) = &self.search else { return plain(1.0) };
        let mut best: Option<(Block, f32)> = None;
        // Candidates outside, elements inside in row-major order, which the bits of an f32 sum
        // depend on. Random bits are 0 here: the choice of a scale does not depend on a seed.
        for &factor in factors.unwrap_or(&search.factors) {
            let block = plain(factor);
            let restorer = match search.dequantization {
                Some(restore) => self.restorer_by(restore, block.scale, block.offset, tensor),
                None => block.restorer,
            };
            let error = elements.clone().fold(0.0f32, |sum, x| {
                let error = restorer.restore(self.element.decode_f32(self.code(&block, x, 0)))
                    - x.nearest();
                match search.metric {
                    Metric::Mse => sum + error * error,
                    Metric::Mae => sum + error.abs(),
                    Metric::Max => sum.max(error.abs()),
                }
            });
            // Strictly less: ties go to the earlier factor. An error of NaN gives way to any other.
            if best.is_none_or(|(_, least)| error < least || (least.is_nan() && !error.is_nan())) {
                best = Some((block, error));
            }
        }
        best.map_or_else(|| plain(1.0), |(block, _)| block)
    }

    /// The block of a scale and an offset that the caller gives.
    pub(crate) fn block_given(&self, scale: f32, offset: f32, tensor: f32) -> Block {
        let scale = self.round_scale(f64::from(scale));
        let code = match &self.offset {
            Offset::None => 0,
            Offset::ZeroPoint => self.element.encode_f32(offset),
            Offset::Minimum(format) => format.encode_f32(offset),
        };
        self.block_of_codes(scale, code, offset, tensor)
    }

    fn block_with(&self, scale: Scale, stats: &BlockStats<'_>, tensor: f32) -> Block {
        let (code, exact) = match &self.offset {
            Offset::None => (0, 0.0),
            Offset::ZeroPoint => {
                // The zero point follows from the scale as stored, not from the rule's unrounded
                // one.
                let s = self.scale.as_ref().map_or(1.0, |format| format.decode_f32(scale.code));
                let zero_point = self.zero_point_of(stats, s) as f32;
                (self.element.encode_f32(zero_point), zero_point)
            }
            Offset::Minimum(format) => (format.encode_f32(stats.min), stats.min),
        };
        self.block_of_codes(scale, code, exact, tensor)
    }

    /// The block of a scale and an offset. `offset` is the number before rounding: ggml subtracts
    /// that number, not the stored one, from the elements.
    fn block_of_codes(&self, scale: Scale, offset_code: u32, offset: f32, tensor: f32) -> Block {
        Block {
            scale: scale.code,
            offset: offset_code,
            divisor: self.divisor(scale, tensor),
            restorer: self.restorer(scale.code, offset_code, tensor),
            zero_point: if matches!(self.offset, Offset::ZeroPoint) {
                self.element.decode_f32(offset_code) as i32
            } else {
                0
            },
            minimum: if matches!(self.offset, Offset::Minimum(_)) { offset } else { 0.0 },
        }
    }

    /// The code of one number in a block.
    ///
    /// Every [`ElementRounding`] other than `Round` and `AddThenRound` is a program's f32
    /// arithmetic and sees an f64 as the nearest f32.
    pub(crate) fn code(&self, block: &Block, x: Number, random: u32) -> u32 {
        let rounds = self.element_rounding.rounds_once();
        match x {
            Number::F64(x) if rounds => {
                let x = Unpacked::from_f64(x);
                let y = block.divisor.scaled_exactly(match self.offset {
                    Offset::Minimum(_) => {
                        arith::sum(x, Unpacked::from_f32(-block.minimum), Round::NearestEven)
                    }
                    _ => x,
                });
                let code = if block.zero_point == 0 {
                    self.rounded(y, random)
                } else if matches!(self.element_rounding, ElementRounding::AddThenRound) {
                    let zero_point = Unpacked::from_f64(f64::from(block.zero_point));
                    self.rounded(arith::sum(y, zero_point, Round::NearestEven), random)
                } else {
                    self.rounded_to_zero_point(y, block.zero_point, random)
                };
                self.zero_signed(code, y)
            }
            _ => self.code_f32(block, x.nearest(), random),
        }
    }

    fn code_f32(&self, block: &Block, x: f32, random: u32) -> u32 {
        let x_less = if matches!(self.offset, Offset::Minimum(_)) { x - block.minimum } else { x };
        let y = block.divisor.scaled(x_less);
        let code = match self.element_rounding {
            ElementRounding::Round if block.zero_point != 0 => {
                self.rounded_to_zero_point(y, block.zero_point, random)
            }
            ElementRounding::Round => self.rounded(y, random),
            ElementRounding::AddThenRound => {
                self.rounded(Unpacked::from_f32(y.to_f32() + block.zero_point as f32), random)
            }
            ElementRounding::AddHalfTruncate => {
                // The sum is from 0 up for numbers within range, so truncation rounds down.
                let low = -self.element.min().to_f32();
                let sum = y.to_f32() + (low + 0.5 + block.zero_point as f32);
                // x86-64 makes the least int of infinity, whose low bits are those of 0.
                let whole = if sum.is_finite() { sum as i64 as f32 } else { 0.0 };
                self.integer(f64::from(whole - low))
            }
            ElementRounding::Microxcaling => self.microxcaling(y.to_f32()),
            ElementRounding::LeastError => self.least_error(block, x),
            ElementRounding::Midpoints => {
                self.midpoints(y.to_f32()).unwrap_or_else(|| self.element.encode_f32(f32::NAN))
            }
            ElementRounding::Steps(steps) => {
                let steps = steps as f32;
                // The cast below makes NaN and negative numbers 0, and step 0 is −1.
                let y = if matches!(block.divisor, Divisor::Zero) { f32::NAN } else { y.to_f32() };
                let step = ((y + 1.0) * (steps / 2.0) + 0.5) as u32 as f32;
                let nearest = Unpacked::from_f32(step.min(steps) * (2.0 / steps) - 1.0);
                self.rounded(nearest, random)
            }
        };
        self.zero_signed(code, y)
    }

    /// The code of a scaled number, under the element's rounding and policy.
    fn rounded(&self, y: Unpacked, random: u32) -> u32 {
        self.element.encode_with(y, &self.element_convert, random).code
    }

    /// The code of a scaled number that is rounded to an integer before the zero point is added.
    fn rounded_to_zero_point(&self, y: Unpacked, zero_point: i32, random: u32) -> u32 {
        // The quotient is rounded to an integer first, under the element's rounding; the sum with
        // the zero point is exact in f64 and only clamped.
        let whole = INT32.decode(INT32.encode_with(y, &self.element_convert, random).code);
        self.integer(whole.to_f64() + f64::from(zero_point))
    }

    /// The code of an integer, clamped.
    fn integer(&self, value: f64) -> u32 {
        self.element.encode_f64(value)
    }

    /// The code with the sign that [`ZeroSign`] gives a zero.
    fn zero_signed(&self, code: u32, scaled: Unpacked) -> u32 {
        // Only a zero in a format with both zeros has a sign to choose.
        let (Some(zero), Some(negative)) =
            (self.element.zero_code(), self.element.negative_zero_code())
        else {
            return code;
        };
        if code != zero && code != negative {
            return code;
        }
        let minus = match self.zero_sign {
            ZeroSign::Keep => return code,
            ZeroSign::Plus => false,
            ZeroSign::MinusBelowZero => {
                scaled.is_negative() && !scaled.is_zero() && !scaled.is_nan()
            }
            ZeroSign::MinusUnlessAbove => {
                scaled.is_nan() || scaled.is_zero() || scaled.is_negative()
            }
        };
        if minus { negative } else { zero }
    }

    /// The code that [`ElementRounding::LeastError`] chooses for a number.
    fn least_error(&self, block: &Block, x: f32) -> u32 {
        let error = |code| (block.restorer.restore(self.element.decode_f32(code)) - x).abs();
        let codes = 1..self.element.code_count() as u32;
        // Strictly less: ties keep the smaller code. Errors of infinity and NaN are never less than
        // one another, so those numbers keep code 0.
        codes
            .fold(
                (0, error(0)),
                |best, code| if error(code) < best.1 { (code, error(code)) } else { best },
            )
            .0
    }

    /// The code that [`ElementRounding::Midpoints`] chooses for a scaled number; none for NaN.
    fn midpoints(&self, y: f32) -> Option<u32> {
        let entries =
            (0..self.element.code_count() as u32).map(|code| (self.element.decode_f32(code), code));
        // Among equal entries the search from below keeps the last, the one from above the first.
        let below = entries
            .clone()
            .filter(|&(value, _)| value < y)
            .reduce(|a, b| if b.0 >= a.0 { b } else { a });
        let above =
            entries.filter(|&(value, _)| value >= y).reduce(|a, b| if b.0 < a.0 { b } else { a });
        match (below, above) {
            (Some((low, code)), Some((high, upper))) => {
                Some(if (low + high) / 2.0 < y { upper } else { code })
            }
            // Beyond the ends there is one neighbour; NaN has none.
            (one, other) => one.or(other).map(|(_, code)| code),
        }
    }

    /// The code of a scaled number by [`ElementRounding::Microxcaling`].
    fn microxcaling(&self, y: f32) -> u32 {
        if y.is_nan() {
            return self.element.encode_f32(y);
        }
        let unit = match self.element.encoding() {
            Encoding::Float(layout) if !layout.is_fixed_point() => {
                // A zero is 0 units under any exponent.
                let exponent = if y == 0.0 { 0 } else { log2_floor(y.abs()) };
                if exponent == 128 && y.is_finite() {
                    // Next to the largest f32 the logarithm rounds to 128: the number is divided by
                    // 2^128, which is infinite in f32, and multiplied by it again. Zero times
                    // infinity is NaN.
                    return self.element.encode_f32(F32_NAN);
                }
                power(exponent.max(layout.min_exponent() as i32) - i32::from(layout.mantissa_bits))
            }
            _ => self.element.smallest_positive().to_f32(),
        };
        let units = (y / unit).abs();
        let up = floor(units + 0.5);
        let whole = match self.element_convert.round {
            Round::TowardZero => floor(units),
            Round::NearestAway => up,
            // A tie goes down to an even number. Where only the rounding of the sum made `up` look
            // like one, it stays, as in the program.
            _ if units - 0.5 == up - 1.0 && up % 2.0 == 1.0 => up - 1.0,
            _ => up,
        };
        let value = (whole * unit).min(self.element.max().to_f32());
        self.element.encode_f32(value.copysign(y))
    }
}

/// The zero that NumPy's minimum over 32 numbers leaves if the smallest is zero, under
/// [`ZeroMinimum::NumpyAvx512`]; `None` for another count, or without a zero.
///
/// NumPy starts 16 lanes as `min(x[0], x[1 + lane])`, folds the lanes by halves, and takes numbers
/// 17 to 31 one by one. Every step is `minps`, which returns its second operand if both are zero,
/// so that some position always wins over another: the later in `ORDER`, then in order of position.
fn numpy_zero(elements: impl Iterator<Item = Number>) -> Option<f32> {
    const ORDER: [usize; 17] = [13, 5, 9, 1, 15, 7, 11, 3, 14, 6, 10, 2, 16, 8, 12, 0, 4];
    let (mut length, mut best) = (0, None);
    for (position, x) in elements.map(Number::nearest).enumerate() {
        length += 1;
        let rank = ORDER.iter().position(|&other| other == position).unwrap_or(position);
        if x == 0.0 && best.is_none_or(|(least, _)| rank > least) {
            best = Some((rank, x));
        }
    }
    best.filter(|_| length == 32).map(|(_, zero)| zero)
}

/// A power of two in f32's normal range, or the nearest to it.
fn power(exponent: i32) -> f32 {
    f32::from_bits(((exponent + 127).clamp(1, 254) as u32) << 23)
}

/// The integer part of a number from 0 up: `core` has no `floor`.
fn floor(x: f32) -> f32 {
    if x < 8_388_608.0 { x as u32 as f32 } else { x }
}

/// An integer format wide enough for every quotient that is not clamped anyway.
const INT32: FormatSpec = FormatSpec::constant(
    "INT32",
    Encoding::Int(IntSpec { signed: true, bits: 32, fraction_bits: 0, symmetric: false }),
);

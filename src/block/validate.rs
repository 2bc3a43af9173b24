//! Which parts of a [`BlockSpec`] contradict each other.

use super::rule::{Ratio, ScaleRule};
use super::scheme::{
    Codebooks, Dequantization, Division, ElementRounding, Extent, Nonfinite, Offset, ScaleSigns,
    Search, SubScale, TensorScale,
};
use super::spec::BlockSpec;
use crate::error::Error;
use crate::policy::{Convert, Overflow};
use crate::round::Round;
use crate::spec::Encoding;

impl BlockSpec {
    /// Refuses parts that contradict each other.
    ///
    /// # Errors
    /// [`Error::Block`] says which parts, and what was expected of them; [`Error::RandomBits`] if a
    /// stochastic rounding asks for none or more than 32.
    pub const fn validate(&self) -> Result<(), Error> {
        if let Err(error) = self.element_convert.round.validate() {
            return Err(error);
        }
        let refused = match self.conflict() {
            Some(what) => what,
            None => return Ok(()),
        };
        Err(Error::Block(refused))
    }

    const fn conflict(&self) -> Option<&'static str> {
        // Rules compute 2^(e − emax) for every exponent e of an f32: within these bounds it is a
        // normal f64.
        let emax = self.element.max_exponent();
        if emax < -256 || emax > 512 {
            return Some("elements: expected a largest number from 2^-256 to below 2^513");
        }
        // No wildcard: a new rule does not compile before its numbers are looked at here.
        let numbers = match (self.rule, self.tensor_scale) {
            (ScaleRule::Amax { target, .. } | ScaleRule::Log2Ceil { target }, tensor) => {
                is_positive(target) && has_target(tensor)
            }
            (ScaleRule::SignedMax { target }, tensor) => {
                target != 0.0 && target.is_finite() && has_target(tensor)
            }
            (ScaleRule::Range { steps, .. }, tensor) => is_positive(steps) && has_target(tensor),
            (ScaleRule::Fixed(scale), tensor) => is_positive(scale) && has_target(tensor),
            (
                ScaleRule::Floor
                | ScaleRule::Ceil
                | ScaleRule::RoundUp
                | ScaleRule::Even { .. }
                | ScaleRule::Nearest
                | ScaleRule::Log2Floor
                | ScaleRule::Unit
                | ScaleRule::Given
                | ScaleRule::Custom(_),
                tensor,
            ) => has_target(tensor),
        };
        if !numbers {
            return Some(
                "rule and tensor scale: expected positive finite targets, steps and scales",
            );
        }
        // The f32 sum (y + 1) · steps / 2 + 0.5 tells 2^23 steps apart, and no more.
        let countable = match self.element_rounding {
            ElementRounding::Steps(steps) => steps >= 1 && steps <= 1 << 23,
            _ => true,
        };
        if !countable {
            return Some("element rounding: expected 1 to 2^23 steps");
        }
        let integer = match self.element.encoding() {
            Encoding::Int(layout) => layout.fraction_bits == 0,
            _ => false,
        };
        // A code is read through a window of three bytes, which holds 16 bits from any bit on.
        if self.element.bits() > 16 {
            return Some("elements: expected a format of at most 16 bits");
        }
        // The grid of blocks divides by these lengths.
        match self.extent {
            Extent::Block { rows: 0, .. } | Extent::Block { cols: 0, .. } | Extent::Flat(0) => {
                return Some("extent: expected at least one row, one column and one element");
            }
            _ => {}
        }
        if let Some(what) = self.conflict_of_parts() {
            return Some(what);
        }
        // Without scales, no part may ask for one; poison is a code of the scale format.
        match &self.scale {
            None if !matches!(self.rule, ScaleRule::Unit)
                || self.search.is_some()
                || !matches!(self.offset, Offset::None)
                || !matches!(self.tensor_scale, TensorScale::None) =>
            {
                return Some(
                    "no scale: expected the rule Unit, no search, no offset and no tensor scale",
                );
            }
            None if self.has_parts_of_scales() => {
                return Some(
                    "no scale: expected no bounds, substitutes, divisors, policy, division or \
                     poison of scales",
                );
            }
            // A scale below zero would be NaN, or a code that stands for another number.
            Some(scale)
                if matches!(self.rule, ScaleRule::SignedMax { .. }) && !scale.is_signed() =>
            {
                return Some("signed maximum: expected a scale format with a sign");
            }
            Some(scale)
                if matches!(self.nonfinite, Nonfinite::Poison) && scale.nan_code().is_none() =>
            {
                return Some("nonfinite: to poison a block, expected a scale format with NaN");
            }
            _ => {}
        }
        // Random bits are drawn for elements; scales are rounded without any.
        if matches!(self.scale_convert.round, Round::Stochastic { .. }) {
            return Some("scale: expected a rounding without random bits");
        }
        // A scale that wraps would be small for the largest blocks.
        if matches!(self.scale_convert.overflow, Overflow::Wrap) {
            return Some("scale: expected an overflow that does not wrap");
        }
        // Comparisons with NaN are false, so NaN is asked for by name.
        let (low, high) = self.scale_bounds;
        let substitutes = self.zero_block_scale >= 0.0 && self.underflow_scale >= 0.0;
        if !low.is_finite() || low < 0.0 || high.is_nan() || low > high || !substitutes {
            return Some(
                "scale bounds and substitutes: expected numbers from 0 up, a finite lower bound first",
            );
        }
        let (mut not_numbers, mut i) = (self.flush_below.is_nan(), 0);
        let divisors = self.divisors.as_slice();
        // `for` loops are not const.
        while i < divisors.len() {
            not_numbers |= divisors[i].1.is_nan();
            i += 1;
        }
        if not_numbers {
            return Some("flush and divisors: expected numbers");
        }
        // Zero points are stored in a byte each, in the elements' format; minima are what codes
        // from 0 up are counted from. Both formulas are f32's, and have no place for a tensor
        // scale.
        match self.offset {
            Offset::ZeroPoint if !integer || self.element.bits() > 8 => {
                return Some("zero point: expected integer elements of at most 8 bits");
            }
            Offset::Minimum(_) if !integer || self.element.is_signed() => {
                return Some("minimum: expected unsigned integer elements");
            }
            Offset::ZeroPoint | Offset::Minimum(_)
                if !matches!(self.tensor_scale, TensorScale::None) =>
            {
                return Some("offset: expected no tensor scale");
            }
            Offset::ZeroPoint | Offset::Minimum(_)
                if !matches!(self.rule, ScaleRule::Range { .. } | ScaleRule::Given) =>
            {
                return Some("offset: expected the rule Range or Given");
            }
            // A zero point is the code of the number 0, which must lie in the range.
            Offset::ZeroPoint if matches!(self.rule, ScaleRule::Range { with_zero: false, .. }) => {
                return Some("zero point: expected a range with zero");
            }
            Offset::ZeroPoint if matches!(self.element_convert.overflow, Overflow::Wrap) => {
                return Some(
                    "zero point: expected elements that do not wrap, as sums with one are clamped",
                );
            }
            Offset::ZeroPoint
                if matches!(
                    self.element_rounding,
                    ElementRounding::Microxcaling | ElementRounding::Steps(_)
                ) =>
            {
                return Some("zero point: expected elements that take one");
            }
            Offset::ZeroPoint | Offset::Minimum(_) if matches!(self.division, Division::Exact) => {
                return Some("offset: expected an f32 division or reciprocal");
            }
            _ => {}
        }
        // A rule that clamps to the largest code leaves no number to wrap.
        let clamps = matches!(
            self.element_rounding,
            ElementRounding::AddHalfTruncate | ElementRounding::Microxcaling
        );
        if clamps && matches!(self.element_convert.overflow, Overflow::Wrap) {
            return Some(
                "element rounding: of a rule that clamps, expected an overflow that does not wrap",
            );
        }
        if matches!(
            self.element_rounding,
            ElementRounding::AddThenRound | ElementRounding::AddHalfTruncate
        ) && !integer
        {
            return Some("element rounding: to add before rounding, expected integers");
        }
        // Least error tries all codes for each element: 256 at most.
        match self.element_rounding {
            ElementRounding::LeastError if self.element.bits() > 8 => {
                return Some("element rounding: to try every code, expected at most 8 bits");
            }
            ElementRounding::Midpoints
                if !matches!(self.element.encoding(), Encoding::Codebook(_)) =>
            {
                return Some("element rounding: for midpoints, expected a codebook");
            }
            _ => {}
        }
        let rounding = matches!(
            self.element_convert.round,
            Round::NearestEven | Round::NearestAway | Round::TowardZero
        );
        if matches!(self.element_rounding, ElementRounding::Microxcaling) && !rounding {
            return Some(
                "element rounding: of microxcaling's roundings, expected nearest (even or away) or \
                 toward zero",
            );
        }
        // A stored T = target / amax divides numbers that come back, a stored t multiplies them.
        // Every form of a division has one of the two in mind.
        let divided =
            matches!(self.tensor_scale, TensorScale::Divisor { .. } | TensorScale::Amax { .. });
        let divides = matches!(
            self.division,
            Division::DivideQuotient | Division::InverseReciprocal | Division::ClampedReciprocal
        );
        if divided != divides && !matches!(self.tensor_scale, TensorScale::None) {
            return Some(
                "division: expected the form whose tensor scale divides exactly where it does",
            );
        }
        if !self.restorable(self.dequantization) {
            return Some(
                "dequantization: expected the form of the tensor scale: Product, Quotient of a \
                 divisor, AmaxProduct or AmaxQuotient of amax",
            );
        }
        if !matches!(self.tensor_scale, TensorScale::None) {
            // A ratio takes t or T on the side where its program has it; rules of powers of two
            // have no place for either.
            let fits = match self.rule {
                ScaleRule::Amax { ratio: Ratio::Divide | Ratio::DivideTwice, .. } => !divided,
                ScaleRule::Amax { ratio: Ratio::Multiply | Ratio::MultiplyQuotient, .. } => divided,
                ScaleRule::Fixed(_) | ScaleRule::Given | ScaleRule::Custom(_) => true,
                _ => false,
            };
            if !fits {
                return Some(
                    "rule: with a tensor scale, expected a ratio that divides by a multiplier or \
                     multiplies by a divisor or amax, Fixed, Given or Custom",
                );
            }
            // This division takes the rule's result alone, without the tensor scale.
            if matches!(self.division, Division::UnroundedReciprocal) {
                return Some("division: of the scale before rounding, expected no tensor scale");
            }
        }
        // An f32 stores 23 mantissa bits: with all of them kept, there is nothing to round.
        if matches!(self.rule, ScaleRule::Even { mantissa_bits: 23.. }) {
            return Some("rule: expected at most 22 mantissa bits");
        }
        // A search restores numbers to compare them, so its formula must fit the tensor scale, too.
        match &self.search {
            Some(Search { factors, .. }) if factors.as_slice().is_empty() => {
                Some("search: expected at least one factor")
            }
            Some(Search { factors, .. }) if !all_finite(factors.as_slice()) => {
                Some("search: expected finite factors")
            }
            Some(Search { dequantization: Some(restore), .. }) if !self.restorable(*restore) => {
                Some("search: expected a restore form that is one of the tensor scale's")
            }
            _ => None,
        }
    }

    /// Whether a part that only scales use is other than [`new`](Self::new) makes it without them.
    const fn has_parts_of_scales(&self) -> bool {
        // By bits: −0 is a substitute, too.
        let substitutes = self.zero_block_scale.to_bits() | self.underflow_scale.to_bits();
        let bounds = (self.scale_bounds.0.to_bits(), self.scale_bounds.1.to_bits());
        let free = bounds.0 == 0 && bounds.1 == f32::INFINITY.to_bits();
        !free
            || substitutes != 0
            || !self.divisors.as_slice().is_empty()
            || !matches!(self.scale_convert, Convert::IEEE)
            || !matches!(self.division, Division::Exact)
            || matches!(self.nonfinite, Nonfinite::Poison)
    }

    /// Returns a conflict among sub-scales, scales for each sign and codebooks.
    const fn conflict_of_parts(&self) -> Option<&'static str> {
        let per_sign = matches!(self.scale_signs, ScaleSigns::PerSign);
        let no_scale = self.scale.is_none();
        match &self.sub_scale {
            Some(SubScale { blocks: 0, .. }) => {
                return Some("sub-scale: expected at least one block");
            }
            Some(_) if no_scale => return Some("sub-scale: expected a scale format"),
            _ => {}
        }
        if per_sign && no_scale {
            return Some("scale for each sign: expected a scale format");
        }
        if per_sign && !matches!(self.offset, Offset::None) {
            return Some("scale for each sign: expected no offset");
        }
        // Entries are stored for every code: 256 at most. Zero points are subtracted from integers,
        // which entries need not be.
        match self.codebooks {
            Codebooks::Format => None,
            _ if self.element.bits() > 8 => Some("codebooks: expected codes of at most 8 bits"),
            _ if matches!(self.offset, Offset::ZeroPoint) => {
                Some("codebooks: expected no zero point")
            }
            Codebooks::Row(_) if matches!(self.extent, Extent::Flat(_)) => {
                Some("codebooks for each row: expected blocks that do not reach over rows")
            }
            Codebooks::Tensor(_) | Codebooks::Row(_) => None,
        }
    }

    /// Whether the tensor scale stores what a formula takes: t, T or amax.
    const fn restorable(&self, restore: Dequantization) -> bool {
        match self.tensor_scale {
            TensorScale::None | TensorScale::Multiplier { .. } => {
                matches!(restore, Dequantization::Product | Dequantization::ProductPlusZero)
            }
            TensorScale::Divisor { .. } => matches!(restore, Dequantization::Quotient),
            TensorScale::Amax { .. } => {
                matches!(restore, Dequantization::AmaxProduct | Dequantization::AmaxQuotient)
            }
        }
    }
}

/// Whether a number is positive and finite.
const fn is_positive(x: f32) -> bool {
    x > 0.0 && x.is_finite()
}

/// Whether a tensor scale has a usable target, or none.
const fn has_target(tensor_scale: TensorScale) -> bool {
    is_positive(tensor_scale.target())
}

/// Whether no number is infinite or NaN.
const fn all_finite(numbers: &[f32]) -> bool {
    let mut i = 0;
    while i < numbers.len() {
        if !numbers[i].is_finite() {
            return false;
        }
        i += 1;
    }
    true
}

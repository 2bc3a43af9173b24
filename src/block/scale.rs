//! From a rule's result to a scale code and a zero point: substitutes, clamping and rounding.

use super::rule::range;
use super::scheme::Nonfinite;
use super::spec::BlockSpec;
use super::statistics::BlockStats;

/// A block's scale: the rule's result, clamped, and its code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// The clamped scale before rounding.
    pub(crate) ideal: f64,
    /// The code in the scale format; 0 without one.
    pub(crate) code: u32,
}

impl BlockSpec {
    /// The scale of a block with these statistics times `factor`.
    pub(crate) fn scale_of(&self, stats: &BlockStats<'_>, tensor: f32, factor: f32) -> Scale {
        let Some(format) = &self.scale else { return Scale { ideal: 1.0, code: 0 } };
        let poisoned = (stats.nan || stats.infinite) && matches!(self.nonfinite, Nonfinite::Poison);
        // In the OCP MX formats a NaN scale makes every number of its block NaN.
        if let (true, Some(code)) = (poisoned, format.nan_code()) {
            return Scale { ideal: f64::NAN, code };
        }
        let mut stats = *stats;
        // NaN is tested before infinity: in a block with both, NaN decides.
        match self.nonfinite {
            Nonfinite::Count if stats.nan => stats.amax = f32::NAN,
            Nonfinite::CountAsInfinity if stats.nan => stats.amax = f32::INFINITY,
            Nonfinite::CountNanAsZero if stats.nan => stats.amax = 0.0,
            Nonfinite::Count
            | Nonfinite::CountInfinity
            | Nonfinite::CountAsInfinity
            | Nonfinite::CountNanAsZero
                if stats.infinite =>
            {
                stats.amax = f32::INFINITY;
            }
            _ => {}
        }
        let ideal = match self.rule.ideal(&stats, &self.element, self.tensor_scale, tensor) {
            // A substitute of -0 is for blocks of zeros alone: a quotient that underflows keeps its
            // sign.
            0.0 if self.zero_block_scale > 0.0
                || (self.zero_block_scale.to_bits() != 0 && stats.amax == 0.0) =>
            {
                f64::from(self.zero_block_scale)
            }
            other if factor == 1.0 => other,
            other => f64::from(other as f32 * factor),
        };
        self.round_scale(ideal)
    }

    /// Clamps a scale and rounds it into the scale format.
    pub(crate) fn round_scale(&self, ideal: f64) -> Scale {
        let Some(format) = &self.scale else { return Scale { ideal: 1.0, code: 0 } };
        let (low, high) = self.scale_bounds;
        let (low, high) = (f64::from(low), f64::from(high));
        // A signed scale is clamped by its magnitude; NaN stays.
        let magnitude = if ideal.abs() < low {
            low
        } else if ideal.abs() > high {
            high
        } else {
            ideal.abs()
        };
        let ideal = if ideal.is_sign_negative() { -magnitude } else { magnitude };
        let code = format.encode_f64_with(ideal, &self.scale_convert, 0).code;
        let vanished = self.underflow_scale > 0.0 && format.decode(code).is_zero();
        let code = if vanished {
            format.encode_f64_with(f64::from(self.underflow_scale), &self.scale_convert, 0).code
        } else {
            code
        };
        Scale { ideal, code }
    }

    /// The zero point of a block with this scale.
    pub(super) fn zero_point_of(&self, stats: &BlockStats<'_>, scale: f32) -> i32 {
        let (low, high) = (self.element.min().to_f32(), self.element.max().to_f32());
        let (min, _) = range(stats, true);
        // A scale that was rounded to zero puts the number 0 at the least code.
        let quotient = if scale == 0.0 { 0.0 } else { min / scale };
        let rounded = round_half_even(low - quotient);
        // The cast turns NaN, which a NaN scale gives, into 0.
        rounded.clamp(low, high) as i32
    }
}

/// Rounds to the nearest integer, ties to even, by f32's own rounding: adds and takes away
/// 1.5·2^23, where f32s are 1 apart.
fn round_half_even(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0;
    if x.abs() < 4_194_304.0 { x + MAGIC - MAGIC } else { x }
}

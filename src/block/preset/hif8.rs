//! Huawei's HiF8 with a scale for the tensor. HiF8 spans 38 binades, and has most bits near 1: the
//! scale is there for range, and what the largest number should become is a choice.
//!
//! The scale is a normal f32, 1 where the quotient is zero, made from finite numbers. Elements are
//! the exact quotients, rounded half away and saturating; infinity saturates, NaN is 0x80.

use super::table::{Evidence, Preset};
use crate::block::{BlockSpec, Division, Extent, Nonfinite, Ratio, ScaleRule};
use crate::policy::{Convert, Infinity, Overflow};
use crate::spec::FormatSpec;

/// HiF8 elements with one scale, `amax / target`.
#[must_use]
pub const fn tensor(target: f32) -> BlockSpec {
    BlockSpec::new(
        FormatSpec::HIF8,
        Some(FormatSpec::F32),
        Extent::Tensor,
        ScaleRule::Amax { target, ratio: Ratio::Divide },
    )
    .with_element_convert(
        Convert::HIF8.with_overflow(Overflow::Saturate).with_infinity(Infinity::Saturate),
    )
    .with_scale_bounds((f32::MIN_POSITIVE, f32::MAX))
    .with_zero_block_scale(1.0)
    .with_nonfinite(Nonfinite::Ignore)
    .with_division(Division::Exact)
}

presets! { "hif8", "CANN and torch_npu, 2026";
    /// The largest number becomes the largest HiF8, 32768, as CANN's dynamic quantization has it:
    /// the scale is `amax · 2^-15`.
    TENSOR = tensor(FormatSpec::HIF8.max().to_f32()), "amax / 32768", FormulaOnly, changes "an amax whose quotient is zero has the scale 1";
    /// The largest number becomes 15, the end of the binades with three bits: inputs and weights in
    /// `torch_npu`'s training.
    TENSOR_TO_15 = tensor(15.0), "amax / 15", FormulaOnly;
    /// The largest number becomes 224, the end of those with two: gradients in `torch_npu`'s
    /// training.
    TENSOR_TO_224 = tensor(224.0), "amax / 224", FormulaOnly;
}

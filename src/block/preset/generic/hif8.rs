//! HiF8 with a scale for the tensor.

use crate::block::preset::common::ZERO_QUOTIENT;
use crate::block::{BlockSpec, Division, Extent, Nonfinite, Ratio, ScaleRule};
use crate::policy::{Convert, Infinity, Overflow};
use crate::spec::FormatSpec;

/// HiF8 elements with one scale for the tensor, `amax / target`: the largest number becomes
/// `target`.
#[must_use]
pub const fn hif8_tensor(target: f32) -> BlockSpec {
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

presets! {
    module: "generic",
    source: "CANN and torch_npu, 2026";

    /// HiF8 with one scale for the tensor, `amax · 2^-15`: the largest number becomes 32768, the
    /// largest HiF8, as in CANN's dynamic quantization.
    HIF8_TENSOR {
        spec: hif8_tensor(FormatSpec::HIF8.max().to_f32()),
        rule: "amax / 32768",
        evidence: FormulaOnly,
        changes: ZERO_QUOTIENT,
    }
    /// HiF8 with one scale for the tensor, `amax / 15`: the largest number becomes 15, the end of
    /// the binades with three mantissa bits. `torch_npu` trains with it: inputs and weights.
    HIF8_TENSOR_TO_15 {
        spec: hif8_tensor(15.0),
        rule: "amax / 15",
        evidence: FormulaOnly,
    }
    /// HiF8 with one scale for the tensor, `amax / 224`: the largest number becomes 224, the end of
    /// the binades with two mantissa bits. `torch_npu` trains with it: gradients.
    HIF8_TENSOR_TO_224 {
        spec: hif8_tensor(224.0),
        rule: "amax / 224",
        evidence: FormulaOnly,
    }
}

//! NVIDIA Model Optimizer 0.47's MX formats and NVFP4 (`modelopt.torch.quantization.qtensor`).
//!
//! For MX scales the quotient and its logarithm are each rounded to f32, so just above a power of
//! two a scale can be half of the exact rule's. Elements are f32 quotients. The symbols of NVFP4's
//! formulas are explained in [`preset`](super#nvfp4).

use super::common::{E2M1_MAX, ROUNDED_PRODUCTS, UE4M3_MAX, block16};
use crate::block::{
    BlockSpec, Dequantization, Division, Extent, Nonfinite, Ratio, ScaleRule, TensorScale, ZeroSign,
};
use crate::policy::{Convert, Infinity, MissingNan, Nan};
use crate::round::Round;
use crate::spec::FormatSpec;

const fn mx(element: FormatSpec, target: f32) -> BlockSpec {
    BlockSpec::new(element, Some(FormatSpec::E8M0), Extent::MX, ScaleRule::Log2Ceil { target })
        .with_division(Division::Divide)
}

const MXFP4_ELEMENTS: Convert =
    Convert::SATURATING.with_round(Round::NearestTowardZero).with_missing_nan(MissingNan::Zero);

const MXFP8_ELEMENTS: Convert =
    Convert::SATURATING.with_infinity(Infinity::Saturate).with_nan(Nan::Signed);

presets! {
    module: "modelopt",
    source: "Model Optimizer 0.47.0";

    /// MXFP4 of Model Optimizer: elements are rounded to nearest, ties toward zero; every zero is
    /// stored as −0, code 0x8. A block with NaN or infinity becomes a block of zeros, each stored
    /// as −0.
    MXFP4 {
        spec: mx(FormatSpec::F4E2M1, 6.0)
            .with_element_convert(MXFP4_ELEMENTS)
            .with_zero_sign(ZeroSign::MinusUnlessAbove)
            .with_nonfinite(Nonfinite::Erase),
        rule: "2^ceil(log2f(amax / 6))",
        evidence: Checked,
    }
    /// MXFP8 E4M3 of Model Optimizer. Infinity counts as a magnitude (scale code 254). A block with
    /// NaN has scale code 0, under which nearly all its numbers saturate.
    MXFP8_E4M3 {
        spec: mx(FormatSpec::F8E4M3, 448.0)
            .with_element_convert(MXFP8_ELEMENTS)
            .with_nonfinite(Nonfinite::CountNanAsZero),
        rule: "2^ceil(log2f(amax / 448))",
        evidence: Checked,
    }
    /// NVFP4 of Model Optimizer: `t = amax / 2688`, `s = e4m3(clamp(amax_b / (6·t), 2^-9, 448))`,
    /// elements `x / (s·t)`, dequantized `q · (s·t)`.
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a block. A block of zeros
    /// has the scale 1. −0 becomes +0; numbers below zero that become −0 are dequantized to +0. For
    /// a tensor of zeros, where the program divides by zero, `t` is 1 here. NaN makes the scale
    /// NaN.
    NVFP4 {
        spec: block16(FormatSpec::F4E2M1, E2M1_MAX, Ratio::Divide)
            .with_tensor_scale(TensorScale::Multiplier { target: UE4M3_MAX * E2M1_MAX })
            .with_scale_bounds((FormatSpec::UE4M3.smallest_positive().to_f32(), UE4M3_MAX))
            .with_zero_block_scale(1.0)
            .with_zero_sign(ZeroSign::MinusBelowZero)
            .with_dequantization(Dequantization::ProductPlusZero),
        rule: "e4m3(clamp(amax_b / (6 * (amax / 2688)), 2^-9, 448))",
        evidence: Checked,
        changes: ROUNDED_PRODUCTS,
    }
    /// NVFP4 of Model Optimizer in tiles of 16×16: `t = amax / 2688`,
    /// `s = e4m3(clamp(amax_b / (6·t), 2^-9, 448))`, elements `x / (s·t)`, dequantized `q · (s·t)`.
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a tile. A tile of zeros has
    /// the scale 1. −0 becomes +0; numbers below zero that become −0 are dequantized to +0. For a
    /// tensor of zeros, where the program divides by zero, `t` is 1 here. NaN makes the scale NaN.
    NVFP4_16X16 {
        spec: NVFP4.with_extent(Extent::TILE_16X16),
        rule: "e4m3(clamp(amax_b / (6 * (amax / 2688)), 2^-9, 448))",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
}

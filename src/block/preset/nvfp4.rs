//! NVFP4: blocks of 16 along the last axis, E2M1 elements, one UE4M3 scale each, and an f32 scale
//! for the tensor. Every program makes other numbers of it: they differ in the order of operations,
//! in the smallest scale and in what a block of zeros gets.
//!
//! In the rules `amax` is the largest magnitude of the tensor and `amax_b` that of a block, `t` the
//! tensor scale and `T` its inverse, `s` a block's scale. Every operation is an f32 one; scales are
//! rounded to nearest even and saturate, and so are elements. Tensor scales from the data are made
//! from its finite numbers. Scales are the sources' `float8_e4m3fn` codes, whose sign bit is never
//! set.
//!
//! The `_16X16` presets do the same operations on tiles of 16×16, so that a matrix and its
//! transpose have the same scales. Transformer Engine ships them; of the others they are the
//! arithmetic alone.
//!
//! Quantizing a dequantized tensor again finds other tensor scales: `amax` comes back by rounded
//! products.

use super::table::{Evidence, Preset};
use crate::block::{
    BlockSpec, Dequantization, Division, Extent, Metric, Nonfinite, Ratio, ScaleRule, Search,
    TensorScale, ZeroSign,
};
use crate::policy::{Convert, Infinity, MissingNan};
use crate::spec::{Encoding, FormatSpec, IntSpec};

/// Tiles.
const TILES: Extent = Extent::Block { rows: 16, cols: 16 };

/// Blocks of 16 elements along the last axis.
pub const EXTENT: Extent = Extent::Block { rows: 1, cols: 16 };

const MAX: f32 = FormatSpec::F4E2M1.max().to_f32();
const SCALE_MAX: f32 = FormatSpec::UE4M3.max().to_f32();

/// With elements up to `max`, no tensor scale yet, `x / s`.
const fn block16(element: FormatSpec, max: f32, ratio: Ratio) -> BlockSpec {
    BlockSpec::new(element, Some(FormatSpec::UE4M3), EXTENT, ScaleRule::Amax { target: max, ratio })
        .with_scale_convert(Convert::SATURATING.with_infinity(Infinity::Saturate))
        .with_nonfinite(Nonfinite::Count)
        .with_division(Division::Divide)
}

/// Judges the plain scale against one 1.5 times as large, which lets the largest element become 4
/// instead of 6.
const fn four_over_six(metric: Metric) -> Search {
    Search { factors: &[1.0, 1.5], metric, dequantization: Some(Dequantization::AmaxQuotient) }
}

/// NVIDIA Transformer Engine's kernels.
pub(super) mod transformer_engine {
    use super::*;

    const fn nvfp4(scale_max: f32, ratio: Ratio) -> BlockSpec {
        block16(FormatSpec::F4E2M1, MAX, ratio)
            .with_element_convert(Convert::CUDA_SATFINITE)
            .with_nonfinite(Nonfinite::CountInfinity)
            .with_tensor_scale(TensorScale::Amax { target: scale_max * MAX })
            .with_division(Division::ClampedReciprocal)
            .with_dequantization(Dequantization::AmaxProduct)
    }

    const fn search(scale_max: f32, metric: Metric) -> BlockSpec {
        nvfp4(scale_max, Ratio::MultiplyQuotient).with_search(Some(four_over_six(metric)))
    }

    presets! { "nvfp4", "Transformer Engine d0067d0d";
        /// Transformer Engine: `T = 2688 / amax`, at most `f32::MAX`, 1 for a tensor of zeros; the
        /// tensor keeps `amax`. `s = e4m3(amax_b · (T · 1/6))`, elements
        /// `x · min(1 / (s · 1/T), f32::MAX)`, back as `q · (s·amax · 1/2688)`.
        ///
        /// A block far below the largest gets scale 0; its numbers but zeros become ±6, and come
        /// back as zeros. NaN is passed over by the scale and becomes 6; infinity makes the
        /// scale 448.
        TRANSFORMER_ENGINE = nvfp4(SCALE_MAX, Ratio::Multiply), "e4m3(amax_b * (2688 / amax * 1/6))", FormulaOnly, changes "amax comes back by rounded products";
        /// [`TRANSFORMER_ENGINE`] in tiles of 16×16, for weights. There every tile's scale is
        /// stored 16 times, once for each row; here once.
        TRANSFORMER_ENGINE_16X16 = nvfp4(SCALE_MAX, Ratio::Multiply).with_extent(TILES), "e4m3(amax_b * (2688 / amax * 1/6))", FormulaOnly, changes "amax comes back by rounded products";
        /// Transformer Engine's 4over6 with the smaller sum of absolute errors, its default:
        /// `T = 1536 / amax`, `s` is `e4m3(amax_b / 6 · T)` or 1.5 times that before rounding; ties
        /// take the first. Errors are of `((q·s) · amax) / 1536`; its reduced-precision errors and
        /// its 16×16 form, which sums by a tree, are not here. All else as [`TRANSFORMER_ENGINE`].
        TRANSFORMER_ENGINE_4OVER6_MAE = search(256.0, Metric::Mae), "e4m3(k * amax_b / 6 * (1536 / amax)), k 1 or 1.5 by MAE", FormulaOnly, changes "amax comes back by rounded products";
        /// [`TRANSFORMER_ENGINE_4OVER6_MAE`] with the smaller sum of squares.
        TRANSFORMER_ENGINE_4OVER6_MSE = search(256.0, Metric::Mse), "e4m3(k * amax_b / 6 * (1536 / amax)), k 1 or 1.5 by MSE", FormulaOnly, changes "amax comes back by rounded products";
        /// [`TRANSFORMER_ENGINE_4OVER6_MAE`] with 2688 for 1536: the larger candidate saturates
        /// at 448.
        TRANSFORMER_ENGINE_4OVER6_448_MAE = search(SCALE_MAX, Metric::Mae), "e4m3(k * amax_b / 6 * (2688 / amax)), k 1 or 1.5 by MAE", FormulaOnly, changes "amax comes back by rounded products";
        /// [`TRANSFORMER_ENGINE_4OVER6_448_MAE`] with the smaller sum of squares.
        TRANSFORMER_ENGINE_4OVER6_448_MSE = search(SCALE_MAX, Metric::Mse), "e4m3(k * amax_b / 6 * (2688 / amax)), k 1 or 1.5 by MSE", FormulaOnly, changes "amax comes back by rounded products";
    }
}

/// torchao's `NVFP4Tensor`.
pub(super) mod torchao {
    use super::*;

    /// The smallest normal number of E4M3, torchao's least scale.
    const LEAST: f32 = FormatSpec::UE4M3.min_normal().expect("E4M3 has normal numbers").to_f32();

    const SINGLE: BlockSpec = block16(FormatSpec::F4E2M1, MAX, Ratio::DivideTwice)
        .with_element_convert(Convert::SATURATING.with_missing_nan(MissingNan::Payload))
        .with_scale_bounds((LEAST, SCALE_MAX))
        .with_division(Division::Reciprocal);

    presets! { "nvfp4", "torchao 0.18";
        /// torchao with a tensor scale: `t = amax / 2688`,
        /// `s = e4m3(clamp((amax_b / 6) / t, 2^-6, 448))`, elements `x · ((1/t) / s)`, back as
        /// `q · (s·t)`. `t` may be any other.
        ///
        /// A block of zeros gets scale 2^-6. NaN makes the scale NaN, and what NaN becomes torchao
        /// leaves undefined (here what remains of its bits); infinity makes the scale 448.
        TORCHAO = SINGLE.with_tensor_scale(TensorScale::Multiplier { target: SCALE_MAX * MAX }).with_division(Division::TensorReciprocal), "e4m3(clamp(amax_b / 6 / (amax / 2688), 2^-6, 448))", Checked, changes "amax comes back by rounded products";
        /// [`TORCHAO`] with a scale for 16×16 elements.
        TORCHAO_16X16 = TORCHAO.with_extent(TILES), "e4m3(clamp(amax_b / 6 / (amax / 2688), 2^-6, 448))", FormulaOnly, changes "amax comes back by rounded products";
        /// torchao without a tensor scale: `s = e4m3(clamp(amax_b / 6, 2^-6, 448))`, elements
        /// `x · (1/s)`, back as `q · s`. Else as [`TORCHAO`].
        TORCHAO_SINGLE = SINGLE, "e4m3(clamp(amax_b / 6, 2^-6, 448))", Checked;
    }
}

/// NVIDIA Model Optimizer's `NVFP4QTensor`.
pub(super) mod modelopt {
    use super::*;

    presets! { "nvfp4", "Model Optimizer 0.47";
        /// Model Optimizer: `t = amax / 2688`, `s = e4m3(clamp(amax_b / (6·t), 2^-9, 448))`,
        /// elements `x / (s·t)`, back as `q · (s·t)`.
        ///
        /// A block of zeros gets scale 1; −0 becomes +0, and numbers below zero that become −0 come
        /// back as +0. For a tensor of zeros, where it divides by zero, `t` is 1 here. NaN makes
        /// the scale NaN.
        MODEL_OPTIMIZER = block16(FormatSpec::F4E2M1, MAX, Ratio::Divide)
            .with_tensor_scale(TensorScale::Multiplier { target: SCALE_MAX * MAX })
            .with_scale_bounds((FormatSpec::UE4M3.min_positive().to_f32(), SCALE_MAX))
            .with_zero_block_scale(1.0)
            .with_zero_sign(ZeroSign::MinusBelowZero)
            .with_dequantization(Dequantization::ProductPlusZero), "e4m3(clamp(amax_b / (6 * (amax / 2688)), 2^-9, 448))", Checked, changes "amax comes back by rounded products";
        /// [`MODEL_OPTIMIZER`] with a scale for 16×16 elements.
        MODEL_OPTIMIZER_16X16 = MODEL_OPTIMIZER.with_extent(TILES), "e4m3(clamp(amax_b / (6 * (amax / 2688)), 2^-9, 448))", FormulaOnly, changes "amax comes back by rounded products";
    }
}

/// compressed-tensors, and so vLLM's checkpoints.
pub(super) mod compressed_tensors {
    use super::*;

    presets! { "nvfp4", "compressed-tensors 0.20";
        /// compressed-tensors: the tensor keeps `T = 2688 · (1 / amax)`,
        /// `s = e4m3(T · (amax_b / 6))`, elements `x / (s / T)`, back as `q · (s / T)`.
        ///
        /// A scale that is rounded to zero becomes 0.125, the machine epsilon of E4M3; so a block
        /// of zeros gets it. `T` is 1 for a tensor of zeros, and where it would be infinite. −0
        /// becomes +0.
        COMPRESSED_TENSORS = block16(FormatSpec::F4E2M1, MAX, Ratio::MultiplyQuotient)
            .with_tensor_scale(TensorScale::Divisor { target: SCALE_MAX * MAX })
            .with_underflow_scale(FormatSpec::F8E4M3.epsilon().expect("E4M3 has a 1").to_f32())
            .with_division(Division::DivideQuotient)
            .with_zero_sign(ZeroSign::MinusBelowZero)
            .with_dequantization(Dequantization::Quotient), "e4m3(2688 * (1 / amax) * (amax_b / 6))", Checked, changes "amax comes back by rounded products";
        /// [`COMPRESSED_TENSORS`] with a scale for 16×16 elements.
        COMPRESSED_TENSORS_16X16 = COMPRESSED_TENSORS.with_extent(TILES), "e4m3(2688 * (1 / amax) * (amax_b / 6))", FormulaOnly, changes "amax comes back by rounded products";
    }
}

/// The reference implementation of 4over6 (arXiv 2512.02010), `fouroversix`.
pub(super) mod fouroversix {
    use super::*;

    const fn scaled(element: FormatSpec, max: f32, scale_max: f32) -> BlockSpec {
        block16(element, max, Ratio::MultiplyQuotient)
            .with_zero_sign(ZeroSign::MinusBelowZero)
            .with_tensor_scale(TensorScale::Amax { target: scale_max * max })
            .with_division(Division::InverseReciprocal)
            .with_dequantization(Dequantization::AmaxQuotient)
    }

    const fn search(metric: Metric) -> BlockSpec {
        scaled(FormatSpec::F4E2M1, MAX, 256.0).with_search(Some(four_over_six(metric)))
    }

    /// Two's complement from −7 to 7.
    const INT4: FormatSpec = FormatSpec::constant(
        "INT4SYM",
        Encoding::Int(IntSpec { signed: true, bits: 4, fraction_bits: 0, symmetric: true }),
    );

    presets! { "nvfp4", "fouroversix 00e70335";
        /// 4over6 with the smaller sum of squared errors: `T = 1536 / amax` (the tensor keeps
        /// `amax`), `s` is `e4m3(amax_b / 6 · T)` or 1.5 times that before rounding; ties take the
        /// first. Elements are `x · (1 / (s · 1/T))`, back as `((q·s) · amax) / 1536`; so are the
        /// numbers whose errors are summed, in order from 0 (the reference leaves the order to
        /// torch).
        ///
        /// A scale of zero makes zeros; −0 becomes +0. NaN makes the scale NaN. The reference does
        /// not clamp elements, and writes other codes where a subnormal scale was rounded down;
        /// here they saturate, as in its kernels.
        FOUR_OVER_SIX_MSE = search(Metric::Mse), "e4m3(k * amax_b / 6 * (1536 / amax)), k 1 or 1.5 by MSE", FormulaOnly, changes "amax comes back by rounded products";
        /// [`FOUR_OVER_SIX_MSE`] with a scale for 16×16 elements.
        FOUR_OVER_SIX_MSE_16X16 = FOUR_OVER_SIX_MSE.with_extent(TILES), "e4m3(k * amax_b / 6 * (1536 / amax)), k 1 or 1.5 by MSE", FormulaOnly, changes "amax comes back by rounded products";
        /// [`FOUR_OVER_SIX_MSE`] with the smaller sum of absolute errors.
        FOUR_OVER_SIX_MAE = search(Metric::Mae), "e4m3(k * amax_b / 6 * (1536 / amax)), k 1 or 1.5 by MAE", FormulaOnly, changes "amax comes back by rounded products";
        /// [`FOUR_OVER_SIX_MSE`] with the smaller largest error.
        FOUR_OVER_SIX_MAX = search(Metric::Max), "e4m3(k * amax_b / 6 * (1536 / amax)), k 1 or 1.5 by the largest error", FormulaOnly, changes "amax comes back by rounded products";
        /// 4over6 without a search, up to 448: `s = e4m3(amax_b / 6 · (2688 / amax))`; its
        /// `static_6`.
        FOUR_OVER_SIX_STATIC = scaled(FormatSpec::F4E2M1, MAX, SCALE_MAX), "e4m3(amax_b / 6 * (2688 / amax))", FormulaOnly, changes "amax comes back by rounded products";
        /// NVINT4 (arXiv 2510.25602) in the same arithmetic: integers from −7 to 7,
        /// `s = e4m3(amax_b / 7 · (3136 / amax))`, back as `((q·s) · amax) / 3136`.
        NVINT4 = scaled(INT4, 7.0, SCALE_MAX), "e4m3(amax_b / 7 * (3136 / amax))", FormulaOnly, changes "amax comes back by rounded products";
    }
}

pub use self::compressed_tensors::{COMPRESSED_TENSORS, COMPRESSED_TENSORS_16X16};
pub use self::fouroversix::{
    FOUR_OVER_SIX_MAE, FOUR_OVER_SIX_MAX, FOUR_OVER_SIX_MSE, FOUR_OVER_SIX_MSE_16X16,
    FOUR_OVER_SIX_STATIC, NVINT4,
};
pub use self::modelopt::{MODEL_OPTIMIZER, MODEL_OPTIMIZER_16X16};
pub use self::torchao::{TORCHAO, TORCHAO_16X16, TORCHAO_SINGLE};
pub use self::transformer_engine::{
    TRANSFORMER_ENGINE, TRANSFORMER_ENGINE_4OVER6_448_MAE, TRANSFORMER_ENGINE_4OVER6_448_MSE,
    TRANSFORMER_ENGINE_4OVER6_MAE, TRANSFORMER_ENGINE_4OVER6_MSE, TRANSFORMER_ENGINE_16X16,
};

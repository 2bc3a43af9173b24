//! NVIDIA Transformer Engine's MXFP8, FP8 and NVFP4 recipes, as its kernels compute them.
//!
//! FP8 scales ignore NaN, which stays NaN. Elements saturate, infinity too. The symbols of NVFP4's
//! formulas are explained in [`preset`](super#nvfp4).

use super::common::{E2M1_MAX, E4M3, E5M2, ROUNDED_PRODUCTS, UE4M3_MAX, block16, four_over_six};
use crate::block::{
    BlockSpec, Dequantization, Division, Extent, Metric, Nonfinite, Ratio, ScaleRule, TensorScale,
};
use crate::policy::Convert;
use crate::round::Round;
use crate::spec::FormatSpec;

const fn inverse(element: FormatSpec, scale: FormatSpec, extent: Extent) -> BlockSpec {
    BlockSpec::new(
        element,
        Some(scale),
        extent,
        ScaleRule::Amax { target: element.max().to_f32(), ratio: Ratio::Inverse },
    )
    .with_element_convert(Convert::CUDA_SATFINITE)
    .with_zero_block_scale(1.0)
    .with_nonfinite(Nonfinite::CountInfinity)
    .with_division(Division::UnroundedReciprocal)
}

const fn f32_scales(element: FormatSpec, extent: Extent) -> BlockSpec {
    inverse(element, FormatSpec::F32, extent)
}

const fn power_of_two(element: FormatSpec, extent: Extent) -> BlockSpec {
    inverse(element, FormatSpec::E8M0, extent)
        .with_scale_convert(Convert::CUDA_SATFINITE.with_round(Round::Up))
        .with_division(Division::Exact)
}

const fn mx(element: FormatSpec) -> BlockSpec {
    BlockSpec::new(
        element,
        Some(FormatSpec::E8M0),
        Extent::MX,
        ScaleRule::Amax { target: element.max().to_f32(), ratio: Ratio::Multiply },
    )
    .with_element_convert(Convert::CUDA_SATFINITE)
    .with_scale_convert(Convert::CUDA_SATFINITE.with_round(Round::Up))
    .with_nonfinite(Nonfinite::CountInfinity)
}

const fn nvfp4(scale_max: f32, ratio: Ratio) -> BlockSpec {
    block16(FormatSpec::F4E2M1, E2M1_MAX, ratio)
        .with_element_convert(Convert::CUDA_SATFINITE)
        .with_nonfinite(Nonfinite::CountInfinity)
        .with_tensor_scale(TensorScale::Amax { target: scale_max * E2M1_MAX })
        .with_division(Division::ClampedReciprocal)
        .with_dequantization(Dequantization::AmaxProduct)
}

const fn search(scale_max: f32, metric: Metric) -> BlockSpec {
    nvfp4(scale_max, Ratio::MultiplyQuotient).with_search(Some(four_over_six(metric)))
}

presets! {
    module: "transformer_engine",
    source: "Transformer Engine d0067d0d";

    /// MXFP8 E4M3 with the rule of Transformer Engine, cuBLAS and cuDNN: the f32 product
    /// `amax · f32(1/448)` rounded up to a power of two ([`ScaleRule::RoundUp`] says where that
    /// differs from the exact rule). Elements are multiplied by the exact inverse of the scale.
    ///
    /// A block of zeros has scale code 0, 2^-127. Infinity makes the scale code 0xFE, 2^127. The
    /// scale ignores NaN.
    MXFP8_E4M3 {
        spec: mx(E4M3),
        rule: "2^ceil(log2(amax * f32(1/448)))",
        evidence: FormulaOnly,
    }
    /// MXFP8 E5M2 with the rule of Transformer Engine, cuBLAS and cuDNN: the f32 product
    /// `amax · f32(1/57344)` rounded up to a power of two. Elements are multiplied by the exact
    /// inverse of the scale.
    ///
    /// A block of zeros has scale code 0, 2^-127. Infinity makes the scale code 0xFE, 2^127. The
    /// scale ignores NaN.
    MXFP8_E5M2 {
        spec: mx(E5M2),
        rule: "2^ceil(log2(amax * f32(1/57344)))",
        evidence: FormulaOnly,
    }
    /// FP8 E4M3 with one scale for the tensor, "current scaling": `S = 448 / amax`, at most
    /// `f32::MAX`, elements `x · S`; the tensor keeps `1 / S`. `S` is 1 for a tensor of zeros and
    /// for a tensor with infinity.
    FP8_E4M3_TENSOR {
        spec: f32_scales(E4M3, Extent::Tensor),
        rule: "1 / (448 / amax)",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// FP8 E5M2 with one scale for the tensor, "current scaling": `S = 57344 / amax`, at most
    /// `f32::MAX`, elements `x · S`; the tensor keeps `1 / S`. `S` is 1 for a tensor of zeros and
    /// for a tensor with infinity.
    FP8_E5M2_TENSOR {
        spec: f32_scales(E5M2, Extent::Tensor),
        rule: "1 / (57344 / amax)",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// FP8 E4M3 block scaling in blocks of 1×128 with f32 scales: `S = 448 / amax`, at most
    /// `f32::MAX`, elements `x · S`; the stored scale is `1 / S`. `S` is 1 for a block of zeros and
    /// for a block with infinity. The floor of `amax` is 0, the program's default;
    /// [`BlockSpec::scale_bounds`] sets another.
    FP8_E4M3_1X128 {
        spec: f32_scales(E4M3, Extent::BLOCK_1X128),
        rule: "1 / (448 / amax)",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// FP8 E5M2 block scaling in blocks of 1×128 with f32 scales: `S = 57344 / amax`, at most
    /// `f32::MAX`, elements `x · S`; the stored scale is `1 / S`. `S` is 1 for a block of zeros and
    /// for a block with infinity. The floor of `amax` is 0, the program's default;
    /// [`BlockSpec::scale_bounds`] sets another.
    FP8_E5M2_1X128 {
        spec: f32_scales(E5M2, Extent::BLOCK_1X128),
        rule: "1 / (57344 / amax)",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// FP8 E4M3 block scaling in tiles of 128×128 with f32 scales: `S = 448 / amax`, at most
    /// `f32::MAX`, elements `x · S`; the stored scale is `1 / S`. `S` is 1 for a tile of zeros and
    /// for a tile with infinity. The floor of `amax` is 0, the program's default;
    /// [`BlockSpec::scale_bounds`] sets another.
    FP8_E4M3_128X128 {
        spec: f32_scales(E4M3, Extent::TILE_128X128),
        rule: "1 / (448 / amax)",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// FP8 E5M2 block scaling in tiles of 128×128 with f32 scales: `S = 57344 / amax`, at most
    /// `f32::MAX`, elements `x · S`; the stored scale is `1 / S`. `S` is 1 for a tile of zeros and
    /// for a tile with infinity. The floor of `amax` is 0, the program's default;
    /// [`BlockSpec::scale_bounds`] sets another.
    FP8_E5M2_128X128 {
        spec: f32_scales(E5M2, Extent::TILE_128X128),
        rule: "1 / (57344 / amax)",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// FP8 E4M3 block scaling in blocks of 1×128 with powers of two: `S = 448 / amax` loses its
    /// fraction, which rounds the scale `1 / S` up; elements are `x · S`. `S` is 1 for a block of
    /// zeros and for a block with infinity. Scales are E8M0 here; the program stores the same
    /// numbers in f32.
    FP8_E4M3_1X128_POW2 {
        spec: power_of_two(E4M3, Extent::BLOCK_1X128),
        rule: "1 / 2^floor(log2(448 / amax))",
        evidence: FormulaOnly,
    }
    /// FP8 E5M2 block scaling in blocks of 1×128 with powers of two: `S = 57344 / amax` loses its
    /// fraction, which rounds the scale `1 / S` up; elements are `x · S`. `S` is 1 for a block of
    /// zeros and for a block with infinity. Scales are E8M0 here; the program stores the same
    /// numbers in f32.
    FP8_E5M2_1X128_POW2 {
        spec: power_of_two(E5M2, Extent::BLOCK_1X128),
        rule: "1 / 2^floor(log2(57344 / amax))",
        evidence: FormulaOnly,
    }
    /// FP8 E4M3 block scaling in tiles of 128×128 with powers of two: `S = 448 / amax` loses its
    /// fraction, which rounds the scale `1 / S` up; elements are `x · S`. `S` is 1 for a tile of
    /// zeros and for a tile with infinity. Scales are E8M0 here; the program stores the same
    /// numbers in f32.
    FP8_E4M3_128X128_POW2 {
        spec: power_of_two(E4M3, Extent::TILE_128X128),
        rule: "1 / 2^floor(log2(448 / amax))",
        evidence: FormulaOnly,
    }
    /// FP8 E5M2 block scaling in tiles of 128×128 with powers of two: `S = 57344 / amax` loses its
    /// fraction, which rounds the scale `1 / S` up; elements are `x · S`. `S` is 1 for a tile of
    /// zeros and for a tile with infinity. Scales are E8M0 here; the program stores the same
    /// numbers in f32.
    FP8_E5M2_128X128_POW2 {
        spec: power_of_two(E5M2, Extent::TILE_128X128),
        rule: "1 / 2^floor(log2(57344 / amax))",
        evidence: FormulaOnly,
    }
    /// NVFP4 of Transformer Engine: `T = 2688 / amax`, at most `f32::MAX`, 1 for a tensor of zeros;
    /// the tensor keeps `amax`. `s = e4m3(amax_b · (T · 1/6))`, elements
    /// `x · min(1 / (s · 1/T), f32::MAX)`, dequantized `q · (s·amax · 1/2688)`.
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a block. A block far below
    /// the largest gets scale 0; its nonzero numbers become ±6, and are dequantized to zeros. The
    /// scale ignores NaN, which becomes 6; infinity makes the scale 448.
    NVFP4 {
        spec: nvfp4(UE4M3_MAX, Ratio::Multiply),
        rule: "e4m3(amax_b * (2688 / amax * 1/6))",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// NVFP4 of Transformer Engine in tiles of 16×16, for weights: `T = 2688 / amax`, at most
    /// `f32::MAX`, 1 for a tensor of zeros; the tensor keeps `amax`.
    /// `s = e4m3(amax_b · (T · 1/6))`, elements `x · min(1 / (s · 1/T), f32::MAX)`, dequantized
    /// `q · (s·amax · 1/2688)`.
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a tile. A tile far below the
    /// largest gets scale 0; its nonzero numbers become ±6, and are dequantized to zeros. The scale
    /// ignores NaN, which becomes 6; infinity makes the scale 448. The program stores every tile's
    /// scale 16 times, once for each row; here it is stored once.
    NVFP4_16X16 {
        spec: nvfp4(UE4M3_MAX, Ratio::Multiply).with_extent(Extent::TILE_16X16),
        rule: "e4m3(amax_b * (2688 / amax * 1/6))",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// NVFP4 of Transformer Engine with 4over6 by the smaller sum of absolute errors, its default:
    /// `T = 1536 / amax`, at most `f32::MAX`, 1 for a tensor of zeros; the tensor keeps `amax`. `s`
    /// is `e4m3(amax_b / 6 · T)` or 1.5 times that before rounding; ties take the first. Errors are
    /// of `((q·s) · amax) / 1536`. Elements are `x · min(1 / (s · 1/T), f32::MAX)`, dequantized
    /// `q · (s·amax · 1/1536)`.
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a block. The scale ignores
    /// NaN, which becomes 6; infinity makes the scale 448. The program's reduced-precision errors
    /// and its 16×16 form, which sums by a tree, are not provided.
    NVFP4_4OVER6_MAE {
        spec: search(256.0, Metric::Mae),
        rule: "e4m3(k * amax_b / 6 * (1536 / amax)), k 1 or 1.5 by MAE",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// NVFP4 of Transformer Engine with 4over6 by the smaller sum of squared errors:
    /// `T = 1536 / amax`, at most `f32::MAX`, 1 for a tensor of zeros; the tensor keeps `amax`. `s`
    /// is `e4m3(amax_b / 6 · T)` or 1.5 times that before rounding; ties take the first. Errors are
    /// of `((q·s) · amax) / 1536`. Elements are `x · min(1 / (s · 1/T), f32::MAX)`, dequantized
    /// `q · (s·amax · 1/1536)`.
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a block. The scale ignores
    /// NaN, which becomes 6; infinity makes the scale 448. The program's reduced-precision errors
    /// and its 16×16 form, which sums by a tree, are not provided.
    NVFP4_4OVER6_MSE {
        spec: search(256.0, Metric::Mse),
        rule: "e4m3(k * amax_b / 6 * (1536 / amax)), k 1 or 1.5 by MSE",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// NVFP4 of Transformer Engine with 4over6 by the smaller sum of absolute errors:
    /// `T = 2688 / amax`, at most `f32::MAX`, 1 for a tensor of zeros; the tensor keeps `amax`. `s`
    /// is `e4m3(amax_b / 6 · T)` or 1.5 times that before rounding; ties take the first. The larger
    /// candidate saturates at 448. Errors are of `((q·s) · amax) / 2688`. Elements are
    /// `x · min(1 / (s · 1/T), f32::MAX)`, dequantized `q · (s·amax · 1/2688)`.
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a block. The scale ignores
    /// NaN, which becomes 6; infinity makes the scale 448. The program's reduced-precision errors
    /// and its 16×16 form, which sums by a tree, are not provided.
    NVFP4_4OVER6_448_MAE {
        spec: search(UE4M3_MAX, Metric::Mae),
        rule: "e4m3(k * amax_b / 6 * (2688 / amax)), k 1 or 1.5 by MAE",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// NVFP4 of Transformer Engine with 4over6 by the smaller sum of squared errors:
    /// `T = 2688 / amax`, at most `f32::MAX`, 1 for a tensor of zeros; the tensor keeps `amax`. `s`
    /// is `e4m3(amax_b / 6 · T)` or 1.5 times that before rounding; ties take the first. The larger
    /// candidate saturates at 448. Errors are of `((q·s) · amax) / 2688`. Elements are
    /// `x · min(1 / (s · 1/T), f32::MAX)`, dequantized `q · (s·amax · 1/2688)`.
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a block. The scale ignores
    /// NaN, which becomes 6; infinity makes the scale 448. The program's reduced-precision errors
    /// and its 16×16 form, which sums by a tree, are not provided.
    NVFP4_4OVER6_448_MSE {
        spec: search(UE4M3_MAX, Metric::Mse),
        rule: "e4m3(k * amax_b / 6 * (2688 / amax)), k 1 or 1.5 by MSE",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
}

//! 4over6's reference implementation, `fouroversix` (arXiv 2512.02010): NVFP4 and NVINT4.
//!
//! The symbols of the formulas are explained in [`preset`](super#nvfp4).

use super::common::{E2M1_MAX, ROUNDED_PRODUCTS, UE4M3_MAX, block16, four_over_six};
use crate::block::{
    BlockSpec, Dequantization, Division, Extent, Metric, Ratio, TensorScale, ZeroSign,
};
use crate::spec::{Encoding, FormatSpec, IntSpec};

const fn scaled(element: FormatSpec, max: f32, scale_max: f32) -> BlockSpec {
    block16(element, max, Ratio::MultiplyQuotient)
        .with_zero_sign(ZeroSign::MinusBelowZero)
        .with_tensor_scale(TensorScale::Amax { target: scale_max * max })
        .with_division(Division::InverseReciprocal)
        .with_dequantization(Dequantization::AmaxQuotient)
}

const fn search(metric: Metric) -> BlockSpec {
    scaled(FormatSpec::F4E2M1, E2M1_MAX, 256.0).with_search(Some(four_over_six(metric)))
}

/// Two's complement from −7 to 7.
const INT4: FormatSpec = FormatSpec::constant(
    "INT4SYM",
    Encoding::Int(IntSpec { signed: true, bits: 4, fraction_bits: 0, symmetric: true }),
);

presets! {
    module: "fouroversix",
    source: "fouroversix 00e70335";

    /// NVFP4 with 4over6 by the smaller sum of squared errors: `T = 1536 / amax` (the tensor keeps
    /// `amax`), `s` is `e4m3(amax_b / 6 · T)` or 1.5 times that before rounding; ties take the
    /// first. Elements are `x · (1 / (s · 1/T))`, dequantized `((q·s) · amax) / 1536`. Errors are
    /// those of the dequantized numbers, summed in order from 0 (the reference leaves the order to
    /// torch).
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a block. A scale of zero
    /// makes zeros; −0 becomes +0. NaN makes the scale NaN. The reference does not clamp elements,
    /// and writes other codes where a subnormal scale was rounded down; here they saturate, as in
    /// its kernels.
    NVFP4_MSE {
        spec: search(Metric::Mse),
        rule: "e4m3(k * amax_b / 6 * (1536 / amax)), k 1 or 1.5 by MSE",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// NVFP4 with 4over6 by the smaller sum of squared errors, in tiles of 16×16: `T = 1536 / amax`
    /// (the tensor keeps `amax`), `s` is `e4m3(amax_b / 6 · T)` or 1.5 times that before rounding;
    /// ties take the first. Elements are `x · (1 / (s · 1/T))`, dequantized
    /// `((q·s) · amax) / 1536`. Errors are those of the dequantized numbers, summed in order from 0
    /// (the reference leaves the order to torch).
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a tile. A scale of zero
    /// makes zeros; −0 becomes +0. NaN makes the scale NaN. The reference does not clamp elements,
    /// and writes other codes where a subnormal scale was rounded down; here they saturate, as in
    /// its kernels.
    NVFP4_MSE_16X16 {
        spec: NVFP4_MSE.with_extent(Extent::TILE_16X16),
        rule: "e4m3(k * amax_b / 6 * (1536 / amax)), k 1 or 1.5 by MSE",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// NVFP4 with 4over6 by the smaller sum of absolute errors: `T = 1536 / amax` (the tensor keeps
    /// `amax`), `s` is `e4m3(amax_b / 6 · T)` or 1.5 times that before rounding; ties take the
    /// first. Elements are `x · (1 / (s · 1/T))`, dequantized `((q·s) · amax) / 1536`. Errors are
    /// those of the dequantized numbers, summed in order from 0 (the reference leaves the order to
    /// torch).
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a block. A scale of zero
    /// makes zeros; −0 becomes +0. NaN makes the scale NaN. The reference does not clamp elements,
    /// and writes other codes where a subnormal scale was rounded down; here they saturate, as in
    /// its kernels.
    NVFP4_MAE {
        spec: search(Metric::Mae),
        rule: "e4m3(k * amax_b / 6 * (1536 / amax)), k 1 or 1.5 by MAE",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// NVFP4 with 4over6 by the smaller largest error: `T = 1536 / amax` (the tensor keeps `amax`),
    /// `s` is `e4m3(amax_b / 6 · T)` or 1.5 times that before rounding; ties take the first.
    /// Elements are `x · (1 / (s · 1/T))`, dequantized `((q·s) · amax) / 1536`. Errors are those of
    /// the dequantized numbers.
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a block. A scale of zero
    /// makes zeros; −0 becomes +0. NaN makes the scale NaN. The reference does not clamp elements,
    /// and writes other codes where a subnormal scale was rounded down; here they saturate, as in
    /// its kernels.
    NVFP4_MAX {
        spec: search(Metric::Max),
        rule: "e4m3(k * amax_b / 6 * (1536 / amax)), k 1 or 1.5 by the largest error",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// NVFP4 without a search, with scales up to 448, `static_6`: `T = 2688 / amax` (the tensor
    /// keeps `amax`), `s = e4m3(amax_b / 6 · T)`, elements `x · (1 / (s · 1/T))`, dequantized
    /// `((q·s) · amax) / 2688`.
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a block. A scale of zero
    /// makes zeros; −0 becomes +0. NaN makes the scale NaN. The reference does not clamp elements,
    /// and writes other codes where a subnormal scale was rounded down; here they saturate, as in
    /// its kernels.
    NVFP4_STATIC {
        spec: scaled(FormatSpec::F4E2M1, E2M1_MAX, UE4M3_MAX),
        rule: "e4m3(amax_b / 6 * (2688 / amax))",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// NVINT4 (arXiv 2510.25602), integers from −7 to 7 in blocks of 16, with scales up to 448:
    /// `T = 3136 / amax` (the tensor keeps `amax`), `s = e4m3(amax_b / 7 · T)`, elements
    /// `x · (1 / (s · 1/T))`, dequantized `((q·s) · amax) / 3136`.
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a block. A scale of zero
    /// makes zeros; −0 becomes +0. NaN makes the scale NaN. Elements saturate.
    NVINT4 {
        spec: scaled(INT4, 7.0, UE4M3_MAX),
        rule: "e4m3(amax_b / 7 * (3136 / amax))",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
}

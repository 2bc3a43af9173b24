//! FP8 with scales for tensors, rows and tiles.

use crate::block::preset::common::{E4M3, E5M2, ZERO_QUOTIENT, fp8};
use crate::block::{BlockSpec, Extent, Nonfinite, ScaleRule};
use crate::policy::Infinity;
use crate::spec::FormatSpec;

const fn quotients(element: FormatSpec, extent: Extent) -> BlockSpec {
    fp8(element, extent)
        .with_element_convert(element.default_convert().with_infinity(Infinity::Saturate))
        .with_scale_bounds((f32::MIN_POSITIVE, f32::MAX))
        .with_zero_block_scale(1.0)
        .with_nonfinite(Nonfinite::Ignore)
}

const fn powers_of_two(element: FormatSpec, extent: Extent) -> BlockSpec {
    BlockSpec::new(element, Some(FormatSpec::E8M0), extent, ScaleRule::RoundUp)
        .with_element_convert(element.default_convert().with_infinity(Infinity::Saturate))
        .with_zero_block_scale(1.0)
        .with_nonfinite(Nonfinite::Ignore)
}

presets! {
    module: "generic",
    source: "this crate";

    /// FP8 E4M3 with one scale for the tensor, `amax / 448`, at least the smallest normal f32; 1
    /// where the quotient is zero.
    ///
    /// Elements are the exact quotients, rounded once. Scales are made from the finite numbers;
    /// infinity saturates, NaN stays NaN.
    FP8_E4M3_TENSOR {
        spec: quotients(E4M3, Extent::Tensor),
        rule: "amax / 448",
        evidence: FormulaOnly,
    }
    /// FP8 E5M2 with one scale for the tensor, `amax / 57344`, at least the smallest normal f32; 1
    /// where the quotient is zero.
    ///
    /// Elements are the exact quotients, rounded once. Scales are made from the finite numbers;
    /// infinity saturates, NaN stays NaN.
    FP8_E5M2_TENSOR {
        spec: quotients(E5M2, Extent::Tensor),
        rule: "amax / 57344",
        evidence: FormulaOnly,
        changes: ZERO_QUOTIENT,
    }
    /// FP8 E4M3 with one scale for each row (per token, per output channel). The scale is
    /// `amax / 448`, at least the smallest normal f32; 1 where the quotient is zero.
    ///
    /// Elements are the exact quotients, rounded once. Scales are made from the finite numbers;
    /// infinity saturates, NaN stays NaN.
    FP8_E4M3_ROW {
        spec: quotients(E4M3, Extent::Row),
        rule: "amax / 448",
        evidence: FormulaOnly,
    }
    /// FP8 E5M2 with one scale for each row (per token, per output channel). The scale is
    /// `amax / 57344`, at least the smallest normal f32; 1 where the quotient is zero.
    ///
    /// Elements are the exact quotients, rounded once. Scales are made from the finite numbers;
    /// infinity saturates, NaN stays NaN.
    FP8_E5M2_ROW {
        spec: quotients(E5M2, Extent::Row),
        rule: "amax / 57344",
        evidence: FormulaOnly,
        changes: ZERO_QUOTIENT,
    }
    /// FP8 E4M3 in blocks of 1×128, `amax / 448`, at least the smallest normal f32; 1 where the
    /// quotient is zero.
    ///
    /// Elements are the exact quotients, rounded once. Scales are made from the finite numbers;
    /// infinity saturates, NaN stays NaN.
    FP8_E4M3_1X128 {
        spec: quotients(E4M3, Extent::BLOCK_1X128),
        rule: "amax / 448",
        evidence: FormulaOnly,
    }
    /// FP8 E4M3 in tiles of 128×128, `amax / 448`, at least the smallest normal f32; 1 where the
    /// quotient is zero.
    ///
    /// Elements are the exact quotients, rounded once. Scales are made from the finite numbers;
    /// infinity saturates, NaN stays NaN.
    FP8_E4M3_128X128 {
        spec: quotients(E4M3, Extent::TILE_128X128),
        rule: "amax / 448",
        evidence: FormulaOnly,
    }
    /// FP8 E4M3 in blocks of 1×128 with UE8M0 scales: the smallest power of two under which no
    /// element saturates, 1 for a block of zeros.
    ///
    /// Elements are the exact quotients, rounded once. Scales are made from the finite numbers;
    /// infinity saturates, NaN stays NaN.
    FP8_E4M3_1X128_UE8M0 {
        spec: powers_of_two(E4M3, Extent::BLOCK_1X128),
        rule: "2^ceil(log2(amax / 448))",
        evidence: FormulaOnly,
    }
    /// FP8 E4M3 in tiles of 128×128 with UE8M0 scales: the smallest power of two under which no
    /// element saturates, 1 for a tile of zeros.
    ///
    /// Elements are the exact quotients, rounded once. Scales are made from the finite numbers;
    /// infinity saturates, NaN stays NaN.
    FP8_E4M3_128X128_UE8M0 {
        spec: powers_of_two(E4M3, Extent::TILE_128X128),
        rule: "2^ceil(log2(amax / 448))",
        evidence: FormulaOnly,
    }
}

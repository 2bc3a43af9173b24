//! `DeepGEMM`'s casts to FP8 E4M3.

use super::common::{DEEPSEEK_MIN_SCALE, E4M3, fp8, rounded_up};
use crate::block::{BlockSpec, Division, Extent, Nonfinite};
use crate::policy::Convert;
use crate::spec::FormatSpec;

const fn cast(extent: Extent) -> BlockSpec {
    fp8(E4M3, extent)
        .with_element_convert(Convert::TORCH_2_15_E4M3FN)
        .with_scale_bounds((DEEPSEEK_MIN_SCALE, f32::INFINITY))
        .with_nonfinite(Nonfinite::Count)
        .with_division(Division::Reciprocal)
}

/// The largest scale, code 254. Quotients that are not finite have it too.
const MAX_SCALE: f32 = FormatSpec::E8M0.max().to_f32();

const fn ue8m0(extent: Extent) -> BlockSpec {
    rounded_up(cast(extent))
        .with_scale_bounds((DEEPSEEK_MIN_SCALE, MAX_SCALE))
        .with_nonfinite(Nonfinite::CountAsInfinity)
}

presets! {
    module: "deepgemm",
    source: "DeepGEMM 38939a4c";

    /// FP8 E4M3 in blocks of 1×128, `per_token_cast_to_fp8`: `s = max(amax, 1e-4) / 448`, elements
    /// `x · (1/s)`, in f32.
    ///
    /// A block of zeros has the scale of 1e-4. NaN makes the scale NaN; a block with infinity
    /// becomes zeros and NaN.
    FP8_E4M3_1X128 {
        spec: cast(Extent::BLOCK_1X128),
        rule: "max(amax, 1e-4) / 448",
        evidence: FormulaOnly,
    }
    /// FP8 E4M3 in tiles of 128×128, `per_block_cast_to_fp8`: `s = max(amax, 1e-4) / 448`, elements
    /// `x · (1/s)`, in f32.
    ///
    /// A tile of zeros has the scale of 1e-4. NaN makes the scale NaN; a tile with infinity becomes
    /// zeros and NaN.
    FP8_E4M3_128X128 {
        spec: cast(Extent::TILE_128X128),
        rule: "max(amax, 1e-4) / 448",
        evidence: FormulaOnly,
    }
    /// FP8 E4M3 in blocks of 1×128 with `use_ue8m0`: `s` is the f32 quotient
    /// `max(amax, 1e-4) / 448`, rounded up to a power of two, codes 1 to 254; elements are
    /// `x · (1/s)`. NaN and infinity make the scale code 254.
    FP8_E4M3_1X128_UE8M0 {
        spec: ue8m0(Extent::BLOCK_1X128),
        rule: "2^ceil(log2(max(amax, 1e-4) / 448))",
        evidence: FormulaOnly,
    }
    /// FP8 E4M3 in tiles of 128×128 with `use_ue8m0`: `s` is the f32 quotient
    /// `max(amax, 1e-4) / 448`, rounded up to a power of two, codes 1 to 254; elements are
    /// `x · (1/s)`. NaN and infinity make the scale code 254.
    FP8_E4M3_128X128_UE8M0 {
        spec: ue8m0(Extent::TILE_128X128),
        rule: "2^ceil(log2(max(amax, 1e-4) / 448))",
        evidence: FormulaOnly,
    }
}

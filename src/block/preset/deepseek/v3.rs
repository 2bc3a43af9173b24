//! FP8 of `DeepSeek`-V3, with f32 scales.

use crate::block::preset::common::{E4M3, SUBNORMAL_SCALE, fp8};
use crate::block::{BlockSpec, Division, Extent, Nonfinite};
use crate::policy::Convert;

pub(super) const fn quotients(extent: Extent) -> BlockSpec {
    fp8(E4M3, extent)
        .with_element_convert(Convert::CUDA_SATFINITE)
        .with_nonfinite(Nonfinite::CountInfinity)
        .with_division(Division::DivideIeee)
}

presets! {
    module: "deepseek::v3",
    source: "DeepSeek-V3 06231633";

    /// Activations in `DeepSeek`-V3, FP8 E4M3 in blocks of 1×128: `s = amax / 448`, elements
    /// `x / s`, in f32. Checkpoints call `s` `weight_scale_inv`.
    ///
    /// There is no floor: a block of zeros has scale 0 and becomes NaN. The scale ignores NaN; a
    /// block with infinity becomes zeros and NaN.
    FP8_E4M3_1X128 {
        spec: quotients(Extent::BLOCK_1X128),
        rule: "amax / 448",
        evidence: FormulaOnly,
        changes: SUBNORMAL_SCALE,
    }
    /// Weights in `DeepSeek`-V3, FP8 E4M3 in tiles of 128×128: `s = amax / 448`, elements `x / s`,
    /// in f32. Checkpoints call `s` `weight_scale_inv`.
    ///
    /// There is no floor: a tile of zeros has scale 0 and becomes NaN. The scale ignores NaN; a
    /// tile with infinity becomes zeros and NaN.
    FP8_E4M3_128X128 {
        spec: quotients(Extent::TILE_128X128),
        rule: "amax / 448",
        evidence: FormulaOnly,
        changes: SUBNORMAL_SCALE,
    }
}

//! `DeepSeek`'s inference kernels: FP8 E4M3, a module for each version whose rules differ.

use super::common::{DEEPSEEK_MIN_SCALE, E4M3, SUBNORMAL_SCALE, fp8, rounded_up};
use crate::block::{BlockSpec, Division, Extent, Nonfinite, ScaleRule};
use crate::policy::Convert;

const fn quotients(extent: Extent) -> BlockSpec {
    fp8(E4M3, extent)
        .with_element_convert(Convert::CUDA_SATFINITE)
        .with_nonfinite(Nonfinite::CountInfinity)
        .with_division(Division::DivideIeee)
}

/// FP8 of `DeepSeek`-V3, with f32 scales.
pub mod v3 {
    use super::{Extent, SUBNORMAL_SCALE, quotients};

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
        /// Weights in `DeepSeek`-V3, FP8 E4M3 in tiles of 128×128. Else as [`FP8_E4M3_1X128`].
        FP8_E4M3_128X128 {
            spec: quotients(Extent::TILE_128X128),
            rule: "amax / 448",
            evidence: FormulaOnly,
            changes: SUBNORMAL_SCALE,
        }
    }
}

/// FP8 of `DeepSeek`-V3.1, with UE8M0 scales: later commits of the file, from adecc0e on.
pub mod v3_1 {
    use super::{BlockSpec, DEEPSEEK_MIN_SCALE, E4M3, Extent, ScaleRule, quotients, rounded_up};

    const fn powers_of_two(extent: Extent) -> BlockSpec {
        rounded_up(quotients(extent))
            .with_rule(ScaleRule::Log2Ceil { target: E4M3.max().to_f32() })
            .with_scale_bounds((DEEPSEEK_MIN_SCALE, f32::INFINITY))
    }

    presets! {
        module: "deepseek::v3_1",
        source: "DeepSeek-V3 06231633";

        /// Activations in `DeepSeek`-V3.1, FP8 E4M3 in blocks of 1×128 with UE8M0 scales: the f32
        /// logarithm of `max(amax, 1e-4) / 448` rounded up, elements `x / s`. Infinity makes the scale
        /// code 254, 2^127; the program stores scales in f32, where it is infinite.
        FP8_E4M3_1X128 {
            spec: powers_of_two(Extent::BLOCK_1X128),
            rule: "2^ceil(log2f(max(amax, 1e-4) / 448))",
            evidence: FormulaOnly,
        }
        /// FP8 E4M3 in tiles of 128×128 with the arithmetic of [`FP8_E4M3_1X128`].
        FP8_E4M3_128X128 {
            spec: powers_of_two(Extent::TILE_128X128),
            rule: "2^ceil(log2f(max(amax, 1e-4) / 448))",
            evidence: FormulaOnly,
        }
    }
}

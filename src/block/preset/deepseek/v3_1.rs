//! FP8 of `DeepSeek`-V3.1, with UE8M0 scales: later commits of the file, from adecc0e on.

use super::v3::quotients;
use crate::block::preset::common::{DEEPSEEK_MIN_SCALE, E4M3, rounded_up};
use crate::block::{BlockSpec, Extent, ScaleRule};

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
    /// FP8 E4M3 in tiles of 128×128 with UE8M0 scales, the arithmetic of `DeepSeek`-V3.1: the f32
    /// logarithm of `max(amax, 1e-4) / 448` rounded up, elements `x / s`. Infinity makes the scale
    /// code 254, 2^127; the program stores scales in f32, where it is infinite.
    FP8_E4M3_128X128 {
        spec: powers_of_two(Extent::TILE_128X128),
        rule: "2^ceil(log2f(max(amax, 1e-4) / 448))",
        evidence: FormulaOnly,
    }
}

//! FP8 with scales for tensors, rows and tiles: this crate's plain forms, and those of `DeepSeek`,
//! `DeepGEMM` and torchao. Those of Transformer Engine are in
//! [`transformer_engine`](super::transformer_engine).

use super::table::{Evidence, Preset};
use crate::block::{BlockSpec, Division, Extent, Nonfinite, Ratio, ScaleRule};
use crate::policy::{Convert, Infinity};
use crate::round::Round;
use crate::spec::FormatSpec;

/// Blocks of 128 elements along the last axis, for activations.
pub const BLOCK_1X128: Extent = Extent::Block { rows: 1, cols: 128 };
/// Tiles of 128×128, for weights.
pub const BLOCK_128X128: Extent = Extent::Block { rows: 128, cols: 128 };

const E4M3: FormatSpec = FormatSpec::F8E4M3;
const E5M2: FormatSpec = FormatSpec::F8E5M2;

/// Scales of the f32 quotient `amax / max`.
const fn divided(element: FormatSpec, extent: Extent) -> BlockSpec {
    let rule = ScaleRule::Amax { target: element.max().to_f32(), ratio: Ratio::Divide };
    BlockSpec::new(element, Some(FormatSpec::F32), extent, rule)
}

/// A scheme with its scales rounded up to powers of two.
const fn rounded_up(spec: BlockSpec) -> BlockSpec {
    BlockSpec {
        scale: Some(FormatSpec::E8M0),
        ..spec.with_scale_convert(Convert::SATURATING.with_round(Round::Up))
    }
}

/// This crate's own.
pub(super) mod plain {
    use super::*;

    const fn plain(element: FormatSpec, extent: Extent) -> BlockSpec {
        divided(element, extent)
            .with_element_convert(element.default_convert().with_infinity(Infinity::Saturate))
            .with_scale_bounds((f32::MIN_POSITIVE, f32::MAX))
            .with_zero_block_scale(1.0)
            .with_nonfinite(Nonfinite::Ignore)
    }

    const fn powers_of_two(element: FormatSpec, extent: Extent) -> BlockSpec {
        let rule = ScaleRule::RoundUp;
        let spec = BlockSpec::new(element, Some(FormatSpec::E8M0), extent, rule);
        spec.with_element_convert(element.default_convert().with_infinity(Infinity::Saturate))
            .with_zero_block_scale(1.0)
            .with_nonfinite(Nonfinite::Ignore)
    }

    presets! { "fp8", "this crate";
        /// E4M3, one scale `amax / 448`, at least the smallest normal f32; 1 where the quotient is
        /// zero. Elements are the exact quotients rounded once. Scales are made from finite
        /// numbers; infinity saturates, NaN stays.
        TENSOR_E4M3 = plain(E4M3, Extent::Tensor), "amax / 448", FormulaOnly;
        /// E5M2, one scale `amax / 57344`: as [`TENSOR_E4M3`].
        TENSOR_E5M2 = plain(E5M2, Extent::Tensor), "amax / 57344", FormulaOnly, changes "an amax whose quotient is zero has the scale 1";
        /// E4M3, a scale for each row: per token, per output channel.
        ROW_E4M3 = plain(E4M3, Extent::Row), "amax / 448", FormulaOnly;
        /// E5M2, a scale for each row.
        ROW_E5M2 = plain(E5M2, Extent::Row), "amax / 57344", FormulaOnly, changes "an amax whose quotient is zero has the scale 1";
        /// E4M3 in blocks of 1×128.
        BLOCK_1X128_E4M3 = plain(E4M3, BLOCK_1X128), "amax / 448", FormulaOnly;
        /// E4M3 in tiles of 128×128.
        BLOCK_128X128_E4M3 = plain(E4M3, BLOCK_128X128), "amax / 448", FormulaOnly;
        /// E4M3 in blocks of 1×128 with UE8M0 scales: the smallest power of two that makes nothing
        /// saturate.
        BLOCK_1X128_E4M3_UE8M0 = powers_of_two(E4M3, BLOCK_1X128), "2^ceil(log2(amax / 448))", FormulaOnly;
        /// E4M3 in tiles of 128×128 with UE8M0 scales.
        BLOCK_128X128_E4M3_UE8M0 = powers_of_two(E4M3, BLOCK_128X128), "2^ceil(log2(amax / 448))", FormulaOnly;
    }
}

/// The least `amax` that `DeepSeek`'s later kernels and `DeepGEMM` count with.
const LEAST_AMAX: f32 = 1e-4;
const FLOOR: (f32, f32) = (LEAST_AMAX / E4M3.max().to_f32(), f32::INFINITY);

/// `DeepSeek`'s inference kernels.
pub(super) mod deepseek {
    use super::*;

    const fn v3(extent: Extent) -> BlockSpec {
        divided(E4M3, extent)
            .with_element_convert(Convert::CUDA_SATFINITE)
            .with_nonfinite(Nonfinite::CountInfinity)
            .with_division(Division::DivideIeee)
    }

    const fn v3_1(extent: Extent) -> BlockSpec {
        rounded_up(v3(extent))
            .with_rule(ScaleRule::Log2Ceil { target: E4M3.max().to_f32() })
            .with_scale_bounds(FLOOR)
    }

    presets! { "fp8", "DeepSeek-V3 06231633";
        /// `DeepSeek`-V3's activations: `s = amax / 448`, elements `x / s`, in f32. Checkpoints
        /// call `s` `weight_scale_inv`.
        ///
        /// There is no floor: a block of zeros has scale 0 and becomes NaN. NaN is passed over by
        /// the scale; a block with infinity becomes zeros and NaN.
        DEEPSEEK_V3_1X128 = v3(BLOCK_1X128), "amax / 448", FormulaOnly, changes "the scale of a subnormal amax can be zero";
        /// `DeepSeek`-V3's weights: [`DEEPSEEK_V3_1X128`] in tiles.
        DEEPSEEK_V3_128X128 = v3(BLOCK_128X128), "amax / 448", FormulaOnly, changes "the scale of a subnormal amax can be zero";
        /// The UE8M0 scales of `DeepSeek`-V3.1 (later commits of the file, from adecc0e on): the
        /// f32 logarithm of `max(amax, 1e-4) / 448` rounded up, elements `x / s`. Infinity makes
        /// the scale 254, 2^127; it is infinite there, where scales are stored in f32.
        DEEPSEEK_V3_1_1X128 = v3_1(BLOCK_1X128), "2^ceil(log2f(max(amax, 1e-4) / 448))", FormulaOnly;
        /// [`DEEPSEEK_V3_1_1X128`] in tiles.
        DEEPSEEK_V3_1_128X128 = v3_1(BLOCK_128X128), "2^ceil(log2f(max(amax, 1e-4) / 448))", FormulaOnly;
    }
}

/// `DeepGEMM`'s casts.
pub(super) mod deepgemm {
    use super::*;

    const fn cast(extent: Extent) -> BlockSpec {
        divided(E4M3, extent)
            .with_element_convert(Convert::TORCH_2_15_E4M3FN)
            .with_scale_bounds(FLOOR)
            .with_nonfinite(Nonfinite::Count)
            .with_division(Division::Reciprocal)
    }

    /// Code 254 where the quotient is not finite.
    const fn ue8m0(extent: Extent) -> BlockSpec {
        rounded_up(cast(extent))
            .with_scale_bounds((FLOOR.0, LARGEST))
            .with_nonfinite(Nonfinite::CountAsInfinity)
    }

    const LARGEST: f32 = FormatSpec::E8M0.max().to_f32();

    presets! { "fp8", "DeepGEMM 38939a4c";
        /// `DeepGEMM`'s `per_token_cast_to_fp8`: `s = max(amax, 1e-4) / 448`, elements `x · (1/s)`,
        /// in f32.
        ///
        /// A block of zeros has the scale of 1e-4. NaN makes the scale NaN; a block with infinity
        /// becomes zeros and NaN.
        DEEPGEMM_1X128 = cast(BLOCK_1X128), "max(amax, 1e-4) / 448", FormulaOnly;
        /// `DeepGEMM`'s `per_block_cast_to_fp8`: [`DEEPGEMM_1X128`] in tiles.
        DEEPGEMM_128X128 = cast(BLOCK_128X128), "max(amax, 1e-4) / 448", FormulaOnly;
        /// `DeepGEMM`'s casts with `use_ue8m0`: the quotient rounded up to a power of two, codes 1
        /// to 254. NaN and infinity make the scale 254.
        DEEPGEMM_1X128_UE8M0 = ue8m0(BLOCK_1X128), "2^ceil(log2(max(amax, 1e-4) / 448))", FormulaOnly;
        /// [`DEEPGEMM_1X128_UE8M0`] in tiles.
        DEEPGEMM_128X128_UE8M0 = ue8m0(BLOCK_128X128), "2^ceil(log2(max(amax, 1e-4) / 448))", FormulaOnly;
    }
}

/// torchao's `Float8Tensor`, the operand of `torch._scaled_mm`.
pub(super) mod torchao {
    use super::*;

    const fn scaled_mm(element: FormatSpec, extent: Extent) -> BlockSpec {
        divided(element, extent)
            .with_element_convert(Convert::TORCH_2_15_E4M3FN)
            .with_nonfinite(Nonfinite::Count)
            .with_division(Division::DivideIeee)
    }

    presets! { "fp8", "torchao 0.18";
        /// torchao with a scale for the tensor: `s = amax / 448`, elements `clamp(x / s)`, in f32;
        /// `torch._scaled_mm` multiplies by `s`.
        ///
        /// There is no floor: a tensor of zeros becomes NaN. NaN makes everything NaN, infinity
        /// makes zeros and NaN.
        TORCHAO_TENSOR_E4M3 = scaled_mm(E4M3, Extent::Tensor), "amax / 448", FormulaOnly, changes "the scale of a subnormal amax can be zero";
        /// [`TORCHAO_TENSOR_E4M3`] with a scale for each row.
        TORCHAO_ROW_E4M3 = scaled_mm(E4M3, Extent::Row), "amax / 448", FormulaOnly, changes "the scale of a subnormal amax can be zero";
        /// [`TORCHAO_TENSOR_E4M3`] with E5M2 and 57344.
        TORCHAO_TENSOR_E5M2 = scaled_mm(E5M2, Extent::Tensor), "amax / 57344", FormulaOnly, changes "the scale of a subnormal amax can be zero";
        /// [`TORCHAO_ROW_E4M3`] with E5M2 and 57344.
        TORCHAO_ROW_E5M2 = scaled_mm(E5M2, Extent::Row), "amax / 57344", FormulaOnly, changes "the scale of a subnormal amax can be zero";
    }
}

pub use self::deepgemm::{
    DEEPGEMM_1X128, DEEPGEMM_1X128_UE8M0, DEEPGEMM_128X128, DEEPGEMM_128X128_UE8M0,
};
pub use self::deepseek::{
    DEEPSEEK_V3_1_1X128, DEEPSEEK_V3_1_128X128, DEEPSEEK_V3_1X128, DEEPSEEK_V3_128X128,
};
pub use self::plain::{
    BLOCK_1X128_E4M3, BLOCK_1X128_E4M3_UE8M0, BLOCK_128X128_E4M3, BLOCK_128X128_E4M3_UE8M0,
    ROW_E4M3, ROW_E5M2, TENSOR_E4M3, TENSOR_E5M2,
};
pub use self::torchao::{
    TORCHAO_ROW_E4M3, TORCHAO_ROW_E5M2, TORCHAO_TENSOR_E4M3, TORCHAO_TENSOR_E5M2,
};

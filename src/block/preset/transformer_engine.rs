//! NVIDIA Transformer Engine's MXFP8 and FP8 recipes, as its kernels compute them. Its NVFP4 is in
//! [`nvfp4`](super::nvfp4).
//!
//! NaN is passed over by FP8 scales and becomes NaN; elements saturate, infinity too.

use super::table::{Evidence, Preset};
use super::{fp8, ocp};
use crate::block::{BlockSpec, Division, Extent, Nonfinite, Ratio, ScaleRule};
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

const fn fp8(element: FormatSpec, extent: Extent) -> BlockSpec {
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
        ocp::EXTENT,
        ScaleRule::Amax { target: element.max().to_f32(), ratio: Ratio::Multiply },
    )
    .with_element_convert(Convert::CUDA_SATFINITE)
    .with_scale_convert(Convert::CUDA_SATFINITE.with_round(Round::Up))
    .with_nonfinite(Nonfinite::CountInfinity)
}

const E4M3: FormatSpec = FormatSpec::F8E4M3;
const E5M2: FormatSpec = FormatSpec::F8E5M2;

presets! { "transformer_engine", "Transformer Engine d0067d0d";
    /// MXFP8 E4M3, the rule of cuBLAS and cuDNN too: the f32 product `amax · f32(1/448)` rounded up
    /// to a power of two ([`ScaleRule::RoundUp`] has where that differs from the exact rule). The
    /// factor that elements are multiplied by is the exact inverse of the scale.
    ///
    /// A block of zeros gets code 0, 2^-127; infinity in a block makes the scale 0xFE, 2^127; NaN
    /// is passed over by the scale.
    MXFP8_E4M3 = mx(E4M3), "2^ceil(log2(amax * f32(1/448)))", FormulaOnly;
    /// MXFP8 E5M2: [`MXFP8_E4M3`] with 57344.
    MXFP8_E5M2 = mx(E5M2), "2^ceil(log2(amax * f32(1/57344)))", FormulaOnly;
    /// FP8 E4M3 with a scale for the tensor, "current scaling": `S = 448 / amax`, at most
    /// `f32::MAX`, elements `x · S`, and the tensor keeps `1 / S`. `S` is 1 for a tensor of zeros
    /// and for one with infinity.
    TENSOR_E4M3 = fp8(E4M3, Extent::Tensor), "1 / (448 / amax)", FormulaOnly, changes "amax comes back by rounded products";
    /// FP8 E5M2 with a scale for the tensor: [`TENSOR_E4M3`] with 57344.
    TENSOR_E5M2 = fp8(E5M2, Extent::Tensor), "1 / (57344 / amax)", FormulaOnly, changes "amax comes back by rounded products";
    /// FP8 E4M3 block scaling, 1×128, f32 scales: [`TENSOR_E4M3`] by blocks. Its floor of `amax` is
    /// 0, as by default; another is [`BlockSpec::scale_bounds`].
    BLOCK_1X128_E4M3 = fp8(E4M3, fp8::BLOCK_1X128), "1 / (448 / amax)", FormulaOnly, changes "amax comes back by rounded products";
    /// FP8 E5M2 block scaling, 1×128, f32 scales.
    BLOCK_1X128_E5M2 = fp8(E5M2, fp8::BLOCK_1X128), "1 / (57344 / amax)", FormulaOnly, changes "amax comes back by rounded products";
    /// FP8 E4M3 block scaling, 128×128, f32 scales.
    BLOCK_128X128_E4M3 = fp8(E4M3, fp8::BLOCK_128X128), "1 / (448 / amax)", FormulaOnly, changes "amax comes back by rounded products";
    /// FP8 E5M2 block scaling, 128×128, f32 scales.
    BLOCK_128X128_E5M2 = fp8(E5M2, fp8::BLOCK_128X128), "1 / (57344 / amax)", FormulaOnly, changes "amax comes back by rounded products";
    /// FP8 E4M3 block scaling, 1×128, with powers of two: `S` loses its fraction, which rounds the
    /// scale up. E8M0 here; there the same numbers are f32s.
    BLOCK_1X128_E4M3_POW2 = power_of_two(E4M3, fp8::BLOCK_1X128), "1 / 2^floor(log2(448 / amax))", FormulaOnly;
    /// FP8 E5M2 block scaling, 1×128, with powers of two.
    BLOCK_1X128_E5M2_POW2 = power_of_two(E5M2, fp8::BLOCK_1X128), "1 / 2^floor(log2(57344 / amax))", FormulaOnly;
    /// FP8 E4M3 block scaling, 128×128, with powers of two.
    BLOCK_128X128_E4M3_POW2 = power_of_two(E4M3, fp8::BLOCK_128X128), "1 / 2^floor(log2(448 / amax))", FormulaOnly;
    /// FP8 E5M2 block scaling, 128×128, with powers of two.
    BLOCK_128X128_E5M2_POW2 = power_of_two(E5M2, fp8::BLOCK_128X128), "1 / 2^floor(log2(57344 / amax))", FormulaOnly;
}

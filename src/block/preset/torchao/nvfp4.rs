//! torchao's NVFP4.

use crate::block::preset::common::{E2M1_MAX, ROUNDED_PRODUCTS, UE4M3_MAX, block16};
use crate::block::{BlockSpec, Division, Extent, Ratio, TensorScale};
use crate::policy::{Convert, MissingNan};
use crate::spec::FormatSpec;

/// The smallest normal number of E4M3, torchao's smallest scale.
const MIN_SCALE: f32 = FormatSpec::UE4M3.min_normal().expect("E4M3 has normal numbers").to_f32();

const SINGLE: BlockSpec = block16(FormatSpec::F4E2M1, E2M1_MAX, Ratio::DivideTwice)
    .with_element_convert(Convert::SATURATING.with_missing_nan(MissingNan::Payload))
    .with_scale_bounds((MIN_SCALE, UE4M3_MAX))
    .with_division(Division::Reciprocal);

presets! {
    module: "torchao",
    source: "torchao 0.18";

    /// NVFP4 with a tensor scale: `t = amax / 2688`,
    /// `s = e4m3(clamp((amax_b / 6) / t, 2^-6, 448))`, elements `x · ((1/t) / s)`, dequantized
    /// `q · (s·t)`. A given `t` may be any other number.
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a block. A block of zeros
    /// has the scale 2^-6. NaN makes the scale NaN, and torchao leaves undefined what NaN elements
    /// become (here what remains of their bits); infinity makes the scale 448.
    NVFP4 {
        spec: SINGLE
            .with_tensor_scale(TensorScale::Multiplier { target: UE4M3_MAX * E2M1_MAX })
            .with_division(Division::TensorReciprocal),
        rule: "e4m3(clamp(amax_b / 6 / (amax / 2688), 2^-6, 448))",
        evidence: Checked,
        changes: ROUNDED_PRODUCTS,
    }
    /// NVFP4 of torchao in tiles of 16×16, with a tensor scale: `t = amax / 2688`,
    /// `s = e4m3(clamp((amax_b / 6) / t, 2^-6, 448))`, elements `x · ((1/t) / s)`, dequantized
    /// `q · (s·t)`.
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a tile. A tile of zeros has
    /// the scale 2^-6. NaN makes the scale NaN, and torchao leaves undefined what NaN elements
    /// become (here what remains of their bits); infinity makes the scale 448.
    NVFP4_16X16 {
        spec: NVFP4.with_extent(Extent::TILE_16X16),
        rule: "e4m3(clamp(amax_b / 6 / (amax / 2688), 2^-6, 448))",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// NVFP4 without a tensor scale: `s = e4m3(clamp(amax_b / 6, 2^-6, 448))` with `amax_b` the
    /// largest magnitude of a block, elements `x · (1/s)`, dequantized `q · s`.
    ///
    /// A block of zeros has the scale 2^-6. NaN makes the scale NaN, and torchao leaves undefined
    /// what NaN elements become (here what remains of their bits); infinity makes the scale 448.
    NVFP4_SINGLE {
        spec: SINGLE,
        rule: "e4m3(clamp(amax_b / 6, 2^-6, 448))",
        evidence: Checked,
    }
}

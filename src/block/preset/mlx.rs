//! MLX 0.32's `mx.quantize` in its floating-point modes, as the graph of the CPU has it.
//!
//! *Scales.* An MX scale is the power of two nearest to `amax / 6` or `amax / 448` by its
//! logarithm, so that `amax` may saturate. The program takes the logarithm in f32; here it is exact,
//! which can only differ within a few units in the last place of `2^(k + 1/2)`. Exponents beyond
//! those of E8M0 are clamped; the program takes them modulo 256.
//!
//! *FP4 elements* are the first code of the smallest f32 error: ties go toward zero, and −0 and
//! negative numbers that round to zero become +0. The kernels for Apple's GPUs round to nearest
//! even instead. *E4M3 elements* are rounded to nearest even and saturate.
//!
//! MLX has no rule for NaN and infinity: here the scale ignores them, and among FP4 elements they
//! become +0.

use crate::block::{
    BlockSpec, CustomRule, Division, ElementRounding, Extent, Nonfinite, ScaleRule,
};
use crate::policy::{Convert, MissingNan};
use crate::spec::FormatSpec;

const fn fp4(scale: FormatSpec, extent: Extent, rule: fn(f32) -> f32) -> BlockSpec {
    let rule = ScaleRule::Custom(CustomRule::of_amax(rule));
    BlockSpec::new(FormatSpec::F4E2M1, Some(scale), extent, rule)
        .with_division(Division::Divide)
        .with_nonfinite(Nonfinite::Ignore)
        .with_element_convert(Convert::SATURATING.with_missing_nan(MissingNan::Zero))
        .with_element_rounding(ElementRounding::LeastError)
}

/// The power of two nearest to a number by its logarithm, and 1 for zero.
fn nearest_power(x: f32) -> f32 {
    /// The f32 bits of the mantissa of the largest number below the root of 2.
    const ROOT: u32 = 0x35_04F3;
    const MANTISSA: u32 = 0x7F_FFFF;
    if x == 0.0 {
        return 1.0;
    }
    // A subnormal is moved up by 2^24, and its power down again.
    let (normal, back) = match x < f32::MIN_POSITIVE {
        true => (x * 16_777_216.0, 1.0 / 16_777_216.0),
        false => (x, 1.0),
    };
    let bits = normal.to_bits();
    let power = f32::from_bits(bits & !MANTISSA);
    if bits & MANTISSA > ROOT { power * 2.0 * back } else { power * back }
}

fn fp4_power(amax: f32) -> f32 {
    nearest_power(amax / 6.0)
}

fn e4m3_power(amax: f32) -> f32 {
    nearest_power(amax / 448.0)
}

fn sixth(amax: f32) -> f32 {
    amax / 6.0
}

presets! {
    module: "mlx",
    source: "MLX 0.32.4";

    /// MXFP4 with the power of two nearest to `amax / 6` by its logarithm as scale, so that `amax`
    /// may saturate; a block of zeros has the scale 1. Ties of elements go toward zero.
    MXFP4 {
        spec: fp4(FormatSpec::E8M0, Extent::MX, fp4_power),
        rule: "2^round(log2(amax / 6))",
        evidence: Checked,
        changes: SATURATES,
    }
    /// MXFP8 E4M3 with the power of two nearest to `amax / 448` by its logarithm as scale, so that
    /// `amax` may saturate; a block of zeros has the scale 1.
    MXFP8_E4M3 {
        spec: BlockSpec::new(
            FormatSpec::F8E4M3,
            Some(FormatSpec::E8M0),
            Extent::MX,
            ScaleRule::Custom(CustomRule::of_amax(e4m3_power)),
        )
            .with_division(Division::Divide)
            .with_nonfinite(Nonfinite::Ignore),
        rule: "2^round(log2(amax / 448))",
        evidence: Checked,
        changes: SATURATES,
    }
    /// NVFP4 without a tensor scale: `s = e4m3(amax / 6)`, which may be zero; elements are then +0.
    /// Ties of elements go toward zero.
    NVFP4 {
        spec: fp4(FormatSpec::UE4M3, Extent::NVFP4, sixth).with_scale_bounds((0.0, 448.0)),
        rule: "e4m3(amax / 6)",
        evidence: Checked,
    }
}

/// Why a scale to nearest can change a dequantized tensor.
const SATURATES: &str = "an amax that saturated has another scale";

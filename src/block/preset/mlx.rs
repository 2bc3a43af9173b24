//! MLX 0.32.4's floating-point modes, as `mx.quantize` computes them on CPUs.
//!
//! *MX.* The quotient of `amax` is rounded up to a power of two. Powers below 2^-127 are clamped
//! here; the program takes their exponent modulo 256. A block of zeros, or whose quotient is zero,
//! has the scale 1.
//!
//! *NVFP4* has no tensor scale. A block whose scale is rounded to zero becomes zeros. In the
//! program numbers beyond 2^25 times the scale are less than 6 times the scale, because f32 cannot
//! tell their errors apart; here they saturate.
//!
//! *Elements* are rounded from f32 quotients: FP4 to nearest, ties toward zero, with one zero, +0;
//! E4M3 to nearest even.
//!
//! MLX has no rule for NaN and infinity. Here scales are made from the finite numbers; infinity
//! saturates, and NaN is NaN in E4M3 and +0 in FP4.
//!
//! Kernels for Apple's GPUs multiply by the reciprocal of the scale and round FP4 to nearest even.
//! In 0.32.2 an MX scale was the power of two nearest by its logarithm.

use super::common::{E2M1_MAX, E4M3, UE4M3_MAX};
use crate::block::{BlockSpec, Division, Extent, Nonfinite, Ratio, ScaleRule, ZeroSign};
use crate::policy::{Convert, Infinity, MissingNan};
use crate::round::Round;
use crate::spec::{FormatSpec, Table};

const fn quotients(
    element: FormatSpec,
    scale: FormatSpec,
    extent: Extent,
    target: f32,
) -> BlockSpec {
    let rule = ScaleRule::Amax { target, ratio: Ratio::Divide };
    BlockSpec::new(element, Some(scale), extent, rule)
        .with_element_convert(element.default_convert().with_infinity(Infinity::Saturate))
        .with_division(Division::Divide)
        .with_nonfinite(Nonfinite::Ignore)
}

const fn mx(element: FormatSpec, target: f32) -> BlockSpec {
    quotients(element, FormatSpec::E8M0, Extent::MX, target)
        .with_scale_convert(Convert::SATURATING.with_round(Round::Up))
        .with_zero_block_scale(1.0)
}

const fn fp4(spec: BlockSpec) -> BlockSpec {
    let convert = spec.element_convert.with_round(Round::NearestTowardZero);
    spec.with_element_convert(convert.with_missing_nan(MissingNan::Zero))
        .with_zero_sign(ZeroSign::Plus)
}

presets! {
    module: "mlx",
    source: "MLX 0.32.4";

    /// MXFP4 of MLX.
    MXFP4 {
        spec: fp4(mx(FormatSpec::F4E2M1, E2M1_MAX)),
        rule: "2^ceil(log2(amax / 6))",
        evidence: Checked,
    }
    /// MXFP8 E4M3 of MLX.
    MXFP8_E4M3 {
        spec: mx(E4M3, E4M3.max().to_f32()),
        rule: "2^ceil(log2(amax / 448))",
        evidence: Checked,
    }
    /// NVFP4 of MLX, without a tensor scale: `s = e4m3(amax_b / 6)`, elements `x / s`.
    NVFP4 {
        spec: fp4(quotients(FormatSpec::F4E2M1, FormatSpec::UE4M3, Extent::NVFP4, E2M1_MAX))
            .with_scale_bounds((0.0, UE4M3_MAX))
            .with_divisors(Table::of(&[(0x00, f32::INFINITY)])),
        rule: "e4m3(amax_b / 6)",
        evidence: Checked,
        changes: "an amax under a subnormal scale can have another",
    }
}

//! torchao 0.18's MX formats (`torchao.prototype.mx_formats`), as its own arrays have them.
//!
//! Its quirks are kept. Under `FLOOR`, `CEIL` and `EVEN` elements are divided by at least 2^-126,
//! so a block with scale code 0 (2^-127) comes back halved; under the three `RCEIL` elements of
//! such a block are not scaled at all, and become zeros. An infinity counts as a magnitude; NaN
//! makes the scale NaN. Elements saturate; what NaN becomes in FP6 and FP4 torchao leaves
//! undefined, and is what remains of its bits ([`MissingNan::Payload`]). Under the first three
//! rules the other elements of a block with NaN are divided by infinity; the block comes back as
//! NaN in any case.
//!
//! `RCEIL` has several paths. On the CPU, eager or compiled (`RCEIL_EAGER`), the f32 quotient's f32
//! logarithm is rounded up, which just above a power of two can be one less. Compiled for `sm_100`
//! (`RCEIL`) an instruction rounds the ratio itself up to a power of two; so does the Triton kernel
//! (`RCEIL_RECIPROCAL`, E4M3 only), from the f32 product `amax · (1 / max)`: the codes of both are
//! the same for every `amax`. On older GPUs the product's logarithm is rounded up, which is not
//! here: it differs from `RCEIL_EAGER` in some hundred `amax` of 2^31.

use super::ocp::EXTENT;
use super::table::{Evidence, Preset};
use crate::block::{BlockSpec, Division, Nonfinite, Ratio, ScaleRule};
use crate::policy::{Infinity, MissingNan, Nan};
use crate::round::Round;
use crate::spec::FormatSpec;

const fn mx(element: FormatSpec, rule: ScaleRule) -> BlockSpec {
    let convert = element
        .default_convert()
        .with_infinity(Infinity::Saturate)
        .with_nan(Nan::SignedAllOnes)
        .with_missing_nan(MissingNan::Payload);
    BlockSpec::new(element, Some(FormatSpec::E8M0), EXTENT, rule)
        .with_element_convert(convert)
        .with_nonfinite(Nonfinite::Count)
        .with_division(Division::Divide)
        .with_divisors(&[(0x00, f32::MIN_POSITIVE), (0xFF, f32::INFINITY)])
}

/// Elements are multiplied by one over the scale, and under scale code 0 by 1.
const fn by_reciprocal(spec: BlockSpec) -> BlockSpec {
    spec.with_division(Division::Reciprocal).with_divisors(&[(0x00, 1.0)])
}

/// The ratio is rounded up to a power of two.
const fn rceil(element: FormatSpec, target: f32, ratio: Ratio) -> BlockSpec {
    let spec = mx(element, ScaleRule::Amax { target, ratio });
    by_reciprocal(spec.with_scale_convert(spec.scale_convert.with_round(Round::Up)))
}

/// The quotient's f32 logarithm is rounded up.
const fn eager(element: FormatSpec, target: f32) -> BlockSpec {
    by_reciprocal(mx(element, ScaleRule::Log2Ceil { target }))
}

presets! { "torchao", "torchao 0.18";
    /// MXFP8 E4M3, `FLOOR`, torchao's default.
    MXFP8_E4M3_FLOOR = mx(FormatSpec::F8E4M3, ScaleRule::Floor), "2^(floor(log2 amax) - 8)", Checked, changes "scale code 0 divides by 2^-126";
    /// MXFP8 E4M3, `CEIL`.
    MXFP8_E4M3_CEIL = mx(FormatSpec::F8E4M3, ScaleRule::Ceil), "2^(ceil(log2 amax) - 8)", Checked, changes "scale code 0 divides by 2^-126";
    /// MXFP8 E4M3, `EVEN`.
    MXFP8_E4M3_EVEN = mx(FormatSpec::F8E4M3, ScaleRule::Even { mantissa_bits: 3 }), "2^(floor(log2 of amax rounded to 3 bits) - 8)", Checked, changes "scale code 0 divides by 2^-126";
    /// MXFP8 E4M3, `RCEIL` compiled for `sm_100`.
    MXFP8_E4M3_RCEIL = rceil(FormatSpec::F8E4M3, 448.0, Ratio::Divide), "2^ceil(log2(amax / 448))", FormulaOnly, changes "under scale code 0 elements are not scaled";
    /// MXFP8 E4M3, `RCEIL` in eager mode.
    MXFP8_E4M3_RCEIL_EAGER = eager(FormatSpec::F8E4M3, 448.0), "2^ceil(log2f(amax / 448))", Checked, changes "under scale code 0 elements are not scaled";
    /// MXFP8 E4M3, `RCEIL` of the Triton kernel.
    MXFP8_E4M3_RCEIL_RECIPROCAL = rceil(FormatSpec::F8E4M3, 448.0, Ratio::Multiply), "2^ceil(log2(amax * (1 / 448)))", FormulaOnly, changes "under scale code 0 elements are not scaled";
    /// MXFP8 E5M2, `FLOOR`.
    MXFP8_E5M2_FLOOR = mx(FormatSpec::F8E5M2, ScaleRule::Floor), "2^(floor(log2 amax) - 15)", Checked, changes "scale code 0 divides by 2^-126";
    /// MXFP8 E5M2, `CEIL`.
    MXFP8_E5M2_CEIL = mx(FormatSpec::F8E5M2, ScaleRule::Ceil), "2^(ceil(log2 amax) - 15)", Checked, changes "scale code 0 divides by 2^-126";
    /// MXFP8 E5M2, `EVEN`.
    MXFP8_E5M2_EVEN = mx(FormatSpec::F8E5M2, ScaleRule::Even { mantissa_bits: 2 }), "2^(floor(log2 of amax rounded to 2 bits) - 15)", Checked, changes "scale code 0 divides by 2^-126";
    /// MXFP8 E5M2, `RCEIL` compiled for `sm_100`.
    MXFP8_E5M2_RCEIL = rceil(FormatSpec::F8E5M2, 57344.0, Ratio::Divide), "2^ceil(log2(amax / 57344))", FormulaOnly, changes "under scale code 0 elements are not scaled";
    /// MXFP8 E5M2, `RCEIL` in eager mode.
    MXFP8_E5M2_RCEIL_EAGER = eager(FormatSpec::F8E5M2, 57344.0), "2^ceil(log2f(amax / 57344))", Checked, changes "under scale code 0 elements are not scaled";
    /// MXFP6 E3M2, `FLOOR`.
    MXFP6_E3M2_FLOOR = mx(FormatSpec::F6E3M2, ScaleRule::Floor), "2^(floor(log2 amax) - 4)", Checked, changes "scale code 0 divides by 2^-126";
    /// MXFP6 E3M2, `CEIL`.
    MXFP6_E3M2_CEIL = mx(FormatSpec::F6E3M2, ScaleRule::Ceil), "2^(ceil(log2 amax) - 4)", Checked, changes "scale code 0 divides by 2^-126";
    /// MXFP6 E3M2, `EVEN`.
    MXFP6_E3M2_EVEN = mx(FormatSpec::F6E3M2, ScaleRule::Even { mantissa_bits: 2 }), "2^(floor(log2 of amax rounded to 2 bits) - 4)", Checked, changes "scale code 0 divides by 2^-126";
    /// MXFP6 E3M2, `RCEIL` compiled for `sm_100`.
    MXFP6_E3M2_RCEIL = rceil(FormatSpec::F6E3M2, 28.0, Ratio::Divide), "2^ceil(log2(amax / 28))", FormulaOnly, changes "under scale code 0 elements are not scaled";
    /// MXFP6 E3M2, `RCEIL` in eager mode.
    MXFP6_E3M2_RCEIL_EAGER = eager(FormatSpec::F6E3M2, 28.0), "2^ceil(log2f(amax / 28))", Checked, changes "under scale code 0 elements are not scaled";
    /// MXFP6 E2M3, `FLOOR`.
    MXFP6_E2M3_FLOOR = mx(FormatSpec::F6E2M3, ScaleRule::Floor), "2^(floor(log2 amax) - 2)", Checked, changes "scale code 0 divides by 2^-126";
    /// MXFP6 E2M3, `CEIL`.
    MXFP6_E2M3_CEIL = mx(FormatSpec::F6E2M3, ScaleRule::Ceil), "2^(ceil(log2 amax) - 2)", Checked, changes "scale code 0 divides by 2^-126";
    /// MXFP6 E2M3, `EVEN`.
    MXFP6_E2M3_EVEN = mx(FormatSpec::F6E2M3, ScaleRule::Even { mantissa_bits: 3 }), "2^(floor(log2 of amax rounded to 3 bits) - 2)", Checked, changes "scale code 0 divides by 2^-126";
    /// MXFP6 E2M3, `RCEIL` compiled for `sm_100`.
    MXFP6_E2M3_RCEIL = rceil(FormatSpec::F6E2M3, 7.5, Ratio::Divide), "2^ceil(log2(amax / 7.5))", FormulaOnly, changes "under scale code 0 elements are not scaled";
    /// MXFP6 E2M3, `RCEIL` in eager mode.
    MXFP6_E2M3_RCEIL_EAGER = eager(FormatSpec::F6E2M3, 7.5), "2^ceil(log2f(amax / 7.5))", Checked, changes "under scale code 0 elements are not scaled";
    /// MXFP4, `FLOOR`.
    MXFP4_FLOOR = mx(FormatSpec::F4E2M1, ScaleRule::Floor), "2^(floor(log2 amax) - 2)", Checked, changes "scale code 0 divides by 2^-126";
    /// MXFP4, `CEIL`.
    MXFP4_CEIL = mx(FormatSpec::F4E2M1, ScaleRule::Ceil), "2^(ceil(log2 amax) - 2)", Checked, changes "scale code 0 divides by 2^-126";
    /// MXFP4, `EVEN`.
    MXFP4_EVEN = mx(FormatSpec::F4E2M1, ScaleRule::Even { mantissa_bits: 1 }), "2^(floor(log2 of amax rounded to 1 bit) - 2)", Checked, changes "scale code 0 divides by 2^-126";
    /// MXFP4, `RCEIL` compiled for `sm_100`.
    MXFP4_RCEIL = rceil(FormatSpec::F4E2M1, 6.0, Ratio::Divide), "2^ceil(log2(amax / 6))", FormulaOnly, changes "under scale code 0 elements are not scaled";
    /// MXFP4, `RCEIL` in eager mode.
    MXFP4_RCEIL_EAGER = eager(FormatSpec::F4E2M1, 6.0), "2^ceil(log2f(amax / 6))", Checked, changes "under scale code 0 elements are not scaled";
}

//! torchao's MX formats.

use crate::block::{BlockSpec, Division, Extent, Nonfinite, Ratio, ScaleRule};
use crate::policy::{Infinity, MissingNan, Nan};
use crate::round::Round;
use crate::spec::{FormatSpec, Table};

const fn mx(element: FormatSpec, rule: ScaleRule) -> BlockSpec {
    let convert = element
        .default_convert()
        .with_infinity(Infinity::Saturate)
        .with_nan(Nan::SignedAllOnes)
        .with_missing_nan(MissingNan::Payload);
    BlockSpec::new(element, Some(FormatSpec::E8M0), Extent::MX, rule)
        .with_element_convert(convert)
        .with_nonfinite(Nonfinite::Count)
        .with_division(Division::Divide)
        .with_divisors(Table::of(&[(0x00, f32::MIN_POSITIVE), (0xFF, f32::INFINITY)]))
}

/// A scheme whose elements are multiplied by the reciprocal of the scale, under scale code 0 by 1.
const fn by_reciprocal(spec: BlockSpec) -> BlockSpec {
    spec.with_division(Division::Reciprocal).with_divisors(Table::of(&[(0x00, 1.0)]))
}

/// Blocks whose ratio of `amax` is rounded up to a power of two.
const fn rceil(element: FormatSpec, target: f32, ratio: Ratio) -> BlockSpec {
    let spec = mx(element, ScaleRule::Amax { target, ratio });
    by_reciprocal(spec.with_scale_convert(spec.scale_convert.with_round(Round::Up)))
}

/// Blocks whose quotient's f32 logarithm is rounded up.
const fn eager(element: FormatSpec, target: f32) -> BlockSpec {
    by_reciprocal(mx(element, ScaleRule::Log2Ceil { target }))
}

/// Why `FLOOR`, `CEIL` and `EVEN` change a dequantized tensor.
const HALVED: &str = "scale code 0 divides by 2^-126";
/// Why the `RCEIL` rules change a dequantized tensor.
const UNSCALED: &str = "under scale code 0 elements are not scaled";

presets! {
    module: "torchao",
    source: "torchao 0.18";

    /// MXFP8 E4M3, `FLOOR`, torchao's default.
    MXFP8_E4M3_FLOOR {
        spec: mx(FormatSpec::F8E4M3, ScaleRule::Floor),
        rule: "2^(floor(log2 amax) - 8)",
        evidence: Checked,
        changes: HALVED,
    }
    /// MXFP8 E4M3, `CEIL`.
    MXFP8_E4M3_CEIL {
        spec: mx(FormatSpec::F8E4M3, ScaleRule::Ceil),
        rule: "2^(ceil(log2 amax) - 8)",
        evidence: Checked,
        changes: HALVED,
    }
    /// MXFP8 E4M3, `EVEN`.
    MXFP8_E4M3_EVEN {
        spec: mx(FormatSpec::F8E4M3, ScaleRule::Even { mantissa_bits: 3 }),
        rule: "2^(floor(log2 of amax rounded to 3 bits) - 8)",
        evidence: Checked,
        changes: HALVED,
    }
    /// MXFP8 E4M3, `RCEIL` compiled for `sm_100`.
    MXFP8_E4M3_RCEIL {
        spec: rceil(FormatSpec::F8E4M3, 448.0, Ratio::Divide),
        rule: "2^ceil(log2(amax / 448))",
        evidence: FormulaOnly,
        changes: UNSCALED,
    }
    /// MXFP8 E4M3, `RCEIL` in eager mode.
    MXFP8_E4M3_RCEIL_EAGER {
        spec: eager(FormatSpec::F8E4M3, 448.0),
        rule: "2^ceil(log2f(amax / 448))",
        evidence: Checked,
        changes: UNSCALED,
    }
    /// MXFP8 E4M3, `RCEIL` of the Triton kernel.
    MXFP8_E4M3_RCEIL_RECIPROCAL {
        spec: rceil(FormatSpec::F8E4M3, 448.0, Ratio::Multiply),
        rule: "2^ceil(log2(amax * (1 / 448)))",
        evidence: FormulaOnly,
        changes: UNSCALED,
    }
    /// MXFP8 E5M2, `FLOOR`.
    MXFP8_E5M2_FLOOR {
        spec: mx(FormatSpec::F8E5M2, ScaleRule::Floor),
        rule: "2^(floor(log2 amax) - 15)",
        evidence: Checked,
        changes: HALVED,
    }
    /// MXFP8 E5M2, `CEIL`.
    MXFP8_E5M2_CEIL {
        spec: mx(FormatSpec::F8E5M2, ScaleRule::Ceil),
        rule: "2^(ceil(log2 amax) - 15)",
        evidence: Checked,
        changes: HALVED,
    }
    /// MXFP8 E5M2, `EVEN`.
    MXFP8_E5M2_EVEN {
        spec: mx(FormatSpec::F8E5M2, ScaleRule::Even { mantissa_bits: 2 }),
        rule: "2^(floor(log2 of amax rounded to 2 bits) - 15)",
        evidence: Checked,
        changes: HALVED,
    }
    /// MXFP8 E5M2, `RCEIL` compiled for `sm_100`.
    MXFP8_E5M2_RCEIL {
        spec: rceil(FormatSpec::F8E5M2, 57344.0, Ratio::Divide),
        rule: "2^ceil(log2(amax / 57344))",
        evidence: FormulaOnly,
        changes: UNSCALED,
    }
    /// MXFP8 E5M2, `RCEIL` in eager mode.
    MXFP8_E5M2_RCEIL_EAGER {
        spec: eager(FormatSpec::F8E5M2, 57344.0),
        rule: "2^ceil(log2f(amax / 57344))",
        evidence: Checked,
        changes: UNSCALED,
    }
    /// MXFP6 E3M2, `FLOOR`.
    MXFP6_E3M2_FLOOR {
        spec: mx(FormatSpec::F6E3M2, ScaleRule::Floor),
        rule: "2^(floor(log2 amax) - 4)",
        evidence: Checked,
        changes: HALVED,
    }
    /// MXFP6 E3M2, `CEIL`.
    MXFP6_E3M2_CEIL {
        spec: mx(FormatSpec::F6E3M2, ScaleRule::Ceil),
        rule: "2^(ceil(log2 amax) - 4)",
        evidence: Checked,
        changes: HALVED,
    }
    /// MXFP6 E3M2, `EVEN`.
    MXFP6_E3M2_EVEN {
        spec: mx(FormatSpec::F6E3M2, ScaleRule::Even { mantissa_bits: 2 }),
        rule: "2^(floor(log2 of amax rounded to 2 bits) - 4)",
        evidence: Checked,
        changes: HALVED,
    }
    /// MXFP6 E3M2, `RCEIL` compiled for `sm_100`.
    MXFP6_E3M2_RCEIL {
        spec: rceil(FormatSpec::F6E3M2, 28.0, Ratio::Divide),
        rule: "2^ceil(log2(amax / 28))",
        evidence: FormulaOnly,
        changes: UNSCALED,
    }
    /// MXFP6 E3M2, `RCEIL` in eager mode.
    MXFP6_E3M2_RCEIL_EAGER {
        spec: eager(FormatSpec::F6E3M2, 28.0),
        rule: "2^ceil(log2f(amax / 28))",
        evidence: Checked,
        changes: UNSCALED,
    }
    /// MXFP6 E2M3, `FLOOR`.
    MXFP6_E2M3_FLOOR {
        spec: mx(FormatSpec::F6E2M3, ScaleRule::Floor),
        rule: "2^(floor(log2 amax) - 2)",
        evidence: Checked,
        changes: HALVED,
    }
    /// MXFP6 E2M3, `CEIL`.
    MXFP6_E2M3_CEIL {
        spec: mx(FormatSpec::F6E2M3, ScaleRule::Ceil),
        rule: "2^(ceil(log2 amax) - 2)",
        evidence: Checked,
        changes: HALVED,
    }
    /// MXFP6 E2M3, `EVEN`.
    MXFP6_E2M3_EVEN {
        spec: mx(FormatSpec::F6E2M3, ScaleRule::Even { mantissa_bits: 3 }),
        rule: "2^(floor(log2 of amax rounded to 3 bits) - 2)",
        evidence: Checked,
        changes: HALVED,
    }
    /// MXFP6 E2M3, `RCEIL` compiled for `sm_100`.
    MXFP6_E2M3_RCEIL {
        spec: rceil(FormatSpec::F6E2M3, 7.5, Ratio::Divide),
        rule: "2^ceil(log2(amax / 7.5))",
        evidence: FormulaOnly,
        changes: UNSCALED,
    }
    /// MXFP6 E2M3, `RCEIL` in eager mode.
    MXFP6_E2M3_RCEIL_EAGER {
        spec: eager(FormatSpec::F6E2M3, 7.5),
        rule: "2^ceil(log2f(amax / 7.5))",
        evidence: Checked,
        changes: UNSCALED,
    }
    /// MXFP4, `FLOOR`.
    MXFP4_FLOOR {
        spec: mx(FormatSpec::F4E2M1, ScaleRule::Floor),
        rule: "2^(floor(log2 amax) - 2)",
        evidence: Checked,
        changes: HALVED,
    }
    /// MXFP4, `CEIL`.
    MXFP4_CEIL {
        spec: mx(FormatSpec::F4E2M1, ScaleRule::Ceil),
        rule: "2^(ceil(log2 amax) - 2)",
        evidence: Checked,
        changes: HALVED,
    }
    /// MXFP4, `EVEN`.
    MXFP4_EVEN {
        spec: mx(FormatSpec::F4E2M1, ScaleRule::Even { mantissa_bits: 1 }),
        rule: "2^(floor(log2 of amax rounded to 1 bit) - 2)",
        evidence: Checked,
        changes: HALVED,
    }
    /// MXFP4, `RCEIL` compiled for `sm_100`.
    MXFP4_RCEIL {
        spec: rceil(FormatSpec::F4E2M1, 6.0, Ratio::Divide),
        rule: "2^ceil(log2(amax / 6))",
        evidence: FormulaOnly,
        changes: UNSCALED,
    }
    /// MXFP4, `RCEIL` in eager mode.
    MXFP4_RCEIL_EAGER {
        spec: eager(FormatSpec::F4E2M1, 6.0),
        rule: "2^ceil(log2f(amax / 6))",
        evidence: Checked,
        changes: UNSCALED,
    }
}

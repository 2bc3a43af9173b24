//! gfloat 0.5.2's MX formats (Graphcore): OCP's scale rule, elements rounded to nearest even,
//! saturating. MXINT8 uses −2.
//!
//! Exponents are `floor(log2 amax)` in the type of the array. They are exact in f64 arrays; in f32
//! arrays (`…_F32`) the logarithm of an `amax` just below a power of two is that power's. Infinity
//! counts as a magnitude (scale code 254). NaN makes the scale, and so the block, NaN. gfloat
//! rejects NaN in FP6, FP4 and MXINT8; here such elements are what their policy gives.

use super::ocp::mx;
use crate::block::{BlockSpec, Nonfinite, ScaleRule};
use crate::policy::Infinity;
use crate::spec::FormatSpec;

const fn blocks(element: FormatSpec) -> BlockSpec {
    let convert = element.default_convert().with_infinity(Infinity::Saturate);
    mx(element).with_nonfinite(Nonfinite::Count).with_element_convert(convert)
}

/// Why the code of −2 changes a dequantized tensor.
const MINUS_TWO: &str = "-2 has the exponent of the next scale";

const fn of_f32(spec: BlockSpec) -> BlockSpec {
    spec.with_rule(ScaleRule::Log2Floor)
}

presets! {
    module: "gfloat",
    source: "gfloat 0.5.2";

    /// MXFP8 E4M3 from f64 arrays.
    MXFP8_E4M3 {
        spec: blocks(FormatSpec::F8E4M3),
        rule: "2^(floor(log2 amax) - 8)",
        evidence: Checked,
    }
    /// MXFP8 E5M2 from f64 arrays.
    MXFP8_E5M2 {
        spec: blocks(FormatSpec::F8E5M2),
        rule: "2^(floor(log2 amax) - 15)",
        evidence: Checked,
    }
    /// MXFP6 E3M2 from f64 arrays.
    MXFP6_E3M2 {
        spec: blocks(FormatSpec::F6E3M2),
        rule: "2^(floor(log2 amax) - 4)",
        evidence: Checked,
    }
    /// MXFP6 E2M3 from f64 arrays.
    MXFP6_E2M3 {
        spec: blocks(FormatSpec::F6E2M3),
        rule: "2^(floor(log2 amax) - 2)",
        evidence: Checked,
    }
    /// MXFP4 from f64 arrays.
    MXFP4 {
        spec: blocks(FormatSpec::F4E2M1),
        rule: "2^(floor(log2 amax) - 2)",
        evidence: Checked,
    }
    /// MXINT8 from f64 arrays.
    MXINT8 {
        spec: blocks(FormatSpec::MXINT8),
        rule: "2^(floor(log2 amax))",
        evidence: Checked,
        changes: MINUS_TWO,
    }
    /// MXFP8 E4M3 from f32 arrays.
    MXFP8_E4M3_F32 {
        spec: of_f32(MXFP8_E4M3),
        rule: "2^(floor(log2f amax) - 8)",
        evidence: Checked,
    }
    /// MXFP8 E5M2 from f32 arrays.
    MXFP8_E5M2_F32 {
        spec: of_f32(MXFP8_E5M2),
        rule: "2^(floor(log2f amax) - 15)",
        evidence: Checked,
    }
    /// MXFP6 E3M2 from f32 arrays.
    MXFP6_E3M2_F32 {
        spec: of_f32(MXFP6_E3M2),
        rule: "2^(floor(log2f amax) - 4)",
        evidence: Checked,
    }
    /// MXFP6 E2M3 from f32 arrays.
    MXFP6_E2M3_F32 {
        spec: of_f32(MXFP6_E2M3),
        rule: "2^(floor(log2f amax) - 2)",
        evidence: Checked,
    }
    /// MXFP4 from f32 arrays.
    MXFP4_F32 {
        spec: of_f32(MXFP4),
        rule: "2^(floor(log2f amax) - 2)",
        evidence: Checked,
    }
    /// MXINT8 from f32 arrays.
    MXINT8_F32 {
        spec: of_f32(MXINT8),
        rule: "2^(floor(log2f amax))",
        evidence: Checked,
        changes: MINUS_TWO,
    }
}

//! gfloat 0.5.2's MX formats (Graphcore): OCP's scale rule, elements rounded to nearest even,
//! saturating. MXINT8 uses −2.
//!
//! Exponents are `floor(log2 amax)` in the type of the array: exact in f64 arrays; in f32 arrays
//! (`F32_…`) the logarithm of an `amax` just below a power of two is that power's. Infinity counts
//! as a magnitude (scale code 254). NaN makes the scale NaN; FP6, FP4 and MXINT8 refuse it in
//! gfloat, and have what their policy gives here, in a block that is NaN in any case.

use super::ocp::mx;
use super::table::{Evidence, Preset};
use crate::block::{BlockSpec, Nonfinite, ScaleRule};
use crate::policy::Infinity;
use crate::spec::FormatSpec;

const fn blocks(element: FormatSpec) -> BlockSpec {
    let convert = element.default_convert().with_infinity(Infinity::Saturate);
    mx(element).with_nonfinite(Nonfinite::Count).with_element_convert(convert)
}

const fn of_f32(spec: BlockSpec) -> BlockSpec {
    spec.with_rule(ScaleRule::Log2Floor)
}

presets! { "gfloat", "gfloat 0.5.2";
    /// MXFP8 E4M3.
    MXFP8_E4M3 = blocks(FormatSpec::F8E4M3), "2^(floor(log2 amax) - 8)", Checked;
    /// MXFP8 E5M2.
    MXFP8_E5M2 = blocks(FormatSpec::F8E5M2), "2^(floor(log2 amax) - 15)", Checked;
    /// MXFP6 E3M2.
    MXFP6_E3M2 = blocks(FormatSpec::F6E3M2), "2^(floor(log2 amax) - 4)", Checked;
    /// MXFP6 E2M3.
    MXFP6_E2M3 = blocks(FormatSpec::F6E2M3), "2^(floor(log2 amax) - 2)", Checked;
    /// MXFP4.
    MXFP4 = blocks(FormatSpec::F4E2M1), "2^(floor(log2 amax) - 2)", Checked;
    /// MXINT8.
    MXINT8 = blocks(FormatSpec::MXINT8), "2^(floor(log2 amax))", Checked, changes "-2 has the exponent of the next scale";
    /// MXFP8 E4M3 of f32 arrays.
    F32_MXFP8_E4M3 = of_f32(MXFP8_E4M3), "2^(floor(log2f amax) - 8)", Checked;
    /// MXFP8 E5M2 of f32 arrays.
    F32_MXFP8_E5M2 = of_f32(MXFP8_E5M2), "2^(floor(log2f amax) - 15)", Checked;
    /// MXFP6 E3M2 of f32 arrays.
    F32_MXFP6_E3M2 = of_f32(MXFP6_E3M2), "2^(floor(log2f amax) - 4)", Checked;
    /// MXFP6 E2M3 of f32 arrays.
    F32_MXFP6_E2M3 = of_f32(MXFP6_E2M3), "2^(floor(log2f amax) - 2)", Checked;
    /// MXFP4 of f32 arrays.
    F32_MXFP4 = of_f32(MXFP4), "2^(floor(log2f amax) - 2)", Checked;
    /// MXINT8 of f32 arrays.
    F32_MXINT8 = of_f32(MXINT8), "2^(floor(log2f amax))", Checked, changes "-2 has the exponent of the next scale";
}

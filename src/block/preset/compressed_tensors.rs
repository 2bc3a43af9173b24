//! compressed-tensors 0.20's MX formats (the vLLM project). Only their scales were checked: they come without a bound, and are clamped here to
//! those of E8M0.

use super::ocp::EXTENT;
use super::{Evidence, Preset};
use crate::block::{Apply, BlockSpec, ScaleRule};
use crate::spec::FormatSpec;

/// `amax` is rounded to FP4's single mantissa bit whatever the element, but for FP6 E2M3 with 3: 448 has the scale 2 in E4M3.
const fn mx(element: FormatSpec, mantissa_bits: u8) -> BlockSpec {
    BlockSpec::new(element, Some(FormatSpec::E8M0), EXTENT, ScaleRule::Even { mantissa_bits }).with_apply(Apply::Divide)
}

presets! { "compressed_tensors", "compressed-tensors 0.20.0";
    /// MXFP4.
    MXFP4 = mx(FormatSpec::F4E2M1, 1), "2^(floor(log2 of amax rounded to 1 bit) - 2)", Checked;
    /// MXFP6 E2M3.
    MXFP6_E2M3 = mx(FormatSpec::F6E2M3, 3), "2^(floor(log2 of amax rounded to 3 bits) - 2)", Checked;
    /// MXFP8 E4M3: rounded to a single bit too.
    MXFP8_E4M3 = mx(FormatSpec::F8E4M3, 1), "2^(floor(log2 of amax rounded to 1 bit) - 8)", Checked;
}

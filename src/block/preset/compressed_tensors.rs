//! compressed-tensors 0.20's MX formats (the vLLM project). An `amax` that is rounded to 2^128
//! makes the scale infinite there and all elements zero; here the scale is clamped to E8M0's. NaN
//! makes the scale code 0 there; here it makes the block NaN.

use super::ocp::EXTENT;
use super::table::{Evidence, Preset};
use crate::block::{BlockSpec, Division, ScaleRule, ZeroSign};
use crate::spec::FormatSpec;

/// `amax` is rounded to FP4's single mantissa bit whatever the element, but for FP6 E2M3 with 3:
/// 448 has the scale 2 in E4M3.
const fn mx(element: FormatSpec, mantissa_bits: u8) -> BlockSpec {
    BlockSpec::new(element, Some(FormatSpec::E8M0), EXTENT, ScaleRule::Even { mantissa_bits })
        .with_division(Division::Divide)
}

presets! { "compressed_tensors", "compressed-tensors 0.20.0";
    /// MXFP4.
    MXFP4 = mx(FormatSpec::F4E2M1, 1).with_zero_sign(ZeroSign::MinusBelowZero), "2^(floor(log2 of amax rounded to 1 bit) - 2)", Checked;
    /// MXFP6 E2M3.
    MXFP6_E2M3 = mx(FormatSpec::F6E2M3, 3), "2^(floor(log2 of amax rounded to 3 bits) - 2)", Checked;
    /// MXFP8 E4M3: rounded to a single bit too. −0 becomes +0 as a zero point of zeros, the
    /// default, is added.
    MXFP8_E4M3 = mx(FormatSpec::F8E4M3, 1).with_zero_sign(ZeroSign::MinusBelowZero), "2^(floor(log2 of amax rounded to 1 bit) - 8)", Checked;
}

//! microxcaling's C++ element functions (Microsoft, 2024-08-19, commit 7bc4195), run on the host:
//! exponents from the bits.
//!
//! A block with NaN or infinity becomes NaN, and so does one with a shared exponent above 127.

use super::ocp::EXTENT;
use super::table::{Evidence, Preset};
use crate::block::{BlockSpec, ScaleRule, ZeroSign};
use crate::policy::Overflow;
use crate::round::Round;
use crate::spec::FormatSpec;

const fn mx(element: FormatSpec, round: Round) -> BlockSpec {
    let spec = BlockSpec::new(element, Some(FormatSpec::E8M0), EXTENT, ScaleRule::Floor);
    spec.with_round(round)
        .with_scale_convert(spec.scale_convert.with_overflow(Overflow::Special))
        .with_zero_sign(ZeroSign::Plus)
}

presets! { "microxcaling_cpp", "microxcaling 7bc4195, C++ functions";
    /// MXFP8 E4M3, `nearest`: elements rounded ties away.
    MXFP8_E4M3_NEAREST = mx(FormatSpec::F8E4M3, Round::NearestAway), "2^(floor(log2 amax) - 8)", Checked;
    /// MXFP8 E4M3, `even`: elements rounded ties to even.
    MXFP8_E4M3_EVEN = mx(FormatSpec::F8E4M3, Round::NearestEven), "2^(floor(log2 amax) - 8)", Checked;
    /// MXFP4, `nearest`: elements rounded ties away.
    MXFP4_NEAREST = mx(FormatSpec::F4E2M1, Round::NearestAway), "2^(floor(log2 amax) - 2)", Checked;
    /// MXFP4, `even`: elements rounded ties to even.
    MXFP4_EVEN = mx(FormatSpec::F4E2M1, Round::NearestEven), "2^(floor(log2 amax) - 2)", Checked;
    /// MXINT8, `nearest`: elements rounded ties away.
    MXINT8_NEAREST = mx(FormatSpec::MXINT8SYM, Round::NearestAway), "2^floor(log2 amax)", Checked;
    /// MXINT8, `even`: elements rounded ties to even.
    MXINT8_EVEN = mx(FormatSpec::MXINT8SYM, Round::NearestEven), "2^floor(log2 amax)", Checked;
}

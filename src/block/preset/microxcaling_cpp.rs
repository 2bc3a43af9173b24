//! microxcaling's C++ element functions (Microsoft, 2024-08-19, commit 7bc4195), run on the host.
//! Exponents are taken from the bits.
//!
//! A block with NaN or infinity becomes NaN, and so does one with a shared exponent above 127.

use crate::block::{BlockSpec, Extent, ScaleRule, ZeroSign};
use crate::policy::Overflow;
use crate::round::Round;
use crate::spec::FormatSpec;

const fn mx(element: FormatSpec, round: Round) -> BlockSpec {
    let spec = BlockSpec::new(element, Some(FormatSpec::E8M0), Extent::MX, ScaleRule::Floor);
    spec.with_round(round)
        .with_scale_convert(spec.scale_convert.with_overflow(Overflow::Special))
        .with_zero_sign(ZeroSign::Plus)
}

presets! {
    module: "microxcaling_cpp",
    source: "microxcaling 7bc4195, C++ functions";

    /// MXFP8 E4M3, `nearest`: elements rounded to nearest, ties away from zero.
    MXFP8_E4M3_NEAREST {
        spec: mx(FormatSpec::F8E4M3, Round::NearestAway),
        rule: "2^(floor(log2 amax) - 8)",
        evidence: Checked,
    }
    /// MXFP8 E4M3, `even`: elements rounded to nearest even.
    MXFP8_E4M3_EVEN {
        spec: mx(FormatSpec::F8E4M3, Round::NearestEven),
        rule: "2^(floor(log2 amax) - 8)",
        evidence: Checked,
    }
    /// MXFP4, `nearest`: elements rounded to nearest, ties away from zero.
    MXFP4_NEAREST {
        spec: mx(FormatSpec::F4E2M1, Round::NearestAway),
        rule: "2^(floor(log2 amax) - 2)",
        evidence: Checked,
    }
    /// MXFP4, `even`: elements rounded to nearest even.
    MXFP4_EVEN {
        spec: mx(FormatSpec::F4E2M1, Round::NearestEven),
        rule: "2^(floor(log2 amax) - 2)",
        evidence: Checked,
    }
    /// MXINT8, `nearest`: elements rounded to nearest, ties away from zero.
    MXINT8_NEAREST {
        spec: mx(FormatSpec::MXINT8SYM, Round::NearestAway),
        rule: "2^floor(log2 amax)",
        evidence: Checked,
    }
    /// MXINT8, `even`: elements rounded to nearest even.
    MXINT8_EVEN {
        spec: mx(FormatSpec::MXINT8SYM, Round::NearestEven),
        rule: "2^floor(log2 amax)",
        evidence: Checked,
    }
}

//! microxcaling (Microsoft, 2024-08-19, commit 7bc4195) with torch 2.15: the Python path on the
//! CPU.
//!
//! Exponents of blocks and elements are `floor(log2(..))` of f32 logarithms, so just below a power
//! of two they are that power's. `NEAREST` is microxcaling's default and rounds ties away from
//! zero; `EVEN` rounds to nearest even, `FLOOR` toward zero. A block with NaN or infinity, or with
//! a shared exponent above 127, becomes NaN. `FLUSH` is `mx_flush_fp32_subnorms`; `NOSHARE` is the
//! shared-exponent method `none`, one scale for each element. `dither`, its stochastic rounding by
//! an f32 sum, is not provided.

use crate::block::{BlockSpec, Division, ElementRounding, Extent, ScaleRule, ZeroSign};
use crate::policy::Overflow;
use crate::round::Round;
use crate::spec::{Encoding, FloatSpec, FormatSpec, NanCodes, ZeroField};

/// microxcaling's `int8`: sign and magnitude over 64, from −127/64 to 127/64. The program keeps
/// numbers, not codes, so −0 exists.
pub const INT8: FormatSpec = sign_magnitude("MXINT8SM", 8, 6);

/// microxcaling's `int4`: sign and magnitude over 4, from −7/4 to 7/4.
pub const INT4: FormatSpec = sign_magnitude("MXINT4SM", 4, 2);

const fn sign_magnitude(name: &str, bits: u8, fraction_bits: i8) -> FormatSpec {
    match FormatSpec::sign_magnitude(name, bits, fraction_bits) {
        Ok(format) => format,
        Err(_) => panic!("2 to 24 bits"),
    }
}

/// The scale format of `scale_bits = 4`: powers of two from 2^-7 to 2^7, and NaN.
pub const E4M0: FormatSpec = FormatSpec::constant(
    "E4M0",
    Encoding::Float(FloatSpec {
        bias: 7,
        zero_field: ZeroField::Normals,
        nan: NanCodes::AllOnes,
        ..FloatSpec::finite_nan(4, 0).unsigned()
    }),
);

/// MX blocks of these elements under one of the three roundings.
const fn mx(element: FormatSpec, round: Round) -> BlockSpec {
    let spec = BlockSpec::new(element, Some(FormatSpec::E8M0), Extent::MX, ScaleRule::Log2Floor);
    // A block of zeros has the scale of an `amax` of 2^-126.
    let zero_block_scale = f32::MIN_POSITIVE / (1u64 << element.max_exponent()) as f32;
    spec.with_round(round)
        .with_scale_convert(spec.scale_convert.with_overflow(Overflow::Special))
        .with_zero_block_scale(zero_block_scale)
        .with_division(Division::Divide)
        .with_element_rounding(ElementRounding::Microxcaling)
        .with_zero_sign(ZeroSign::MinusBelowZero)
}

/// A scheme that makes blocks zero whose rounded logarithm is below −126. The logarithms of the 22
/// largest subnormals round to −126.
const fn flush(spec: BlockSpec) -> BlockSpec {
    spec.with_flush_below(f32::from_bits(0x007F_FFEA))
}

const fn noshare(spec: BlockSpec) -> BlockSpec {
    spec.with_extent(Extent::Block { rows: 1, cols: 1 })
}

presets! {
    module: "microxcaling",
    source: "microxcaling 7bc4195 with torch 2.15";

    /// MXFP8 E4M3, `nearest`: elements rounded to nearest, ties away from zero.
    MXFP8_E4M3_NEAREST {
        spec: mx(FormatSpec::F8E4M3, Round::NearestAway),
        rule: "2^(floor(log2f amax) - 8)",
        evidence: Checked,
    }
    /// MXFP8 E4M3, `even`: elements rounded to nearest even.
    MXFP8_E4M3_EVEN {
        spec: mx(FormatSpec::F8E4M3, Round::NearestEven),
        rule: "2^(floor(log2f amax) - 8)",
        evidence: Checked,
    }
    /// MXFP8 E4M3, `floor`: elements rounded toward zero.
    MXFP8_E4M3_FLOOR {
        spec: mx(FormatSpec::F8E4M3, Round::TowardZero),
        rule: "2^(floor(log2f amax) - 8)",
        evidence: Checked,
    }
    /// MXFP8 E5M2, `nearest`: elements rounded to nearest, ties away from zero.
    MXFP8_E5M2_NEAREST {
        spec: mx(FormatSpec::F8E5M2, Round::NearestAway),
        rule: "2^(floor(log2f amax) - 15)",
        evidence: Checked,
    }
    /// MXFP8 E5M2, `even`: elements rounded to nearest even.
    MXFP8_E5M2_EVEN {
        spec: mx(FormatSpec::F8E5M2, Round::NearestEven),
        rule: "2^(floor(log2f amax) - 15)",
        evidence: Checked,
    }
    /// MXFP8 E5M2, `floor`: elements rounded toward zero.
    MXFP8_E5M2_FLOOR {
        spec: mx(FormatSpec::F8E5M2, Round::TowardZero),
        rule: "2^(floor(log2f amax) - 15)",
        evidence: Checked,
    }
    /// MXFP6 E3M2, `nearest`: elements rounded to nearest, ties away from zero.
    MXFP6_E3M2_NEAREST {
        spec: mx(FormatSpec::F6E3M2, Round::NearestAway),
        rule: "2^(floor(log2f amax) - 4)",
        evidence: Checked,
    }
    /// MXFP6 E3M2, `even`: elements rounded to nearest even.
    MXFP6_E3M2_EVEN {
        spec: mx(FormatSpec::F6E3M2, Round::NearestEven),
        rule: "2^(floor(log2f amax) - 4)",
        evidence: Checked,
    }
    /// MXFP6 E3M2, `floor`: elements rounded toward zero.
    MXFP6_E3M2_FLOOR {
        spec: mx(FormatSpec::F6E3M2, Round::TowardZero),
        rule: "2^(floor(log2f amax) - 4)",
        evidence: Checked,
    }
    /// MXFP6 E2M3, `nearest`: elements rounded to nearest, ties away from zero.
    MXFP6_E2M3_NEAREST {
        spec: mx(FormatSpec::F6E2M3, Round::NearestAway),
        rule: "2^(floor(log2f amax) - 2)",
        evidence: Checked,
    }
    /// MXFP6 E2M3, `even`: elements rounded to nearest even.
    MXFP6_E2M3_EVEN {
        spec: mx(FormatSpec::F6E2M3, Round::NearestEven),
        rule: "2^(floor(log2f amax) - 2)",
        evidence: Checked,
    }
    /// MXFP6 E2M3, `floor`: elements rounded toward zero.
    MXFP6_E2M3_FLOOR {
        spec: mx(FormatSpec::F6E2M3, Round::TowardZero),
        rule: "2^(floor(log2f amax) - 2)",
        evidence: Checked,
    }
    /// MXFP4, `nearest`: elements rounded to nearest, ties away from zero.
    MXFP4_NEAREST {
        spec: mx(FormatSpec::F4E2M1, Round::NearestAway),
        rule: "2^(floor(log2f amax) - 2)",
        evidence: Checked,
    }
    /// MXFP4, `even`: elements rounded to nearest even.
    MXFP4_EVEN {
        spec: mx(FormatSpec::F4E2M1, Round::NearestEven),
        rule: "2^(floor(log2f amax) - 2)",
        evidence: Checked,
    }
    /// MXFP4, `floor`: elements rounded toward zero.
    MXFP4_FLOOR {
        spec: mx(FormatSpec::F4E2M1, Round::TowardZero),
        rule: "2^(floor(log2f amax) - 2)",
        evidence: Checked,
    }
    /// MXINT8, `nearest`: elements rounded to nearest, ties away from zero.
    MXINT8_NEAREST {
        spec: mx(INT8, Round::NearestAway),
        rule: "2^floor(log2f amax)",
        evidence: Checked,
    }
    /// MXINT8, `even`: elements rounded to nearest even.
    MXINT8_EVEN {
        spec: mx(INT8, Round::NearestEven),
        rule: "2^floor(log2f amax)",
        evidence: Checked,
    }
    /// MXINT8, `floor`: elements rounded toward zero.
    MXINT8_FLOOR {
        spec: mx(INT8, Round::TowardZero),
        rule: "2^floor(log2f amax)",
        evidence: Checked,
    }
    /// MXINT4, `nearest`: elements rounded to nearest, ties away from zero.
    MXINT4_NEAREST {
        spec: mx(INT4, Round::NearestAway),
        rule: "2^floor(log2f amax)",
        evidence: Checked,
    }
    /// MXINT4, `even`: elements rounded to nearest even.
    MXINT4_EVEN {
        spec: mx(INT4, Round::NearestEven),
        rule: "2^floor(log2f amax)",
        evidence: Checked,
    }
    /// MXINT4, `floor`: elements rounded toward zero.
    MXINT4_FLOOR {
        spec: mx(INT4, Round::TowardZero),
        rule: "2^floor(log2f amax)",
        evidence: Checked,
    }
    /// MXFP8 E4M3, `nearest`, with `mx_flush_fp32_subnorms`: elements rounded to nearest, ties away
    /// from zero; a block whose largest magnitude is subnormal in f32 (the 22 largest subnormals
    /// aside) becomes zeros.
    MXFP8_E4M3_NEAREST_FLUSH {
        spec: flush(MXFP8_E4M3_NEAREST),
        rule: "2^(floor(log2f amax) - 8)",
        evidence: Checked,
    }
    /// MXFP8 E4M3, `nearest`, with the shared-exponent method `none`: one scale for each element,
    /// which is rounded to nearest, ties away from zero.
    MXFP8_E4M3_NEAREST_NOSHARE {
        spec: noshare(MXFP8_E4M3_NEAREST),
        rule: "2^(floor(log2f amax) - 8) of each element",
        evidence: Checked,
    }
    /// MXFP8 E4M3, `even`, with `mx_flush_fp32_subnorms`: elements rounded to nearest even; a block
    /// whose largest magnitude is subnormal in f32 (the 22 largest subnormals aside) becomes zeros.
    MXFP8_E4M3_EVEN_FLUSH {
        spec: flush(MXFP8_E4M3_EVEN),
        rule: "2^(floor(log2f amax) - 8)",
        evidence: Checked,
    }
    /// MXFP8 E4M3, `even`, with the shared-exponent method `none`: one scale for each element,
    /// which is rounded to nearest even.
    MXFP8_E4M3_EVEN_NOSHARE {
        spec: noshare(MXFP8_E4M3_EVEN),
        rule: "2^(floor(log2f amax) - 8) of each element",
        evidence: Checked,
    }
    /// MXFP4, `nearest`, with `mx_flush_fp32_subnorms`: elements rounded to nearest, ties away from
    /// zero; a block whose largest magnitude is subnormal in f32 (the 22 largest subnormals aside)
    /// becomes zeros.
    MXFP4_NEAREST_FLUSH {
        spec: flush(MXFP4_NEAREST),
        rule: "2^(floor(log2f amax) - 2)",
        evidence: Checked,
    }
    /// MXFP4, `nearest`, with the shared-exponent method `none`: one scale for each element, which
    /// is rounded to nearest, ties away from zero.
    MXFP4_NEAREST_NOSHARE {
        spec: noshare(MXFP4_NEAREST),
        rule: "2^(floor(log2f amax) - 2) of each element",
        evidence: Checked,
    }
    /// MXFP4, `even`, with `mx_flush_fp32_subnorms`: elements rounded to nearest even; a block
    /// whose largest magnitude is subnormal in f32 (the 22 largest subnormals aside) becomes zeros.
    MXFP4_EVEN_FLUSH {
        spec: flush(MXFP4_EVEN),
        rule: "2^(floor(log2f amax) - 2)",
        evidence: Checked,
    }
    /// MXFP4, `even`, with the shared-exponent method `none`: one scale for each element, which is
    /// rounded to nearest even.
    MXFP4_EVEN_NOSHARE {
        spec: noshare(MXFP4_EVEN),
        rule: "2^(floor(log2f amax) - 2) of each element",
        evidence: Checked,
    }
    /// MXFP8 E4M3, `even`, with `scale_bits = 4`: elements rounded to nearest even, under scales
    /// from 2^-7 to 2^7; a larger scale is NaN.
    MXFP8_E4M3_EVEN_SCALE_BITS4 {
        spec: BlockSpec { scale: Some(E4M0), ..MXFP8_E4M3_EVEN },
        rule: "2^(floor(log2f amax) - 8), at most 2^7",
        evidence: Checked,
    }
}

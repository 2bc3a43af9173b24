//! What several encoders ask of a format and a policy before they take them.

use crate::codec::Unpacked;
use crate::policy::{Convert, MissingNan, Nan, SubnormalInputs};
use crate::round::Round;
use crate::spec::{Encoding, FloatSpec, FormatSpec, ZeroField};

/// Numbers of a chunk whose codes stay in the first-level cache until the chunk's largest magnitude
/// is known.
pub(super) const CHUNK: usize = 2048;

/// A NaN's code, and what a minus sign changes in it.
pub(in crate::kernel) type SignedNan = (u32, u32);

/// The layout of a format that kernels for finite numbers are for: with zero and subnormals, its
/// numbers f32s; if the policy rounds to nearest-even.
pub(super) const fn layout<'a>(spec: &'a FormatSpec, convert: &Convert) -> Option<&'a FloatSpec> {
    let Encoding::Float(layout) = spec.encoding() else { return None };
    let min_exponent = layout.min_exponent();
    let unit = min_exponent - layout.mantissa_bits as i64;
    let uniform = matches!(layout.zero_field, ZeroField::Subnormals) && !layout.is_fixed_point();
    let plain = matches!(convert.round, Round::NearestEven)
        && matches!(convert.subnormal_inputs, SubnormalInputs::Keep);
    let payload =
        matches!(convert.nan, Nan::Payload) || matches!(convert.missing_nan, MissingNan::Payload);
    // A magic number and the smallest normal must be normal f32s, and the binade above the largest
    // number an f32's.
    let fits = layout.mantissa_bits < 23
        && min_exponent >= -126
        && unit + 24 <= 127
        && spec.max_exponent() <= 126;
    if uniform && plain && !payload && fits { Some(layout) } else { None }
}

/// Bits of the largest f32 that does not overflow: half a unit above the largest number is itself
/// that number if its code is even.
pub(super) const fn limit(spec: &FormatSpec, shift: u32) -> u32 {
    (spec.max().to_f32().to_bits() | 1 << (shift - 1)) - (spec.max_code() & 1)
}

/// The code of a number, and what differs in that of its negative, as the reference gives them.
pub(super) const fn both(spec: &FormatSpec, convert: &Convert, x: Unpacked) -> (u32, u32) {
    let code = spec.encode_with(x, convert, 0).code;
    (code, code ^ spec.encode_with(x.negate(), convert, 0).code)
}

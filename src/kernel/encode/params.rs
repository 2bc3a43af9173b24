//! Conditions and constants that several encoders share, computed from a format and a policy.

use crate::codec::Unpacked;
use crate::policy::{Convert, MissingNan, Nan, SubnormalInputs};
use crate::round::Round;
use crate::spec::{Encoding, FloatSpec, FormatSpec, ZeroField};

/// Numbers of a chunk: 8 KiB of f32s, which are still in L1 when the chunk's largest magnitude is
/// known and it may have to be encoded again.
pub(super) const CHUNK: usize = 2048;

/// A NaN's code and the bits that a minus sign changes in it.
pub(in crate::kernel) type SignedNan = (u32, u32);

/// Returns the layout of a floating-point format with zero and subnormals whose numbers are normal
/// f32s, for a policy that rounds to nearest even and keeps subnormal inputs; otherwise `None`.
pub(super) const fn layout<'a>(spec: &'a FormatSpec, convert: &Convert) -> Option<&'a FloatSpec> {
    let Encoding::Float(layout) = spec.encoding() else { return None };
    let min_exponent = layout.min_exponent();
    let unit = min_exponent - layout.mantissa_bits as i64;
    let uniform = matches!(layout.zero_field, ZeroField::Subnormals) && !layout.is_fixed_point();
    let plain = matches!(convert.round, Round::NearestEven)
        && matches!(convert.subnormal_inputs, SubnormalInputs::Keep);
    let payload =
        matches!(convert.nan, Nan::Payload) || matches!(convert.missing_nan, MissingNan::Payload);
    // The addend that rounds subnormals and the smallest normal number must be normal f32s, and the
    // binade above the largest number must be one of f32.
    let fits = layout.mantissa_bits < 23
        && min_exponent >= -126
        && unit + 24 <= 127
        && spec.max_exponent() <= 126;
    if uniform && plain && !payload && fits { Some(layout) } else { None }
}

/// Returns the bits of the largest f32 that does not overflow: the largest number and half a unit
/// if its code is even, since a tie then rounds to it, else the f32 before that.
pub(super) const fn limit(spec: &FormatSpec, shift: u32) -> u32 {
    (spec.max().to_f32().to_bits() | 1 << (shift - 1)) - (spec.max_code() & 1)
}

/// Returns the code of a number and the bits that differ in the code of its negative, by the
/// reference codec.
pub(super) const fn both(spec: &FormatSpec, convert: &Convert, x: Unpacked) -> (u32, u32) {
    let code = spec.encode_with(x, convert, 0).code;
    (code, code ^ spec.encode_with(x.negate(), convert, 0).code)
}

//! Conversion policies: what one conversion may do differently from another, besides rounding.
//! `codec` applies them; `vendor` names those of other programs.

use crate::naming::names_of;
use crate::round::Round;

/// What becomes of a finite number that, after rounding, lies beyond the largest finite value.
///
/// Where this gives NaN, the NaN has the number's sign; which of its mantissa bits are set follows
/// [`Nan`]. A posit gives NaR, where its standard wants `Saturate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// The largest finite value with the number's sign. CUDA SATFINITE, P3109 SatFinite and
    /// SatPropagate.
    Saturate,
    /// Infinity; without one, NaN with the number's sign; without NaN, saturate. `ml_dtypes`, torch
    /// 2.10.
    Special,
    /// The largest finite value where the rounding direction forbids infinity (IEEE 754 section
    /// 7.4), else infinity; a format without infinity saturates. P3109 SatNone, and the default
    /// above 8 bits.
    IeeeDirected,
    /// The largest finite value where the rounding direction forbids infinity (IEEE 754 section
    /// 7.4), else infinity; NaN in a format without infinity. gfloat, CUDA NOSAT.
    DirectedSpecial,
    /// Integers ([`Encoding::Int`](crate::Encoding::Int)) alone: the low bits of the number, which
    /// after rounding is a whole count of the format's units, in two's complement. Casts in NumPy,
    /// C and `ml_dtypes`, and ONNX Cast between integers: 200 becomes −56 in INT8, 510 becomes 254
    /// and −1 becomes 255 in UINT8. The low bits are those of the exact number however large it is,
    /// so those of 2^100 are 0.
    ///
    /// A negative number in an unsigned integer format wraps too, whatever [`Negative::Nan`] or
    /// [`Negative::Clamp`] say; [`Negative::Magnitude`] drops the sign first. Where the low bits
    /// are the code that a symmetric format never produces, the result is its smallest number.
    /// Infinity and NaN have no low bits and C leaves them undefined: they follow [`Infinity`] and
    /// [`MissingNan`]. A result of arithmetic or of a [`Unary`](crate::Unary) function that has
    /// more than 62 bits before the binary point of the format's units is rounded to odd at 62 to
    /// 64 bits first. In formats that are no integers (floats, sign-magnitude integers among them;
    /// HiF8, codebooks, posits) it counts as `Saturate`.
    ///
    /// ```
    /// use subhalf::{Convert, Flags, FormatSpec};
    /// let wrapped = FormatSpec::INT8.encode_f32_with(200.0, &Convert::ML_DTYPES_INT, 0);
    /// assert_eq!((wrapped.code, FormatSpec::INT8.decode_f32(wrapped.code)), (0xC8, -56.0));
    /// assert_eq!(wrapped.flags, Flags::OVERFLOW | Flags::INEXACT);
    /// assert_eq!(FormatSpec::UINT8.encode_f32_with(-1.0, &Convert::ML_DTYPES_INT, 0).code, 255);
    /// ```
    Wrap,
}

/// What becomes of an infinite input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Infinity {
    /// The largest finite value with the input's sign.
    Saturate,
    /// Infinity; without one, NaN with the input's sign; without NaN, saturate.
    Special,
    /// Infinity; without one, the largest finite value. P3109 SatPropagate.
    KeepElseSaturate,
}

/// Which of a format's NaN codes a NaN input becomes. Formats with one NaN code have no choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Nan {
    /// Positive, only the quiet bit set: E5M2 0x7E.
    Canonical,
    /// The sign of the input, only the quiet bit set: E5M2 0x7E or 0xFE.
    Signed,
    /// Positive, all mantissa bits set: E5M2 0x7F.
    AllOnes,
    /// The sign of the input, all mantissa bits set: E5M2 0x7F or 0xFF.
    SignedAllOnes,
    /// The sign and the leading payload bits of the input, made quiet. What IEEE 754 recommends and
    /// F16C does.
    Payload,
}

/// What a NaN input becomes in a format that has no NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissingNan {
    /// The largest value. CUDA.
    Max,
    /// The largest magnitude with the sign of the input. gfx950, Intel ACE.
    SignedMax,
    /// Positive zero.
    Zero,
    /// Zero with the sign of the input. `en_dtypes`.
    SignedZero,
    /// Zero with the sign opposite to the input's. `ml_dtypes`.
    OppositeZero,
    /// What is left of an f32 NaN if it is rounded like a number and its rebiased exponent cut to
    /// the format's bits, with the sign of the input: the canonical NaN is 1.5 in E2M1, E2M3 and
    /// E3M2. In formats that are no floats it is positive zero. torchao.
    Payload,
}

/// What an exact zero becomes in a format without zero, such as E8M0. In a codebook zero is a
/// number like any other and goes to the nearest entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Zero {
    /// The number nearest to zero, with the zero's sign in a signed format: E8M0 0x00. CUDA, torch.
    Smallest,
    /// NaN; numbers that are merely too small still become the smallest value. `ml_dtypes`.
    Nan,
    /// NaN, and so is every nonzero number that, rounded as if the exponent had no lower bound,
    /// lies below the smallest value. `en_dtypes`.
    NanBelowSmallest,
}

/// What a number that is negative after rounding becomes in an unsigned format (in a codebook, any
/// negative number). Under [`Overflow::Wrap`] finite numbers in integers wrap instead, unless the
/// sign is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Negative {
    /// NaN; without NaN the smallest value. `ml_dtypes`.
    Nan,
    /// NaN, but a finite number rounded [toward zero](Round::TowardZero) or [up](Round::Up) becomes
    /// zero, or in a format without zero what [`Zero`] makes of it: rounding in that direction
    /// cannot pass the smallest value. Minus infinity is NaN in every rounding. P3109 SatNone.
    Directed,
    /// The smallest value: zero, or in a format without zero what [`Zero`] makes of it. P3109
    /// SatFinite.
    Clamp,
    /// The sign is dropped before rounding. CUDA, torch.
    Magnitude,
}

/// What a subnormal input (subnormal in the format it comes from) counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubnormalInputs {
    /// The subnormal number that it is.
    Keep,
    /// A zero of the same sign. Intel ACE from f32.
    Flush,
}

/// What division of anything but zero and NaN by zero gives. It matters to arithmetic alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DivisionByZero {
    /// Infinity with the sign of the quotient, and for a finite number the flag `DIVIDE_BY_ZERO`;
    /// the infinity then meets the policy for infinite inputs. IEEE 754.
    Infinity,
    /// NaN, of infinity too, and the flag `INVALID`. P3109.
    Nan,
}

/// Everything that one conversion can do differently from another. The parts are independent of
/// each other.
///
/// Start from [`FormatSpec::default_convert`](crate::FormatSpec::default_convert) or a named preset
/// and change parts with the `with_` methods.
///
/// ```
/// use subhalf::{Convert, FormatSpec, Overflow};
/// let e4m3 = FormatSpec::F8E4M3;
/// assert_eq!(e4m3.encode_f32(500.0), 0x7E); // 448: saturated
/// assert_eq!(e4m3.encode_f32_with(500.0, &Convert::ML_DTYPES, 0).code, 0x7F); // NaN
/// let special = e4m3.default_convert().with_overflow(Overflow::Special);
/// assert_eq!(e4m3.encode_f32_with(-500.0, &special, 0).code, 0xFF);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Convert {
    /// How a number between two representable ones is rounded: to the nearest or in a direction.
    pub round: Round,
    /// What finite numbers become whose rounded value is beyond the largest finite one.
    pub overflow: Overflow,
    /// What infinite inputs become: infinity where the format has it, or another value.
    pub infinity: Infinity,
    /// Which NaN code NaN inputs become, where the format has NaN.
    pub nan: Nan,
    /// Which number NaN inputs become, where the format has no NaN.
    pub missing_nan: MissingNan,
    /// What zero becomes, where the format has no zero, as E8M0 has none.
    pub zero: Zero,
    /// What negative numbers become, where the format is unsigned.
    pub negative: Negative,
    /// Whether subnormal inputs, and subnormal operands of arithmetic, count as zero.
    pub subnormal_inputs: SubnormalInputs,
    /// What anything but zero and NaN gives when it is divided by zero: infinity or NaN. It matters
    /// to arithmetic alone.
    pub division_by_zero: DivisionByZero,
}

/// Stamps a method for each part of a value that is made of parts: the value with another such
/// part.
macro_rules! with_methods {
    ($whole:literal; $($name:ident, $field:ident: $type:ty;)*) => {$(
        #[doc = concat!("This ", $whole, " with another `", stringify!($field), "`.")]
        #[must_use]
        pub const fn $name(mut self, $field: $type) -> Self {
            self.$field = $field;
            self
        }
    )*};
}

#[cfg(feature = "alloc")]
pub(crate) use with_methods;

impl Convert {
    /// Nearest-even, saturating finite overflow, keeping infinity where it exists: the default up
    /// to 8 bits.
    pub const SATURATING: Self = Self {
        round: Round::NearestEven,
        overflow: Overflow::Saturate,
        infinity: Infinity::KeepElseSaturate,
        nan: Nan::Canonical,
        missing_nan: MissingNan::Max,
        zero: Zero::Smallest,
        negative: Negative::Nan,
        subnormal_inputs: SubnormalInputs::Keep,
        division_by_zero: DivisionByZero::Infinity,
    };

    /// Nearest-even with IEEE 754's overflow to infinity: the default above 8 bits.
    pub const IEEE: Self = Self::SATURATING.with_overflow(Overflow::IeeeDirected);

    with_methods! { "policy";
        with_round, round: Round;
        with_overflow, overflow: Overflow;
        with_infinity, infinity: Infinity;
        with_nan, nan: Nan;
        with_missing_nan, missing_nan: MissingNan;
        with_zero, zero: Zero;
        with_negative, negative: Negative;
        with_subnormal_inputs, subnormal_inputs: SubnormalInputs;
        with_division_by_zero, division_by_zero: DivisionByZero;
    }
}

names_of! { Overflow, "overflow":
    Saturate "saturate",
    Special "special",
    IeeeDirected "ieee-directed",
    DirectedSpecial "directed-special",
    Wrap "wrap",
}

names_of! { Infinity, "infinity":
    Saturate "saturate",
    Special "special",
    KeepElseSaturate "keep-else-saturate",
}

names_of! { Nan, "NaN":
    Canonical "canonical",
    Signed "signed",
    AllOnes "all-ones",
    SignedAllOnes "signed-all-ones",
    Payload "payload",
}

names_of! { MissingNan, "missing NaN":
    Max "max",
    SignedMax "signed-max",
    Zero "zero",
    SignedZero "signed-zero",
    OppositeZero "opposite-zero",
    Payload "payload",
}

names_of! { Zero, "zero":
    Smallest "smallest",
    Nan "nan",
    NanBelowSmallest "nan-below-smallest",
}

names_of! { Negative, "negative":
    Nan "nan",
    Directed "directed",
    Clamp "clamp",
    Magnitude "magnitude",
}

names_of! { SubnormalInputs, "subnormal inputs":
    Keep "keep",
    Flush "flush",
}

names_of! { DivisionByZero, "division by zero":
    Infinity "infinity",
    Nan "nan",
}

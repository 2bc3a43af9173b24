//! The scalar types of the named formats. Limits are restated in words only; the constants come
//! from the specs.

use crate::define_format;
use crate::mem::{every_pattern, some_patterns};
use crate::policy::Convert;
use crate::spec::{Domain, FormatSpec, Signedness};
#[cfg(feature = "zerocopy")]
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// A P3109 format that is known to exist.
const fn signed_p3109(bits: u8, precision: u8, domain: Domain) -> FormatSpec {
    match FormatSpec::p3109(bits, precision, Signedness::Signed, domain) {
        Ok(spec) => spec,
        Err(_) => panic!("not a P3109 format"),
    }
}

define_format! {
    /// OCP FP8 E4M3 (OFP8 1.0), `float8_e4m3fn`.
    /// ```text
    /// S EEEE MMM   bias 7
    /// ```
    /// Max 448, min normal 2^-6, smallest 2^-9. NaN 0x7F and 0xFF, no infinity: overflow saturates.
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Unaligned))]
    #[cfg_attr(feature = "zerocopy", derive(Immutable, KnownLayout))]
    pub struct F8E4M3(u8) = FormatSpec::F8E4M3,
        has(ZERO, ONE, NEG_ZERO, NEG_ONE, NAN, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// OCP FP8 E5M2 (OFP8 1.0), `float8_e5m2`: the top byte of an f16.
    /// ```text
    /// S EEEEE MM   bias 15
    /// ```
    /// Max 57344, min normal 2^-14, smallest 2^-16. Infinities 0x7C and 0xFC, NaN above them.
    /// Finite overflow saturates.
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Unaligned))]
    #[cfg_attr(feature = "zerocopy", derive(Immutable, KnownLayout))]
    pub struct F8E5M2(u8) = FormatSpec::F8E5M2,
        has(ZERO, ONE, NEG_ZERO, NEG_ONE, NAN, INFINITY, NEG_INFINITY, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// E4M3 FNUZ (Graphcore, AMD MI300), `float8_e4m3fnuz`.
    /// ```text
    /// S EEEE MMM   bias 8
    /// ```
    /// Max 240, min normal 2^-7, smallest 2^-10. NaN 0x80, no infinity, no −0; x/0 is NaN.
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Unaligned))]
    #[cfg_attr(feature = "zerocopy", derive(Immutable, KnownLayout))]
    pub struct F8E4M3Fnuz(u8) = FormatSpec::F8E4M3FNUZ,
        has(ZERO, ONE, NEG_ONE, NAN, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// E5M2 FNUZ (Graphcore, AMD MI300), `float8_e5m2fnuz`.
    /// ```text
    /// S EEEEE MM   bias 16
    /// ```
    /// Max 57344, min normal 2^-15, smallest 2^-17. NaN 0x80, no infinity, no −0; x/0 is NaN.
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Unaligned))]
    #[cfg_attr(feature = "zerocopy", derive(Immutable, KnownLayout))]
    pub struct F8E5M2Fnuz(u8) = FormatSpec::F8E5M2FNUZ,
        has(ZERO, ONE, NEG_ONE, NAN, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// E4M3 FNUZ with bias 11 (Google), `float8_e4m3b11fnuz`.
    /// ```text
    /// S EEEE MMM   bias 11
    /// ```
    /// Max 30, min normal 2^-10, smallest 2^-13. NaN 0x80, no infinity, no −0; x/0 is NaN.
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Unaligned))]
    #[cfg_attr(feature = "zerocopy", derive(Immutable, KnownLayout))]
    pub struct F8E4M3B11Fnuz(u8) = FormatSpec::F8E4M3B11FNUZ,
        has(ZERO, ONE, NEG_ONE, NAN, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// IEEE-style E4M3, ml_dtypes' `float8_e4m3`.
    /// ```text
    /// S EEEE MMM   bias 7
    /// ```
    /// Max 240, min normal 2^-6, smallest 2^-9. Infinities 0x78 and 0xF8, NaN above them.
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Unaligned))]
    #[cfg_attr(feature = "zerocopy", derive(Immutable, KnownLayout))]
    pub struct F8E4M3Ieee(u8) = FormatSpec::F8E4M3IEEE,
        has(ZERO, ONE, NEG_ZERO, NEG_ONE, NAN, INFINITY, NEG_INFINITY, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// IEEE-style E3M4, ml_dtypes' `float8_e3m4`.
    /// ```text
    /// S EEE MMMM   bias 3
    /// ```
    /// Max 15.5, min normal 2^-2, smallest 2^-6. Infinities 0x70 and 0xF0, NaN above them.
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Unaligned))]
    #[cfg_attr(feature = "zerocopy", derive(Immutable, KnownLayout))]
    pub struct F8E3M4(u8) = FormatSpec::F8E3M4,
        has(ZERO, ONE, NEG_ZERO, NEG_ONE, NAN, INFINITY, NEG_INFINITY, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// OCP FP6 E3M2 (MX 1.0), `float6_e3m2fn`, in the low 6 bits.
    /// ```text
    /// S EEE MM   bias 3
    /// ```
    /// Max 28, min normal 2^-2, smallest 2^-4. Every code is a number; NaN becomes 28.
    #[cfg_attr(feature = "zerocopy", derive(IntoBytes, Immutable, KnownLayout, Unaligned))]
    pub struct F6E3M2(u8) = FormatSpec::F6E3M2,
        has(ZERO, ONE, NEG_ZERO, NEG_ONE, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// OCP FP6 E2M3 (MX 1.0), `float6_e2m3fn`, in the low 6 bits.
    /// ```text
    /// S EE MMM   bias 1
    /// ```
    /// Max 7.5, min normal 1, smallest 2^-3. Every code is a number; NaN becomes 7.5.
    #[cfg_attr(feature = "zerocopy", derive(IntoBytes, Immutable, KnownLayout, Unaligned))]
    pub struct F6E2M3(u8) = FormatSpec::F6E2M3,
        has(ZERO, ONE, NEG_ZERO, NEG_ONE, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// OCP FP4 E2M1 (MX 1.0), `float4_e2m1fn`, in the low 4 bits.
    /// ```text
    /// S EE M   bias 1
    /// ```
    /// 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives. NaN becomes 6.
    #[cfg_attr(feature = "zerocopy", derive(IntoBytes, Immutable, KnownLayout, Unaligned))]
    pub struct F4E2M1(u8) = FormatSpec::F4E2M1,
        has(ZERO, ONE, NEG_ZERO, NEG_ONE, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// Huawei HiFloat8 (arXiv 2409.16626); ties are rounded away from zero.
    /// ```text
    /// S 11 S EEE M | S 10 S EE MM | S 01 S E MMM | S 001 S MMM | S 0001 MMM | S 0000 DDD
    /// ```
    /// Max 32768, min normal 2^-15, smallest 2^-22. NaN 0x80, infinities 0x6F and 0xEF, no −0;
    /// codes are not in order of value.
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Unaligned))]
    #[cfg_attr(feature = "zerocopy", derive(Immutable, KnownLayout))]
    pub struct HiF8(u8) = FormatSpec::HIF8,
        has(ZERO, ONE, NEG_ONE, NAN, INFINITY, NEG_INFINITY, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// The OCP MX block scale E8M0 (MX 1.0), `float8_e8m0fnu`.
    /// ```text
    /// EEEEEEEE   bias 127
    /// ```
    /// The powers of two from 2^-127 (0x00) to 2^127 (0xFE), NaN 0xFF. No sign and no zero:
    /// negative results become NaN, zero becomes 2^-127.
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Unaligned))]
    #[cfg_attr(feature = "zerocopy", derive(Immutable, KnownLayout))]
    pub struct E8M0(u8) = FormatSpec::E8M0, has(ONE, NAN);
}

define_format! {
    /// The NVFP4 block scale: E4M3 without its sign, in the low 7 bits.
    /// ```text
    /// (0) EEEE MMM   bias 7
    /// ```
    /// Max 448, min normal 2^-6, smallest 2^-9. NaN 0x7F. Negative results become NaN.
    #[cfg_attr(feature = "zerocopy", derive(IntoBytes, Immutable, KnownLayout, Unaligned))]
    pub struct UE4M3(u8) = FormatSpec::UE4M3, has(ZERO, ONE, NAN, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// CUDA's block scale UE5M3 (CUDA 13.4 and later).
    /// ```text
    /// EEEEE MMM   bias 15
    /// ```
    /// Max 114688, min normal 2^-14, smallest 2^-17. NaN 0xFF. Negative results become NaN.
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Unaligned))]
    #[cfg_attr(feature = "zerocopy", derive(Immutable, KnownLayout))]
    pub struct UE5M3(u8) = FormatSpec::UE5M3, has(ZERO, ONE, NAN, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// IEEE P3109 `Binary8p3se` (Interim Report v4.0), with its special values: x/0 is NaN.
    /// ```text
    /// S EEEEE MM   bias 16
    /// ```
    /// Max 49152, min normal 2^-15, smallest 2^-17. One zero, NaN 0x80, infinities at the top.
    /// Finite overflow saturates.
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Unaligned))]
    #[cfg_attr(feature = "zerocopy", derive(Immutable, KnownLayout))]
    pub struct Binary8p3se(u8) = signed_p3109(8, 3, Domain::Extended),
        policy Convert::P3109_SAT_PROPAGATE,
        has(ZERO, ONE, NEG_ONE, NAN, INFINITY, NEG_INFINITY, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// IEEE P3109 `Binary8p3sf` (Interim Report v4.0), with its special values: x/0 is NaN.
    /// ```text
    /// S EEEEE MM   bias 16
    /// ```
    /// Max 57344, min normal 2^-15, smallest 2^-17. One zero, NaN 0x80, no infinity. Finite
    /// overflow saturates.
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Unaligned))]
    #[cfg_attr(feature = "zerocopy", derive(Immutable, KnownLayout))]
    pub struct Binary8p3sf(u8) = signed_p3109(8, 3, Domain::Finite),
        policy Convert::P3109_SAT_PROPAGATE,
        has(ZERO, ONE, NEG_ONE, NAN, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// IEEE P3109 `Binary8p4se` (Interim Report v4.0), with its special values: x/0 is NaN.
    /// ```text
    /// S EEEE MMM   bias 8
    /// ```
    /// Max 224, min normal 2^-7, smallest 2^-10. One zero, NaN 0x80, infinities at the top. Finite
    /// overflow saturates.
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Unaligned))]
    #[cfg_attr(feature = "zerocopy", derive(Immutable, KnownLayout))]
    pub struct Binary8p4se(u8) = signed_p3109(8, 4, Domain::Extended),
        policy Convert::P3109_SAT_PROPAGATE,
        has(ZERO, ONE, NEG_ONE, NAN, INFINITY, NEG_INFINITY, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// IEEE P3109 `Binary8p4sf` (Interim Report v4.0), with its special values: x/0 is NaN.
    /// ```text
    /// S EEEE MMM   bias 8
    /// ```
    /// Max 240, min normal 2^-7, smallest 2^-10. One zero, NaN 0x80, no infinity. Finite overflow
    /// saturates.
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Unaligned))]
    #[cfg_attr(feature = "zerocopy", derive(Immutable, KnownLayout))]
    pub struct Binary8p4sf(u8) = signed_p3109(8, 4, Domain::Finite),
        policy Convert::P3109_SAT_PROPAGATE,
        has(ZERO, ONE, NEG_ONE, NAN, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// IEEE P3109 `Binary8p5se` (Interim Report v4.0), with its special values: x/0 is NaN.
    /// ```text
    /// S EEE MMMM   bias 4
    /// ```
    /// Max 15, min normal 2^-3, smallest 2^-7. One zero, NaN 0x80, infinities at the top. Finite
    /// overflow saturates.
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Unaligned))]
    #[cfg_attr(feature = "zerocopy", derive(Immutable, KnownLayout))]
    pub struct Binary8p5se(u8) = signed_p3109(8, 5, Domain::Extended),
        policy Convert::P3109_SAT_PROPAGATE,
        has(ZERO, ONE, NEG_ONE, NAN, INFINITY, NEG_INFINITY, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// IEEE P3109 `Binary6p3sf` (Interim Report v4.0), with its special values: x/0 is NaN.
    /// ```text
    /// S EEE MM   bias 4
    /// ```
    /// Max 14, min normal 2^-3, smallest 2^-5. One zero, NaN 0x20, no infinity. Finite overflow
    /// saturates.
    #[cfg_attr(feature = "zerocopy", derive(IntoBytes, Immutable, KnownLayout, Unaligned))]
    pub struct Binary6p3sf(u8) = signed_p3109(6, 3, Domain::Finite),
        policy Convert::P3109_SAT_PROPAGATE,
        has(ZERO, ONE, NEG_ONE, NAN, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// IEEE P3109 `Binary6p4sf` (Interim Report v4.0), with its special values: x/0 is NaN.
    /// ```text
    /// S EE MMM   bias 2
    /// ```
    /// Max 3.75, min normal 2^-1, smallest 2^-4. One zero, NaN 0x20, no infinity. Finite overflow
    /// saturates.
    #[cfg_attr(feature = "zerocopy", derive(IntoBytes, Immutable, KnownLayout, Unaligned))]
    pub struct Binary6p4sf(u8) = signed_p3109(6, 4, Domain::Finite),
        policy Convert::P3109_SAT_PROPAGATE,
        has(ZERO, ONE, NEG_ONE, NAN, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// IEEE P3109 `Binary4p2sf` (Interim Report v4.0), with its special values: x/0 is NaN.
    /// ```text
    /// S EE M   bias 2
    /// ```
    /// Max 3, min normal 2^-1, smallest 2^-2. One zero, NaN 0x8, no infinity. Finite overflow
    /// saturates.
    #[cfg_attr(feature = "zerocopy", derive(IntoBytes, Immutable, KnownLayout, Unaligned))]
    pub struct Binary4p2sf(u8) = signed_p3109(4, 2, Domain::Finite),
        policy Convert::P3109_SAT_PROPAGATE,
        has(ZERO, ONE, NEG_ONE, NAN, MIN_POSITIVE_SUBNORMAL);
}

every_pattern! {
    u8: F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 HiF8 E8M0 UE5M3
    Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se
}

some_patterns! { F6E3M2 F6E2M3 F4E2M1 UE4M3 Binary6p3sf Binary6p4sf Binary4p2sf }

/// Hands the crate's types to a macro of the given name.
#[doc(hidden)]
#[macro_export]
macro_rules! __scalars {
    ($to:ident) => {
        $to! {
            F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 F6E3M2 F6E2M3 F4E2M1
            HiF8 E8M0 UE4M3 UE5M3 Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se
            Binary6p3sf Binary6p4sf Binary4p2sf
        }
    };
}

/// What is lossless is `From`.
macro_rules! part_of_f32 {
    ($($name:ident)*) => {$(
        const _: () = assert!(super::is_part_of(
            &<$name as crate::format::Format>::SPEC,
            &FormatSpec::F32,
        ));

        into_floats! { $name }
    )*};
}

__scalars! { part_of_f32 }

/// Types, and those that have all of their numbers.
macro_rules! part_of {
    ($($name:ident: $($whole:ident)*;)*) => {$($(
        into_whole! { $name => $whole }
    )*)*};
}

part_of! {
    F4E2M1: F6E3M2 F6E2M3 F8E4M3 F8E5M2 F8E4M3Ieee F8E3M4;
    F6E3M2: F8E4M3 F8E5M2 F8E4M3Ieee;
    F6E2M3: F8E4M3 F8E4M3Ieee F8E3M4;
    UE4M3: F8E4M3 UE5M3;
    F8E4M3Fnuz: Binary8p4sf;
    Binary8p4sf: F8E4M3Fnuz;
    F8E5M2Fnuz: Binary8p3sf;
    Binary8p3sf: F8E5M2Fnuz;
    Binary6p3sf: F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz Binary8p3sf Binary8p4sf;
    Binary6p4sf: F8E4M3Fnuz F8E4M3B11Fnuz Binary8p4sf;
    Binary4p2sf: Binary6p3sf Binary6p4sf F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz Binary8p3sf
        Binary8p4sf;
}

/// Into a type of half for the types whose numbers it has.
#[cfg(feature = "half")]
macro_rules! part_of_half {
    ($half:ident $whole:ident $to:ident: $($name:ident)*) => {$(
        const _: () = assert!(super::is_part_of(
            &<$name as crate::format::Format>::SPEC,
            &FormatSpec::$whole,
        ));

        impl From<$name> for half::$half {
            #[inline]
            fn from(x: $name) -> Self {
                x.$to()
            }
        }
    )*};
}

#[cfg(feature = "half")]
part_of_half! {
    f16 F16 to_f16:
    F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 F6E3M2
    F6E2M3 F4E2M1 HiF8 UE4M3
    Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se Binary6p3sf Binary6p4sf Binary4p2sf
}

#[cfg(feature = "half")]
part_of_half! {
    bf16 BF16 to_bf16:
    F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 F6E3M2
    F6E2M3 F4E2M1 HiF8 E8M0 UE4M3 UE5M3
    Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se Binary6p3sf Binary6p4sf Binary4p2sf
}

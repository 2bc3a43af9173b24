//! The two floats of 16 bits. They are `half`'s `bf16` and `f16` with this crate's interface: one
//! rounding from f64, policies, flags, correctly rounded arithmetic.

use crate::define_format;
use crate::mem::every_pattern;
use crate::spec::FormatSpec;
#[cfg(feature = "zerocopy")]
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

define_format! {
    /// The top half of an f32, `bfloat16`.
    /// ```text
    /// S EEEEEEEE MMMMMMM   bias 127
    /// ```
    /// Max 3.39e38, min normal 2^-126, smallest 2^-133. Infinities 0x7F80 and 0xFF80, NaN above
    /// them. The bits are those of `half::bf16`, to and from which `From` and bytemuck's casts go.
    ///
    /// ```
    /// use subhalf::BF16;
    /// let x = BF16::from_f64(1.0 + 2f64.powi(-8) + 2f64.powi(-40)); // just above a tie
    /// assert_eq!(x.to_f32(), 1.0078125);
    /// assert_eq!((BF16::from_f32(256.0) + BF16::ONE).to_f32(), 256.0); // 257 is a tie, to even
    /// # #[cfg(feature = "half")]
    /// assert_eq!(half::bf16::from(x).to_bits(), x.to_bits());
    /// ```
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Immutable, KnownLayout))]
    pub struct BF16(u16) = FormatSpec::BF16,
        has(ZERO, ONE, NEG_ZERO, NEG_ONE, NAN, INFINITY, NEG_INFINITY, MIN_POSITIVE_SUBNORMAL);
}

define_format! {
    /// IEEE 754 binary16, `float16`.
    /// ```text
    /// S EEEEE MMMMMMMMMM   bias 15
    /// ```
    /// Max 65504, min normal 2^-14, smallest 2^-24. Infinities 0x7C00 and 0xFC00, NaN above them.
    /// The bits are those of `half::f16`, to and from which `From` and bytemuck's casts go.
    ///
    /// ```
    /// use subhalf::F16;
    /// assert_eq!((F16::MAX.to_f32(), F16::from_f32(65520.0)), (65504.0, F16::INFINITY));
    /// assert_eq!((F16::from_f32(2048.0) + F16::ONE).to_f32(), 2048.0); // 2049 is a tie, to even
    /// # #[cfg(feature = "half")]
    /// assert_eq!(F16::from(half::f16::from_f32(0.1)).to_string(), "0.0999755859375");
    /// ```
    #[cfg_attr(feature = "zerocopy", derive(FromBytes, IntoBytes, Immutable, KnownLayout))]
    pub struct F16(u16) = FormatSpec::F16,
        has(ZERO, ONE, NEG_ZERO, NEG_ONE, NAN, INFINITY, NEG_INFINITY, MIN_POSITIVE_SUBNORMAL);
}

every_pattern! { u16: BF16 F16 }

/// Into wider types, and between a type and `half`'s, whose bits are the same. That f32 has every
/// number is left to the tests: 65,536 codes are too many to compare while compiling.
macro_rules! lossless {
    ($($name:ident $half:ident)*) => {$(
        into_floats! { $name }

        #[cfg(feature = "half")]
        impl From<$name> for half::$half {
            #[inline]
            fn from(x: $name) -> Self {
                Self::from_bits(x.to_bits())
            }
        }

        #[cfg(feature = "half")]
        impl From<half::$half> for $name {
            #[inline]
            fn from(x: half::$half) -> Self {
                Self::from_bits(x.to_bits())
            }
        }
    )*};
}

lossless! { BF16 bf16 F16 f16 }

/// Into a type of 16 bits for the types of up to 8 bits whose numbers it has.
macro_rules! part_of_sixteen {
    ($whole:ident: $($name:ident)*) => {$(
        into_whole! { super::$name => $whole }
    )*};
}

part_of_sixteen! {
    F16:
    F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 F6E3M2
    F6E2M3 F4E2M1 HiF8 UE4M3 Int4
    Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se Binary6p3sf Binary6p4sf Binary4p2sf
}

part_of_sixteen! {
    BF16:
    F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 F6E3M2
    F6E2M3 F4E2M1 HiF8 E8M0 UE4M3 UE5M3 Int4
    Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se Binary6p3sf Binary6p4sf Binary4p2sf
}

//! The traits of `num-traits` for stamped types: those that a format can honour. The macro holds
//! signatures; what needs more than a call is in the functions here.
//!
//! * Every type: [`Bounded`](num_traits::Bounded), `FromPrimitive`, `ToPrimitive`, `NumCast`,
//!   `AsPrimitive` from and to the primitive numbers, `ToBytes`, `FromBytes`, `TotalOrder`.
//! * With arithmetic: `Inv`, `MulAdd`, `MulAddAssign`; `Zero` with `has(ZERO)`, `One` with
//!   `has(ONE)`.
//! * With both: `Num`, and so `NumAssign` and the like. With −1 (`NEG_ONE`) too: `Signed`.
//! * `FloatConst`: the crate's own types with at least two significant bits in which all constants
//!   have a place.
//! * `Float` and `FloatCore` only with the feature `num-traits-float`: they promise infinities, NaN
//!   and −0, which most formats lack.

use super::text::{ParseError, parse_decimal};
use crate::codec::Unpacked;
use crate::flags::Flags;
use crate::policy::Convert;
use crate::spec::FormatSpec;
use num_traits::ToPrimitive;

/// An integer as a number: exact up to 64 significant bits; else the last bit is 1 if any bit below
/// it was.
#[must_use]
pub const fn from_u128(negative: bool, magnitude: u128) -> Unpacked {
    let excess = 64u32.saturating_sub(magnitude.leading_zeros());
    let kept = magnitude >> excess;
    let lost = kept << excess != magnitude;
    Unpacked::new(negative, kept as u64 | lost as u64, excess as i32)
}

/// The code of a number; `None` if the format has no counterpart: no NaN for NaN, no sign for a
/// negative number, no zero for zero.
#[must_use]
pub const fn from_number(spec: &FormatSpec, convert: &Convert, x: Unpacked) -> Option<u32> {
    let x = if x.is_nan() { x.quiet() } else { x };
    let encoded = spec.encode_with(x, convert, 0);
    if encoded.flags.contains(Flags::INVALID) { None } else { Some(encoded.code) }
}

/// The number of any type, exactly where it has 53 significant bits or is an integer of up to 128.
pub fn number<T: ToPrimitive>(x: &T) -> Option<Unpacked> {
    const EXACT: f64 = (1u64 << 53) as f64;
    let near = x.to_f64()?;
    if near.abs() >= EXACT && near.is_finite() {
        // A number of this size is an integer in every number type, and f64 may have rounded it.
        if let Some(integer) = x.to_i128() {
            return Some(from_u128(integer < 0, integer.unsigned_abs()));
        }
        if let Some(integer) = x.to_u128() {
            return Some(from_u128(false, integer));
        }
    }
    Some(Unpacked::from_f64(near))
}

/// The magnitude, truncated; `None` for NaN, infinity and beyond u128.
const fn truncated(x: Unpacked) -> Option<u128> {
    if !x.is_finite() {
        return None;
    }
    if x.is_zero() {
        return Some(0);
    }
    match x.exponent() {
        shift @ 0.. if x.log2() < 128 => Some((x.significand() as u128) << shift),
        0.. => None,
        shift @ -63..0 => Some((x.significand() >> -shift) as u128),
        _ => Some(0),
    }
}

/// The integer that `x` is after truncation toward zero; `None` for NaN, for infinity and beyond
/// the range of i128.
#[must_use]
pub const fn to_i128(x: Unpacked) -> Option<i128> {
    match truncated(x) {
        Some(magnitude) if x.is_negative() => 0i128.checked_sub_unsigned(magnitude),
        Some(magnitude) => 0i128.checked_add_unsigned(magnitude),
        None => None,
    }
}

/// The integer that `x` is after truncation toward zero, so 0 for what is above −1 and below 1;
/// `None` for NaN, for infinity, for −1 and below, and beyond the range of u128.
#[must_use]
pub const fn to_u128(x: Unpacked) -> Option<u128> {
    match truncated(x) {
        Some(magnitude) if x.is_negative() && magnitude > 0 => None,
        magnitude => magnitude,
    }
}

/// `text` as a number to a base: to base 10 alone.
pub fn parse_radix(text: &str, radix: u32, beyond_f64: bool) -> Result<Unpacked, ParseError> {
    match text.parse() {
        Ok(near) if radix == 10 => parse_decimal(text, near, beyond_f64),
        _ => Err(ParseError::NOT_DECIMAL),
    }
}

/// The number as an f64, NaN included; `None` if f64 does not have it.
#[must_use]
pub fn to_f64(x: Unpacked) -> Option<f64> {
    let near = x.to_f64();
    if x.is_nan() || Unpacked::from_f64(near) == x { Some(near) } else { None }
}

/// The traits for one type: its name, code type, whether it only converts, and the special
/// constants it has.
#[doc(hidden)]
#[macro_export]
macro_rules! __num_traits {
    ($name:ident $code:ty, [$($kind:ident)?], [$($special:ident)*]) => {
        impl $crate::scalar_support::num_traits::Bounded for $name {
            #[inline]
            fn min_value() -> Self {
                Self::MIN
            }
            #[inline]
            fn max_value() -> Self {
                Self::MAX
            }
        }

        /// Rounded once under the type's policy; `None` for what has no counterpart in the format
        /// (it raises `Flags::INVALID`).
        impl $crate::scalar_support::num_traits::FromPrimitive for $name {
            #[inline]
            fn from_i64(x: i64) -> ::core::option::Option<Self> {
                Self::from_number($crate::Unpacked::new(x < 0, x.unsigned_abs(), 0))
            }
            #[inline]
            fn from_u64(x: u64) -> ::core::option::Option<Self> {
                Self::from_number($crate::Unpacked::new(false, x, 0))
            }
            #[inline]
            fn from_i128(x: i128) -> ::core::option::Option<Self> {
                Self::from_number($crate::scalar_support::from_u128(x < 0, x.unsigned_abs()))
            }
            #[inline]
            fn from_u128(x: u128) -> ::core::option::Option<Self> {
                Self::from_number($crate::scalar_support::from_u128(false, x))
            }
            #[inline]
            fn from_f32(x: f32) -> ::core::option::Option<Self> {
                Self::from_number($crate::Unpacked::from_f32(x))
            }
            #[inline]
            fn from_f64(x: f64) -> ::core::option::Option<Self> {
                Self::from_number($crate::Unpacked::from_f64(x))
            }
        }

        impl $name {
            #[inline]
            fn from_number(x: $crate::Unpacked) -> ::core::option::Option<Self> {
                let policy = &<Self as $crate::Format>::CONVERT;
                $crate::scalar_support::from_number(&Self::SPEC, policy, x).map(Self::of)
            }
        }

        /// Integers toward zero, `None` where they do not fit; f32 and f64 as `to_f32` and
        /// `to_f64`. A number that f64 does not have is `None` as f64, and so for
        /// `num_traits::cast`, which asks for that.
        impl $crate::scalar_support::num_traits::ToPrimitive for $name {
            #[inline]
            fn to_i64(&self) -> ::core::option::Option<i64> {
                $crate::scalar_support::to_i128(self.unpack())?.try_into().ok()
            }
            #[inline]
            fn to_u64(&self) -> ::core::option::Option<u64> {
                $crate::scalar_support::to_u128(self.unpack())?.try_into().ok()
            }
            #[inline]
            fn to_i128(&self) -> ::core::option::Option<i128> {
                $crate::scalar_support::to_i128(self.unpack())
            }
            #[inline]
            fn to_u128(&self) -> ::core::option::Option<u128> {
                $crate::scalar_support::to_u128(self.unpack())
            }
            #[inline]
            fn to_f32(&self) -> ::core::option::Option<f32> {
                ::core::option::Option::Some((*self).to_f32())
            }
            #[inline]
            fn to_f64(&self) -> ::core::option::Option<f64> {
                if Self::BEYOND_F64 {
                    return $crate::scalar_support::to_f64(self.unpack());
                }
                ::core::option::Option::Some((*self).to_f64())
            }
        }

        /// Converts through f64 where that is exact, else through a 128-bit integer.
        impl $crate::scalar_support::num_traits::NumCast for $name {
            #[inline]
            fn from<T: $crate::scalar_support::num_traits::ToPrimitive>(
                x: T,
            ) -> ::core::option::Option<Self> {
                $crate::scalar_support::number(&x).and_then(Self::from_number)
            }
        }

        $crate::__num_traits!(@as_integer $name:
            i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

        impl $crate::scalar_support::num_traits::AsPrimitive<f32> for $name {
            #[inline]
            fn as_(self) -> f32 {
                self.to_f32()
            }
        }
        impl $crate::scalar_support::num_traits::AsPrimitive<f64> for $name {
            #[inline]
            fn as_(self) -> f64 {
                self.to_f64()
            }
        }
        impl $crate::scalar_support::num_traits::AsPrimitive<$name> for f32 {
            #[inline]
            fn as_(self) -> $name {
                $name::from_f32(self)
            }
        }
        impl $crate::scalar_support::num_traits::AsPrimitive<$name> for f64 {
            #[inline]
            fn as_(self) -> $name {
                $name::from_f64(self)
            }
        }
        impl $crate::scalar_support::num_traits::AsPrimitive<$name> for $name {
            #[inline]
            fn as_(self) -> $name {
                self
            }
        }

        impl $crate::scalar_support::num_traits::ToBytes for $name {
            type Bytes = [u8; ::core::mem::size_of::<$code>()];
            #[inline]
            fn to_be_bytes(&self) -> Self::Bytes {
                (*self).to_be_bytes()
            }
            #[inline]
            fn to_le_bytes(&self) -> Self::Bytes {
                (*self).to_le_bytes()
            }
        }

        /// Bits above the format's width are dropped.
        impl $crate::scalar_support::num_traits::FromBytes for $name {
            type Bytes = [u8; ::core::mem::size_of::<$code>()];
            #[inline]
            fn from_be_bytes(bytes: &Self::Bytes) -> Self {
                $name::from_be_bytes(*bytes)
            }
            #[inline]
            fn from_le_bytes(bytes: &Self::Bytes) -> Self {
                $name::from_le_bytes(*bytes)
            }
        }

        impl $crate::scalar_support::num_traits::float::TotalOrder for $name {
            #[inline]
            fn total_cmp(&self, other: &Self) -> ::core::cmp::Ordering {
                (*self).total_cmp(*other)
            }
        }

        $crate::__num_traits!(@arithmetic $name [$($kind)?] [$($special)*]);
    };

    // Saturating, and 0 for NaN, as the casts of f64.
    (@as_integer $name:ident: $($integer:ty)*) => {$(
        impl $crate::scalar_support::num_traits::AsPrimitive<$integer> for $name {
            #[inline]
            fn as_(self) -> $integer {
                self.to_f64() as $integer
            }
        }
        impl $crate::scalar_support::num_traits::AsPrimitive<$name> for $integer {
            #[allow(unused_comparisons, reason = "one text for signed and unsigned integers")]
            #[inline]
            fn as_(self) -> $name {
                let magnitude = if self < 0 { (self as i128).unsigned_abs() } else { self as u128 };
                $name::from_unpacked($crate::scalar_support::from_u128(self < 0, magnitude))
            }
        }
    )*};

    (@arithmetic $name:ident [convert] [$($special:ident)*]) => {};
    (@arithmetic $name:ident [] [$($special:ident)*]) => {
        impl $crate::scalar_support::num_traits::Inv for $name {
            type Output = Self;
            #[inline]
            fn inv(self) -> Self {
                self.recip()
            }
        }
        impl $crate::scalar_support::num_traits::MulAdd for $name {
            type Output = Self;
            #[inline]
            fn mul_add(self, a: Self, b: Self) -> Self {
                $name::mul_add(self, a, b)
            }
        }
        impl $crate::scalar_support::num_traits::MulAddAssign for $name {
            #[inline]
            fn mul_add_assign(&mut self, a: Self, b: Self) {
                *self = $name::mul_add(*self, a, b);
            }
        }

        $crate::__num_traits!(@scan $name no no no; $($special)*);
    };

    // Which of zero, one and −1 are there, in whatever order they were listed.
    (@scan $name:ident $zero:ident $one:ident $minus_one:ident; ZERO $($rest:ident)*) => {
        $crate::__num_traits!(@scan $name yes $one $minus_one; $($rest)*);
    };
    (@scan $name:ident $zero:ident $one:ident $minus_one:ident; ONE $($rest:ident)*) => {
        $crate::__num_traits!(@scan $name $zero yes $minus_one; $($rest)*);
    };
    (@scan $name:ident $zero:ident $one:ident $minus_one:ident; NEG_ONE $($rest:ident)*) => {
        $crate::__num_traits!(@scan $name $zero $one yes; $($rest)*);
    };
    (@scan $name:ident $zero:ident $one:ident $minus_one:ident; $other:ident $($rest:ident)*) => {
        $crate::__num_traits!(@scan $name $zero $one $minus_one; $($rest)*);
    };
    (@scan $name:ident no no $minus_one:ident;) => {};
    (@scan $name:ident yes no $minus_one:ident;) => { $crate::__num_traits!(@zero $name); };
    (@scan $name:ident no yes $minus_one:ident;) => { $crate::__num_traits!(@one $name); };
    (@scan $name:ident yes yes no;) => { $crate::__num_traits!(@num $name); };
    (@scan $name:ident yes yes yes;) => {
        $crate::__num_traits!(@num $name);
        $crate::__float! { $name }

        impl $crate::scalar_support::num_traits::Signed for $name {
            #[inline]
            fn abs(&self) -> Self {
                (*self).abs()
            }
            #[inline]
            fn abs_sub(&self, other: &Self) -> Self {
                if *self <= *other { Self::ZERO } else { *self - *other }
            }
            /// 1 or −1 with the sign of the number, zeros too, like f32's; NaN for NaN.
            #[inline]
            fn signum(&self) -> Self {
                (*self).signum()
            }
            #[inline]
            fn is_positive(&self) -> bool {
                self.is_sign_positive()
            }
            #[inline]
            fn is_negative(&self) -> bool {
                self.is_sign_negative()
            }
        }
    };

    (@zero $name:ident) => {
        impl $crate::scalar_support::num_traits::Zero for $name {
            #[inline]
            fn zero() -> Self {
                Self::ZERO
            }
            #[inline]
            fn is_zero(&self) -> bool {
                (*self).is_zero()
            }
        }
        impl $crate::scalar_support::num_traits::ConstZero for $name {
            const ZERO: Self = $name::ZERO;
        }
        $crate::__rand! { @weight $name }
    };

    (@one $name:ident) => {
        impl $crate::scalar_support::num_traits::One for $name {
            #[inline]
            fn one() -> Self {
                Self::ONE
            }
        }
        impl $crate::scalar_support::num_traits::ConstOne for $name {
            const ONE: Self = $name::ONE;
        }
    };

    (@num $name:ident) => {
        $crate::__num_traits!(@zero $name);
        $crate::__num_traits!(@one $name);

        /// Decimal numbers alone: any other radix is an error.
        impl $crate::scalar_support::num_traits::Num for $name {
            type FromStrRadixErr = $crate::ParseError;
            #[inline]
            fn from_str_radix(
                text: &str,
                radix: u32,
            ) -> ::core::result::Result<Self, $crate::ParseError> {
                $crate::scalar_support::parse_radix(text, radix, Self::BEYOND_F64)
                    .map(Self::from_unpacked)
            }
        }
    };
}

/// The constants for types that have them all.
macro_rules! float_const {
    ($($name:ident)*) => {$(
        crate::__math_constants! { float_const! { @all $name } }
    )*};
    (@all $name:ident $($constant:ident $what:literal,)*) => {
        impl num_traits::FloatConst for super::$name {
            $(
                fn $constant() -> Self {
                    Self::$constant
                }
            )*
        }
    };
}

// Not E8M0, whose every number is a power of two, nor Binary6p4sf and Binary4p2sf, to which 2π is
// too large.
float_const! {
    F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 F6E3M2
    F6E2M3 F4E2M1 HiF8 UE4M3 UE5M3
    Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se Binary6p3sf BF16 F16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_keep_what_a_rounding_asks_for() {
        assert_eq!(from_u128(true, 5), Unpacked::new(true, 5, 0));
        let wide = from_u128(false, (3 << 100) + 1);
        assert_eq!((wide.significand(), wide.exponent()), ((3 << 62) + 1, 38));
        assert_eq!(number(&(-3i8)), Some(Unpacked::new(true, 3, 0)));
        assert_eq!(number(&(u64::MAX - 1)), Some(Unpacked::new(false, u64::MAX - 1, 0)));
        assert_eq!(number(&1e300), Some(Unpacked::from_f64(1e300)));
    }

    #[test]
    fn numbers_become_integers_toward_zero() {
        let x = |significand, exponent| Unpacked::new(true, significand, exponent);
        assert_eq!(
            [to_i128(x(7, -2)), to_i128(x(1, 127)), to_i128(x(1, 128)), to_i128(x(3, 127))],
            [Some(-1), Some(i128::MIN), None, None]
        );
        assert_eq!(
            [to_u128(x(3, -2)), to_u128(x(4, -2)), to_u128(x(1, 127).negate())],
            [Some(0), None, Some(1 << 127)]
        );
        assert_eq!(
            [to_i128(Unpacked::NAN), to_i128(Unpacked::infinity(false)), to_i128(x(1, -100))],
            [None, None, Some(0)]
        );
    }
}

//! `num_traits::Float` and `FloatCore`, for generic code that asks for them. Both promise
//! infinities, NaN and −0, which most formats lack: here these are what the type's policy makes of
//! the f64 of that name.
//!
//! What [`Unary`](crate::Unary) has is correctly rounded. The other functions are those of the
//! crate libm in f64, rounded once; a test shows for every type of this crate up to 8 bits that no
//! f64 result is so near to a rounding boundary that an error of 2^-48 of it could matter.

use crate::codec::Unpacked;
use crate::round::Round;

pub use ::libm;

/// The integer that a number is rounded to; what is not finite stays as it is.
#[must_use]
pub const fn to_integer(x: Unpacked, round: Round) -> Unpacked {
    let negative = x.is_negative();
    if !x.is_finite() || x.exponent() >= 0 || x.is_zero() {
        return x;
    }
    let places = x.exponent().unsigned_abs();
    // Beyond 64 places the number is below 1/2, and so is 1/4 on the same side of everything.
    let (significand, places) = if places > 64 { (1, 2) } else { (x.significand(), places) };
    let whole = if places == 64 { 0 } else { significand >> places };
    // The fraction, its first bit at the top.
    let fraction = significand << (64 - places);
    let up = round.moves_up(negative, whole & 1 == 1, fraction, false, 0);
    let magnitude = whole + up as u64;
    if magnitude == 0 { Unpacked::zero(negative) } else { Unpacked::new(negative, magnitude, 0) }
}

/// Significand, exponent and sign as `num_traits` has them; what is not finite as an f64 has it.
#[must_use]
pub fn integer_decode(x: Unpacked) -> (u64, i16, i8) {
    if !x.is_finite() {
        return num_traits::float::FloatCore::integer_decode(x.to_f64());
    }
    let exponent = x.exponent().clamp(i16::MIN.into(), i16::MAX.into());
    (x.significand(), exponent as i16, if x.is_negative() { -1 } else { 1 })
}

/// A result for finite numbers that is no pole: one that f64 does not reach is large, not infinite.
#[must_use]
pub const fn without_pole(result: f64) -> f64 {
    if result.is_infinite() { f64::MAX.copysign(result) } else { result }
}

/// `FloatCore` and `Float` for a type with operators, 0, 1 and −1.
#[doc(hidden)]
#[macro_export]
macro_rules! __float {
    ($name:ident) => {
        #[allow(dead_code, reason = "a private type need not use all of its interface")]
        impl $name {
            fn to_integer(self, round: $crate::Round) -> Self {
                Self::from_unpacked($crate::scalar_support::to_integer(self.unpack(), round))
            }

            fn through_f64(self, function: fn(f64) -> f64) -> Self {
                Self::from_f64(function(self.to_f64()))
            }
        }

        /// What the format has no number for is what the type's policy makes of the f64: `infinity`
        /// may be the largest number, `nan` too, `neg_zero` may be 0.
        impl $crate::scalar_support::num_traits::float::FloatCore for $name {
            $crate::__float! { @both }
        }

        /// What the format has no number for is what the type's policy makes of the f64: `infinity`
        /// may be the largest number, `nan` too, `neg_zero` may be 0. `exp`, `exp2`, `ln`, `log2`,
        /// `powi`, `sqrt` and `tanh` are correctly rounded; the other functions are those of the
        /// crate libm in f64, rounded once.
        impl $crate::scalar_support::num_traits::Float for $name {
            $crate::__float! { @both }

            fn mul_add(self, a: Self, b: Self) -> Self {
                $name::mul_add(self, a, b)
            }
            fn sqrt(self) -> Self {
                $name::sqrt(self)
            }
            fn powf(self, power: Self) -> Self {
                let (x, y) = (self.to_f64(), power.to_f64());
                let result = $crate::scalar_support::libm::pow(x, y);
                let is_finite = x.is_finite() && x != 0.0 && y.is_finite();
                Self::from_f64(if is_finite {
                    $crate::scalar_support::without_pole(result)
                } else {
                    result
                })
            }
            fn log(self, base: Self) -> Self {
                use $crate::scalar_support::libm::log;
                Self::from_f64(log(self.to_f64()) / log(base.to_f64()))
            }
            fn hypot(self, other: Self) -> Self {
                Self::from_f64($crate::scalar_support::libm::hypot(self.to_f64(), other.to_f64()))
            }
            fn atan2(self, other: Self) -> Self {
                Self::from_f64($crate::scalar_support::libm::atan2(self.to_f64(), other.to_f64()))
            }
            fn sin_cos(self) -> (Self, Self) {
                use $crate::scalar_support::libm::{cos, sin};
                (self.through_f64(sin), self.through_f64(cos))
            }
            fn abs_sub(self, other: Self) -> Self {
                if self <= other { Self::ZERO } else { self - other }
            }
            $crate::__float! { @unary exp Exp exp2 Exp2 ln Ln log2 Log2 tanh Tanh }
            $crate::__float! { @libm
                log10 log10 cbrt cbrt sin sin cos cos tan tan asin asin acos acos atan atan
                ln_1p log1p asinh asinh atanh atanh
            }
            fn acosh(self) -> Self {
                // libm takes some numbers below −1 for ones in its range.
                self.through_f64(|x| {
                    if x < 1.0 { f64::NAN } else { $crate::scalar_support::libm::acosh(x) }
                })
            }
            $crate::__float! { @without_pole exp_m1 expm1 sinh sinh cosh cosh }
        }
    };

    (@both) => {
        fn nan() -> Self {
            Self::from_f64(f64::NAN)
        }
        fn infinity() -> Self {
            Self::from_f64(f64::INFINITY)
        }
        fn neg_infinity() -> Self {
            Self::from_f64(f64::NEG_INFINITY)
        }
        fn neg_zero() -> Self {
            Self::from_f64(-0.0)
        }
        fn min_value() -> Self {
            Self::MIN
        }
        fn min_positive_value() -> Self {
            Self::MIN_POSITIVE
        }
        fn epsilon() -> Self {
            Self::from_f64(Self::EPSILON)
        }
        fn max_value() -> Self {
            Self::MAX
        }
        fn is_nan(self) -> bool {
            Self::is_nan(self)
        }
        fn is_infinite(self) -> bool {
            Self::is_infinite(self)
        }
        fn is_finite(self) -> bool {
            Self::is_finite(self)
        }
        fn is_normal(self) -> bool {
            Self::is_normal(self)
        }
        fn is_subnormal(self) -> bool {
            Self::is_subnormal(self)
        }
        fn classify(self) -> ::core::num::FpCategory {
            Self::classify(self)
        }
        fn floor(self) -> Self {
            self.to_integer($crate::Round::Down)
        }
        fn ceil(self) -> Self {
            self.to_integer($crate::Round::Up)
        }
        fn round(self) -> Self {
            self.to_integer($crate::Round::NearestAway)
        }
        fn trunc(self) -> Self {
            self.to_integer($crate::Round::TowardZero)
        }
        fn fract(self) -> Self {
            self - self.to_integer($crate::Round::TowardZero)
        }
        fn abs(self) -> Self {
            Self::abs(self)
        }
        fn signum(self) -> Self {
            Self::signum(self)
        }
        fn is_sign_positive(self) -> bool {
            Self::is_sign_positive(self)
        }
        fn is_sign_negative(self) -> bool {
            Self::is_sign_negative(self)
        }
        fn recip(self) -> Self {
            Self::recip(self)
        }
        fn powi(self, power: i32) -> Self {
            Self::powi(self, power)
        }
        fn to_degrees(self) -> Self {
            self.through_f64(f64::to_degrees)
        }
        fn to_radians(self) -> Self {
            self.through_f64(f64::to_radians)
        }
        fn max(self, other: Self) -> Self {
            Self::max(self, other)
        }
        fn min(self, other: Self) -> Self {
            Self::min(self, other)
        }
        fn clamp(self, low: Self, high: Self) -> Self {
            Self::clamp(self, low, high)
        }
        fn integer_decode(self) -> (u64, i16, i8) {
            $crate::scalar_support::integer_decode(self.unpack())
        }
    };

    (@unary $($method:ident $function:ident)*) => {$(
        fn $method(self) -> Self {
            $crate::Format::unary(self, $crate::Unary::$function)
        }
    )*};

    (@libm $($method:ident $function:ident)*) => {$(
        fn $method(self) -> Self {
            self.through_f64($crate::scalar_support::libm::$function)
        }
    )*};

    (@without_pole $($method:ident $function:ident)*) => {$(
        fn $method(self) -> Self {
            if self.is_infinite() {
                return self.through_f64($crate::scalar_support::libm::$function);
            }
            self.through_f64(|x| {
                $crate::scalar_support::without_pole($crate::scalar_support::libm::$function(x))
            })
        }
    )*};
}

//! Constants of stamped types that are no plain limits of their formats: those of mathematics,
//! under core's names, and limits as powers of ten. The former are core's f64 constants rounded
//! once more, which is the rounding of the real number itself: no format of at most 32 significant
//! bits can tell the two apart (a test below looks).

use crate::codec::Unpacked;
use crate::flags::Flags;
use crate::policy::Convert;
use crate::spec::FormatSpec;
use core::cmp::Ordering;

/// The code of a constant.
///
/// # Panics
/// At compile time, if the format's nearest number is zero, or the constant lies beyond the
/// format's largest number.
#[doc(hidden)]
#[must_use]
pub const fn constant(spec: &FormatSpec, convert: &Convert, value: f64) -> u32 {
    let encoded = spec.encode_with(Unpacked::from_f64(value), convert, 0);
    let fits = !encoded.flags.contains(Flags::OVERFLOW) && !spec.decode(encoded.code).is_zero();
    assert!(fits, "the constant is too large or too small for the format");
    encoded.code
}

const fn ten_times(x: Unpacked) -> Unpacked {
    let wide = x.significand() as u128 * 10;
    let excess = 64u32.saturating_sub(wide.leading_zeros());
    Unpacked::new(false, (wide >> excess) as u64, x.exponent() + excess as i32)
}

/// `floor(log10(x))` of a positive number, and whether there is nothing to cut off. Powers are
/// exact to 10^27, and beyond it known to 50 bits or more: enough for numbers of 24 bits, none of
/// which is as near to a power of ten as that.
const fn log10(x: Unpacked) -> (i32, bool) {
    let (mut power, mut scaled, mut exponent) = (Unpacked::ONE, x, 0);
    while matches!(scaled.compare(Unpacked::ONE), Some(Ordering::Less)) {
        scaled = ten_times(scaled);
        exponent -= 1;
    }
    if exponent < 0 {
        return (exponent, false);
    }
    loop {
        let next = ten_times(power);
        match next.compare(x) {
            Some(Ordering::Less | Ordering::Equal) => power = next,
            _ => return (exponent, matches!(power.compare(x), Some(Ordering::Equal))),
        }
        exponent += 1;
    }
}

/// The largest power of ten that is no larger than the largest number, as `f32::MAX_10_EXP`.
#[doc(hidden)]
#[must_use]
pub const fn max_10_exp(spec: &FormatSpec) -> i32 {
    let max = spec.max();
    if max.is_zero() { 0 } else { log10(max).0 }
}

/// The smallest power of ten that is no smaller than the smallest normal number, as
/// `f32::MIN_10_EXP`; 0 without such numbers.
#[doc(hidden)]
#[must_use]
pub const fn min_10_exp(spec: &FormatSpec) -> i32 {
    let Some(min) = spec.min_normal() else { return 0 };
    let (exponent, exact) = log10(min);
    exponent + !exact as i32
}

/// Whether every number of a format is one of a floating-point format with infinities.
#[doc(hidden)]
#[must_use]
pub const fn is_part_of(spec: &FormatSpec, whole: &FormatSpec) -> bool {
    let mut code = 0;
    while code < spec.code_count() {
        let x = spec.decode(code as u32);
        let there = whole.decode(whole.encode_with(x, &Convert::IEEE, 0).code);
        if !x.is_nan() && !matches!(there.compare(x), Some(Ordering::Equal)) {
            return false;
        }
        code += 1;
    }
    true
}

/// Hands core's names, with what they stand for, to another macro, behind what that macro is given.
#[doc(hidden)]
#[macro_export]
macro_rules! __math_constants {
    ($($to:ident)::+ ! { $($given:tt)* }) => {
        $($to)::+! {
            $($given)*
            E "*e*", PI "π", TAU "2π", FRAC_1_PI "1/π", FRAC_2_PI "2/π", FRAC_2_SQRT_PI "2/√π",
            FRAC_PI_2 "π/2", FRAC_PI_3 "π/3", FRAC_PI_4 "π/4", FRAC_PI_6 "π/6", FRAC_PI_8 "π/8",
            SQRT_2 "√2", FRAC_1_SQRT_2 "1/√2", LN_2 "ln 2", LN_10 "ln 10",
            LOG2_10 "log₂ 10", LOG2_E "log₂ *e*", LOG10_2 "log₁₀ 2", LOG10_E "log₁₀ *e*",
        }
    };
}

/// Stamps a constant that a format has, and what goes with it.
#[doc(hidden)]
#[macro_export]
macro_rules! __format_constant {
    ($name:ident ZERO) => {
        #[allow(dead_code, reason = "a private type need not use all of its interface")]
        impl $name {
            /// The number 0, as +0 where the type has two zeros; only in types that declare it in
            /// `has(…)`.
            pub const ZERO: Self = Self::of($crate::scalar_support::has(Self::SPEC.zero_code()));
        }

        /// The number 0, as +0 where the type has two zeros.
        impl ::core::default::Default for $name {
            #[inline]
            fn default() -> Self {
                Self::ZERO
            }
        }
    };
    ($name:ident ONE) => {
        #[allow(dead_code, reason = "a private type need not use all of its interface")]
        impl $name {
            /// The number 1, exactly; only in types that declare it in `has(…)`.
            pub const ONE: Self = Self::of($crate::scalar_support::has(Self::SPEC.one_code()));
        }
    };
    ($name:ident NEG_ZERO) => {
        #[allow(dead_code, reason = "a private type need not use all of its interface")]
        impl $name {
            /// The number −0; only in types that declare it in `has(…)`.
            pub const NEG_ZERO: Self =
                Self::of($crate::scalar_support::has(Self::SPEC.negative_zero_code()));
        }
    };
    ($name:ident NEG_ONE) => {
        #[allow(dead_code, reason = "a private type need not use all of its interface")]
        impl $name {
            /// The number −1, exactly; only in types that declare it in `has(…)`.
            pub const NEG_ONE: Self = Self::of($crate::scalar_support::has(
                $crate::scalar_support::negative_one(&Self::SPEC),
            ));

            /// 1 or −1 with the sign of the number, zeros too, like `f32::signum`; NaN for NaN.
            #[must_use]
            pub const fn signum(self) -> Self {
                if self.is_nan() { self } else { Self::NEG_ONE.copysign(self) }
            }
        }
    };
    ($name:ident NAN) => {
        #[allow(dead_code, reason = "a private type need not use all of its interface")]
        impl $name {
            /// NaN, quiet and positive where there is a choice; only in types that declare it in
            /// `has(…)`.
            pub const NAN: Self = Self::of($crate::scalar_support::has(Self::SPEC.nan_code()));
        }
    };
    ($name:ident INFINITY) => {
        #[allow(dead_code, reason = "a private type need not use all of its interface")]
        impl $name {
            /// Plus infinity, above every finite number; only in types that declare it in `has(…)`.
            pub const INFINITY: Self =
                Self::of($crate::scalar_support::has(Self::SPEC.infinity_code()));
        }
    };
    ($name:ident NEG_INFINITY) => {
        #[allow(dead_code, reason = "a private type need not use all of its interface")]
        impl $name {
            /// Minus infinity, below every finite number; only in types that declare it in
            /// `has(…)`.
            pub const NEG_INFINITY: Self =
                Self::of($crate::scalar_support::has(Self::SPEC.negative_infinity_code()));
        }
    };
    ($name:ident MIN_POSITIVE_SUBNORMAL) => {
        #[allow(dead_code, reason = "a private type need not use all of its interface")]
        impl $name {
            /// The smallest number above zero, which is subnormal; only in types that declare it in
            /// `has(…)`.
            pub const MIN_POSITIVE_SUBNORMAL: Self = Self::of($crate::scalar_support::has(
                $crate::scalar_support::min_subnormal(&Self::SPEC),
            ));
            /// The largest subnormal number: the one just below the smallest positive normal
            /// number.
            pub const MAX_SUBNORMAL: Self = Self::MIN_POSITIVE.next_down();
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Domain, Signedness};

    macro_rules! all_of_f64 {
        ($($constant:ident $what:literal,)*) => {
            [$((stringify!($constant), core::f64::consts::$constant)),*]
        };
    }

    /// Numbers of 32 significant bits and the midpoints between them have at most 33. An f64 with
    /// something behind its 33rd bit is a unit of its last place or more away from all of them; the
    /// real number is within half a unit of it, so on the same side.
    #[test]
    fn no_format_can_tell_the_f64_from_the_real_number() {
        for (name, value) in __math_constants!(all_of_f64! {}) {
            let beyond = value.to_bits() & ((1 << 20) - 1);
            assert!(beyond != 0, "{name}: {value:?} has 33 bits");
        }
    }
    /// Against logarithms in f64, which are off by less than any format's limits are from a power
    /// of ten.
    #[test]
    fn powers_of_ten_are_those_between_the_limits() {
        let log10 =
            |x: Unpacked| (x.significand() as f64).log10() + f64::from(x.exponent()) * 2f64.log10();
        let p3109 = (3..=16).flat_map(|bits| (1..bits).map(move |precision| (bits, precision)));
        let p3109 = p3109.map(|(bits, precision)| {
            FormatSpec::p3109(bits, precision, Signedness::Signed, Domain::Finite).unwrap()
        });
        // INT1 has no positive number.
        for spec in
            FormatSpec::ALL.iter().copied().filter(|spec| !spec.max().is_zero()).chain(p3109)
        {
            // Where a limit is a power of ten itself, 1e-9 outweighs the error of the logarithm.
            assert_eq!(max_10_exp(&spec), (log10(spec.max()) + 1e-9).floor() as i32, "{spec}");
            let min = spec.min_normal().map_or(0, |min| (log10(min) - 1e-9).ceil() as i32);
            assert_eq!(min_10_exp(&spec), min, "{spec}");
        }
        assert_eq!(
            (min_10_exp(&FormatSpec::F32), max_10_exp(&FormatSpec::F32)),
            (f32::MIN_10_EXP, f32::MAX_10_EXP)
        );
    }
}

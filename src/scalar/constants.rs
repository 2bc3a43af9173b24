//! The constants of mathematics, under core's names, of every stamped type. They are core's f64 constants rounded once more, which is the
//! rounding of the real number itself: no format of at most 32 significant bits can tell the two apart (a test below looks).

use crate::codec::Unpacked;
use crate::flags::Flags;
use crate::policy::Convert;
use crate::spec::FormatSpec;

/// The code of a constant.
///
/// # Panics
/// At compile time, if the format's nearest number is zero, or the constant lies beyond the format's largest number.
#[doc(hidden)]
#[must_use]
pub const fn constant(spec: &FormatSpec, convert: &Convert, value: f64) -> u32 {
    let encoded = spec.encode_with(Unpacked::from_f64(value), convert, 0);
    let fits = !encoded.flags.contains(Flags::OVERFLOW) && !spec.decode(encoded.code).is_zero();
    assert!(fits, "the constant is too large or too small for the format");
    encoded.code
}

/// Hands core's names, with what they stand for, to another macro, behind what that macro is given.
#[doc(hidden)]
#[macro_export]
macro_rules! __math_constants {
    ($($to:ident)::+ ! { $($given:tt)* }) => {
        $($to)::+! {
            $($given)*
            E "*e*", PI "π", TAU "2π", FRAC_1_PI "1/π", FRAC_2_PI "2/π", FRAC_2_SQRT_PI "2/√π", FRAC_PI_2 "π/2", FRAC_PI_3 "π/3",
            FRAC_PI_4 "π/4", FRAC_PI_6 "π/6", FRAC_PI_8 "π/8", SQRT_2 "√2", FRAC_1_SQRT_2 "1/√2", LN_2 "ln 2", LN_10 "ln 10",
            LOG2_10 "log₂ 10", LOG2_E "log₂ *e*", LOG10_2 "log₁₀ 2", LOG10_E "log₁₀ *e*",
        }
    };
}

#[cfg(test)]
mod tests {
    macro_rules! all_of_f64 {
        ($($constant:ident $what:literal,)*) => {
            [$((stringify!($constant), core::f64::consts::$constant)),*]
        };
    }

    /// Numbers of 32 significant bits and the midpoints between them have at most 33. An f64 with something behind its 33rd bit is a unit of its
    /// last place or more away from all of them; the real number is within half a unit of it, so on the same side.
    #[test]
    fn no_format_can_tell_the_f64_from_the_real_number() {
        for (name, value) in __math_constants!(all_of_f64! {}) {
            let beyond = value.to_bits() & ((1 << 20) - 1);
            assert!(beyond != 0, "{name}: {value:?} has 33 bits");
        }
    }
}

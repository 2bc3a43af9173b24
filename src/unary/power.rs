//! Integer powers, correctly rounded: exact where the significand's power has at most 64 bits, else
//! by digits that are proven, since a longer power is no number of 64 bits and no tie of one.

use super::ball::{Ball, FAR};
use crate::codec::{Encoded, Unpacked};
use crate::flags::Flags;
use crate::policy::{Convert, DivisionByZero};
use crate::spec::FormatSpec;

impl FormatSpec {
    /// The code of a code's number to the power of an integer, rounded once, for every format.
    /// Anything to the power of 0 is 1, NaN too (IEEE 754 pown). Zero to a negative power is what
    /// [`DivisionByZero`] says.
    ///
    /// ```
    /// use subhalf::{Flags, FormatSpec};
    /// let e5m2 = FormatSpec::F8E5M2;
    /// let policy = e5m2.default_convert();
    /// let power = e5m2.powi_with(e5m2.encode_f32(1.25), 3, &policy, 0);
    /// assert_eq!((e5m2.decode_f32(power.code), power.flags), (2.0, Flags::INEXACT)); // 1.953125
    /// let power = e5m2.powi_with(e5m2.encode_f32(-0.0), -3, &policy, 0);
    /// assert_eq!(e5m2.decode_f32(power.code), f32::NEG_INFINITY);
    /// assert_eq!(power.flags, Flags::DIVIDE_BY_ZERO);
    /// ```
    #[must_use]
    pub fn powi_with(&self, code: u32, power: i32, convert: &Convert, random: u32) -> Encoded {
        let x = self.operand(code, convert);
        let (value, raised) = power_of(x, power, convert.division_by_zero);
        let encoded = self.encode_with(value, convert, random);
        Encoded { flags: encoded.flags.union(raised), ..encoded }
    }
}

/// The power, exact or with a sticky last bit, and the exceptions of the power itself.
fn power_of(x: Unpacked, power: i32, by_zero: DivisionByZero) -> (Unpacked, Flags) {
    let raised = Flags::NONE.and_if(x.is_signaling(), Flags::INVALID);
    if power == 0 {
        return (Unpacked::ONE, raised);
    }
    if x.is_nan() {
        return (x.quiet(), raised);
    }
    let negative = x.is_negative() && power % 2 != 0;
    if x.is_zero() && power < 0 {
        return match by_zero {
            DivisionByZero::Infinity => (Unpacked::infinity(negative), Flags::DIVIDE_BY_ZERO),
            DivisionByZero::Nan => (Unpacked::NAN, Flags::INVALID),
        };
    }
    if x.is_zero() || (x.is_infinite() && power < 0) {
        return (Unpacked::zero(negative), Flags::NONE);
    }
    if x.is_infinite() {
        return (Unpacked::infinity(negative), Flags::NONE);
    }
    let zeros = x.significand().trailing_zeros();
    let odd = x.significand() >> zeros;
    let exponent = (i64::from(x.exponent()) + i64::from(zeros)) * i64::from(power);
    let whole = if power > 0 { odd.checked_pow(power.unsigned_abs()) } else { None };
    let value = match whole {
        _ if odd == 1 => Unpacked::new(negative, 1, exponent.clamp(-FAR, FAR) as i32),
        Some(whole) => Unpacked::new(negative, whole, exponent.clamp(-FAR, FAR) as i32),
        None => {
            let found = digits::<2>(odd, power, exponent).settle();
            let found = found.or_else(|| digits::<4>(odd, power, exponent).settle());
            // 2^31 roundings take fewer than 40 of 256 bits.
            let found = found.unwrap_or_else(|| digits::<8>(odd, power, exponent).centre());
            if negative { found.negate() } else { found }
        }
    };
    (value, Flags::NONE)
}

/// `odd^power · 2^exponent`, by squares.
fn digits<const N: usize>(odd: u64, power: i32, exponent: i64) -> Ball<N> {
    let (mut found, mut square) = (Ball::<N>::integer(1), Ball::integer(odd));
    let mut left = power.unsigned_abs();
    while left > 0 {
        if left & 1 == 1 {
            found = found.mul(&square);
        }
        left >>= 1;
        if left > 0 {
            square = square.mul(&square);
        }
    }
    if power < 0 {
        found = Ball::integer(1).div(&found);
    }
    found.scale(exponent)
}

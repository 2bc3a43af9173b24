//! Arithmetic in a format: the operation on the exact values, then one rounding under a policy.
//!
//! An intermediate result is either exact, or carries 62 leading bits or more and a sticky last
//! bit: every rounding of every format of at most 32 bits then comes out as from the infinitely
//! precise value. [`Overflow::Wrap`](crate::Overflow::Wrap) alone sees more than leading bits: a
//! result of 2^62 units of an integer format or more, which formats of up to 16 bits with −14 to 14
//! fraction bits do not reach, may have lost its low ones. Special values follow IEEE 754; what
//! division by zero gives is part of the policy, for the sake of P3109.

use crate::codec::{Encoded, Unpacked};
use crate::flags::Flags;
use crate::policy::{Convert, DivisionByZero, SubnormalInputs};
use crate::round::Round;
use crate::spec::FormatSpec;
use core::cmp::Ordering;
use core::num::FpCategory;

/// An exact (or sticky) result, and the exceptions that the operation itself raised. Rounding adds
/// its own.
type Exact = (Unpacked, Flags);

const INVALID: Exact = (Unpacked::NAN, Flags::INVALID);

/// `±(wide + sticky) · 2^exponent`, with what does not fit 64 bits folded into the last bit.
const fn jam(negative: bool, wide: u128, exponent: i64, sticky: bool) -> Unpacked {
    let excess = 64 - wide.leading_zeros() as i64;
    let (significand, exponent, lost) = if excess > 0 {
        ((wide >> excess) as u64, exponent + excess, wide << (128 - excess) != 0)
    } else {
        (wide as u64, exponent, false)
    };
    Unpacked::new(negative, significand | (lost || sticky) as u64, exponent as i32)
}

/// The first NaN operand made quiet, with `INVALID` if one was signalling.
const fn nan_of(operands: &[Unpacked]) -> Option<Exact> {
    let (mut found, mut flags, mut i) = (None, Flags::NONE, 0);
    while i < operands.len() {
        if operands[i].is_nan() {
            flags = flags.and_if(operands[i].is_signaling(), Flags::INVALID);
            if found.is_none() {
                found = Some(operands[i].quiet());
            }
        }
        i += 1;
    }
    match found {
        Some(nan) => Some((nan, flags)),
        None => None,
    }
}

/// The sign of an exact zero sum of numbers that are not both zeros of one sign (IEEE 754, 6.3).
const fn zero_sum(round: Round) -> Unpacked {
    Unpacked::zero(matches!(round, Round::Down))
}

const fn add(a: Unpacked, b: Unpacked, round: Round) -> Exact {
    if let Some(nan) = nan_of(&[a, b]) {
        return nan;
    }
    let sum = match (a.is_infinite(), b.is_infinite()) {
        (true, true) if a.is_negative() != b.is_negative() => return INVALID,
        (true, _) => a,
        (_, true) => b,
        _ => add_finite(a, b, round),
    };
    (sum, Flags::NONE)
}

const fn add_finite(a: Unpacked, b: Unpacked, round: Round) -> Unpacked {
    match (a.is_zero(), b.is_zero()) {
        (true, true) if a.is_negative() == b.is_negative() => return a,
        (true, true) => return zero_sum(round),
        (true, false) => return b,
        (false, true) => return a,
        _ => {}
    }
    let (big, small) = if matches!(a.cmp_magnitude(b), Ordering::Less) { (b, a) } else { (a, b) };
    // The larger operand lies in bits 126 to 63. The bits below are room for the smaller; what it
    // loses is kept as a one in its last bit.
    let wide = (big.aligned() as u128) << 63;
    let scale = big.log2() - 126;
    let distance = big.log2() - small.log2();
    let aligned = (small.aligned() as u128) << 63;
    let shifted = if distance > 127 {
        1
    } else {
        (aligned >> distance) | (aligned & ((1 << distance) - 1) != 0) as u128
    };
    let sum =
        if big.is_negative() == small.is_negative() { wide + shifted } else { wide - shifted };
    if sum == 0 { zero_sum(round) } else { jam(big.is_negative(), sum, scale, false) }
}

const fn mul(a: Unpacked, b: Unpacked) -> Exact {
    if let Some(nan) = nan_of(&[a, b]) {
        return nan;
    }
    let negative = a.is_negative() != b.is_negative();
    let product = match (a.is_infinite() || b.is_infinite(), a.is_zero() || b.is_zero()) {
        (true, true) => return INVALID,
        (true, false) => Unpacked::infinity(negative),
        (false, true) => Unpacked::zero(negative),
        (false, false) => {
            let wide = a.significand() as u128 * b.significand() as u128;
            jam(negative, wide, a.exponent() as i64 + b.exponent() as i64, false)
        }
    };
    (product, Flags::NONE)
}

/// `a · b + c` as one exact value. The product of two numbers of formats up to 32 bits always fits.
const fn mul_add(a: Unpacked, b: Unpacked, c: Unpacked, round: Round) -> Exact {
    let zero_times_infinity = (a.is_infinite() && b.is_zero()) || (a.is_zero() && b.is_infinite());
    if let Some((nan, flags)) = nan_of(&[a, b, c]) {
        return (nan, flags.and_if(zero_times_infinity, Flags::INVALID));
    }
    let (product, flags) = mul(a, b);
    if !flags.is_empty() {
        return (product, flags);
    }
    add(product, c, round)
}

const fn div(a: Unpacked, b: Unpacked, by_zero: DivisionByZero) -> Exact {
    if let Some(nan) = nan_of(&[a, b]) {
        return nan;
    }
    let negative = a.is_negative() != b.is_negative();
    if (a.is_zero() && b.is_zero()) || (a.is_infinite() && b.is_infinite()) {
        return INVALID;
    }
    if b.is_zero() && matches!(by_zero, DivisionByZero::Nan) {
        return INVALID;
    }
    if a.is_infinite() || b.is_zero() {
        // An infinite dividend gives infinity without an exception; only a finite one divides by
        // zero.
        return (
            Unpacked::infinity(negative),
            Flags::NONE.and_if(a.is_finite(), Flags::DIVIDE_BY_ZERO),
        );
    }
    if a.is_zero() || b.is_infinite() {
        return (Unpacked::zero(negative), Flags::NONE);
    }
    let numerator = (a.aligned() as u128) << 64;
    let divisor = b.significand() as u128;
    let (quotient, rest) = (numerator / divisor, numerator % divisor);
    let scale = a.log2() - 127 - b.exponent() as i64;
    (jam(negative, quotient, scale, rest != 0), Flags::NONE)
}

/// The remainder of the truncated quotient, with the sign of the dividend: C's `fmod`, Rust's `%`.
/// Always exact.
const fn rem(a: Unpacked, b: Unpacked) -> Exact {
    if let Some(nan) = nan_of(&[a, b]) {
        return nan;
    }
    if a.is_infinite() || b.is_zero() {
        return INVALID;
    }
    if a.is_zero() || b.is_infinite() || matches!(a.cmp_magnitude(b), Ordering::Less) {
        return (a, Flags::NONE);
    }
    let divisor = b.significand() as u128;
    let distance = a.exponent() as i64 - b.exponent() as i64;
    let (rest, scale) = if distance >= 0 {
        // a.significand · 2^distance mod divisor, by squaring.
        let (mut rest, mut power, mut left) =
            (a.significand() as u128 % divisor, 2 % divisor, distance);
        while left > 0 {
            if left & 1 == 1 {
                rest = rest * power % divisor;
            }
            power = power * power % divisor;
            left >>= 1;
        }
        (rest, b.exponent())
    } else {
        // |a| >= |b|, so the divisor has more trailing room than the distance: it fits.
        (a.significand() as u128 % (divisor << -distance), a.exponent())
    };
    (Unpacked::new(a.is_negative(), rest as u64, scale), Flags::NONE)
}

const fn sqrt(a: Unpacked) -> Exact {
    if let Some(nan) = nan_of(&[a]) {
        return nan;
    }
    if a.is_zero() {
        return (a, Flags::NONE);
    }
    if a.is_negative() {
        return INVALID;
    }
    if a.is_infinite() {
        return (a, Flags::NONE);
    }
    // An even exponent, and 126 or 127 significant bits: the root has 63 or 64.
    let lift = 63 - (a.log2() & 1) as u32;
    let wide = (a.aligned() as u128) << lift;
    let scale = a.log2() - 63 - lift as i64;
    let root = wide.isqrt();
    (jam(false, root, scale >> 1, root * root != wide), Flags::NONE)
}

/// `a / b`, exact or sticky.
#[cfg(feature = "alloc")]
pub(crate) const fn quotient(a: Unpacked, b: Unpacked) -> Unpacked {
    div(a, b, DivisionByZero::Infinity).0
}

/// `a · b`, exact or sticky.
pub(crate) const fn product(a: Unpacked, b: Unpacked) -> Unpacked {
    mul(a, b).0
}

/// `a + b`, exact or sticky, with the zero of `round`.
#[cfg(feature = "alloc")]
pub(crate) const fn sum(a: Unpacked, b: Unpacked, round: Round) -> Unpacked {
    add(a, b, round).0
}

/// The square root of a number from 0 up, exact or sticky.
pub(crate) const fn root(a: Unpacked) -> Unpacked {
    sqrt(a).0
}

impl FormatSpec {
    /// An operand: what a code stands for, with subnormal ones flushed if the policy says so.
    pub(crate) const fn operand(&self, code: u32, convert: &Convert) -> Unpacked {
        let value = self.decode(code);
        match (value.class(), convert.subnormal_inputs) {
            (FpCategory::Subnormal, SubnormalInputs::Flush) => Unpacked::zero(value.is_negative()),
            _ => value,
        }
    }

    const fn finish(&self, (exact, raised): Exact, convert: &Convert, random: u32) -> Encoded {
        let encoded = self.encode_with(exact, convert, random);
        Encoded { flags: encoded.flags.union(raised), ..encoded }
    }

    /// The code of `a + b`, rounded once. Opposite infinities give NaN and [`Flags::INVALID`]; an
    /// exact zero sum is +0, or −0 under [`Round::Down`], unless both operands are zeros of one
    /// sign.
    ///
    /// ```
    /// use subhalf::{Flags, FormatSpec, Round};
    /// let e4m3 = FormatSpec::F8E4M3;
    /// let up = e4m3.default_convert().with_round(Round::Up);
    /// let sum = e4m3.add_with(e4m3.encode_f32(16.0), e4m3.encode_f32(0.25), &up, 0);
    /// assert_eq!((e4m3.decode_f32(sum.code), sum.flags), (18.0, Flags::INEXACT));
    /// ```
    #[must_use]
    pub const fn add_with(&self, a: u32, b: u32, convert: &Convert, random: u32) -> Encoded {
        self.finish(
            add(self.operand(a, convert), self.operand(b, convert), convert.round),
            convert,
            random,
        )
    }

    /// The code of `a − b`, rounded once. Infinities of one sign give NaN and [`Flags::INVALID`];
    /// an exact zero difference is +0, or −0 under [`Round::Down`], unless the operands are zeros
    /// of opposite signs, where it keeps the sign of `a`.
    #[must_use]
    pub const fn sub_with(&self, a: u32, b: u32, convert: &Convert, random: u32) -> Encoded {
        let b = self.operand(b, convert);
        let b = if b.is_nan() { b } else { b.negate() };
        self.finish(add(self.operand(a, convert), b, convert.round), convert, random)
    }

    /// The code of `a · b`, rounded once. Zero times infinity gives NaN and [`Flags::INVALID`].
    #[must_use]
    pub const fn mul_with(&self, a: u32, b: u32, convert: &Convert, random: u32) -> Encoded {
        self.finish(mul(self.operand(a, convert), self.operand(b, convert)), convert, random)
    }

    /// The code of `a / b`, rounded once. 0/0 and ∞/∞ give NaN and [`Flags::INVALID`]; other
    /// numbers divided by zero give what [`DivisionByZero`] says: infinity, or NaN.
    ///
    /// ```
    /// use subhalf::{Convert, Flags, FormatSpec};
    /// let e5m2 = FormatSpec::F8E5M2;
    /// let (one, three) = (e5m2.encode_f32(1.0), e5m2.encode_f32(3.0));
    /// let third = e5m2.div_with(one, three, &e5m2.default_convert(), 0);
    /// assert_eq!(e5m2.decode_f32(third.code), 0.3125);
    /// let pole = e5m2.div_with(e5m2.encode_f32(-1.0), 0, &e5m2.default_convert(), 0);
    /// assert_eq!(e5m2.decode_f32(pole.code), f32::NEG_INFINITY);
    /// assert_eq!(pole.flags, Flags::DIVIDE_BY_ZERO);
    /// ```
    #[must_use]
    pub const fn div_with(&self, a: u32, b: u32, convert: &Convert, random: u32) -> Encoded {
        self.finish(
            div(self.operand(a, convert), self.operand(b, convert), convert.division_by_zero),
            convert,
            random,
        )
    }

    /// The code of the remainder of `a / b` with the quotient truncated and the sign of `a` (C's
    /// `fmod`, Rust's `%`). It is always representable if both operands are. Infinity by anything
    /// and anything by zero give NaN and [`Flags::INVALID`].
    #[must_use]
    pub const fn rem_with(&self, a: u32, b: u32, convert: &Convert, random: u32) -> Encoded {
        self.finish(rem(self.operand(a, convert), self.operand(b, convert)), convert, random)
    }

    /// The code of `a · b + c`, rounded once.
    ///
    /// ```
    /// use subhalf::FormatSpec;
    /// let e5m2 = FormatSpec::F8E5M2;
    /// // 288 + 2^-16 lies above the tie between 256 and 320; in f32 the sum is the tie.
    /// let (a, b, c) = (e5m2.encode_f32(1.5), e5m2.encode_f32(192.0), 0x01);
    /// let sum = e5m2.mul_add_with(a, b, c, &e5m2.default_convert(), 0);
    /// assert_eq!(e5m2.decode_f32(sum.code), 320.0);
    /// ```
    #[must_use]
    pub const fn mul_add_with(
        &self,
        a: u32,
        b: u32,
        c: u32,
        convert: &Convert,
        random: u32,
    ) -> Encoded {
        self.finish(
            mul_add(
                self.operand(a, convert),
                self.operand(b, convert),
                self.operand(c, convert),
                convert.round,
            ),
            convert,
            random,
        )
    }

    /// The code of `a · b + c` in this format, rounded once, where each operand is a code of a format
    /// of its own: the fused multiply-add of mixed formats, with flags. Special values and the sign
    /// of an exact zero are those of [`mul_add_with`](Self::mul_add_with); a policy that flushes
    /// subnormal inputs flushes each in its own format.
    ///
    /// ```
    /// use subhalf::{Flags, FormatSpec};
    /// let (e4m3, e5m2, f16) = (FormatSpec::F8E4M3, FormatSpec::F8E5M2, FormatSpec::F16);
    /// // 1.875 · 1.25 + 2048 = 2050.34375, between the f16s 2050 and 2052.
    /// let (a, b) = ((&e4m3, e4m3.encode_f32(1.875)), (&e5m2, e5m2.encode_f32(1.25)));
    /// let c = (&f16, f16.encode_f32(2048.0));
    /// let sum = f16.mul_add_of(a, b, c, &f16.default_convert(), 0);
    /// assert_eq!((f16.decode_f32(sum.code), sum.flags), (2050.0, Flags::INEXACT));
    /// ```
    #[must_use]
    pub const fn mul_add_of(
        &self,
        a: (&Self, u32),
        b: (&Self, u32),
        c: (&Self, u32),
        convert: &Convert,
        random: u32,
    ) -> Encoded {
        let (a, b) = (a.0.operand(a.1, convert), b.0.operand(b.1, convert));
        let c = c.0.operand(c.1, convert);
        self.finish(mul_add(a, b, c, convert.round), convert, random)
    }

    /// The code of the square root of `a`, rounded once. A negative number gives NaN and
    /// [`Flags::INVALID`]; −0 gives −0.
    #[must_use]
    pub const fn sqrt_with(&self, a: u32, convert: &Convert, random: u32) -> Encoded {
        self.finish(sqrt(self.operand(a, convert)), convert, random)
    }

    /// The code of `1 / a`, rounded once. `1 / ±0` is what [`DivisionByZero`] says: infinity of the
    /// same sign and [`Flags::DIVIDE_BY_ZERO`], or NaN and [`Flags::INVALID`]. `1 / ±∞` is zero, of
    /// the same sign where the format has −0.
    #[must_use]
    pub const fn recip_with(&self, a: u32, convert: &Convert, random: u32) -> Encoded {
        self.finish(
            div(Unpacked::ONE, self.operand(a, convert), convert.division_by_zero),
            convert,
            random,
        )
    }
}

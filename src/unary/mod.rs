//! Functions of one number, correctly rounded, and tables of them for formats of at most 8 bits. It
//! owns what each function is at its special points; how its digits are found, with a proof, is in
//! `ball`.

mod ball;
mod between;
mod power;

use crate::codec::{Encoded, Unpacked};
use crate::error::Error;
use crate::flags::Flags;
use crate::naming::text_of;
use crate::policy::{Convert, DivisionByZero};
use crate::round::Round;
use crate::spec::FormatSpec;
pub(crate) use ball::Ball;
use ball::FAR;
pub use between::CodeTable;

/// A function of one number, as [`Format::unary`](crate::Format::unary), [`FormatSpec::unary_with`]
/// and [`UnaryTable`] compute it: the infinitely precise value, rounded once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unary {
    /// `2^x`.
    Exp2,
    /// `e^x`.
    Exp,
    /// The natural logarithm; −∞ for zero (`DIVIDE_BY_ZERO`, also in P3109), NaN for negative
    /// numbers (`INVALID`).
    Ln,
    /// The logarithm to base 2; −∞ for zero (`DIVIDE_BY_ZERO`, also in P3109), NaN for negative
    /// numbers (`INVALID`).
    Log2,
    /// The hyperbolic tangent.
    Tanh,
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// `1 / √x`; what [`DivisionByZero`] says for ±0 (IEEE 754: ±∞ with the sign of the zero), NaN
    /// for negative numbers (`INVALID`).
    Rsqrt,
    /// `x · Φ(x)` with the normal distribution function Φ, `x/2 · (1 + erf(x/√2))`: the exact GELU,
    /// not its approximation by tanh. The value at −∞ is −0.
    Gelu,
    /// `x / (1 + e^-x)`, also called swish. The value at −∞ is −0.
    Silu,
}

impl Unary {
    /// All functions.
    pub const ALL: [Self; 9] = [
        Self::Exp2,
        Self::Exp,
        Self::Ln,
        Self::Log2,
        Self::Tanh,
        Self::Sigmoid,
        Self::Rsqrt,
        Self::Gelu,
        Self::Silu,
    ];

    /// What the function is called: `exp2`, `exp`, `ln`, `log2`, `tanh`, `sigmoid`, `rsqrt`,
    /// `gelu`, `silu`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exp2 => "exp2",
            Self::Exp => "exp",
            Self::Ln => "ln",
            Self::Log2 => "log2",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Rsqrt => "rsqrt",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
        }
    }

    /// The value, exact or with a sticky last bit, and the exceptions of the function itself.
    fn of(self, x: Unpacked, by_zero: DivisionByZero) -> (Unpacked, Flags) {
        if x.is_nan() {
            return (x.quiet(), Flags::NONE.and_if(x.is_signaling(), Flags::INVALID));
        }
        let positive_only = matches!(self, Self::Ln | Self::Log2 | Self::Rsqrt);
        if positive_only && x.is_negative() && !x.is_zero() {
            return (Unpacked::NAN, Flags::INVALID);
        }
        if x.is_zero() {
            return self.of_zero(x, by_zero);
        }
        let value =
            if x.is_infinite() { self.of_infinity(x.is_negative()) } else { self.of_finite(x) };
        (value, Flags::NONE)
    }

    fn of_zero(self, x: Unpacked, by_zero: DivisionByZero) -> (Unpacked, Flags) {
        let value = match (self, by_zero) {
            (Self::Exp2 | Self::Exp, _) => Unpacked::ONE,
            (Self::Sigmoid, _) => Unpacked::new(false, 1, -1),
            (Self::Tanh | Self::Gelu | Self::Silu, _) => x,
            (Self::Ln | Self::Log2, _) => return (Unpacked::infinity(true), Flags::DIVIDE_BY_ZERO),
            (Self::Rsqrt, DivisionByZero::Infinity) => {
                return (Unpacked::infinity(x.is_negative()), Flags::DIVIDE_BY_ZERO);
            }
            (Self::Rsqrt, DivisionByZero::Nan) => return (Unpacked::NAN, Flags::INVALID),
        };
        (value, Flags::NONE)
    }

    fn of_infinity(self, negative: bool) -> Unpacked {
        match self {
            Self::Ln | Self::Log2 => Unpacked::infinity(false),
            Self::Rsqrt => Unpacked::ZERO,
            Self::Tanh => Unpacked::new(negative, 1, 0),
            Self::Exp2 | Self::Exp | Self::Gelu | Self::Silu if !negative => {
                Unpacked::infinity(false)
            }
            Self::Sigmoid if !negative => Unpacked::ONE,
            Self::Exp2 | Self::Exp | Self::Sigmoid => Unpacked::ZERO,
            Self::Gelu | Self::Silu => Unpacked::zero(true),
        }
    }

    fn of_finite(self, x: Unpacked) -> Unpacked {
        if let Some(value) = self.exact(x).or_else(|| self.limit(x)) {
            return value;
        }
        // What is left is irrational, or a fraction with an odd denominator: some precision settles
        // it. 128 bits settle nearly all; the last, with its centre taken for sure, has never been
        // needed.
        let digits = self.digits::<2>(x).settle().or_else(|| self.digits::<4>(x).settle());
        let digits = digits
            .or_else(|| self.digits::<8>(x).settle())
            .or_else(|| self.digits::<16>(x).settle());
        digits.unwrap_or_else(|| self.digits::<32>(x).centre())
    }

    /// The value, where it is a dyadic fraction. No other argument has such a value (Lindemann; for
    /// Φ, Siegel and Shidlovsky).
    fn exact(self, x: Unpacked) -> Option<Unpacked> {
        let (zeros, exponent) = (x.significand().trailing_zeros(), i64::from(x.exponent()));
        let (odd, exponent) = (x.significand() >> zeros, exponent + i64::from(zeros));
        let power_of_two = |exponent: i64| Some(Unpacked::new(false, 1, exponent as i32));
        let integer = |value: i64| Some(Unpacked::new(value < 0, value.unsigned_abs(), 0));
        match self {
            Self::Exp2 if exponent >= 0 && x.log2() < 20 => {
                let power = (odd << exponent) as i64;
                power_of_two(if x.is_negative() { -power } else { power })
            }
            Self::Ln if odd == 1 && exponent == 0 => Some(Unpacked::ZERO),
            Self::Log2 if odd == 1 => integer(exponent),
            Self::Rsqrt if odd == 1 && exponent % 2 == 0 => power_of_two(-exponent / 2),
            _ => None,
        }
    }

    /// The value far out and close to zero, where it differs from a short number by less than 2^-64
    /// of it, but differs.
    fn limit(self, x: Unpacked) -> Option<Unpacked> {
        let (negative, log2) = (x.is_negative(), x.log2());
        let half = Unpacked::new(false, 1, -1);
        let halved = Unpacked::new(negative, x.significand(), x.exponent() - 1);
        // Φ(-16) and e^-64 are below 2^-72; tanh departs from x with its square, the others with x
        // itself.
        let (vanishing, saturation) = match self {
            Self::Gelu => (-72, 4),
            Self::Tanh => (-36, 5),
            _ => (-72, 6),
        };
        let (tiny, saturated, far) = (log2 < vanishing, log2 >= saturation, log2 >= 20);
        Some(match self {
            Self::Exp2 | Self::Exp if tiny => beside(Unpacked::ONE, !negative),
            Self::Sigmoid if tiny => beside(half, !negative),
            Self::Tanh if tiny => beside(x, false),
            Self::Gelu | Self::Silu if tiny => beside(halved, !negative),
            Self::Exp2 | Self::Exp if far => {
                Unpacked::new(false, 3, if negative { -FAR as i32 } else { FAR as i32 })
            }
            Self::Tanh if saturated => beside(Unpacked::new(negative, 1, 0), false),
            Self::Sigmoid if saturated && !negative => beside(Unpacked::ONE, false),
            Self::Gelu | Self::Silu if saturated && !negative => beside(x, false),
            Self::Sigmoid | Self::Gelu | Self::Silu if far => {
                Unpacked::new(self != Self::Sigmoid, 3, -FAR as i32)
            }
            _ => return None,
        })
    }

    /// The value between, to some 64·N bits.
    fn digits<const N: usize>(self, x: Unpacked) -> Ball<N> {
        let (significand, exponent) = (x.significand(), i64::from(x.exponent()));
        let magnitude = Ball::dyadic(false, significand, exponent);
        let signed = |ball: Ball<N>| if x.is_negative() { ball.negate() } else { ball };
        let one = Ball::integer(1);
        let sigmoid = || {
            let power = Ball::exp(&magnitude.negate());
            let numerator = if x.is_negative() { power } else { one };
            numerator.div(&one.add(&power))
        };
        match self {
            Self::Exp2 => Ball::exp(&signed(magnitude.mul(&Ball::ln_2()))),
            Self::Exp => Ball::exp(&signed(magnitude)),
            Self::Ln => Ball::ln(significand, exponent),
            Self::Log2 => Ball::ln(significand, exponent).div(&Ball::ln_2()),
            Self::Tanh => {
                let power = Ball::exp(&magnitude.scale(1).negate());
                signed(one.sub(&power).div(&one.add(&power)))
            }
            Self::Sigmoid => sigmoid(),
            Self::Rsqrt => one.div(&magnitude.sqrt()),
            Self::Gelu => signed(magnitude.mul(&Ball::normal(x.is_negative(), &magnitude))),
            Self::Silu => signed(magnitude.mul(&sigmoid())),
        }
    }
}

text_of! { Unary, "function" }

/// A number next to a short one, of larger or smaller magnitude.
fn beside(x: Unpacked, larger: bool) -> Unpacked {
    let zeros = x.significand().leading_zeros();
    // 62 bits, so that one more than all can be told from its neighbours below too.
    let shift = zeros.saturating_sub(1);
    let significand = x.significand() << shift;
    Unpacked::new(
        x.is_negative(),
        if larger { significand + 1 } else { significand - 1 },
        x.exponent() - shift as i32,
    )
}

impl FormatSpec {
    /// The code of a function of a code's number, rounded once: correctly, in every rounding and
    /// for every format. Slow (microseconds); for formats of at most 8 bits make a [`UnaryTable`].
    ///
    /// ```
    /// use subhalf::{Convert, Flags, FormatSpec, Round, Unary};
    /// let e4m3 = FormatSpec::F8E4M3;
    /// let policy = e4m3.default_convert();
    /// let e = e4m3.unary_with(Unary::Exp, e4m3.encode_f32(1.0), &policy, 0);
    /// assert_eq!((e4m3.decode_f32(e.code), e.flags), (2.75, Flags::INEXACT));
    /// let down = policy.with_round(Round::Down);
    /// let e = e4m3.unary_with(Unary::Exp, e4m3.encode_f32(1.0), &down, 0);
    /// assert_eq!(e4m3.decode_f32(e.code), 2.5);
    /// let pole = FormatSpec::F8E5M2.unary_with(Unary::Ln, 0, &policy, 0);
    /// assert_eq!(FormatSpec::F8E5M2.decode_f32(pole.code), f32::NEG_INFINITY);
    /// assert_eq!(pole.flags, Flags::DIVIDE_BY_ZERO);
    /// ```
    #[must_use]
    pub fn unary_with(
        &self,
        function: Unary,
        code: u32,
        convert: &Convert,
        random: u32,
    ) -> Encoded {
        let (value, raised) = function.of(self.operand(code, convert), convert.division_by_zero);
        let encoded = self.encode_with(value, convert, random);
        Encoded { flags: encoded.flags.union(raised), ..encoded }
    }
}

/// A function of every code of a format of at most 8 bits.
///
/// It is made at run time, in a few milliseconds: the digits are proven with 128 bits and more, too
/// much work for the compiler's own evaluation. It needs no allocator and depends on no
/// mathematical library, so it is the same on every platform.
///
/// ```
/// use subhalf::{FormatSpec, Unary, UnaryTable};
/// let e4m3 = FormatSpec::F8E4M3;
/// let gelu = UnaryTable::new(Unary::Gelu, &e4m3, &e4m3.default_convert())?;
/// let of = |x: f32| e4m3.decode_f32(gelu.get(e4m3.encode_f32(x) as u8).into());
/// assert_eq!((of(1.0), of(-1.0)), (0.8125, -0.15625)); // 0.8413 and -0.1587
/// assert_eq!((of(3.0), of(-448.0)), (3.0, -0.0)); // 2.9960 and a tiny negative number
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnaryTable {
    function: Unary,
    spec: FormatSpec,
    codes: [u8; 256],
}

impl UnaryTable {
    /// The table of a function under a policy.
    ///
    /// # Errors
    /// [`Error::SpecRange`] if the format has more than 8 bits; [`Error::TableRound`] if the
    /// rounding is stochastic.
    pub fn new(function: Unary, spec: &FormatSpec, convert: &Convert) -> Result<Self, Error> {
        if spec.bits() > 8 {
            return Err(Error::SpecRange {
                what: "bits of a table's format",
                found: spec.bits().into(),
                low: 1,
                high: 8,
            });
        }
        if matches!(convert.round, Round::Stochastic { .. }) {
            return Err(Error::TableRound);
        }
        let (mut codes, count) = ([0; 256], spec.code_count() as usize);
        for code in 0..256 {
            let known = codes[code % count];
            codes[code] = if code < count {
                spec.unary_with(function, code as u32, convert, 0).code as u8
            } else {
                known
            };
        }
        Ok(Self { function, spec: *spec, codes })
    }

    /// The code of the function's value for the number of a code. Bits above the format's width are
    /// ignored.
    #[must_use]
    #[inline]
    pub const fn get(&self, code: u8) -> u8 {
        self.codes[code as usize]
    }

    /// Replaces every code by that of the function.
    #[inline]
    pub fn apply(&self, codes: &mut [u8]) {
        codes.iter_mut().for_each(|code| *code = self.get(*code));
    }

    /// The whole table, by code.
    #[must_use]
    pub const fn codes(&self) -> &[u8; 256] {
        &self.codes
    }

    /// The function whose values the table holds.
    #[must_use]
    pub const fn function(&self) -> Unary {
        self.function
    }

    /// The format of arguments and values.
    #[must_use]
    pub const fn spec(&self) -> &FormatSpec {
        &self.spec
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What 128 bits settle, 256 settle to the same digits; and nothing up to 8 bits needs more
    /// than 256.
    #[test]
    fn precisions_agree() {
        for function in Unary::ALL {
            for spec in FormatSpec::ALL.iter().filter(|spec| spec.bits() <= 8) {
                for code in spec.codes() {
                    let x = spec.decode(code);
                    let positive_only = matches!(function, Unary::Ln | Unary::Log2 | Unary::Rsqrt);
                    let elsewhere =
                        !x.is_finite() || x.is_zero() || (positive_only && x.is_negative());
                    if elsewhere || function.exact(x).or_else(|| function.limit(x)).is_some() {
                        continue;
                    }
                    let settled = function.digits::<4>(x).settle();
                    assert!(settled.is_some(), "{function:?} of {x}");
                    let first = function.digits::<2>(x).settle();
                    assert!(
                        first.is_none() || first == settled,
                        "{function:?} of {x}: {first:?}, {settled:?}"
                    );
                }
            }
        }
    }

    /// e, ln 10, Φ(1), Φ(-5): from tables.
    #[test]
    fn digits_are_those_of_the_tables() {
        let near = |ball: Ball<2>, expected: f64| {
            let found = ball.settle().expect("128 bits are enough").to_f64();
            assert!((found / expected - 1.0).abs() < 1e-15, "{found} instead of {expected}");
        };
        near(Ball::exp(&Ball::integer(1)), core::f64::consts::E);
        near(Ball::ln(10, 0), core::f64::consts::LN_10);
        near(Ball::integer(2).sqrt(), core::f64::consts::SQRT_2);
        near(Ball::normal(false, &Ball::integer(1)), 0.841_344_746_068_543);
        near(Ball::normal(true, &Ball::integer(5)), 2.866_515_718_791_939e-7);
    }

    #[test]
    fn no_precision_settles_an_exact_number() {
        assert!(
            Ball::<2>::integer(1).div(&Ball::integer(3)).mul(&Ball::integer(3)).settle().is_none()
        );
        assert!(Ball::<8>::exp(&Ball::ln_2()).settle().is_none());
        assert!(Ball::<2>::integer(2).sub(&Ball::integer(2)).settle().is_none());
    }
}

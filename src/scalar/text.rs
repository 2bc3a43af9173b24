//! Text to an exact (or sticky) number, so that parsing is one rounding; and numbers that f64 does
//! not have to text.

use crate::codec::Unpacked;
use crate::spec::FormatSpec;
use crate::unary::Ball;
use core::cmp::Ordering;
use core::fmt::{Display, Formatter, Write};

/// Text that is not a number, or one whose place no rounding can be sure of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError(&'static str);

impl ParseError {
    const NOT_A_NUMBER: Self =
        Self("expected a decimal number, a hexadecimal one like 0x1.8p-4, `inf` or `NaN`");
    const UNDECIDED: Self = Self(
        "beyond f64, expected a number clear of any with 63 binary digits, \
         or a hexadecimal one like 0x1.8p+4000",
    );
    /// A number to another base than ten was asked for.
    #[cfg(feature = "num-traits")]
    pub(super) const NOT_DECIMAL: Self = Self("expected a decimal number, `inf` or `NaN`");
}

impl Display for ParseError {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for ParseError {}

/// An exponent beyond every format (whose exponents stay below 2^18).
const FAR: i64 = 1 << 20;

/// Whether a format has numbers outside of f64's normal range.
#[must_use]
pub const fn is_beyond_f64(spec: &FormatSpec) -> bool {
    spec.max_exponent() >= 1024 || spec.smallest_positive().log2() <= -1022
}

/// The number that a text means, for a format that is, or is not, [`is_beyond_f64`].
pub fn parse(text: &str, beyond_f64: bool) -> Result<Unpacked, ParseError> {
    match text.parse() {
        Ok(near) => parse_decimal(text, near, beyond_f64),
        Err(_) => parse_hexadecimal(text).ok_or(ParseError::NOT_A_NUMBER),
    }
}

/// What f64 cannot hold exactly keeps its place between two f64: two bits below the last tell on
/// which side of the nearest f64 it lies, which is all that a rounding to 32 bits or fewer can ask.
/// Beyond the range of f64 it is a number that is as far out, unless the format has several there.
pub(super) fn parse_decimal(
    text: &str,
    near: f64,
    beyond_f64: bool,
) -> Result<Unpacked, ParseError> {
    let negative = near.is_sign_negative();
    let digits = DecimalDigits::new(text);
    let Some(digits) = digits else {
        return Ok(if near.is_nan() { Unpacked::NAN } else { Unpacked::infinity(negative) });
    };
    if digits.is_zero() {
        return Ok(Unpacked::zero(negative));
    }
    if beyond_f64 && !near.is_normal() {
        return digits.number(negative).ok_or(ParseError::UNDECIDED);
    }
    if near.is_infinite() {
        return Ok(Unpacked::new(negative, 3, 1100));
    }
    if near == 0.0 {
        return Ok(Unpacked::new(negative, 3, -1200));
    }
    let exact = Unpacked::from_f64(near);
    let (significand, exponent) = (exact.significand() << 2, exact.exponent() - 2);
    Ok(match digits.compare(near.abs()) {
        Ordering::Equal => exact,
        Ordering::Greater => Unpacked::new(negative, significand + 1, exponent),
        Ordering::Less => Unpacked::new(negative, significand - 1, exponent),
    })
}

/// `0x1.8p-4`, as C writes it. The exponent must be there: `0x38` is how a code is printed.
fn parse_hexadecimal(text: &str) -> Option<Unpacked> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, power) =
        text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?.split_once(['p', 'P'])?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let power_digits = power.strip_prefix(['+', '-']).unwrap_or(power);
    if power_digits.is_empty() || !power_digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut exponent = power.parse::<i64>().unwrap_or(if power.starts_with('-') {
        i64::MIN / 2
    } else {
        i64::MAX / 2
    });
    exponent = exponent.saturating_sub(4 * fraction.len() as i64);
    let mut significand = 0u64;
    for digit in whole.chars().chain(fraction.chars()) {
        let digit = u64::from(digit.to_digit(16)?);
        if significand >> 60 == 0 {
            significand = significand << 4 | digit;
        } else {
            // What does not fit sticks to the last bit.
            significand |= u64::from(digit != 0);
            exponent = exponent.saturating_add(4);
        }
    }
    Some(Unpacked::new(negative, significand, exponent.clamp(-FAR, FAR) as i32))
}

/// The text of a number outside of f64's normal range; `None` for others, which print as f64s.
#[must_use]
#[inline]
pub fn hexadecimal(x: Unpacked, beyond_f64: bool) -> Option<impl Display> {
    let outside = beyond_f64 && x.is_finite() && !x.is_zero() && !x.to_f64().is_normal();
    outside.then_some(Hexadecimal(x))
}

/// `-0x1.8p-1100`: all of a number that is not zero.
struct Hexadecimal(Unpacked);

impl Display for Hexadecimal {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        f.write_str(if self.0.is_negative() { "-0x1" } else { "0x1" })?;
        let mut fraction = self.0.aligned() << 1;
        if fraction != 0 {
            f.write_char('.')?;
        }
        while fraction != 0 {
            write!(f, "{:x}", fraction >> 60)?;
            fraction <<= 4;
        }
        write!(f, "p{:+}", self.0.log2())
    }
}

/// The digits of a decimal number, without leading zeros: `0.d1 d2 d3 … · 10^exponent`.
struct DecimalDigits<'a> {
    digits: &'a str,
    exponent: i64,
}

impl<'a> DecimalDigits<'a> {
    /// `None` for infinities and NaN. The text is known to be a number.
    fn new(text: &'a str) -> Option<Self> {
        let text = text.trim_start_matches(['+', '-']);
        if !text.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return None;
        }
        let (digits, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let power = power.parse::<i64>().unwrap_or(if power.starts_with('-') {
            i64::MIN / 2
        } else {
            i64::MAX / 2
        });
        let before_point = digits.find('.').unwrap_or(digits.len()) as i64;
        let start = digits.find(|c: char| c.is_ascii_digit() && c != '0').unwrap_or(digits.len());
        // A digit behind the point stands one place further right in the text than its weight says.
        let place = if start as i64 > before_point { start as i64 - 1 } else { start as i64 };
        Some(Self {
            digits: &digits[start..],
            exponent: power.saturating_add(before_point - place),
        })
    }

    fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// The number with a sticky last bit, if 256 bits tell it from every one of 63.
    fn number(&self, negative: bool) -> Option<Unpacked> {
        /// 10^±40000 is beyond every format.
        const LARGEST: i64 = 40_000;
        if self.exponent.abs() > LARGEST {
            return Some(Unpacked::new(
                negative,
                3,
                if self.exponent > 0 { FAR as i32 } else { -FAR as i32 },
            ));
        }
        let power = |base: u64, mut exponent: u64| {
            let (mut power, mut square) = (Ball::<4>::integer(1), Ball::integer(base));
            while exponent > 0 {
                if exponent & 1 == 1 {
                    power = power.mul(&square);
                }
                square = square.mul(&square);
                exponent >>= 1;
            }
            power
        };
        // 76 digits take 253 bits.
        let (mut count, mut significand, mut digits) =
            (0, Ball::ZERO, self.digits.bytes().filter(u8::is_ascii_digit));
        let ten = Ball::integer(10);
        for digit in digits.by_ref().take(76) {
            significand = significand.mul(&ten).add(&Ball::integer(u64::from(digit - b'0')));
            count += 1;
        }
        if digits.any(|digit| digit != b'0') {
            significand = significand.hull(&significand.add(&Ball::integer(1)));
        }
        let scale = self.exponent - count;
        let fives = power(5, scale.unsigned_abs());
        let ball = if scale < 0 { significand.div(&fives) } else { significand.mul(&fives) };
        let ball = ball.scale(scale);
        (if negative { ball.negate() } else { ball }).settle()
    }

    fn compare(&self, value: f64) -> Ordering {
        // The longest exact f64 has 767 significant digits.
        let mut against = Against {
            digits: self.digits.bytes().filter(u8::is_ascii_digit),
            order: Ordering::Equal,
            in_exponent: false,
            exponent: 0,
            sign: 1,
        };
        let written = write!(against, "{value:.780e}");
        debug_assert!(written.is_ok());
        let exponent = against.sign * against.exponent + 1;
        self.exponent.cmp(&exponent).then(against.order).then_with(|| {
            if against.digits.any(|digit| digit != b'0') {
                Ordering::Greater
            } else {
                Ordering::Equal
            }
        })
    }
}

/// Compares digits with what is written to it, in scientific notation, as it comes.
struct Against<I> {
    digits: I,
    order: Ordering,
    in_exponent: bool,
    exponent: i64,
    sign: i64,
}

impl<I: Iterator<Item = u8>> Write for Against<I> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for byte in text.bytes() {
            match byte {
                b'e' => self.in_exponent = true,
                b'-' => self.sign = -1,
                b'0'..=b'9' if self.in_exponent => {
                    self.exponent = 10 * self.exponent + i64::from(byte - b'0');
                }
                b'0'..=b'9' => {
                    self.order = self.order.then(self.digits.next().unwrap_or(b'0').cmp(&byte));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

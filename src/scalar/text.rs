//! Decimal text to an exact (or sticky) number, so that parsing is one rounding.

use crate::codec::Unpacked;
use core::cmp::Ordering;
use core::fmt::Write;

/// Text that is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a decimal number, `inf` or `NaN`")]
pub struct ParseError(());

impl ParseError {
    /// A number to another base than ten was asked for.
    #[cfg(feature = "num-traits")]
    pub(super) const NOT_DECIMAL: Self = Self(());
}

/// The number that a text means. What f64 cannot hold exactly keeps its place between two f64: two bits below the last tell on which
/// side of the nearest f64 it lies, which is all that a rounding to 32 bits or fewer can ask. Beyond the range of f64 it is a number
/// that is as far out.
pub fn parse(text: &str) -> Result<Unpacked, ParseError> {
    let near: f64 = text.parse().map_err(|_| ParseError(()))?;
    let negative = near.is_sign_negative();
    let digits = Decimal::new(text);
    let Some(digits) = digits else {
        return Ok(if near.is_nan() { Unpacked::NAN } else { Unpacked::infinity(negative) });
    };
    if digits.is_zero() {
        return Ok(Unpacked::zero(negative));
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

/// The digits of a decimal number, without leading zeros: `0.d1 d2 d3 … · 10^exponent`.
struct Decimal<'a> {
    digits: &'a str,
    exponent: i64,
}

impl<'a> Decimal<'a> {
    /// `None` for infinities and NaN. The text is known to be a number.
    fn new(text: &'a str) -> Option<Self> {
        let text = text.trim_start_matches(['+', '-']);
        if !text.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return None;
        }
        let (digits, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let power = power.parse::<i64>().unwrap_or(if power.starts_with('-') { i64::MIN / 2 } else { i64::MAX / 2 });
        let before_point = digits.find('.').unwrap_or(digits.len()) as i64;
        let start = digits.find(|c: char| c.is_ascii_digit() && c != '0').unwrap_or(digits.len());
        // A digit behind the point stands one place further right in the text than its weight says.
        let place = if start as i64 > before_point { start as i64 - 1 } else { start as i64 };
        Some(Self { digits: &digits[start..], exponent: power.saturating_add(before_point - place) })
    }

    fn is_zero(&self) -> bool {
        self.digits.is_empty()
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
        self.exponent
            .cmp(&exponent)
            .then(against.order)
            .then_with(|| if against.digits.any(|digit| digit != b'0') { Ordering::Greater } else { Ordering::Equal })
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
                b'0'..=b'9' if self.in_exponent => self.exponent = 10 * self.exponent + i64::from(byte - b'0'),
                b'0'..=b'9' => self.order = self.order.then(self.digits.next().unwrap_or(b'0').cmp(&byte)),
                _ => {}
            }
        }
        Ok(())
    }
}

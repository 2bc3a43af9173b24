//! Exact numbers of the referees: an integer times a power of two.

use std::cmp::Ordering;

/// `significand · 2^exponent` with an odd significand (or zero), so that equal numbers are equal
/// structs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dyadic {
    pub(crate) significand: i128,
    pub(crate) exponent: i64,
}

impl Dyadic {
    pub(crate) const ZERO: Self = Self { significand: 0, exponent: 0 };

    pub(crate) fn new(significand: i128, exponent: i64) -> Self {
        if significand == 0 {
            return Self::ZERO;
        }
        let zeros = significand.trailing_zeros();
        Self { significand: significand >> zeros, exponent: exponent + i64::from(zeros) }
    }

    pub(crate) fn of_f32_bits(bits: u32) -> Self {
        let magnitude = Self::of_ieee_magnitude(u64::from(bits & 0x7FFF_FFFF), 23, -149);
        if bits >> 31 == 1 { magnitude.negated() } else { magnitude }
    }

    /// The magnitude with these bits (no sign) in an IEEE format with subnormal unit `2^unit`.
    pub(crate) fn of_ieee_magnitude(bits: u64, mantissa_bits: u32, unit: i64) -> Self {
        let (field, fraction) = (bits >> mantissa_bits, bits & ((1 << mantissa_bits) - 1));
        if field == 0 {
            Self::new(i128::from(fraction), unit)
        } else {
            Self::new(i128::from(fraction | 1 << mantissa_bits), unit + field as i64 - 1)
        }
    }

    /// The bits of the nearest number not above this magnitude in an IEEE format, at most
    /// `largest`.
    pub(crate) fn truncated_to_ieee(self, mantissa_bits: u32, unit: i64, largest: u64) -> u64 {
        if self.significand == 0 {
            return 0;
        }
        let top = self.log2();
        let last = (top - i64::from(mantissa_bits)).max(unit);
        let binade = last - unit;
        if binade > (largest >> mantissa_bits) as i64 {
            return largest;
        }
        let shift = self.exponent - last;
        let count = match shift {
            0.. => self.significand << shift,
            -127..=-1 => self.significand >> -shift,
            _ => 0,
        };
        // A count with its top bit in place adds the 1 that the exponent field of a normal number
        // has.
        (((binade as u64) << mantissa_bits) + count as u64).min(largest)
    }

    pub(crate) fn negated(self) -> Self {
        Self { significand: -self.significand, ..self }
    }

    pub(crate) fn scaled(self, by: i64) -> Self {
        Self::new(self.significand, self.exponent + by)
    }

    pub(crate) fn times(self, factor: i128) -> Self {
        Self::new(
            self.significand.checked_mul(factor).expect("the referee's integers are wide enough"),
            self.exponent,
        )
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        if self.significand == 0 || other.significand == 0 {
            return if self.significand == 0 { other } else { self };
        }
        let exponent = self.exponent.min(other.exponent);
        let [a, b] = [self, other].map(|x| {
            let shift = x.exponent - exponent;
            assert!(
                i64::from(128 - x.significand.unsigned_abs().leading_zeros()) + shift < 126,
                "{self:?} + {other:?}"
            );
            x.significand << shift
        });
        Self::new(a + b, exponent)
    }

    /// Exponent of the top bit of a number that is not zero.
    pub(crate) fn log2(self) -> i64 {
        self.exponent + 127 - i64::from(self.significand.unsigned_abs().leading_zeros())
    }
}

impl PartialOrd for Dyadic {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Dyadic {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = self.significand.signum();
        if sign != other.significand.signum() || sign == 0 {
            return sign.cmp(&other.significand.signum());
        }
        let magnitudes = self.log2().cmp(&other.log2()).then_with(|| {
            // Equal top bits: the exponents differ by no more than the widths of the significands.
            let exponent = self.exponent.min(other.exponent);
            let [a, b] =
                [self, other].map(|x| x.significand.unsigned_abs() << (x.exponent - exponent));
            a.cmp(&b)
        });
        if sign < 0 { magnitudes.reverse() } else { magnitudes }
    }
}

//! [`WideSum`]: exact sums for verification, the public side of [`Fixed`].

use super::fixed::{Fixed, LAST};
use crate::codec::{Encoded, Unpacked};
use crate::error::Error;
use crate::flags::Flags;
use crate::policy::Convert;
use crate::spec::FormatSpec;
use core::cmp::Ordering;

/// An exact sum of numbers and products of numbers: what a datapath is compared with before it
/// rounds. Nothing is rounded until [`encode`](Self::encode), which raises the flags of the one
/// rounding.
///
/// It has 1,024 bits, the last of them 2^-512: sums of products of any two f32s, and of any numbers
/// of formats whose exponents are no wider.
///
/// ```
/// use subhalf::{Flags, FormatSpec, Round, WideSum};
/// let (bf16, f32s) = (FormatSpec::BF16, FormatSpec::F32);
/// // 2^60 · 2^60 + 2^-60 · 2^-60 − 2^60 · 2^60: nothing is lost in between.
/// let [big, small] = [bf16.encode_f32(2f32.powi(60)), bf16.encode_f32(2f32.powi(-60))];
/// let minus = bf16.encode_f32(-(2f32.powi(60)));
/// let sum = WideSum::dot(&bf16, &[big, small, big], &bf16, &[big, small, minus])?;
/// assert_eq!(sum.exponent(), Some(-120));
/// let d = sum.encode(&f32s, &f32s.default_convert(), 0);
/// assert_eq!((f32s.decode_f32(d.code), d.flags), (2f32.powi(-120), Flags::NONE));
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct WideSum {
    sum: Fixed,
    invalid: bool,
}

impl Default for WideSum {
    fn default() -> Self {
        Self::ZERO
    }
}

/// The exponents that bits of a sum may have: room for 2^64 terms above.
const EXPONENTS: core::ops::RangeInclusive<i64> = LAST as i64..=400;

impl WideSum {
    /// The sum of nothing, +0.
    pub const ZERO: Self = Self { sum: Fixed::ZERO, invalid: false };

    /// The exact product of two numbers.
    ///
    /// # Errors
    /// [`Error::SpecRange`] for a product with bits below 2^-512 or above 2^400.
    pub fn product(a: Unpacked, b: Unpacked) -> Result<Self, Error> {
        let mut sum = Self::ZERO;
        sum.add_product(a, b)?;
        Ok(sum)
    }

    /// The exact sum of the products of two rows of codes.
    ///
    /// # Errors
    /// [`Error::Length`] for rows of different lengths, [`Error::SpecRange`] for a product with bits
    /// below 2^-512 or above 2^400.
    pub fn dot(a: &FormatSpec, x: &[u32], b: &FormatSpec, y: &[u32]) -> Result<Self, Error> {
        Error::check_length("codes of B", x.len(), y.len())?;
        let mut sum = Self::ZERO;
        for (x, y) in x.iter().zip(y) {
            sum.add_product(a.decode(*x), b.decode(*y))?;
        }
        Ok(sum)
    }

    /// Adds a number. Opposite infinities make NaN.
    ///
    /// # Errors
    /// [`Error::SpecRange`] for a number with bits below 2^-512 or above 2^400; the sum stays.
    pub fn add(&mut self, x: Unpacked) -> Result<(), Error> {
        self.add_product(x, Unpacked::ONE)
    }

    /// Adds a product, exactly: the fused multiply-add of a datapath without rounding. Zero times
    /// infinity makes NaN.
    ///
    /// # Errors
    /// [`Error::SpecRange`] for a product with bits below 2^-512 or above 2^400; the sum stays.
    pub fn add_product(&mut self, a: Unpacked, b: Unpacked) -> Result<(), Error> {
        let special = !a.is_finite() || !b.is_finite() || a.is_zero() || b.is_zero();
        if special {
            let product = crate::arith::product(a, b);
            self.invalid |= product.is_nan() && !a.is_nan() && !b.is_nan();
            self.invalid |= a.is_signaling() || b.is_signaling();
            self.invalid |= product.is_infinite() && self.sum.has_infinity(!product.is_negative());
            self.sum.add(product);
            return Ok(());
        }
        let exponent = i64::from(a.exponent()) + i64::from(b.exponent());
        let significand = u128::from(a.significand()) * u128::from(b.significand());
        let spare = significand.trailing_zeros();
        let (significand, exponent) = (significand >> spare, exponent + i64::from(spare));
        let top = exponent + 127 - i64::from(significand.leading_zeros());
        for found in [exponent, top] {
            if !EXPONENTS.contains(&found) {
                let (low, high) = (*EXPONENTS.start(), *EXPONENTS.end());
                let what = "exponent of a bit of an exact sum";
                return Err(Error::SpecRange { what, found, low, high });
            }
        }
        let negative = a.is_negative() != b.is_negative();
        self.sum.add_scaled(negative, significand, exponent as i32);
        Ok(())
    }

    /// Clears all bits below 2^`lsb`: cuts the magnitude toward zero.
    ///
    /// ```
    /// use subhalf::{FormatSpec, Unpacked, WideSum};
    /// let mut sum = WideSum::product(Unpacked::from_f32(-1.625), Unpacked::ONE)?;
    /// sum.truncate_to(-1);
    /// assert_eq!(FormatSpec::F32.decode_f32(sum.encode(&FormatSpec::F32,
    ///     &FormatSpec::F32.default_convert(), 0).code), -1.5);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    pub fn truncate_to(&mut self, lsb: i32) {
        self.sum.truncate_to(lsb);
    }

    /// `floor(log2(|x|))`; `None` for zero, infinity and NaN.
    #[must_use]
    pub fn exponent(&self) -> Option<i32> {
        let value = self.sum.value();
        (value.is_finite() && !value.is_zero()).then(|| value.log2() as i32)
    }

    /// The sum as a number, if its significand fits 64 bits; `None` rather than a rounded one.
    #[must_use]
    pub fn to_unpacked(&self) -> Option<Unpacked> {
        let value = self.sum.value();
        let mut rest = self.sum.clone();
        rest.add(value.negate());
        let exact = !value.is_finite() || rest.value().is_zero();
        exact.then_some(value)
    }

    /// Whether the sum is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.sum.value().is_negative()
    }

    /// The order of two sums, `None` if either is NaN.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        let (a, b) = (self.sum.value(), other.sum.value());
        if !a.is_finite() || !b.is_finite() {
            return a.compare(b);
        }
        let mut difference = self.sum.clone();
        difference.subtract(&other.sum);
        difference.value().compare(Unpacked::ZERO)
    }

    /// The code of the sum, rounded once under a policy; [`Flags::INVALID`] if operands were
    /// signalling NaNs, zero times infinity or opposite infinities. A sum of zero is +0, whatever
    /// its terms were: the sign that IEEE 754 gives a sum of two is
    /// [`mul_add_of`](FormatSpec::mul_add_of)'s.
    #[must_use]
    pub fn encode(&self, format: &FormatSpec, convert: &Convert, random: u32) -> Encoded {
        // 63 leading bits and a sticky one are enough for every rounding of formats up to 32 bits.
        let encoded = format.encode_with(self.sum.value(), convert, random);
        let invalid = if self.invalid { Flags::INVALID } else { Flags::NONE };
        Encoded { flags: encoded.flags.union(invalid), ..encoded }
    }
}

//! Products by addition (L-Mul, arXiv 2410.00907).

use super::{exp2, exponent};
use crate::error::Error;
use alloc::vec::Vec;

/// The offset's exponent l(m): m up to 3 bits, 3 for 4, 4 above.
const fn offset_exponent(mantissa_bits: u32) -> i32 {
    match mantissa_bits {
        0..=3 => mantissa_bits as i32,
        4 => 3,
        _ => 4,
    }
}

/// A linear-complexity multiplication for numbers of `m` mantissa bits (arXiv 2410.00907, eq. 2).
///
/// With `x = (1 + x_m) · 2^x_e` the paper writes `(1 + x_m + y_m + 2^−l(m)) · 2^(x_e + y_e)`, and
/// computes an addition of the fields, whose carry goes into the exponent. The two differ where the
/// mantissas add up to 1 or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LMul {
    /// The formula as written: the sum of the mantissas stays in front of the power of two.
    Formula,
    /// The addition of exponent and mantissa fields as one integer.
    Fields,
}

impl LMul {
    /// Returns the product of two numbers whose mantissas are first cut to `mantissa_bits` bits by
    /// rounding to nearest even. A zero or subnormal f32 makes zero; infinities and NaN multiply as
    /// usual. The exponent has no bounds but f64's.
    ///
    /// ```
    /// use subhalf::recipe::LMul;
    /// assert_eq!(LMul::Fields.product(1.75, 1.75, 3), 3.25); // exactly 3.0625
    /// assert_eq!(LMul::Formula.product(1.75, 1.75, 3), 2.625);
    /// assert_eq!(LMul::Fields.product(1.5, -1.25, 3), -1.875);
    /// ```
    #[must_use]
    pub fn product(self, x: f32, y: f32, mantissa_bits: u32) -> f64 {
        if !x.is_normal() || !y.is_normal() {
            let flush = |x: f32| if x.is_subnormal() { 0.0 } else { f64::from(x) };
            return flush(x) * flush(y);
        }
        let m = mantissa_bits.min(23);
        // Exponent and fraction of a magnitude, rounded; a carry leaves fraction 0.
        let parts = |x: f32| {
            let e = exponent(x);
            let scaled = (f64::from(x.abs()) * exp2(m as i32 - e)).round_ties_even();
            let significand = scaled * exp2(-(m as i32));
            if significand >= 2.0 { (e + 1, 0.0) } else { (e, significand - 1.0) }
        };
        let ((xe, xm), (ye, ym)) = (parts(x), parts(y));
        let sum = xm + ym + exp2(-offset_exponent(m));
        let magnitude = match self {
            Self::Fields if sum >= 2.0 => 4.0 * (sum - 1.0),
            Self::Fields if sum >= 1.0 => 2.0 * sum,
            Self::Fields | Self::Formula => 1.0 + sum,
        };
        let negative = x.is_sign_negative() != y.is_sign_negative();
        let magnitude = magnitude * exp2(xe + ye);
        if negative { -magnitude } else { magnitude }
    }

    /// Returns `A · Bᵀ` with this product, `A` `m × k` and `B` `n × k`, row-major; sums are f32, k
    /// in order.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] for operands without such rows, or rows of two lengths.
    pub fn matmul(
        self,
        a: &[f32],
        m: usize,
        b: &[f32],
        n: usize,
        mantissa_bits: u32,
    ) -> Result<Vec<f32>, Error> {
        let k = super::columns("numbers of A", a.len(), m)?;
        Error::check_length("numbers of B", n * k, b.len())?;
        let dot = |a: &[f32], b: &[f32]| {
            a.iter()
                .zip(b)
                .fold(0.0f32, |sum, (x, y)| sum + self.product(*x, *y, mantissa_bits) as f32)
        };
        let rows = a.chunks(k.max(1));
        Ok(rows.flat_map(|a| b.chunks(k.max(1)).map(move |b| dot(a, b))).collect())
    }
}

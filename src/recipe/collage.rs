//! Sums of two BF16 numbers as one (Collage, arXiv 2405.03637), and sums with a carry.

use crate::spec::FormatSpec;

/// Rounds to BF16, nearest even.
fn bf16(x: f32) -> f32 {
    FormatSpec::BF16.decode_f32(FormatSpec::BF16.encode_f32(x))
}

/// `a + b` in BF16. f32 has more than twice BF16's 8 bits and two more, so the sum that it rounds
/// first is rounded to the same BF16 number as the exact one.
fn add(a: f32, b: f32) -> f32 {
    bf16(a + b)
}

/// `a · b + c` in BF16, for a product that f32 holds exactly: two BF16 numbers', unless it is below
/// 2^-126.
fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    bf16(a * b + c)
}

/// The sum of two numbers and its rounding error, both BF16, for `|a| ≥ |b|` (`Fast2Sum`).
fn fast_two_sum(a: f32, b: f32) -> (f32, f32) {
    let x = add(a, b);
    (x, add(b, -add(x, -a)))
}

/// A number as a sum of two BF16 numbers, `high + low`, that do not overlap (Collage's
/// multi-component float of length 2, arXiv 2405.03637, 3). All operations round to BF16, nearest
/// even.
///
/// They follow the paper's equations: in what was published as code the product overwrites an
/// operand of its own error term.
///
/// ```
/// use subhalf::recipe::Bf16Pair;
/// let mut sum = Bf16Pair::new(200.0);
/// for _ in 0..20 {
///     sum = sum.grow(0.1); // BF16 alone stays at 200
/// }
/// assert_eq!((sum.high(), sum.low()), (202.0, -0.0009765625));
/// assert_eq!(Bf16Pair::new(0.999).to_f64(), 0.9990005493164062);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bf16Pair {
    high: f32,
    low: f32,
}

impl Bf16Pair {
    /// Returns the pair nearest to a number: its BF16, and the BF16 of what is left.
    #[must_use]
    pub fn new(x: f32) -> Self {
        let high = bf16(x);
        Self { high, low: bf16(x - high) }
    }

    /// Returns the larger part.
    #[must_use]
    pub const fn high(self) -> f32 {
        self.high
    }

    /// Returns the smaller part.
    #[must_use]
    pub const fn low(self) -> f32 {
        self.low
    }

    /// Returns the sum of both parts, exactly unless their exponents are 45 apart or more.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        f64::from(self.high) + f64::from(self.low)
    }

    /// Adds a number, rounded to BF16 first (Grow): `(u, v) = Fast2Sum(high, a)`, then
    /// `Fast2Sum(u, low + v)`. As the equations ask, the number is not larger than the pair.
    #[must_use]
    pub fn grow(self, a: f32) -> Self {
        let (u, v) = fast_two_sum(self.high, bf16(a));
        let (high, low) = fast_two_sum(u, add(self.low, v));
        Self { high, low }
    }

    /// Multiplies by a pair: `x = a₁b₁`, its error by a fused multiply-add, plus `a₁b₂ + a₂b₁`,
    /// then `Fast2Sum`.
    #[must_use]
    pub fn multiply(self, other: Self) -> Self {
        let x = multiply_add(self.high, other.high, 0.0);
        let error = multiply_add(self.high, other.high, -x);
        let cross =
            add(multiply_add(self.high, other.low, 0.0), multiply_add(self.low, other.high, 0.0));
        let (high, low) = fast_two_sum(x, add(error, cross));
        Self { high, low }
    }
}

/// A running sum in a format with its rounding error carried to the next term (Kahan): sum and
/// carry are numbers of the format, every operation is rounded to it.
///
/// ```text
/// y = x + carry      t = sum + y      carry = (large − t) + small of sum and y      sum = t
/// ```
///
/// The exact sums are those of f64, so the format has at most 25 significant bits: 2 · 25 + 2 ≤ 53.
///
/// ```
/// use subhalf::{FormatSpec, recipe::Compensated};
/// let mut sum = Compensated::new(FormatSpec::BF16);
/// for _ in 0..4096 {
///     sum.add(0.01);
/// }
/// let term = f64::from(FormatSpec::BF16.decode_f32(FormatSpec::BF16.encode_f32(0.01)));
/// assert!((sum.value() - 4096.0 * term).abs() < 0.2); // without the carry it stays at 4
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compensated {
    format: FormatSpec,
    sum: f64,
    carry: f64,
}

impl Compensated {
    /// Starts from zero.
    #[must_use]
    pub const fn new(format: FormatSpec) -> Self {
        Self { format, sum: 0.0, carry: 0.0 }
    }

    fn round(&self, x: f64) -> f64 {
        self.format.decode(self.format.encode_f64(x)).to_f64()
    }

    /// Adds a number, rounded to the format first.
    pub fn add(&mut self, x: f64) {
        let y = self.round(self.round(x) + self.carry);
        let total = self.round(self.sum + y);
        // The larger operand loses no bits in the difference.
        let (large, small) = if self.sum.abs() >= y.abs() { (self.sum, y) } else { (y, self.sum) };
        self.carry = self.round(self.round(large - total) + small);
        self.sum = total;
    }

    /// Returns sum and carry, added in f64.
    #[must_use]
    pub const fn value(&self) -> f64 {
        self.sum + self.carry
    }
}

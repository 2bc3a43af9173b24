//! Exact sums: digits of 32 bits from 2^-576 on, each with a sign and room for carries of its own.

const DIGITS: usize = 40;
const LAST: i32 = -576;

#[derive(Clone)]
pub(super) struct Big([i64; DIGITS]);

impl Big {
    pub(super) const ZERO: Self = Self([0; DIGITS]);

    /// Adds `x · 2^exponent`.
    pub(super) fn add(&mut self, x: i128, exponent: i32) {
        let position = (exponent - LAST) as usize;
        let (mut digit, mut rest, sign) =
            (position / 32, x.unsigned_abs(), if x < 0 { -1 } else { 1 });
        let mut shift = position % 32;
        while rest != 0 {
            let bits = 32 - shift;
            self.0[digit] += sign * (((rest & ((1 << bits) - 1)) as i64) << shift);
            (rest, digit, shift) = (rest >> bits, digit + 1, 0);
        }
        if self.0.iter().any(|digit| digit.abs() > 1 << 60) {
            self.carry();
        }
    }

    /// Adds the product of finite numbers.
    pub(super) fn add_product(&mut self, factors: &[f64]) {
        let (mut product, mut exponent) = (1i128, 0);
        for factor in factors {
            let (significand, own) = parts(*factor);
            product = product.checked_mul(significand.into()).expect("127 bits are enough");
            exponent += own;
        }
        self.add(product, exponent);
    }

    fn carry(&mut self) {
        let mut carry = 0;
        for digit in &mut self.0[..DIGITS - 1] {
            let sum = *digit + carry;
            (*digit, carry) = (sum & 0xFFFF_FFFF, sum >> 32);
        }
        self.0[DIGITS - 1] += carry;
    }

    fn sign(&self) -> i32 {
        let mut sum = self.clone();
        sum.carry();
        let top = sum.0[DIGITS - 1];
        if top < 0 { -1 } else { i32::from(sum.0.iter().any(|digit| *digit != 0)) }
    }

    /// Whether the sum exceeds (1), equals (0) or is below (−1) a number.
    fn compare(&self, x: f64) -> i32 {
        let mut difference = self.clone();
        let (significand, exponent) = parts(x);
        difference.add(-i128::from(significand), exponent);
        difference.sign()
    }

    /// The nearest f32, ties to even, found by search between neighbours; zero is +0.
    pub(super) fn nearest(&self) -> f32 {
        let sign = self.sign();
        if sign == 0 {
            return 0.0;
        }
        let value =
            |bits: u32| if bits == 0x7F80_0000 { 2f64.powi(128) } else { f64::from(f32::from_bits(bits)) } * f64::from(sign);
        // The largest magnitude that is not above the sum's.
        let (mut low, mut high) = (0, 0x7F80_0000);
        while high - low > 1 {
            let middle = (low + high) / 2;
            (low, high) = if self.compare(value(middle)) * sign >= 0 {
                (middle, high)
            } else {
                (low, middle)
            };
        }
        let midpoint = (value(low) + value(high)) / 2.0;
        let bits = match self.compare(midpoint) * sign {
            1 => high,
            0 => low + (low & 1),
            _ => low,
        };
        f32::from_bits(bits).copysign(if sign < 0 { -1.0 } else { 1.0 })
    }
}

/// A finite number as an integer times a power of two.
fn parts(x: f64) -> (i64, i32) {
    let bits = x.to_bits();
    let (field, mantissa) = ((bits >> 52 & 0x7FF) as i32, (bits & ((1 << 52) - 1)) as i64);
    let significand = if field == 0 { mantissa } else { mantissa | 1 << 52 };
    let zeros = significand.trailing_zeros().min(52);
    ((significand >> zeros) * if x < 0.0 { -1 } else { 1 }, field.max(1) - 1075 + zeros as i32)
}

#[test]
fn the_referee_rounds_to_nearest() {
    let nearest = |terms: &[f64]| {
        let mut sum = Big::ZERO;
        terms.iter().for_each(|x| sum.add_product(&[*x]));
        sum.nearest()
    };
    assert_eq!(nearest(&[1.0, 2f64.powi(-24)]), 1.0);
    assert_eq!(nearest(&[1.0, 2f64.powi(-24), 2f64.powi(-500)]), 1.0 + f32::EPSILON);
    assert_eq!(nearest(&[-1.0, -(2f64.powi(-23) * 1.5)]), -1.0 - 2.0 * f32::EPSILON);
    assert_eq!(nearest(&[2f64.powi(200), -(2f64.powi(200)), 2f64.powi(-150) * 1.5]).to_bits(), 1);
    assert_eq!(nearest(&[f64::from(f32::MAX), 2f64.powi(102)]), f32::MAX);
    assert_eq!(nearest(&[f64::from(f32::MAX), 2f64.powi(103)]), f32::INFINITY);
    assert_eq!(nearest(&[1.0, -1.0]).to_bits(), 0);
    let mut product = Big::ZERO;
    product.add_product(&[-3.0, 2f64.powi(-149), 2f64.powi(-149)]);
    product.add_product(&[3.0, 2f64.powi(-298)]);
    assert_eq!(product.sign(), 0);
}

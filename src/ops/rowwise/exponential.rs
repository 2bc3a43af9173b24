//! `e^x` by additions and multiplications of f64s alone, so that no processor and no library of
//! mathematics changes a bit.
//!
//! ```text
//! n = x / ln 2, to the nearest integer
//! r = x - n · ln 2                 |r| <= 0.347; ln 2 in two parts, the upper of 32 bits, so that
//!                                  n times it is exact for |n| < 2^20
//! e^r = 1 + r + … + r^13 / 13!     the rest is below 4e-18
//! e^x = e^r · 2^n
//! ```

/// The upper 32 bits of ln 2, and what is left of it.
const LN_2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// Reciprocals of factorials, from 1/13! to 1/0!.
const COEFFICIENTS: [f64; 14] = {
    let (mut coefficients, mut factorial, mut k) = ([1.0; 14], 1.0, 1);
    while k < 14 {
        // 13! has 33 bits: exact.
        factorial *= k as f64;
        coefficients[13 - k] = 1.0 / factorial;
        k += 1;
    }
    coefficients
};

/// Numbers beyond which the power is 0 or infinity in every f64.
const FAR: f64 = 800.0;

/// `e^x` as a number from 0.7 to 1.42 and a power of two, however large or small it is; 0 with the
/// exponent 0 for minus infinity, NaN for NaN and plus infinity.
pub(super) fn extended(x: f64) -> (f64, f64) {
    // Adding 1.5 · 2^52 rounds to an integer, ties to even; what is larger is one.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    if x == f64::NEG_INFINITY {
        return (0.0, 0.0);
    }
    let quotient = x * core::f64::consts::LOG2_E;
    let n = if quotient.abs() < SHIFT / 4.0 { quotient + SHIFT - SHIFT } else { quotient };
    // Beyond 2^20 the first product is rounded, and far beyond nothing of the remainder is left:
    // neighbours among such numbers are many powers of two apart.
    let r = ((x - n * LN_2_HIGH) - n * LN_2_LOW).clamp(-0.35, 0.35);
    (COEFFICIENTS.iter().fold(0.0, |sum, coefficient| sum * r + coefficient), n)
}

/// `e^x`, within two units in the last place.
pub(super) fn exp(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    let (mantissa, n) = extended(x.clamp(-FAR, FAR));
    shifted(mantissa, n)
}

/// `x · 2^n` with an integer `n`: rounded once where the result is a normal number.
pub(super) fn shifted(x: f64, n: f64) -> f64 {
    let power = |n: i32| f64::from_bits(((n + 1023) as u64) << 52);
    // Two factors within the normal numbers; what is beyond both is 0 or infinite anyway.
    let n = n.clamp(-2040.0, 2040.0) as i32;
    x * power(n / 2) * power(n - n / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_the_standard_library_within_two_units() {
        for i in -7_000..7_000 {
            let x = f64::from(i) * 0.1003;
            let (own, other) = (exp(x), x.exp());
            let units = own.to_bits().abs_diff(other.to_bits());
            assert!(units <= 2 || other < f64::MIN_POSITIVE, "{x}: {own:e} {other:e}");
        }
        assert_eq!([exp(0.0), exp(-1e9), exp(f64::NEG_INFINITY)], [1.0, 0.0, 0.0]);
        assert_eq!([exp(1e9), exp(f64::INFINITY)], [f64::INFINITY; 2]);
        assert!(exp(f64::NAN).is_nan());
    }

    #[test]
    fn powers_with_an_exponent_of_their_own_have_no_bounds() {
        let (mantissa, n) = extended(200.0);
        assert_eq!(n, 289.0);
        assert!((mantissa - 0.7265).abs() < 1e-4);
        let (mantissa, n) = extended(-300_000.0);
        assert!((0.7..1.42).contains(&mantissa) && n == -432_809.0, "{mantissa} {n}");
        assert_eq!(extended(f64::NEG_INFINITY).0, 0.0);
        assert!(extended(f64::NAN).0.is_nan() && extended(f64::INFINITY).0.is_nan());
        assert!((0.7..1.42).contains(&extended(1e300).0) && extended(1e300).1 > 1e300);
    }
}

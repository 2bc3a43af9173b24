//! Constant integer helpers. This module knows nothing about formats.

/// The one NaN that f32 results have.
pub(crate) const F32_NAN: f32 = f32::from_bits(0x7FC0_0000);

/// A magnitude divided by a power of two: the integer part, and what was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Split {
    /// The integer part.
    pub(crate) floor: u64,
    /// The first 64 bits of the fraction, most significant first: one half is `1 << 63`.
    pub(crate) fraction: u64,
    /// Whether anything but zeros follows those 64 bits.
    pub(crate) sticky: bool,
}

/// `significand / 2^drop`, exactly. A negative `drop`, above −64, multiplies; the caller makes sure
/// that the product fits, or wants its low bits alone.
pub(crate) const fn split(significand: u64, drop: i64) -> Split {
    if drop <= 0 {
        return Split { floor: significand << -drop, fraction: 0, sticky: false };
    }
    if drop < 64 {
        return Split {
            floor: significand >> drop,
            fraction: significand << (64 - drop),
            sticky: false,
        };
    }
    let below = drop - 64;
    if below >= 64 {
        return Split { floor: 0, fraction: 0, sticky: significand != 0 };
    }
    let fraction = significand >> below;
    Split { floor: 0, fraction, sticky: fraction << below != significand }
}

/// `2^count - 1` for `count` in `0..=64`.
pub(crate) const fn low_mask(count: u32) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// Position of the highest set bit of a nonzero number.
pub(crate) const fn top_bit(x: u64) -> i64 {
    63 - x.leading_zeros() as i64
}

/// A code in 32 bits: the float family alone works in 64, for the sake of f64.
pub(crate) const fn narrow(code: Option<u64>) -> Option<u32> {
    match code {
        Some(code) => Some(code as u32),
        None => None,
    }
}

/// `Option::unwrap_or` in constants.
pub(crate) const fn or(code: Option<u32>, otherwise: u32) -> u32 {
    match code {
        Some(code) => code,
        None => otherwise,
    }
}

/// `x + y`, rounded to odd: where it is not exact, the neighbour whose last bit is set. A second
/// rounding to 51 bits or fewer then comes out as from the exact sum. The numbers are below 2^1022.
#[cfg(any(feature = "matmul", all(feature = "alloc", not(feature = "std"))))]
#[inline(always)]
pub(crate) fn odd_sum(x: f64, y: f64) -> f64 {
    let sum = x + y;
    let part = sum - x;
    // Knuth's two-sum: the error is exact.
    let error = (x - (sum - part)) + (y - part);
    let bits = sum.to_bits();
    let toward = if (error > 0.0) == (sum > 0.0) { 1 } else { -1 };
    if error.abs() > 0.0 && bits & 1 == 0 {
        f64::from_bits(bits.wrapping_add_signed(toward))
    } else {
        sum
    }
}

/// `a · b + c`, rounded once, by the instruction of machines that all have one.
#[cfg(all(
    feature = "matmul",
    feature = "std",
    any(target_arch = "aarch64", target_feature = "fma")
))]
#[inline(always)]
pub(crate) fn fma_f32(a: f32, b: f32, c: f32) -> f32 {
    a.mul_add(b, c)
}

/// `a · b + c`, rounded once, without the help of a library: the product of two f32s is exact in
/// f64.
#[cfg(all(
    any(feature = "matmul", all(feature = "alloc", not(feature = "std"))),
    not(all(feature = "std", any(target_arch = "aarch64", target_feature = "fma")))
))]
#[inline(always)]
pub(crate) fn fma_f32(a: f32, b: f32, c: f32) -> f32 {
    odd_sum(f64::from(a) * f64::from(b), f64::from(c)) as f32
}

/// `a · b + c`, rounded once, for loops stamped for instruction sets with fused multiply-adds;
/// elsewhere a slow call.
#[cfg(feature = "alloc")]
#[inline(always)]
pub(crate) fn mul_add(a: f32, b: f32, c: f32) -> f32 {
    #[cfg(feature = "std")]
    return a.mul_add(b, c);
    #[cfg(not(feature = "std"))]
    return fma_f32(a, b, c);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_is_exact_around_the_word_edges() {
        assert_eq!(split(0b1011, 2), Split { floor: 2, fraction: 3 << 62, sticky: false });
        assert_eq!(split(0b1011, -2), Split { floor: 44, fraction: 0, sticky: false });
        assert_eq!(split(u64::MAX, 64), Split { floor: 0, fraction: u64::MAX, sticky: false });
        assert_eq!(split(3, 65), Split { floor: 0, fraction: 1, sticky: true });
        assert_eq!(split(4, 66), Split { floor: 0, fraction: 1, sticky: false });
        assert_eq!(split(1 << 63, 127), Split { floor: 0, fraction: 1, sticky: false });
        assert_eq!(split(1, 1000), Split { floor: 0, fraction: 0, sticky: true });
    }
}

//! [`Unpacked`]: an exact number on its way between formats. It owns comparison; how formats read
//! and write it is in the files beside.

use crate::bits::top_bit;
use core::cmp::Ordering;
use core::num::FpCategory;

/// An exact number: `±significand · 2^exponent`, or an infinity or NaN. Every conversion in the
/// crate is one rounding of one of these, so nothing is ever rounded twice.
///
/// Numbers keep the scale of the format they come from: the smallest subnormal of E4M3 is
/// `1 · 2^-9`, 1.0 is `8 · 2^-3`. Comparison is by value, as for f64: NaN differs from itself, −0
/// equals +0.
///
/// ```
/// use subhalf::{FormatSpec, Unpacked};
/// let one = FormatSpec::F8E4M3.decode(0x38);
/// assert_eq!((one.significand(), one.exponent()), (8, -3));
/// assert_eq!(one, Unpacked::from_f64(1.0));
/// assert_eq!(one.to_string(), "8·2^-3");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Unpacked {
    negative: bool,
    significand: u64,
    exponent: i32,
    class: FpCategory,
}

/// The quiet bit of a NaN whose payload is held left-aligned in the significand.
const QUIET: u64 = 1 << 63;

impl Unpacked {
    /// The number +0: significand 0, exponent 0, no sign.
    pub const ZERO: Self = Self::zero(false);
    /// The number 1: significand 1, exponent 0.
    pub const ONE: Self = Self::new(false, 1, 0);
    /// The positive quiet NaN without payload.
    pub const NAN: Self = Self::nan(false, QUIET);

    /// `±significand · 2^exponent`; a zero keeps its sign.
    #[must_use]
    pub const fn new(negative: bool, significand: u64, exponent: i32) -> Self {
        Self::with_class(negative, significand, exponent, FpCategory::Normal)
    }

    /// Zero: −0 if `negative`, else +0.
    #[must_use]
    pub const fn zero(negative: bool) -> Self {
        Self { negative, significand: 0, exponent: 0, class: FpCategory::Zero }
    }

    /// Infinity: minus infinity if `negative`, else plus infinity.
    #[must_use]
    pub const fn infinity(negative: bool) -> Self {
        Self { negative, significand: 0, exponent: 0, class: FpCategory::Infinite }
    }

    /// A NaN: `payload` is left-aligned, so that its top bit is the quiet bit.
    pub(crate) const fn nan(negative: bool, payload: u64) -> Self {
        Self { negative, significand: payload, exponent: 0, class: FpCategory::Nan }
    }

    /// `±significand · 2^exponent`, said to be normal or subnormal in its format; a zero keeps its
    /// sign.
    pub(crate) const fn with_class(
        negative: bool,
        significand: u64,
        exponent: i32,
        class: FpCategory,
    ) -> Self {
        if significand == 0 {
            Self::zero(negative)
        } else {
            Self { negative, significand, exponent, class }
        }
    }

    /// Whether the sign is minus (also of zero and NaN).
    #[must_use]
    #[inline]
    pub const fn is_negative(self) -> bool {
        self.negative
    }

    /// The integer that the power of two scales; 0 unless the number is finite and nonzero.
    #[must_use]
    #[inline]
    pub const fn significand(self) -> u64 {
        if self.is_nan() { 0 } else { self.significand }
    }

    /// The exponent of the significand's last bit; 0 unless the number is finite and nonzero.
    #[must_use]
    #[inline]
    pub const fn exponent(self) -> i32 {
        self.exponent
    }

    /// Zero, subnormal or normal in the format it came from, infinite, or NaN.
    #[must_use]
    #[inline]
    pub const fn class(self) -> FpCategory {
        self.class
    }

    /// Whether this is NaN.
    #[must_use]
    #[inline]
    pub const fn is_nan(self) -> bool {
        matches!(self.class, FpCategory::Nan)
    }

    /// Whether this is plus or minus infinity.
    #[must_use]
    #[inline]
    pub const fn is_infinite(self) -> bool {
        matches!(self.class, FpCategory::Infinite)
    }

    /// Whether this is neither infinite nor NaN.
    #[must_use]
    #[inline]
    pub const fn is_finite(self) -> bool {
        !self.is_nan() && !self.is_infinite()
    }

    /// Whether this is plus or minus zero.
    #[must_use]
    #[inline]
    pub const fn is_zero(self) -> bool {
        matches!(self.class, FpCategory::Zero)
    }

    /// Whether this is a NaN whose quiet bit is clear.
    #[must_use]
    #[inline]
    pub const fn is_signaling(self) -> bool {
        self.is_nan() && self.significand & QUIET == 0
    }

    /// A NaN with its quiet bit set.
    pub(crate) const fn quiet(self) -> Self {
        Self::nan(self.negative, self.significand | QUIET)
    }

    /// The payload of a NaN, left-aligned, quiet bit first.
    pub(crate) const fn payload(self) -> u64 {
        self.significand
    }

    /// The number with the other sign.
    #[must_use]
    #[inline]
    pub const fn negate(mut self) -> Self {
        self.negative = !self.negative;
        self
    }

    /// The number with a plus sign.
    #[must_use]
    #[inline]
    pub const fn magnitude(mut self) -> Self {
        self.negative = false;
        self
    }

    /// `floor(log2(|x|))` of a finite nonzero number.
    pub(crate) const fn log2(self) -> i64 {
        self.exponent as i64 + top_bit(self.significand)
    }

    /// The order of two magnitudes; NaN is not a magnitude.
    pub(crate) const fn cmp_magnitude(self, other: Self) -> Ordering {
        match (self.class, other.class) {
            (FpCategory::Infinite, FpCategory::Infinite) | (FpCategory::Zero, FpCategory::Zero) => {
                Ordering::Equal
            }
            (FpCategory::Infinite, _) | (_, FpCategory::Zero) => Ordering::Greater,
            (_, FpCategory::Infinite) | (FpCategory::Zero, _) => Ordering::Less,
            _ => {
                let (a, b) = (self.log2(), other.log2());
                if a != b {
                    return if a < b { Ordering::Less } else { Ordering::Greater };
                }
                let (a, b) = (self.aligned(), other.aligned());
                if a < b {
                    Ordering::Less
                } else if a == b {
                    Ordering::Equal
                } else {
                    Ordering::Greater
                }
            }
        }
    }

    /// `|self - other|` of two finite numbers, where it fits 64 significant bits without its
    /// trailing zeros.
    pub(crate) const fn distance(self, other: Self) -> Option<Self> {
        if !self.is_finite() || !other.is_finite() {
            return None;
        }
        let scale = match (self.is_zero(), other.is_zero()) {
            (true, _) => other.exponent,
            (_, true) => self.exponent,
            _ if self.exponent < other.exponent => self.exponent,
            _ => other.exponent,
        };
        let (Some(a), Some(b)) = (self.in_units(scale), other.in_units(scale)) else { return None };
        let difference = (a - b).unsigned_abs();
        if difference == 0 {
            return Some(Self::ZERO);
        }
        let zeros = difference.trailing_zeros();
        if difference >> zeros > u64::MAX as u128 {
            return None;
        }
        Some(Self::new(false, (difference >> zeros) as u64, scale + zeros as i32))
    }

    /// The number as a multiple of `2^scale`, which must not exceed its own scale.
    const fn in_units(self, scale: i32) -> Option<i128> {
        if self.is_zero() {
            return Some(0);
        }
        let shift = self.exponent as i64 - scale as i64;
        if shift > 62 {
            return None;
        }
        let count = (self.significand as i128) << shift;
        Some(if self.negative { -count } else { count })
    }

    /// The significand with its top bit in bit 63.
    pub(crate) const fn aligned(self) -> u64 {
        self.significand << self.significand.leading_zeros()
    }

    /// The order of two values, `None` if either is NaN. `const`, unlike `partial_cmp`.
    #[must_use]
    pub const fn compare(self, other: Self) -> Option<Ordering> {
        if self.is_nan() || other.is_nan() {
            return None;
        }
        let both_zero = self.is_zero() && other.is_zero();
        Some(match (self.negative, other.negative) {
            _ if both_zero => Ordering::Equal,
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.cmp_magnitude(other),
            (true, true) => other.cmp_magnitude(self),
        })
    }
}

impl PartialEq for Unpacked {
    fn eq(&self, other: &Self) -> bool {
        self.compare(*other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Unpacked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.compare(*other)
    }
}

/// `-8·2^-3`, `0`, `inf`, `NaN`.
impl core::fmt::Display for Unpacked {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        match self.class {
            FpCategory::Nan => f.write_str("NaN"),
            FpCategory::Infinite => write!(f, "{sign}inf"),
            FpCategory::Zero => write!(f, "{sign}0"),
            _ if self.exponent == 0 => write!(f, "{sign}{}", self.significand),
            _ => write!(f, "{sign}{}·2^{}", self.significand, self.exponent),
        }
    }
}

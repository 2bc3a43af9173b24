//! Exact numbers for the referees: an odd integer times a power of two. Nothing of the crate is
//! used but the accessors of [`Unpacked`].

use std::cmp::Ordering;
use std::num::FpCategory;
use subhalf::Unpacked;

/// What a code stands for, in one form for each value, so that `==` on it is exact (and tells −0
/// from +0, and NaN is NaN).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    Nan,
    Infinite {
        negative: bool,
    },
    Zero {
        negative: bool,
    },
    /// `±odd · 2^exponent`.
    Finite {
        negative: bool,
        odd: u64,
        exponent: i64,
    },
}

pub(crate) const ZERO: Number = Number::Zero { negative: false };
pub(crate) const NEGATIVE_ZERO: Number = Number::Zero { negative: true };
pub(crate) const INFINITY: Number = Number::Infinite { negative: false };
pub(crate) const NEGATIVE_INFINITY: Number = Number::Infinite { negative: true };

/// `2^exponent`.
pub(crate) fn power_of_two(exponent: i64) -> Number {
    Number::new(false, 1, exponent)
}

impl Number {
    /// `±significand · 2^exponent`.
    pub(crate) fn new(negative: bool, significand: u64, exponent: i64) -> Self {
        if significand == 0 {
            return Self::Zero { negative };
        }
        let zeros = significand.trailing_zeros();
        Self::Finite { negative, odd: significand >> zeros, exponent: exponent + i64::from(zeros) }
    }

    /// What the crate says a number is.
    pub(crate) fn of(x: Unpacked) -> Self {
        match x.class() {
            FpCategory::Nan => Self::Nan,
            FpCategory::Infinite => Self::Infinite { negative: x.is_negative() },
            FpCategory::Zero => Self::Zero { negative: x.is_negative() },
            FpCategory::Subnormal | FpCategory::Normal => {
                assert_ne!(x.significand(), 0, "a zero that calls itself {:?}", x.class());
                Self::new(x.is_negative(), x.significand(), i64::from(x.exponent()))
            }
        }
    }

    /// The value of an f64, for tables that are easier to read in decimal.
    pub(crate) fn of_f64(x: f64) -> Self {
        let (bits, negative) = (x.to_bits() & (u64::MAX >> 1), x.is_sign_negative());
        let (field, fraction) = ((bits >> 52) as i64, bits & ((1 << 52) - 1));
        match field {
            0x7FF if fraction == 0 => Self::Infinite { negative },
            0x7FF => Self::Nan,
            0 => Self::new(negative, fraction, -1074),
            _ => Self::new(negative, fraction | 1 << 52, field - 1075),
        }
    }

    pub(crate) fn is_finite(self) -> bool {
        matches!(self, Self::Zero { .. } | Self::Finite { .. })
    }

    pub(crate) fn is_negative(self) -> bool {
        match self {
            Self::Nan => false,
            Self::Infinite { negative }
            | Self::Zero { negative }
            | Self::Finite { negative, .. } => negative,
        }
    }

    pub(crate) fn negate(self) -> Self {
        match self {
            Self::Nan => Self::Nan,
            Self::Infinite { negative } => Self::Infinite { negative: !negative },
            Self::Zero { negative } => Self::Zero { negative: !negative },
            Self::Finite { negative, odd, exponent } => {
                Self::Finite { negative: !negative, odd, exponent }
            }
        }
    }

    /// `floor(log2(|x|))` of a finite number other than zero.
    pub(crate) fn log2(self) -> i64 {
        match self {
            Self::Finite { odd, exponent, .. } => exponent + i64::from(odd.ilog2()),
            other => panic!("{other:?} has no exponent"),
        }
    }

    /// The order of two values; the zeros are one value, NaN is none.
    pub(crate) fn order(self, other: Self) -> Ordering {
        let (sign, other_sign) = (self.sign(), other.sign());
        if sign != other_sign || sign == 0 {
            return sign.cmp(&other_sign);
        }
        let magnitudes = match (self, other) {
            (Self::Infinite { .. }, Self::Infinite { .. }) => Ordering::Equal,
            (Self::Infinite { .. }, _) => Ordering::Greater,
            (_, Self::Infinite { .. }) => Ordering::Less,
            (Self::Finite { odd: a, .. }, Self::Finite { odd: b, .. }) => {
                let aligned = |odd: u64| odd << odd.leading_zeros();
                self.log2().cmp(&other.log2()).then(aligned(a).cmp(&aligned(b)))
            }
            _ => unreachable!("zeros and NaN were dealt with above"),
        };
        if sign < 0 { magnitudes.reverse() } else { magnitudes }
    }

    fn sign(self) -> i32 {
        match self {
            Self::Nan => panic!("NaN is not in the order of values"),
            Self::Zero { .. } => 0,
            _ if self.is_negative() => -1,
            _ => 1,
        }
    }

    /// The f64 that is exactly this number, if there is one. NaN has many and gives none.
    pub(crate) fn exact_f64(self) -> Option<f64> {
        self.exact_bits(11, 52).map(f64::from_bits)
    }

    /// The f32 that is exactly this number, if there is one.
    pub(crate) fn exact_f32(self) -> Option<f32> {
        self.exact_bits(8, 23).map(|bits| f32::from_bits(bits as u32))
    }

    fn exact_bits(self, exponent_bits: u32, mantissa_bits: u32) -> Option<u64> {
        let top_field = (1_u64 << exponent_bits) - 1;
        let bias = (top_field >> 1) as i64;
        let last = 1 - bias - i64::from(mantissa_bits);
        let magnitude = match self {
            Self::Nan => return None,
            Self::Zero { .. } => 0,
            Self::Infinite { .. } => top_field << mantissa_bits,
            Self::Finite { odd, exponent, .. } => {
                let top = self.log2();
                if top > bias || exponent < last || odd.ilog2() > mantissa_bits {
                    return None;
                }
                if top < 1 - bias {
                    odd << (exponent - last)
                } else {
                    let hidden = 1 << mantissa_bits;
                    ((top + bias) as u64) << mantissa_bits
                        | ((odd << (mantissa_bits - odd.ilog2())) & (hidden - 1))
                }
            }
        };
        Some(u64::from(self.is_negative()) << (exponent_bits + mantissa_bits) | magnitude)
    }
}

#[test]
fn the_referee_knows_f32_and_f64() {
    for x in [
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.1,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        -1.7e-310,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ] {
        assert_eq!(Number::of_f64(x).exact_f64().map(f64::to_bits), Some(x.to_bits()), "{x:e}");
    }
    for x in
        [0.0, -0.0, 1.0, -1.5, 0.1, f32::MAX, f32::MIN_POSITIVE, 1e-45, -1.7e-40, f32::INFINITY]
    {
        assert_eq!(
            Number::of_f64(f64::from(x)).exact_f32().map(f32::to_bits),
            Some(x.to_bits()),
            "{x:e}"
        );
    }
    let not_f32 = [1.0 + 2f64.powi(-24), 2f64.powi(128), 2f64.powi(-150), 3.0 * 2f64.powi(-150)];
    assert!(not_f32.iter().all(|&x| Number::of_f64(x).exact_f32().is_none()));
    let in_order =
        [f64::NEG_INFINITY, -4.0, -3.0, -5e-324, 0.0, 5e-324, 1.0, 1.5, 2.0, f64::INFINITY];
    for pair in in_order.windows(2) {
        assert_eq!(
            Number::of_f64(pair[0]).order(Number::of_f64(pair[1])),
            Ordering::Less,
            "{pair:?}"
        );
        assert_eq!(
            Number::of_f64(pair[1]).order(Number::of_f64(pair[0])),
            Ordering::Greater,
            "{pair:?}"
        );
    }
    assert_eq!(NEGATIVE_ZERO.order(ZERO), Ordering::Equal);
}

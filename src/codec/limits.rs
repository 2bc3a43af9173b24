//! Limits, special codes and the order of values: everything that follows from a [`FormatSpec`].
//! Nothing is typed in.

use super::{Unpacked, hif8, int, posit};
use crate::bits::{narrow, or};
use crate::name::Name;
use crate::policy::{Convert, Nan};
use crate::spec::{Encoding, FloatSpec, FormatSpec};
use core::cmp::Ordering;

impl FormatSpec {
    /// Code of the largest finite number.
    #[must_use]
    pub const fn max_code(&self) -> u32 {
        self.largest_code(false)
    }

    /// Code of the smallest finite number: the most negative one, or in an unsigned format the one
    /// nearest zero.
    #[must_use]
    pub const fn min_code(&self) -> u32 {
        self.largest_code(true)
    }

    /// Code of zero: of +0 where there are two. `None` in formats without zero, such as E8M0.
    #[must_use]
    pub const fn zero_code(&self) -> Option<u32> {
        match self.encoding() {
            Encoding::Float(layout) => {
                if layout.smallest_positive() == 0 {
                    None
                } else {
                    Some(0)
                }
            }
            Encoding::Codebook(values) => match position(values.as_slice(), 0) {
                None => self.negative_zero_code(),
                code => code,
            },
            Encoding::Int(_) | Encoding::HiF8 | Encoding::Posit(_) => Some(0),
        }
    }

    /// Code of −0, where there is one.
    #[must_use]
    pub const fn negative_zero_code(&self) -> Option<u32> {
        match self.encoding() {
            Encoding::Float(layout) if layout.negative_zero => Some(layout.sign_bit() as u32),
            Encoding::Codebook(values) => position(values.as_slice(), 0x8000_0000),
            _ => None,
        }
    }

    /// Code of one, where it is representable.
    #[must_use]
    pub const fn one_code(&self) -> Option<u32> {
        let one = self.encode_with(Unpacked::ONE, &Convert::SATURATING, 0);
        if one.flags.is_empty() { Some(one.code) } else { None }
    }

    /// The NaN code that NaN becomes by default, where there is NaN.
    #[must_use]
    pub const fn nan_code(&self) -> Option<u32> {
        self.nan_of(Nan::Canonical, false, 0)
    }

    /// Code of plus infinity, where there is one.
    #[must_use]
    pub const fn infinity_code(&self) -> Option<u32> {
        self.infinity_of(false)
    }

    /// Code of minus infinity, where there is one.
    #[must_use]
    pub const fn negative_infinity_code(&self) -> Option<u32> {
        self.infinity_of(true)
    }

    /// Code of the smallest positive number, subnormal or not. In a format without positive numbers
    /// (INT1), code of the largest number.
    #[must_use]
    pub const fn smallest_positive_code(&self) -> u32 {
        match self.encoding() {
            Encoding::Float(layout) => layout.smallest_positive() as u32,
            Encoding::Int(layout) if layout.signed && layout.bits == 1 => self.max_code(),
            Encoding::Int(_) | Encoding::HiF8 | Encoding::Posit(_) => 1,
            Encoding::Codebook(_) => {
                or(self.scan(Unpacked::ZERO, Ordering::Greater), self.max_code())
            }
        }
    }

    /// Code of the smallest positive normal number. `None` where "normal" has no meaning: integers,
    /// codebooks, posits.
    #[must_use]
    pub const fn min_normal_code(&self) -> Option<u32> {
        match self.encoding() {
            Encoding::Float(layout) => narrow(layout.min_normal()),
            Encoding::HiF8 => {
                let mut code = self.smallest_positive_code();
                while matches!(self.decode(code).class(), core::num::FpCategory::Subnormal) {
                    code = match self.next_up(code) {
                        Some(next) => next,
                        None => return None,
                    };
                }
                Some(code)
            }
            Encoding::Int(_) | Encoding::Codebook(_) | Encoding::Posit(_) => None,
        }
    }

    /// The largest finite number of the format, exactly: 448 in `F8E4M3`. Infinity does not count.
    #[must_use]
    pub const fn max(&self) -> Unpacked {
        self.decode(self.max_code())
    }

    /// The smallest finite number: the most negative one, or in an unsigned format the one nearest
    /// zero.
    #[must_use]
    pub const fn min(&self) -> Unpacked {
        self.decode(self.min_code())
    }

    /// The smallest positive number, subnormal or not. In a format without positive numbers (INT1),
    /// the largest number.
    #[must_use]
    pub const fn smallest_positive(&self) -> Unpacked {
        self.decode(self.smallest_positive_code())
    }

    /// The smallest positive normal number. `None` where "normal" has no meaning: integers,
    /// codebooks, posits.
    #[must_use]
    pub const fn min_normal(&self) -> Option<Unpacked> {
        match self.min_normal_code() {
            Some(code) => Some(self.decode(code)),
            None => None,
        }
    }

    /// The distance from one to the next larger finite number. `None` where either is missing.
    #[must_use]
    pub const fn epsilon(&self) -> Option<Unpacked> {
        let Some(one) = self.one_code() else { return None };
        let Some(next) = self.next_up(one) else { return None };
        self.decode(next).distance(self.decode(one))
    }

    /// Significand bits of a normal number, the hidden bit counted; the magnitude bits of an
    /// integer. `None` where the precision varies (HiF8, posits) or is undefined (codebooks).
    #[must_use]
    pub const fn precision(&self) -> Option<u32> {
        match self.encoding() {
            Encoding::Float(layout) => {
                Some(layout.mantissa_bits as u32 + !layout.is_fixed_point() as u32)
            }
            Encoding::Int(layout) => Some(layout.bits as u32 - layout.signed as u32),
            Encoding::HiF8 | Encoding::Codebook(_) | Encoding::Posit(_) => None,
        }
    }

    /// Decimal digits that survive storing: `floor((precision − 1) · log10(2))` like C's `FLT_DIG`,
    /// for integers `floor(precision · log10(2))`.
    #[must_use]
    pub const fn decimal_digits(&self) -> Option<u32> {
        match self.precision() {
            Some(bits) => {
                let fixed = match self.encoding() {
                    Encoding::Float(layout) => layout.is_fixed_point(),
                    _ => true,
                };
                Some((bits - !fixed as u32) * 30_103 / 100_000)
            }
            None => None,
        }
    }

    /// Exponent of the largest number: `floor(log2(max))`, the *emax* of the OCP MX scale rule.
    #[must_use]
    pub const fn max_exponent(&self) -> i32 {
        let max = self.max();
        if max.is_zero() { 0 } else { max.log2() as i32 }
    }

    /// Exponent of the smallest normal number, where there is one.
    #[must_use]
    pub const fn min_exponent(&self) -> Option<i32> {
        match self.min_normal() {
            Some(value) => Some(value.log2() as i32),
            None => None,
        }
    }

    /// How many different numbers there are: infinities count, NaN does not, the two zeros are one.
    #[must_use]
    pub const fn value_count(&self) -> u64 {
        match self.encoding() {
            Encoding::Float(layout) => {
                let magnitudes = layout.max() - layout.smallest_positive()
                    + 1
                    + layout.infinity().is_some() as u64;
                (magnitudes << layout.signed as u32) + (layout.smallest_positive() > 0) as u64
            }
            Encoding::Int(layout) => self.code_count() - layout.symmetric as u64,
            Encoding::Posit(_) => self.code_count() - 1,
            Encoding::HiF8 | Encoding::Codebook(_) => {
                let mut next = Some(self.lowest_code());
                let mut count = 0;
                while let Some(code) = next {
                    count += 1;
                    next = self.next_up(code);
                }
                count
            }
        }
    }

    /// Code of the next larger number, infinity included. `None` for NaN and behind the largest.
    /// Zero is reached as +0.
    ///
    /// ```
    /// use subhalf::FormatSpec;
    /// let hif8 = FormatSpec::HIF8;                      // codes are not in order of value
    /// assert_eq!(hif8.next_up(0x0F), Some(0x10));       // 1.875 -> 2
    /// assert_eq!(hif8.next_up(0x07), Some(0x7E));       // 2^-16 -> 2^-15
    /// assert_eq!(hif8.next_up(0x6F), None);             // infinity
    /// ```
    #[must_use]
    pub const fn next_up(&self, code: u32) -> Option<u32> {
        self.neighbour(code, Ordering::Greater)
    }

    /// Code of the next smaller number, infinity included. `None` for NaN and below the smallest.
    /// Zero is reached as +0.
    #[must_use]
    pub const fn next_down(&self, code: u32) -> Option<u32> {
        self.neighbour(code, Ordering::Less)
    }

    /// All codes in order, NaN and redundant ones included.
    #[must_use]
    pub fn codes(&self) -> core::ops::RangeInclusive<u32> {
        0..=self.code_mask()
    }

    /// All different numbers in increasing order, as `(code, value)`: infinities included, NaN not,
    /// zero once, and not the code that a symmetric integer leaves unused.
    ///
    /// ```
    /// use subhalf::FormatSpec;
    /// let values = FormatSpec::F4E2M1.values().map(|(_, value)| value.to_f64());
    /// let positive: Vec<f64> = values.filter(|x| *x >= 0.0).collect();
    /// assert_eq!(positive, [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]);
    /// ```
    #[must_use]
    pub const fn values(&self) -> Values {
        Values { spec: *self, next: Some(self.lowest_code()) }
    }

    /// The limits in f64, for people and tables.
    #[must_use]
    pub const fn finfo(&self) -> Finfo {
        const fn f64_of(value: Option<Unpacked>) -> Option<f64> {
            match value {
                Some(value) => Some(value.to_f64()),
                None => None,
            }
        }
        Finfo {
            name: self.short_name(),
            bits: self.bits(),
            max: self.max().to_f64(),
            min: self.min().to_f64(),
            min_normal: f64_of(self.min_normal()),
            smallest_positive: self.smallest_positive().to_f64(),
            epsilon: f64_of(self.epsilon()),
            precision: self.precision(),
            decimal_digits: self.decimal_digits(),
            max_exponent: self.max_exponent(),
            min_exponent: self.min_exponent(),
            zero: self.zero_code().is_some(),
            negative_zero: self.negative_zero_code().is_some(),
            infinity: self.infinity_code().is_some(),
            nan: self.nan_code().is_some(),
            value_count: self.value_count(),
        }
    }

    /// Code of the finite number farthest from zero with a sign; in an unsigned format negative
    /// means the lowest.
    pub(super) const fn largest_code(&self, negative: bool) -> u32 {
        match self.encoding() {
            Encoding::Float(layout) if negative && !layout.signed => 0,
            Encoding::Float(layout) => {
                (layout.max() | if negative { layout.sign_bit() } else { 0 }) as u32
            }
            Encoding::Int(layout) => int::max_code(layout, negative) as u32,
            Encoding::HiF8 => hif8::MAX | if negative { hif8::SIGN } else { 0 },
            Encoding::Codebook(_) => {
                let order = if negative { Ordering::Greater } else { Ordering::Less };
                or(self.scan(Unpacked::infinity(negative), order), 0)
            }
            Encoding::Posit(layout) => {
                posit::place(layout, negative, posit::max_code(layout)) as u32
            }
        }
    }

    /// Code of the number nearest to zero with a sign, in a format without zero.
    pub(super) const fn nearest_zero_code(&self, negative: bool) -> u32 {
        let code = self.smallest_positive_code();
        match self.encoding() {
            Encoding::Float(layout) if negative => code | layout.sign_bit() as u32,
            _ => code,
        }
    }

    /// Code of the lowest number, minus infinity included.
    const fn lowest_code(&self) -> u32 {
        or(self.negative_infinity_code(), self.min_code())
    }

    const fn neighbour(&self, code: u32, direction: Ordering) -> Option<u32> {
        let value = self.decode(code);
        if value.is_nan() {
            return None;
        }
        let step = match direction {
            Ordering::Greater => 1,
            Ordering::Equal => 0,
            Ordering::Less => -1,
        };
        match self.encoding() {
            Encoding::Float(layout) => {
                float_at(layout, float_index(layout, code as u64, value) + step, step)
            }
            Encoding::Int(layout) => narrow(int::step(layout, code as u64, step)),
            Encoding::HiF8 | Encoding::Codebook(_) => self.scan(value, direction),
            Encoding::Posit(layout) => narrow(posit::step(layout, code as u64, step)),
        }
    }

    /// Finds the number nearest to `from` on one side of it by looking at every code; +0 rather
    /// than −0.
    const fn scan(&self, from: Unpacked, side: Ordering) -> Option<u32> {
        const fn is(order: Option<Ordering>, side: Ordering) -> bool {
            matches!(
                (order, side),
                (Some(Ordering::Less), Ordering::Less)
                    | (Some(Ordering::Greater), Ordering::Greater)
            )
        }
        let (mut best, mut code): (Option<(u32, Unpacked)>, u32) = (None, 0);
        while (code as u64) < self.code_count() {
            let value = self.decode(code);
            if is(value.compare(from), side) {
                let nearer = match best {
                    None => true,
                    Some((_, old)) => {
                        is(old.compare(value), side)
                            || (old.is_zero() && old.is_negative() && value.is_zero())
                    }
                };
                if nearer {
                    best = Some((code, value));
                }
            }
            code += 1;
        }
        match best {
            Some((code, _)) => Some(code),
            None => None,
        }
    }
}

/// Position of a number among a layout's numbers, counted from zero outward: 0 for zero, then 1, 2,
/// …, negative below.
const fn float_index(layout: &FloatSpec, code: u64, value: Unpacked) -> i64 {
    if value.is_zero() {
        return 0;
    }
    let magnitude =
        if value.is_infinite() { layout.max() + 1 } else { code & layout.magnitude_mask() };
    let distance = (magnitude - layout.smallest_positive()) as i64 + 1;
    if value.is_negative() { -distance } else { distance }
}

/// The code at a position. A position without number (zero, in a format without) is stepped over.
const fn float_at(layout: &FloatSpec, index: i64, step: i64) -> Option<u32> {
    let index = if index == 0 && layout.smallest_positive() == 0 { step } else { index };
    if index == 0 {
        return Some(0);
    }
    if index < 0 && !layout.signed {
        return None;
    }
    let magnitude = index.unsigned_abs() - 1 + layout.smallest_positive();
    let magnitude = match layout.infinity() {
        _ if magnitude <= layout.max() => magnitude,
        Some(infinity) if magnitude == layout.max() + 1 => infinity,
        _ => return None,
    };
    Some((magnitude | if index < 0 { layout.sign_bit() } else { 0 }) as u32)
}

/// First position of an f32 bit pattern in a codebook.
const fn position(values: &[u32], bits: u32) -> Option<u32> {
    let mut i = 0;
    while i < values.len() {
        if values[i] == bits {
            return Some(i as u32);
        }
        i += 1;
    }
    None
}

/// The iterator of [`FormatSpec::values`]: all different numbers of a format in increasing order,
/// each as `(code, value)`.
#[derive(Clone, Debug)]
pub struct Values {
    spec: FormatSpec,
    next: Option<u32>,
}

impl Iterator for Values {
    type Item = (u32, Unpacked);

    fn next(&mut self) -> Option<Self::Item> {
        let code = self.next?;
        self.next = self.spec.next_up(code);
        Some((code, self.spec.decode(code)))
    }
}

impl core::iter::FusedIterator for Values {}

/// The limits of a format in f64, after `numpy.finfo`. What lies beyond f64's range (wide P3109
/// formats) shows as 0 or infinity; the methods of [`FormatSpec`] are exact.
///
/// ```
/// let info = subhalf::FormatSpec::F8E4M3.finfo();
/// assert_eq!((info.max, info.epsilon), (448.0, Some(0.125)));
/// assert_eq!((info.min_normal, info.smallest_positive), (Some(0.015625), 0.001953125));
/// assert_eq!(
///     info.to_string(),
///     "F8E4M3: 8 bits, max 448, min -448, normal from 0.015625, smallest 0.001953125, \
///      epsilon 0.125, NaN, -0",
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Finfo {
    /// Name of the format, at most 23 bytes.
    pub name: Name,
    /// Width of a code in bits: 1 to 32.
    pub bits: u32,
    /// Largest finite number; infinity does not count.
    pub max: f64,
    /// Smallest finite number: the most negative one, or in an unsigned format the one nearest
    /// zero.
    pub min: f64,
    /// Smallest positive normal number; `None` in formats without normal numbers.
    pub min_normal: Option<f64>,
    /// Smallest number above zero, subnormal or not.
    pub smallest_positive: f64,
    /// Distance from one to the next larger finite number; `None` where either is missing.
    pub epsilon: Option<f64>,
    /// Significand bits of a normal number, the hidden bit counted; the magnitude bits of an
    /// integer. `None` where they vary (HiF8, posits) or are undefined (codebooks).
    pub precision: Option<u32>,
    /// Decimal digits that survive storing in the format and reading back, as C's `FLT_DIG`; `None`
    /// where `precision` is.
    pub decimal_digits: Option<u32>,
    /// Exponent of the largest finite number, `floor(log2(max))`: 8 for 448; 0 if that number is 0.
    pub max_exponent: i32,
    /// Exponent of the smallest positive normal number, as a power of two; `None` where
    /// `min_normal` is.
    pub min_exponent: Option<i32>,
    /// Whether a code stands for zero; not in E8M0.
    pub zero: bool,
    /// Whether a code stands for −0 beside that for +0.
    pub negative_zero: bool,
    /// Whether a code stands for plus infinity.
    pub infinity: bool,
    /// Whether a code stands for NaN.
    pub nan: bool,
    /// How many different numbers there are: infinities count, NaN does not, the two zeros are one.
    pub value_count: u64,
}

/// A number in f64's decimal, in scientific notation where plain digits would be many.
pub(super) struct Short(pub(super) f64);

impl core::fmt::Display for Short {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let magnitude = self.0.abs();
        if magnitude != 0.0 && !(1e-5..1e16).contains(&magnitude) {
            write!(f, "{:e}", self.0)
        } else {
            write!(f, "{}", self.0)
        }
    }
}

impl core::fmt::Display for Finfo {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let plural = if self.bits == 1 { "" } else { "s" };
        write!(
            f,
            "{}: {} bit{plural}, max {}, min {}",
            self.name,
            self.bits,
            Short(self.max),
            Short(self.min)
        )?;
        if let Some(value) = self.min_normal {
            write!(f, ", normal from {}", Short(value))?;
        }
        write!(f, ", smallest {}", Short(self.smallest_positive))?;
        if let Some(value) = self.epsilon {
            write!(f, ", epsilon {}", Short(value))?;
        }
        let notes = [
            (self.infinity, ", infinity"),
            (self.nan, ", NaN"),
            (self.negative_zero, ", -0"),
            (!self.zero, ", no zero"),
        ];
        notes.iter().filter(|(has, _)| *has).try_for_each(|(_, note)| f.write_str(note))
    }
}

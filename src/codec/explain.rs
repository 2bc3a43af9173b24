//! One conversion told in words.

use super::Unpacked;
use super::limits::Short;
use crate::flags::Flags;
use crate::policy::{Convert, Infinity, Negative, Overflow};
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec};
use core::cmp::Ordering;
use core::fmt;

/// What a conversion did and why: made by [`FormatSpec::explain`], read through its fields or
/// printed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The format that the input was converted to.
    pub spec: FormatSpec,
    /// The input as it was given, before any rounding; its sign and NaN included.
    pub input: Unpacked,
    /// Whether its sign was dropped first: [`Negative::Magnitude`]. The neighbours are then those
    /// of the magnitude.
    pub drops_sign: bool,
    /// Whether the low bits of a number out of range were kept: [`Overflow::Wrap`].
    pub wraps: bool,
    /// The code that the input became, in the low bits.
    pub code: u32,
    /// The number which that code stands for.
    pub result: Unpacked,
    /// The largest representable number not above the input; `None` if all are above it, or the
    /// input is NaN.
    pub below: Option<Unpacked>,
    /// The smallest representable number not below the input; `None` if all are below it, or the
    /// input is NaN.
    pub above: Option<Unpacked>,
    /// The distance between the two neighbours, if both are finite.
    pub distance: Option<Unpacked>,
    /// Whether the input is the midpoint where nearest roundings disagree.
    pub tie: bool,
    /// The exceptions raised.
    pub flags: Flags,
}

impl FormatSpec {
    /// Tells what a conversion does: the exact input, both neighbours and their distance, whether
    /// it is a tie, the result and the flags. `random` is the word that a stochastic rounding takes
    /// its low bits from; every other rounding ignores it.
    ///
    /// ```
    /// use subhalf::{FormatSpec, Unpacked};
    /// let e4m3 = FormatSpec::F8E4M3;
    /// let told = e4m3.explain(Unpacked::from_f64(1.0625), &e4m3.default_convert(), 0);
    /// assert_eq!(
    ///     told.to_string(),
    ///     "1.0625 (4785074604081152·2^-52) in F8E4M3: a tie between 1 (0x38) and \
    ///      1.125 (0x39), 0.125 apart; result 1 (0x38); flags: inexact",
    /// );
    /// ```
    #[must_use]
    pub const fn explain(&self, x: Unpacked, convert: &Convert, random: u32) -> Explanation {
        let encoded = self.encode_with(x, convert, random);
        let drops_sign = x.is_negative() && !x.is_nan() && self.drops_sign(convert);
        let integer = matches!(self.encoding(), Encoding::Int(_));
        let wraps = integer
            && matches!(convert.overflow, Overflow::Wrap)
            && x.is_finite()
            && encoded.flags.contains(Flags::OVERFLOW);
        let input = x;
        let x = if drops_sign { x.magnitude() } else { x };
        let nearest = Convert::SATURATING
            .with_round(Round::NearestTowardZero)
            .with_negative(Negative::Clamp)
            .with_infinity(Infinity::KeepElseSaturate)
            .with_overflow(Overflow::Saturate);
        let here = self.encode_with(x, &nearest, 0);
        let there = self.encode_with(x, &nearest.with_round(Round::NearestAway), 0);
        let overflows =
            (here.flags.contains(Flags::OVERFLOW), there.flags.contains(Flags::OVERFLOW));
        let (below, above) = match self.decode(here.code).compare(x) {
            Some(Ordering::Equal) => (Some(here.code), Some(here.code)),
            Some(Ordering::Less) => (Some(here.code), self.next_up(here.code)),
            Some(Ordering::Greater) => (self.next_down(here.code), Some(here.code)),
            None => (None, None),
        };
        let (below, above) = (self.value_of(below), self.value_of(above));
        let distance = match (below, above) {
            (Some(below), Some(above)) => above.distance(below),
            _ => None,
        };
        Explanation {
            spec: *self,
            input,
            drops_sign,
            wraps,
            code: encoded.code,
            result: self.decode(encoded.code),
            below,
            above,
            distance,
            tie: here.code != there.code || overflows.0 != overflows.1,
            flags: encoded.flags,
        }
    }

    const fn value_of(&self, code: Option<u32>) -> Option<Unpacked> {
        match code {
            Some(code) => Some(self.decode(code)),
            None => None,
        }
    }
}

/// The number in decimal as f64 prints it, exact or not.
struct Decimal(Unpacked);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0.to_f64();
        if value.is_finite() == self.0.is_finite() && (value == 0.0) == self.0.is_zero() {
            Short(value).fmt(f)
        } else {
            self.0.fmt(f) // beyond the range of f64
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let coded = |f: &mut fmt::Formatter<'_>, value: Unpacked| {
            let code = self
                .spec
                .encode_with(value, &Convert::SATURATING.with_overflow(Overflow::Special), 0)
                .code;
            write!(f, "{} ({code:#04x})", Decimal(value))
        };
        write!(f, "{}", Decimal(self.input))?;
        if self.input.is_finite() && !self.input.is_zero() {
            write!(f, " ({})", self.input)?;
        }
        let dropped = if self.drops_sign { "the sign is dropped, " } else { "" };
        write!(f, " in {}: {dropped}", self.spec)?;
        match (self.below, self.above) {
            (Some(below), Some(above)) if below == above => f.write_str("representable")?,
            (Some(below), Some(above)) => {
                f.write_str(if self.tie { "a tie between " } else { "between " })?;
                coded(f, below)?;
                f.write_str(" and ")?;
                coded(f, above)?;
                if let Some(distance) = self.distance {
                    write!(f, ", {} apart", Decimal(distance))?;
                }
            }
            (Some(below), None) => {
                f.write_str("above the largest number ")?;
                coded(f, below)?;
                if self.tie {
                    f.write_str(", half-way to what would be the next")?;
                }
            }
            (None, Some(above)) => {
                f.write_str("below the smallest number ")?;
                coded(f, above)?;
                if self.tie {
                    f.write_str(", half-way to what would be the next")?;
                }
            }
            (None, None) => f.write_str("not a number")?,
        }
        if self.wraps {
            f.write_str("; the low bits are kept")?;
        }
        write!(f, "; result {} ({:#04x}); flags: {}", Decimal(self.result), self.code, self.flags)
    }
}

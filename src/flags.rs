//! The exceptions of IEEE 754, as a set.

use crate::error::Error;
use crate::naming::{is_same, nearest_name};

/// The exceptions of IEEE 754 that a conversion raised, as a set.
///
/// ```
/// use subhalf::{Flags, FormatSpec};
/// let e4m3 = FormatSpec::F8E4M3;
/// let flags = e4m3.encode_f32_with(500.0, &e4m3.default_convert(), 0).flags;
/// assert!(flags.contains(Flags::OVERFLOW | Flags::INEXACT));
/// assert_eq!(flags.to_string(), "overflow+inexact");
/// assert_eq!(format!("{flags:?}"), "Flags(OVERFLOW | INEXACT)");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(u8);

impl Flags {
    /// Nothing was raised.
    pub const NONE: Self = Self(0);
    /// The result differs from the input.
    pub const INEXACT: Self = Self(1);
    /// The result is inexact and, rounded as if the exponent had no lower bound, is smaller than
    /// the smallest normal value (tininess after rounding, with the same random word); in a posit,
    /// smaller than the smallest. Fixed-point formats and codebooks never raise it.
    pub const UNDERFLOW: Self = Self(2);
    /// The input, rounded as if the exponent had no upper bound, lies beyond the largest finite
    /// value; under [`Overflow::Wrap`](crate::Overflow::Wrap) also below the smallest of an
    /// unsigned integer. An infinite input raises it (with `INEXACT`) unless it stays infinite; the
    /// FP8 conversions of Arm raise both for an infinity that stays one, too.
    pub const OVERFLOW: Self = Self(4);
    /// An exact infinity came from finite operands. Conversions never raise it; it is here for
    /// arithmetic. Where that infinity does not stay one, in a format without it or under
    /// [`Infinity::Saturate`](crate::Infinity::Saturate), `OVERFLOW` and `INEXACT` come with it, as
    /// for any infinite input.
    pub const DIVIDE_BY_ZERO: Self = Self(8);
    /// The input is a signalling NaN, or has no counterpart: NaN in a format without NaN, zero in a
    /// format without zero, a number that is negative after rounding (minus infinity too) in an
    /// unsigned format, unless it wraps. It comes alone.
    pub const INVALID: Self = Self(16);

    /// Flags, as `Display` and as `Debug` spell them.
    const NAMES: [(Self, [&'static str; 2]); 5] = [
        (Self::INVALID, ["invalid", "INVALID"]),
        (Self::DIVIDE_BY_ZERO, ["divide-by-zero", "DIVIDE_BY_ZERO"]),
        (Self::OVERFLOW, ["overflow", "OVERFLOW"]),
        (Self::UNDERFLOW, ["underflow", "UNDERFLOW"]),
        (Self::INEXACT, ["inexact", "INEXACT"]),
    ];

    /// Writes the names of the flags raised, in one of the two spellings.
    fn write(
        self,
        f: &mut core::fmt::Formatter<'_>,
        spelling: usize,
        between: &str,
        none: &str,
    ) -> core::fmt::Result {
        let mut first = true;
        for (_, names) in Self::NAMES.iter().filter(|(flag, _)| self.contains(*flag)) {
            write!(f, "{}{}", if first { "" } else { between }, names[spelling])?;
            first = false;
        }
        if first { f.write_str(none) } else { Ok(()) }
    }

    /// Whether every flag of `other` is raised here.
    #[must_use]
    #[inline]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any flag of `other` is raised here.
    ///
    /// ```
    /// use subhalf::Flags;
    /// let lossy = Flags::OVERFLOW | Flags::UNDERFLOW;
    /// assert!((Flags::OVERFLOW | Flags::INEXACT).intersects(lossy));
    /// assert!(!Flags::INEXACT.intersects(lossy) && !lossy.intersects(Flags::NONE));
    /// ```
    #[must_use]
    #[inline]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether nothing is raised.
    #[must_use]
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The flags of both sets.
    #[must_use]
    #[inline]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This set, with `other` added if `condition` holds.
    pub(crate) const fn and_if(self, condition: bool, other: Self) -> Self {
        if condition { self.union(other) } else { self }
    }

    /// The set as bits: inexact 1, underflow 2, overflow 4, divide by zero 8, invalid 16 (RISC-V's
    /// `fflags` order).
    #[must_use]
    #[inline]
    pub const fn bits(self) -> u8 {
        self.0
    }
}

impl core::ops::BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl core::ops::BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.union(other);
    }
}

impl core::fmt::Display for Flags {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.write(f, 0, "+", "none")
    }
}

impl core::fmt::Debug for Flags {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Flags(")?;
        self.write(f, 1, " | ", "NONE")?;
        f.write_str(")")
    }
}

/// Reads what `Display` writes, and names with `|` between them, whatever their case.
///
/// ```
/// use subhalf::Flags;
/// assert_eq!("overflow+inexact".parse(), Ok(Flags::OVERFLOW | Flags::INEXACT));
/// assert_eq!("INEXACT | DIVIDE_BY_ZERO".parse(), Ok(Flags::INEXACT | Flags::DIVIDE_BY_ZERO));
/// assert_eq!("none".parse(), Ok(Flags::NONE));
/// assert!("exact".parse::<Flags>().unwrap_err().to_string().ends_with("nearest is inexact"));
/// ```
impl core::str::FromStr for Flags {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if is_same(text, "none") {
            return Ok(Self::NONE);
        }
        text.split(['+', '|']).try_fold(Self::NONE, |flags, word| {
            let known = Self::NAMES.iter().find(|(_, [name, _])| is_same(name, word));
            known.map(|(flag, _)| flags | *flag).ok_or_else(|| {
                let nearest = nearest_name(word, Self::NAMES.map(|(_, [name, _])| name));
                Error::unknown_name("flag", "Flags", word, nearest)
            })
        })
    }
}

//! Floating-point layouts: a sign, an exponent field, a mantissa field, and where the special
//! values lie.

use crate::bits::low_mask;
use crate::error::Error;

/// What the codes with exponent field 0 hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum ZeroField {
    /// Zero and subnormal numbers, as in IEEE 754.
    Subnormals,
    /// Zero only. Codes with a nonzero mantissa decode to zero too and are never produced.
    ZeroOnly,
    /// One more binade of normal numbers: there is no zero. E8M0, E6M2.
    Normals,
}

/// Which codes of a floating-point layout are NaN; all others are numbers and infinities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum NanCodes {
    /// No code is NaN: every code is a number, or an infinity where there is one.
    None,
    /// The largest exponent field with a nonzero mantissa (with any mantissa if there are no
    /// infinities). IEEE 754.
    TopExponent,
    /// All exponent and mantissa bits set. The "FN" formats, E8M0, unsigned P3109.
    AllOnes,
    /// The sign bit alone. The "FNUZ" formats, signed P3109.
    NegativeZero,
}

/// A binary floating-point layout, from the top: sign (if `signed`), exponent field, mantissa
/// field.
///
/// With *e* and *m* the fields, *M* the mantissa width and *B* the bias, a code is
/// `(2^M + m) · 2^(e - B - M)` for `e > 0`, and what [`ZeroField`] says for `e = 0` (subnormals:
/// `m · 2^(1 - B - M)`). No exponent field at all makes every number "subnormal": sign and
/// magnitude in fixed point.
///
/// Where infinities exist they take the code that NaN leaves: the mantissa-zero code of the top
/// exponent under [`NanCodes::TopExponent`], else the largest magnitude that is not NaN.
///
/// ```
/// use subhalf::{Encoding, FloatSpec, FormatSpec, NanCodes};
/// // 5 bits, of which 2 are exponent and 2 mantissa; NaN at 1_0000, infinities at the top:
/// // P3109's Binary5p3se.
/// let layout = FloatSpec {
///     bias: 2,
///     nan: NanCodes::NegativeZero,
///     infinities: true,
///     negative_zero: false,
///     ..FloatSpec::finite(2, 2)
/// };
/// let spec = FormatSpec::new("mine", Encoding::Float(layout))?;
/// assert_eq!(spec, FormatSpec::by_name("Binary5p3se")?);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct FloatSpec {
    /// Whether the top bit is a sign.
    pub signed: bool,
    /// Width of the exponent field: 0 to 16 (P3109's `Binary16p1ue` needs 16).
    pub exponent_bits: u8,
    /// Width of the mantissa field: 0 to 23.
    pub mantissa_bits: u8,
    /// What is subtracted from the exponent field: at most 2^15 in magnitude.
    pub bias: i32,
    /// The meaning of exponent field 0.
    pub zero_field: ZeroField,
    /// Whether the sign bit alone is a second zero. A signed format with neither this nor NaN there
    /// decodes it as zero and never produces it.
    pub negative_zero: bool,
    /// Whether there are infinities.
    pub infinities: bool,
    /// Which codes are NaN.
    pub nan: NanCodes,
}

impl FloatSpec {
    /// The layout of an f64: wider than any format here, but the same arithmetic.
    pub(crate) const F64: Self = Self::ieee(11, 52);

    /// An IEEE 754 interchange layout: signed, bias `2^(E-1) - 1`, subnormals, −0, infinities, NaN
    /// in the top exponent.
    #[must_use]
    pub const fn ieee(exponent_bits: u8, mantissa_bits: u8) -> Self {
        Self {
            infinities: true,
            nan: NanCodes::TopExponent,
            ..Self::finite(exponent_bits, mantissa_bits)
        }
    }

    /// The IEEE layout with every code a number: neither infinity nor NaN. Without an exponent
    /// field, integers.
    #[must_use]
    pub const fn finite(exponent_bits: u8, mantissa_bits: u8) -> Self {
        let bias = match exponent_bits {
            0 => 1 - mantissa_bits as i32,
            1..=17 => (1 << (exponent_bits - 1)) - 1,
            _ => 0,
        };
        Self {
            signed: true,
            exponent_bits,
            mantissa_bits,
            bias,
            zero_field: ZeroField::Subnormals,
            negative_zero: true,
            infinities: false,
            nan: NanCodes::None,
        }
    }

    /// The IEEE layout with the top exponent used for numbers and only the all-ones magnitude NaN:
    /// "FN".
    #[must_use]
    pub const fn finite_nan(exponent_bits: u8, mantissa_bits: u8) -> Self {
        Self { nan: NanCodes::AllOnes, ..Self::finite(exponent_bits, mantissa_bits) }
    }

    /// The layout with a single zero, NaN in place of −0, no infinities and the given bias: "FNUZ".
    #[must_use]
    pub const fn finite_unsigned_zero(exponent_bits: u8, mantissa_bits: u8, bias: i32) -> Self {
        Self {
            bias,
            negative_zero: false,
            nan: NanCodes::NegativeZero,
            ..Self::finite(exponent_bits, mantissa_bits)
        }
    }

    /// This layout without a sign bit and without −0.
    #[must_use]
    pub const fn unsigned(mut self) -> Self {
        self.signed = false;
        self.negative_zero = false;
        self
    }

    /// Width of a code.
    pub(crate) const fn bits(&self) -> u32 {
        self.magnitude_bits() + self.signed as u32
    }

    /// Width of the exponent and mantissa fields together.
    pub(crate) const fn magnitude_bits(&self) -> u32 {
        self.exponent_bits as u32 + self.mantissa_bits as u32
    }

    /// The largest magnitude code.
    pub(crate) const fn magnitude_mask(&self) -> u64 {
        low_mask(self.magnitude_bits())
    }

    /// The sign bit, or 0 in an unsigned format.
    pub(crate) const fn sign_bit(&self) -> u64 {
        if self.signed { 1 << self.magnitude_bits() } else { 0 }
    }

    /// Sign and magnitude without exponent: one spacing for all numbers.
    pub(crate) const fn is_fixed_point(&self) -> bool {
        self.exponent_bits == 0 && !matches!(self.zero_field, ZeroField::Normals)
    }

    /// Exponent of the lowest binade of normal numbers (of the subnormals' scale where there are
    /// none).
    pub(crate) const fn min_exponent(&self) -> i64 {
        !matches!(self.zero_field, ZeroField::Normals) as i64 - self.bias as i64
    }

    /// The top exponent field, in place.
    const fn top_field(&self) -> u64 {
        low_mask(self.exponent_bits as u32) << self.mantissa_bits
    }

    /// Magnitude code of infinity.
    pub(crate) const fn infinity(&self) -> Option<u64> {
        match (self.infinities, self.nan) {
            (false, _) => None,
            (true, NanCodes::TopExponent) => Some(self.top_field()),
            (true, NanCodes::AllOnes) => Some(self.magnitude_mask() - 1),
            (true, NanCodes::None | NanCodes::NegativeZero) => Some(self.magnitude_mask()),
        }
    }

    /// Magnitude code of the largest finite number.
    pub(crate) const fn max(&self) -> u64 {
        match self.nan {
            NanCodes::TopExponent => self.top_field() - 1,
            NanCodes::AllOnes => self.magnitude_mask() - 1 - self.infinities as u64,
            NanCodes::None | NanCodes::NegativeZero => {
                self.magnitude_mask() - self.infinities as u64
            }
        }
    }

    /// Magnitude code of the smallest positive number.
    pub(crate) const fn smallest_positive(&self) -> u64 {
        match self.zero_field {
            ZeroField::Subnormals => 1,
            ZeroField::ZeroOnly => 1 << self.mantissa_bits,
            ZeroField::Normals => 0,
        }
    }

    /// Magnitude code of the smallest normal number.
    pub(crate) const fn min_normal(&self) -> Option<u64> {
        let code =
            if matches!(self.zero_field, ZeroField::Normals) { 0 } else { 1 << self.mantissa_bits };
        if self.is_fixed_point() || code > self.max() { None } else { Some(code) }
    }

    /// Whether a code is NaN.
    pub(crate) const fn is_nan(&self, code: u64) -> bool {
        let magnitude = code & self.magnitude_mask();
        match self.nan {
            NanCodes::None => false,
            NanCodes::TopExponent => {
                magnitude > self.top_field() || (magnitude == self.top_field() && !self.infinities)
            }
            NanCodes::AllOnes => magnitude == self.magnitude_mask(),
            NanCodes::NegativeZero => code == self.sign_bit(),
        }
    }

    pub(crate) const fn validate(&self) -> Result<(), Error> {
        const fn range(what: &'static str, found: i64, low: i64, high: i64) -> Result<(), Error> {
            if found < low || found > high {
                Err(Error::SpecRange { what, found, low, high })
            } else {
                Ok(())
            }
        }
        const fn first(checks: &[Result<(), Error>]) -> Result<(), Error> {
            let mut i = 0;
            while i < checks.len() {
                if let Err(error) = checks[i] {
                    return Err(error);
                }
                i += 1;
            }
            Ok(())
        }
        const fn refuse(condition: bool, why: &'static str) -> Result<(), Error> {
            if condition { Err(Error::SpecConflict(why)) } else { Ok(()) }
        }
        let ranges = first(&[
            range("exponent bits", self.exponent_bits as i64, 0, 16),
            range("mantissa bits", self.mantissa_bits as i64, 0, 23),
            range("bias", self.bias as i64, -(1 << 15), 1 << 15),
            range("bits in all", self.bits() as i64, 2, 32),
        ]);
        if ranges.is_err() {
            return ranges;
        }
        let no_zero = matches!(self.zero_field, ZeroField::Normals);
        let nan_at_top = matches!(self.nan, NanCodes::TopExponent);
        let nan_at_negative_zero = matches!(self.nan, NanCodes::NegativeZero);
        let conflicts = first(&[
            refuse(self.negative_zero && !self.signed, "negative zero needs a sign bit"),
            refuse(self.negative_zero && no_zero, "negative zero in a format without zero"),
            refuse(
                nan_at_negative_zero && !self.signed,
                "NaN in place of negative zero needs a sign bit",
            ),
            refuse(
                nan_at_negative_zero && self.negative_zero,
                "NaN and negative zero share a code",
            ),
            refuse(
                nan_at_negative_zero && no_zero,
                "NaN in place of negative zero in a format without zero",
            ),
            refuse(
                nan_at_top && self.exponent_bits == 0,
                "NaN in the top exponent needs an exponent field",
            ),
            refuse(
                nan_at_top && self.infinities && self.mantissa_bits == 0,
                "infinity and NaN in the top exponent need a mantissa field",
            ),
        ]);
        if conflicts.is_err() {
            return conflicts;
        }
        // The special codes must leave a positive number. (No mask is below 1 here, so `max` cannot
        // wrap by more than this.)
        let special = self.infinities as u64
            + !matches!(self.nan, NanCodes::None | NanCodes::NegativeZero) as u64;
        let too_few = !nan_at_top && self.magnitude_mask() < special + self.smallest_positive();
        refuse(too_few || self.max() < self.smallest_positive(), "no positive number is left")
    }
}

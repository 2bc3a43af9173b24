//! What a number format *is*: [`FormatSpec`] and the layouts it is made of. This module knows
//! nothing about values; `codec` turns codes into numbers and back.

mod code;
mod codebooks;
mod float;
#[cfg(feature = "serde")]
pub(crate) mod lists;
mod named;
mod table;

pub use code::Code;
pub(crate) use code::{CodeSlice, CodeSliceMut};
pub use float::{FloatSpec, NanCodes, ZeroField};
pub use table::Table;

use crate::error::Error;
use crate::name::Name;

/// Whether a P3109 format has a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signedness {
    /// With a sign: the letter `s` in the format's name.
    Signed,
    /// Without a sign: the letter `u` in the format's name.
    Unsigned,
}

/// Whether a P3109 format has infinities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Domain {
    /// With infinities (unsigned: plus infinity alone): the letter `e` in the format's name.
    Extended,
    /// Without infinities: the letter `f` in the format's name.
    Finite,
}

/// A two's-complement (or plain unsigned) integer times `2^-fraction_bits`.
///
/// Sign-magnitude integers are [`FloatSpec`]s without exponent field:
/// [`FormatSpec::sign_magnitude`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct IntSpec {
    /// Two's complement if set.
    pub signed: bool,
    /// Width of a code: 1 to 32.
    pub bits: u8,
    /// Bits behind the binary point: −64 to 64. MXINT8 has 6.
    pub fraction_bits: i8,
    /// Whether the most negative code is never produced (it still decodes): INT8 as −127..=127.
    pub symmetric: bool,
}

/// A posit of the 2022 standard (where `exponent_bits` is 2) or of its predecessors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct PositSpec {
    /// Width of a code: 3 to 32.
    pub bits: u8,
    /// Width of the exponent field behind the regime: 0 to 4.
    pub exponent_bits: u8,
}

/// How codes stand for numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Encoding {
    /// A floating-point layout, from 2 to 32 bits.
    Float(FloatSpec),
    /// An integer or fixed-point number.
    Int(IntSpec),
    /// Huawei HiFloat8 (arXiv 2409.16626): 8 bits, tapered precision.
    #[cfg_attr(feature = "serde", serde(rename = "hif8"))]
    HiF8,
    /// A table of 2 to 256 numbers, as f32 bits: the code is the position. The width is the
    /// smallest that holds every position; a code behind the end decodes to NaN. The numbers must
    /// be finite multiples of one power of two, none larger than 2^62 of it.
    Codebook(#[cfg_attr(feature = "serde", serde(with = "lists"))] Table<u32, 16>),
    /// A posit of 3 to 32 bits: a sign, a regime of varying length, an exponent and a fraction, so
    /// that numbers near ±1 have the most fraction bits. There is one zero, and NaR, which decodes
    /// to NaN, in place of NaN and infinity.
    Posit(PositSpec),
}

/// A number format as a value: a name and everything that defines which code stands for which
/// number.
///
/// All limits are derived from it by `const` methods ([`max`](Self::max),
/// [`smallest_positive`](Self::smallest_positive), [`epsilon`](Self::epsilon), …). Two specs are equal if
/// they encode alike, whatever their names.
///
/// ```
/// use subhalf::FormatSpec;
/// let e4m3 = FormatSpec::F8E4M3;
/// assert_eq!(e4m3.max().to_f64(), 448.0);
/// assert_eq!(e4m3.encode_f32(0.3), 0x2A);
/// assert_eq!(e4m3.decode_f32(0x2A), 0.3125);
/// assert_eq!(FormatSpec::by_name("Binary8p4sf")?, FormatSpec::F8E4M3FNUZ);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FormatSpec {
    name: Name,
    encoding: Encoding,
}

impl FormatSpec {
    /// A format, checked.
    ///
    /// ```
    /// use subhalf::{Encoding, FloatSpec, FormatSpec};
    /// let e5m3 = FormatSpec::new("F9E5M3", Encoding::Float(FloatSpec::ieee(5, 3)))?;
    /// assert_eq!(e5m3.max().to_f64(), 61440.0);
    /// let error = FormatSpec::new("wide", Encoding::Float(FloatSpec::ieee(8, 24))).unwrap_err();
    /// let message = "format specification: mantissa bits: expected 0..=23, found 24";
    /// assert_eq!(error.to_string(), message);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// An [`Error`] that names the part which is out of range or contradicts another, or a name of
    /// more than 23 bytes.
    pub const fn new(name: &str, encoding: Encoding) -> Result<Self, Error> {
        let checked = match &encoding {
            Encoding::Float(layout) => layout.validate(),
            Encoding::Int(layout) => layout.validate(),
            Encoding::HiF8 => Ok(()),
            Encoding::Codebook(values) => validate_codebook(values.as_slice()),
            Encoding::Posit(layout) => layout.validate(),
        };
        if let Err(error) = checked {
            return Err(error);
        }
        match Name::new(name) {
            Some(name) => Ok(Self { name, encoding }),
            None => Err(Error::SpecRange {
                what: "bytes of the name",
                found: name.len() as i64,
                low: 0,
                high: 23,
            }),
        }
    }

    /// A format for a `const`: a spec that makes no sense does not compile.
    ///
    /// ```
    /// use subhalf::{Encoding, FloatSpec, FormatSpec};
    /// const F5E2M2: FormatSpec =
    ///     FormatSpec::constant("F5E2M2", Encoding::Float(FloatSpec::finite(2, 2)));
    /// assert_eq!(F5E2M2.max().to_f64(), 7.0);
    /// ```
    /// ```compile_fail
    /// # use subhalf::{Encoding, FloatSpec, FormatSpec};
    /// const WIDE: FormatSpec =
    ///     FormatSpec::constant("wide", Encoding::Float(FloatSpec::ieee(8, 24)));
    /// # let _ = WIDE;
    /// ```
    ///
    /// # Panics
    /// If the spec makes no sense: a compile error in a `const`. Use [`new`](Self::new) for a spec
    /// known at run time only.
    #[must_use]
    pub const fn constant(name: &str, encoding: Encoding) -> Self {
        match Self::new(name, encoding) {
            Ok(spec) => spec,
            Err(Error::SpecRange { what, .. } | Error::SpecConflict(what)) => panic!("{}", what),
            Err(_) => panic!("a codebook entry is not a usable number"),
        }
    }

    /// An IEEE P3109 format `Binary{K}p{P}{s|u}{e|f}` (Interim Report v4.0): `bits` K from 3 to 16,
    /// `precision` P from 1 to K−1 (signed) or K (unsigned).
    ///
    /// ```
    /// use subhalf::{Domain, FormatSpec, Signedness};
    /// let spec = FormatSpec::p3109(8, 4, Signedness::Signed, Domain::Extended)?;
    /// assert_eq!((spec.name(), spec.max().to_f64()), ("Binary8p4se", 224.0));
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::SpecRange`] if K or P is out of range.
    pub const fn p3109(
        bits: u8,
        precision: u8,
        signedness: Signedness,
        domain: Domain,
    ) -> Result<Self, Error> {
        if bits < 3 || bits > 16 {
            return Err(Error::SpecRange {
                what: "P3109 bits K",
                found: bits as i64,
                low: 3,
                high: 16,
            });
        }
        let signed = matches!(signedness, Signedness::Signed);
        let widest = bits - signed as u8;
        if precision < 1 || precision > widest {
            return Err(Error::SpecRange {
                what: "P3109 precision P",
                found: precision as i64,
                low: 1,
                high: widest as i64,
            });
        }
        let infinities = matches!(domain, Domain::Extended);
        let exponent_bits = widest + 1 - precision;
        let layout = FloatSpec {
            signed,
            exponent_bits,
            mantissa_bits: precision - 1,
            bias: 1 << (exponent_bits - 1),
            zero_field: ZeroField::Subnormals,
            negative_zero: false,
            infinities,
            nan: if signed { NanCodes::NegativeZero } else { NanCodes::AllOnes },
        };
        let name = Name::cut("Binary").with_number(bits).with_byte(b'p').with_number(precision);
        let name = name.with_byte(if signed { b's' } else { b'u' }).with_byte(if infinities {
            b'e'
        } else {
            b'f'
        });
        Self::new(name.as_str(), Encoding::Float(layout))
    }

    /// A sign-magnitude integer of `bits` bits with `fraction_bits` of them behind the binary
    /// point: E0M3 is `sign_magnitude("E0M3", 4, 0)`.
    ///
    /// # Errors
    /// [`Error::SpecRange`] if `bits` is not in 2..=24.
    pub const fn sign_magnitude(name: &str, bits: u8, fraction_bits: i8) -> Result<Self, Error> {
        if bits < 2 || bits > 24 {
            return Err(Error::SpecRange {
                what: "sign-magnitude bits",
                found: bits as i64,
                low: 2,
                high: 24,
            });
        }
        let integer = FloatSpec::finite(0, bits - 1);
        Self::new(
            name,
            Encoding::Float(FloatSpec { bias: integer.bias + fraction_bits as i32, ..integer }),
        )
    }

    /// A codebook of 2 to 16 numbers that is made at run time: code 0 is the first. The numbers
    /// must be finite multiples of one power of two, none larger than 2^62 of it. Longer codebooks
    /// are [`Encoding::Codebook`] of a [`Table`], which with `std` takes any number of entries.
    ///
    /// ```
    /// use subhalf::FormatSpec;
    /// let learned = FormatSpec::codebook("learned", &[-1.0, -0.25, 0.125, 0.75])?;
    /// assert_eq!((learned.bits(), learned.encode_f32(0.4), learned.decode_f32(1)), (2, 2, -0.25));
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::SpecRange`] for another number of entries, [`Error::Codebook`] and
    /// [`Error::SpecConflict`] for entries that break these rules, and an error for a name of more
    /// than 23 bytes.
    pub const fn codebook(name: &str, numbers: &[f32]) -> Result<Self, Error> {
        let (len, mut bits, mut i) = (numbers.len(), [0; 16], 0);
        if len < 2 || len > 16 {
            let found = len as i64;
            return Err(Error::SpecRange { what: "codebook entries", found, low: 2, high: 16 });
        }
        while i < len {
            bits[i] = numbers[i].to_bits();
            i += 1;
        }
        match Table::held(bits.split_at(len).0) {
            Ok(table) => Self::new(name, Encoding::Codebook(table)),
            Err(error) => Err(error),
        }
    }

    /// The name of the format: at most 23 bytes, as given to [`new`](Self::new) or as the named
    /// formats are called, `F8E4M3` for example.
    #[must_use]
    pub const fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The name as a value that can outlive the spec.
    #[must_use]
    pub const fn short_name(&self) -> Name {
        self.name
    }

    /// How codes stand for numbers.
    #[must_use]
    pub const fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    /// Width of a code in bits: 1 to 32.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        match &self.encoding {
            Encoding::Float(layout) => layout.bits(),
            Encoding::Int(layout) => layout.bits as u32,
            Encoding::HiF8 => 8,
            Encoding::Codebook(values) => (values.as_slice().len() as u32 - 1).ilog2() + 1,
            Encoding::Posit(layout) => layout.bits as u32,
        }
    }

    /// Number of codes: `2^bits`.
    #[must_use]
    pub const fn code_count(&self) -> u64 {
        self.code_mask() as u64 + 1
    }

    /// The bits that a code uses.
    pub(crate) const fn code_mask(&self) -> u32 {
        crate::bits::low_mask(self.bits()) as u32
    }

    /// Whether NaN and zero are where P3109 has them: in place of −0 (so in the FNUZ formats, two
    /// of which are P3109's by another name), or in an unsigned format of its layout.
    pub(crate) const fn has_p3109_specials(&self) -> bool {
        let Encoding::Float(layout) = &self.encoding else { return false };
        let p3109_bias =
            layout.exponent_bits > 0 && layout.bias as i64 == 1 << (layout.exponent_bits - 1);
        let top_nan =
            matches!((layout.nan, layout.zero_field), (NanCodes::AllOnes, ZeroField::Subnormals));
        matches!(layout.nan, NanCodes::NegativeZero) || (!layout.signed && p3109_bias && top_nan)
    }

    /// Whether negative numbers other than −0 exist.
    #[must_use]
    pub const fn is_signed(&self) -> bool {
        match &self.encoding {
            Encoding::Float(layout) => layout.signed,
            Encoding::Int(layout) => layout.signed,
            Encoding::HiF8 | Encoding::Posit(_) => true,
            Encoding::Codebook(values) => {
                let (values, mut i) = (values.as_slice(), 0);
                while i < values.len() {
                    if values[i] > 0x8000_0000 {
                        return true;
                    }
                    i += 1;
                }
                false
            }
        }
    }
}

/// Specs are equal if they encode alike; the name does not count.
impl PartialEq for FormatSpec {
    fn eq(&self, other: &Self) -> bool {
        self.encoding == other.encoding
    }
}

impl Eq for FormatSpec {}

impl core::hash::Hash for FormatSpec {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.encoding.hash(state);
    }
}

impl core::fmt::Display for FormatSpec {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.name.fmt(f)
    }
}

impl IntSpec {
    const fn validate(&self) -> Result<(), Error> {
        if self.bits < 1 || self.bits > 32 {
            return Err(Error::SpecRange {
                what: "integer bits",
                found: self.bits as i64,
                low: 1,
                high: 32,
            });
        }
        if self.fraction_bits < -64 || self.fraction_bits > 64 {
            return Err(Error::SpecRange {
                what: "fraction bits",
                found: self.fraction_bits as i64,
                low: -64,
                high: 64,
            });
        }
        if self.symmetric && (!self.signed || self.bits < 2) {
            return Err(Error::SpecConflict(
                "a symmetric integer needs a sign and a magnitude bit",
            ));
        }
        Ok(())
    }
}

impl PositSpec {
    const fn validate(&self) -> Result<(), Error> {
        if self.bits < 3 || self.bits > 32 {
            return Err(Error::SpecRange {
                what: "posit bits",
                found: self.bits as i64,
                low: 3,
                high: 32,
            });
        }
        if self.exponent_bits > 4 {
            return Err(Error::SpecRange {
                what: "posit exponent bits",
                found: self.exponent_bits as i64,
                low: 0,
                high: 4,
            });
        }
        Ok(())
    }
}

/// The exponent of the last bit that a codebook needs: every entry is a multiple of `2^` this.
pub(crate) const fn codebook_unit(values: &[u32]) -> i64 {
    let mut unit = 127;
    let mut i = 0;
    while i < values.len() {
        let (significand, exponent) = f32_parts(values[i]);
        if significand != 0 {
            let last = exponent + significand.trailing_zeros() as i64;
            unit = if last < unit { last } else { unit };
        }
        i += 1;
    }
    unit
}

/// Magnitude of a finite f32 as `significand · 2^exponent`.
pub(crate) const fn f32_parts(bits: u32) -> (u64, i64) {
    let (field, fraction) = ((bits >> 23) & 0xFF, (bits & 0x7F_FFFF) as u64);
    if field == 0 { (fraction, -149) } else { (fraction | 1 << 23, field as i64 - 150) }
}

const fn validate_codebook(values: &[u32]) -> Result<(), Error> {
    if values.len() < 2 || values.len() > 256 {
        return Err(Error::SpecRange {
            what: "codebook entries",
            found: values.len() as i64,
            low: 2,
            high: 256,
        });
    }
    let mut different = false;
    let mut index = 0;
    while index < values.len() {
        let bits = values[index];
        if bits & 0x7FFF_FFFF >= 0x7F80_0000 {
            return Err(Error::Codebook { index, bits, expected: "a finite number" });
        }
        different |= bits != values[0] && (bits | values[0]) != 0x8000_0000;
        index += 1;
    }
    if !different {
        return Err(Error::SpecConflict("a codebook needs two different numbers"));
    }
    let unit = codebook_unit(values);
    index = 0;
    while index < values.len() {
        let bits = values[index];
        let (significand, exponent) = f32_parts(bits);
        if significand != 0 && exponent + crate::bits::top_bit(significand) - unit >= 62 {
            return Err(Error::Codebook {
                index,
                bits,
                expected: "less than 2^62 units of the finest entry's last bit",
            });
        }
        index += 1;
    }
    Ok(())
}

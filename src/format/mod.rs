//! [`Format`]: a format as a type, for generic code; and the names of formats in other people's
//! vocabularies.

mod names;

pub use names::Vocabulary;

use crate::codec::Unpacked;
use crate::error::Error;
use crate::flags::Flags;
use crate::policy::Convert;
use crate::spec::{Code, FormatSpec};
use crate::unary::{Unary, UnaryTable};

/// A type whose values are the codes of one format. Generic code asks it for [`SPEC`](Self::SPEC)
/// and gets everything else from there; the provided methods are the reference codec under that
/// spec.
///
/// Implement it with [`define_format!`](crate::define_format). Its names keep clear of those that
/// number types and `num-traits` use.
///
/// ```
/// use subhalf::{F4E2M1, F8E4M3, Format};
///
/// fn largest_error<F: Format>(xs: &[f32]) -> f32 {
///     xs.iter().map(|&x| (F::encode_f32(x).decode_f32() - x).abs()).fold(0.0, f32::max)
/// }
///
/// let xs = [1.0, 1.0625, 3.25];
/// assert_eq!((largest_error::<F8E4M3>(&xs), largest_error::<F4E2M1>(&xs)), (0.0625, 0.25));
/// assert_eq!(F8E4M3::largest().decode_f32(), 448.0);
/// assert!(F8E4M3::infinity_value().is_none());
/// ```
pub trait Format: Copy + Send + Sync + 'static {
    /// The integer that stores a code.
    type Code: Code;
    /// What the codes stand for.
    const SPEC: FormatSpec;
    /// The policy of plain conversions and operators.
    const CONVERT: Convert = Self::SPEC.default_convert();

    /// The number with a code. Bits above the format's width are dropped.
    fn from_bits(code: Self::Code) -> Self;

    /// The code; bits above the format's width are 0.
    fn to_bits(self) -> Self::Code;

    /// The number that the code stands for, unrounded.
    #[must_use]
    #[inline]
    fn unpack(self) -> Unpacked {
        Self::SPEC.decode(self.to_bits().widen())
    }

    /// Rounds an exact number under [`CONVERT`](Self::CONVERT).
    #[must_use]
    #[inline]
    fn from_unpacked(x: Unpacked) -> Self {
        Self::from_unpacked_with(x, &Self::CONVERT, 0).0
    }

    /// Rounds an exact number under a policy. `random` is the word that a stochastic rounding takes
    /// its low bits from; every other rounding ignores it.
    #[must_use]
    #[inline]
    fn from_unpacked_with(x: Unpacked, convert: &Convert, random: u32) -> (Self, Flags) {
        let encoded = Self::SPEC.encode_with(x, convert, random);
        (from_code(encoded.code), encoded.flags)
    }

    /// Rounds an f32 under [`CONVERT`](Self::CONVERT).
    #[must_use]
    #[inline]
    fn encode_f32(x: f32) -> Self {
        from_code(Self::SPEC.encode_f32_with(x, &Self::CONVERT, 0).code)
    }

    /// Rounds an f64 under [`CONVERT`](Self::CONVERT), once.
    #[must_use]
    #[inline]
    fn encode_f64(x: f64) -> Self {
        from_code(Self::SPEC.encode_f64_with(x, &Self::CONVERT, 0).code)
    }

    /// Rounds a number of another format under [`CONVERT`](Self::CONVERT), once.
    #[must_use]
    #[inline]
    fn from_format<G: Format>(x: G) -> Self {
        Self::from_unpacked(x.unpack())
    }

    /// The nearest f32; exact for every format that f32 contains.
    #[must_use]
    #[inline]
    fn decode_f32(self) -> f32 {
        self.unpack().to_f32()
    }

    /// The nearest f64; exact for every format that f64 contains.
    #[must_use]
    #[inline]
    fn decode_f64(self) -> f64 {
        self.unpack().to_f64()
    }

    /// A function of the number, correctly rounded under [`CONVERT`](Self::CONVERT). Slow
    /// (microseconds); for many numbers of at most 8 bits make a
    /// [`unary_table`](Self::unary_table).
    ///
    /// ```
    /// use subhalf::{F8E4M3, Flags, Format, Round, Unary};
    /// let x = F8E4M3::from_f32(1.0);
    /// assert_eq!(x.unary(Unary::Exp).to_f32(), 2.75);
    /// let down = F8E4M3::CONVERT.with_round(Round::Down);
    /// assert_eq!(x.unary_with(Unary::Exp, &down, 0), (F8E4M3::from_f32(2.5), Flags::INEXACT));
    /// let exp = F8E4M3::unary_table(Unary::Exp)?;
    /// assert_eq!(F8E4M3::from_bits(exp.get(x.to_bits())), x.unary(Unary::Exp));
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    fn unary(self, function: Unary) -> Self {
        self.unary_with(function, &Self::CONVERT, 0).0
    }

    /// A function of the number, correctly rounded under a policy, with the exceptions that it
    /// raised. `random` is the word that a stochastic rounding takes its low bits from.
    #[must_use]
    fn unary_with(self, function: Unary, convert: &Convert, random: u32) -> (Self, Flags) {
        let encoded = Self::SPEC.unary_with(function, self.to_bits().widen(), convert, random);
        (from_code(encoded.code), encoded.flags)
    }

    /// The function of every code under [`CONVERT`](Self::CONVERT).
    ///
    /// # Errors
    /// [`Error::SpecRange`] if the format has more than 8 bits; [`Error::TableRound`] if the
    /// rounding is stochastic.
    fn unary_table(function: Unary) -> Result<UnaryTable, Error> {
        UnaryTable::new(function, &Self::SPEC, &Self::CONVERT)
    }

    /// The largest finite number.
    #[must_use]
    #[inline]
    fn largest() -> Self {
        from_code(Self::SPEC.max_code())
    }

    /// The smallest finite number: the most negative one, or in an unsigned format the one nearest
    /// zero.
    #[must_use]
    #[inline]
    fn smallest() -> Self {
        from_code(Self::SPEC.min_code())
    }

    /// The smallest positive number.
    #[must_use]
    #[inline]
    fn smallest_positive() -> Self {
        from_code(Self::SPEC.smallest_positive_code())
    }

    /// The smallest positive normal number, where there is one.
    #[must_use]
    #[inline]
    fn smallest_normal() -> Option<Self> {
        Self::SPEC.min_normal_code().map(from_code)
    }

    /// Zero, where there is one.
    #[must_use]
    #[inline]
    fn zero_value() -> Option<Self> {
        Self::SPEC.zero_code().map(from_code)
    }

    /// One, where it is representable.
    #[must_use]
    #[inline]
    fn one_value() -> Option<Self> {
        Self::SPEC.one_code().map(from_code)
    }

    /// NaN, where there is one.
    #[must_use]
    #[inline]
    fn nan_value() -> Option<Self> {
        Self::SPEC.nan_code().map(from_code)
    }

    /// Plus infinity, where there is one.
    #[must_use]
    #[inline]
    fn infinity_value() -> Option<Self> {
        Self::SPEC.infinity_code().map(from_code)
    }
}

pub(crate) fn from_code<F: Format>(code: u32) -> F {
    F::from_bits(F::Code::truncate(code))
}

//! [`CodeTable`]: any function of one number, from the codes of one format to those of another.

use super::{Unary, UnaryTable};
use crate::codec::Unpacked;
use crate::error::Error;
use crate::format::{Format, from_code};
use crate::policy::Convert;
use crate::round::Round;
use crate::spec::{Code, FormatSpec};

/// A function from every code of a format of at most 8 bits to codes of another format, of at most
/// 16 bits: activations with scales, conversions, functions of one's own.
///
/// ```
/// use subhalf::{CodeTable, F8E4M3, FormatSpec, Unary};
/// let (e4m3, bf16) = (FormatSpec::F8E4M3, FormatSpec::BF16);
/// // GELU of what E4M3 codes with scale 0.5 stand for, as codes with scale 0.25.
/// let gelu = CodeTable::between(&e4m3, &e4m3, &e4m3.default_convert(), |x| {
///     let x = 0.5 * x;
///     let gelu = 0.5 * x * (1.0 + (0.797_884_560_8 * (x + 0.044_715 * x.powi(3))).tanh());
///     gelu / 0.25
/// })?;
/// let y: F8E4M3 = gelu.map(F8E4M3::from_f32(2.0))?;
/// assert_eq!(y.to_f32(), 3.25); // 0.8412 / 0.25 = 3.365
///
/// let exp = CodeTable::new(Unary::Exp, &e4m3, &bf16, &bf16.default_convert())?;
/// let mut powers = [0u16; 2];
/// exp.apply(&[0x38, 0xB8], &mut powers)?; // 1 and -1
/// assert_eq!(powers.map(|code| bf16.decode_f32(code.into())), [2.71875, 0.3671875]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeTable {
    src: FormatSpec,
    dst: FormatSpec,
    codes: [u16; 256],
}

impl CodeTable {
    /// A function that [`Unary`] has, correctly rounded to the other format under a policy.
    ///
    /// # Errors
    /// [`Error::SpecRange`] if `src` has more than 8 bits or `dst` more than 16;
    /// [`Error::TableRound`] if the rounding is stochastic.
    pub fn new(
        function: Unary,
        src: &FormatSpec,
        dst: &FormatSpec,
        convert: &Convert,
    ) -> Result<Self, Error> {
        Self::filled(src, dst, convert, |code| {
            function.of(src.operand(code, convert), convert.division_by_zero).0
        })
    }

    /// A function of f64s, whose result for each number is rounded once under a policy. Scales of
    /// codes belong into the function. A NaN becomes the result for NaN.
    ///
    /// # Errors
    /// [`Error::SpecRange`] if `src` has more than 8 bits or `dst` more than 16;
    /// [`Error::TableRound`] if the rounding is stochastic.
    pub fn between(
        src: &FormatSpec,
        dst: &FormatSpec,
        convert: &Convert,
        mut function: impl FnMut(f64) -> f64,
    ) -> Result<Self, Error> {
        Self::filled(src, dst, convert, |code| Unpacked::from_f64(function(src.decode_f64(code))))
    }

    fn filled(
        src: &FormatSpec,
        dst: &FormatSpec,
        convert: &Convert,
        mut function: impl FnMut(u32) -> Unpacked,
    ) -> Result<Self, Error> {
        for (what, spec, high) in
            [("bits of a table's source", src, 8), ("bits of a table's results", dst, 16)]
        {
            if i64::from(spec.bits()) > high {
                let found = spec.bits().into();
                return Err(Error::SpecRange { what, found, low: 1, high });
            }
        }
        if matches!(convert.round, Round::Stochastic { .. }) {
            return Err(Error::TableRound);
        }
        let mut codes = [0; 256];
        for code in src.codes() {
            codes[code as usize] = dst.encode_with(function(code), convert, 0).code as u16;
        }
        // Bits above the width of the source do not count.
        let count = src.code_count() as usize;
        for code in count..codes.len() {
            codes[code] = codes[code % count];
        }
        Ok(Self { src: *src, dst: *dst, codes })
    }

    /// The code of the function's value for a code. Bits above the source's width are ignored.
    #[must_use]
    #[inline]
    pub const fn get(&self, code: u8) -> u16 {
        self.codes[code as usize]
    }

    /// The number of the function's value for a number.
    ///
    /// # Errors
    /// [`Error::Format`] for types of other formats than the table's.
    pub fn map<A: Format<Code = u8>, B: Format>(&self, x: A) -> Result<B, Error> {
        self.check_types::<A, B>()?;
        Ok(from_code(self.get(x.to_bits()).into()))
    }

    /// Writes the code of the function's value for each code.
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as `src`; [`Error::CodeWidth`] if its integers are
    /// too narrow for the results.
    pub fn apply<C: Code>(&self, src: &[u8], dst: &mut [C]) -> Result<(), Error> {
        Error::check_length("output length", src.len(), dst.len())?;
        if C::BITS < self.dst.bits() {
            return Err(Error::CodeWidth {
                format: self.dst.short_name(),
                needed: self.dst.bits(),
                found: C::BITS,
            });
        }
        src.iter().zip(dst).for_each(|(code, to)| *to = C::truncate(self.get(*code).into()));
        Ok(())
    }

    /// Writes the number of the function's value for each number.
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as `src`; [`Error::Format`] for types of other
    /// formats than the table's.
    pub fn apply_typed<A: Format<Code = u8>, B: Format>(
        &self,
        src: &[A],
        dst: &mut [B],
    ) -> Result<(), Error> {
        Error::check_length("output length", src.len(), dst.len())?;
        self.check_types::<A, B>()?;
        src.iter().zip(dst).for_each(|(x, to)| *to = from_code(self.get(x.to_bits()).into()));
        Ok(())
    }

    fn check_types<A: Format, B: Format>(&self) -> Result<(), Error> {
        for (expected, found) in [(self.src, A::SPEC), (self.dst, B::SPEC)] {
            if expected != found {
                let (expected, found) = (expected.short_name(), found.short_name());
                return Err(Error::Format { expected, found });
            }
        }
        Ok(())
    }

    /// The format of arguments.
    #[must_use]
    pub const fn source(&self) -> &FormatSpec {
        &self.src
    }

    /// The format of values.
    #[must_use]
    pub const fn target(&self) -> &FormatSpec {
        &self.dst
    }
}

impl UnaryTable {
    /// Replaces every number by that of the function.
    ///
    /// ```
    /// use subhalf::{F8E4M3, Format, Unary};
    /// let exp = F8E4M3::unary_table(Unary::Exp)?;
    /// let mut x = [F8E4M3::ZERO, F8E4M3::ONE];
    /// exp.apply_typed(&mut x)?;
    /// assert_eq!(x.map(F8E4M3::to_f32), [1.0, 2.75]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Format`] for a type of another format than the table's.
    pub fn apply_typed<F: Format<Code = u8>>(&self, numbers: &mut [F]) -> Result<(), Error> {
        if F::SPEC != *self.spec() {
            let (expected, found) = (self.spec().short_name(), F::SPEC.short_name());
            return Err(Error::Format { expected, found });
        }
        numbers.iter_mut().for_each(|x| *x = F::from_bits(self.get(x.to_bits())));
        Ok(())
    }
}

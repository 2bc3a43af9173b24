//! The calls of [`SliceConverter`]: what each makes, and what it refuses. The loops are in the files
//! of the directions.

use super::SliceConverter;
use crate::error::Error;
use crate::format::Format;
use crate::ops::Real;
use crate::spec::{Code, FormatSpec};

impl SliceConverter {
    /// Encodes numbers as codes, one an element in the low bits.
    ///
    /// ```
    /// use subhalf::{FormatSpec, SliceConverter};
    /// let mut codes = [0u8; 4];
    /// let x = [1.0f32, -0.3, 1000.0, f32::NAN];
    /// SliceConverter::new(&FormatSpec::F8E4M3).encode(&x, &mut codes)?;
    /// assert_eq!(codes, [0x38, 0xAA, 0x7E, 0x7F]); // 1, -0.3125, 448, NaN
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as `src`; [`Error::CodeWidth`] if `C` is too
    /// narrow for the format; [`Error::RandomBits`] if a stochastic rounding asks for none or more
    /// than 32.
    pub fn encode<T: Real, C: Code>(&self, src: &[T], dst: &mut [C]) -> Result<(), Error> {
        super::encode::encode(self, T::slice(src), C::slice_mut(dst))
    }

    /// Decodes codes: each becomes the nearest `T` to the exact number, ties to even, and the
    /// number itself wherever `T` is wide enough; NaN is the type's positive quiet NaN. Bits above
    /// a code's width are ignored, and so are the policy and the random words.
    ///
    /// ```
    /// use subhalf::{Exec, FormatSpec, SliceConverter};
    /// let mut values = [0.0f32; 3];
    /// let e2m1 = SliceConverter::new(&FormatSpec::F4E2M1).exec(Exec::SERIAL);
    /// e2m1.decode(&[0x7u8, 0x9, 0x0], &mut values)?;
    /// assert_eq!(values, [6.0, -0.5, 0.0]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as `src`; [`Error::CodeWidth`] if `C` is too
    /// narrow for the format.
    pub fn decode<C: Code, T: Real>(&self, src: &[C], dst: &mut [T]) -> Result<(), Error> {
        super::decode::decode(self, C::slice(src), T::slice_mut(dst))
    }

    /// Rounds numbers to representable numbers, those that [`encode`](Self::encode) and
    /// [`decode`](Self::decode) give.
    ///
    /// ```
    /// use subhalf::{FormatSpec, SliceConverter};
    /// let mut y = [0.0f32; 3];
    /// SliceConverter::new(&FormatSpec::F4E2M1).fake_quantize(&[0.3f32, 2.4, -100.0], &mut y)?;
    /// assert_eq!(y, [0.5, 2.0, -6.0]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as `src`; [`Error::RandomBits`] if a stochastic
    /// rounding asks for none or more than 32.
    pub fn fake_quantize<T: Real>(&self, src: &[T], dst: &mut [T]) -> Result<(), Error> {
        super::fake::fake_quantize(self, T::slice(src), T::slice_mut(dst))
    }

    /// Rounds numbers to representable numbers where they lie, with the bits of
    /// [`fake_quantize`](Self::fake_quantize). It allocates no memory.
    ///
    /// ```
    /// use subhalf::{FormatSpec, Round, SliceConverter};
    /// let mut x = [0.3f64, 2.4, -100.0];
    /// let e2m1 = SliceConverter::new(&FormatSpec::F4E2M1).round(Round::Up);
    /// e2m1.fake_quantize_in_place(&mut x)?;
    /// assert_eq!(x, [0.5, 3.0, -6.0]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::RandomBits`] if a stochastic rounding asks for none or more than 32.
    pub fn fake_quantize_in_place<T: Real>(&self, x: &mut [T]) -> Result<(), Error> {
        super::fake::fake_quantize_in_place(self, T::slice_mut(x))
    }

    /// Converts codes of another format to codes of this one, each by one rounding of the exact
    /// number. Bits above a code's width are ignored.
    ///
    /// ```
    /// use subhalf::{FormatSpec, SliceConverter};
    /// let (e4m3, mut codes) = (FormatSpec::F8E4M3, [0u8; 3]);
    /// // 1, -0.40625 and 448 in E4M3.
    /// SliceConverter::new(&FormatSpec::F4E2M1)
    ///     .convert_codes(&e4m3, &[0x38u8, 0xAD, 0x7E], &mut codes)?;
    /// assert_eq!(codes, [0x2, 0x9, 0x7]); // 1, -0.5 and 6 in E2M1
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as `src`; [`Error::CodeWidth`] if a code type is
    /// too narrow for its format; [`Error::RandomBits`] if a stochastic rounding asks for none or
    /// more than 32.
    pub fn convert_codes<S: Code, D: Code>(
        &self,
        from: &FormatSpec,
        src: &[S],
        dst: &mut [D],
    ) -> Result<(), Error> {
        super::recode::convert_codes(self, from, S::slice(src), D::slice_mut(dst))
    }

    /// Encodes numbers as values of a format's own type.
    ///
    /// ```
    /// use subhalf::{Convert, F8E4M3, SliceConverter};
    /// let mut y = [F8E4M3::default(); 2];
    /// let jax = SliceConverter::of::<F8E4M3>().convert(&Convert::ML_DTYPES);
    /// jax.encode_typed(&[0.3f32, 1000.0], &mut y)?;
    /// assert!(y[0].to_f32() == 0.3125 && y[1].is_nan());
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Format`] if the type is of another format than the converter; [`Error::Length`] if
    /// `dst` is not as long as `src`; [`Error::RandomBits`] if a stochastic rounding asks for none
    /// or more than 32; [`Error::CodeWidth`] if [`Format::Code`] is too narrow for the format.
    pub fn encode_typed<T: Real, F: Format>(&self, src: &[T], dst: &mut [F]) -> Result<(), Error> {
        super::typed::encode(self, T::slice(src), dst)
    }

    /// Decodes values of a format's own type: the numbers that [`decode`](Self::decode) gives for
    /// their codes.
    ///
    /// # Errors
    /// [`Error::Format`] if the type is of another format than the converter; [`Error::Length`] if
    /// `dst` is not as long as `src`; [`Error::CodeWidth`] if [`Format::Code`] is too narrow for
    /// the format.
    pub fn decode_typed<F: Format, T: Real>(&self, src: &[F], dst: &mut [T]) -> Result<(), Error> {
        super::typed::decode(self, src, T::slice_mut(dst))
    }
}

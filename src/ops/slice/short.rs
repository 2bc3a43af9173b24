//! The short calls of [`FormatSpec`]: default policy, no random words, on all threads.

use super::SliceConverter;
#[cfg(feature = "alloc")]
use crate::codec::Unpacked;
use crate::error::Error;
use crate::ops::Real;
use crate::spec::{Code, FormatSpec};
#[cfg(feature = "alloc")]
use alloc::{vec, vec::Vec};

impl FormatSpec {
    /// Encodes numbers as codes, one an element in the low bits, under the
    /// [default policy](Self::default_convert). [`SliceConverter::encode`] takes another policy,
    /// random words and threads.
    ///
    /// ```
    /// use subhalf::FormatSpec;
    /// let mut codes = [0u8; 4];
    /// FormatSpec::F8E4M3.encode_slice(&[1.0f32, -0.3, 1000.0, f32::NAN], &mut codes)?;
    /// assert_eq!(codes, [0x38, 0xAA, 0x7E, 0x7F]); // 1, -0.3125, 448, NaN
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as `src`; [`Error::CodeWidth`] if `C` is too
    /// narrow for the format.
    pub fn encode_slice<T: Real, C: Code>(&self, src: &[T], dst: &mut [C]) -> Result<(), Error> {
        SliceConverter::new(self).encode(src, dst)
    }

    /// Decodes codes: each becomes the nearest `T` to the exact number, and the number itself
    /// wherever `T` is wide enough. Bits above a code's width are ignored.
    ///
    /// ```
    /// use subhalf::FormatSpec;
    /// let mut values = [0.0f32; 3];
    /// FormatSpec::F4E2M1.decode_slice(&[0x7u8, 0x9, 0x0], &mut values)?;
    /// assert_eq!(values, [6.0, -0.5, 0.0]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as `src`; [`Error::CodeWidth`] if `C` is too
    /// narrow for the format.
    pub fn decode_slice<C: Code, T: Real>(&self, src: &[C], dst: &mut [T]) -> Result<(), Error> {
        SliceConverter::new(self).decode(src, dst)
    }

    /// Rounds numbers to representable numbers where they lie, under the
    /// [default policy](Self::default_convert). [`SliceConverter::fake_quantize_in_place`] takes
    /// another policy, random words and threads.
    ///
    /// ```
    /// use subhalf::FormatSpec;
    /// let mut x = [0.3f32, 2.4, -100.0];
    /// FormatSpec::F4E2M1.fake_quantize(&mut x);
    /// assert_eq!(x, [0.5, 2.0, -6.0]);
    /// ```
    pub fn fake_quantize<T: Real>(&self, x: &mut [T]) {
        // No default policy takes random bits, so nothing can be refused.
        super::fake::in_place(&SliceConverter::new(self), T::slice_mut(x));
    }

    /// Encodes numbers into a new vector of codes, under the
    /// [default policy](Self::default_convert).
    ///
    /// ```
    /// use subhalf::FormatSpec;
    /// assert_eq!(FormatSpec::F8E4M3.encode_vec::<u8>(&[1.0f32, -0.3])?, [0x38, 0xAA]);
    /// let error = FormatSpec::BF16.encode_vec::<u8>(&[1.0f32]).unwrap_err();
    /// let message = "code type: expected at least 16 bits for BF16, found 8";
    /// assert_eq!(error.to_string(), message);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::CodeWidth`] if `C` is too narrow for the format.
    #[cfg(feature = "alloc")]
    pub fn encode_vec<C: Code>(&self, src: &[impl Real]) -> Result<Vec<C>, Error> {
        let mut codes = vec![C::truncate(0); src.len()];
        self.encode_slice(src, &mut codes)?;
        Ok(codes)
    }

    /// Decodes codes into a new vector: each becomes the nearest `T`, and the number itself
    /// wherever `T` is wide enough.
    ///
    /// ```
    /// use subhalf::FormatSpec;
    /// assert_eq!(FormatSpec::F4E2M1.decode_vec::<f32>(&[0x7u8, 0x9])?, [6.0, -0.5]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::CodeWidth`] if the code type is too narrow for the format.
    #[cfg(feature = "alloc")]
    pub fn decode_vec<T: Real>(&self, src: &[impl Code]) -> Result<Vec<T>, Error> {
        let mut values = vec![T::nearest(Unpacked::ZERO); src.len()];
        self.decode_slice(src, &mut values)?;
        Ok(values)
    }
}

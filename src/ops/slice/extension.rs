//! Conversions as methods of slices and vectors of a format's own type, under the names that `half`
//! has for them.

use super::SliceConverter;
use crate::error::Error;
use crate::format::Format;
use crate::ops::Real;
#[cfg(feature = "alloc")]
use alloc::{vec, vec::Vec};
use bytemuck::{AnyBitPattern, NoUninit};

/// Methods of slices of numbers of a format, after `half`'s `HalfFloatSliceExt`. Numbers are
/// rounded under [`Format::CONVERT`], on all threads. What panics there for slices of different
/// lengths is an error here.
///
/// ```
/// use subhalf::{F8E4M3, FormatSliceExt};
/// let mut y = [F8E4M3::ZERO; 3];
/// y.convert_from_f32_slice(&[0.3, 1000.0, -2.0])?;
/// assert_eq!(y.reinterpret_cast(), [0x2A, 0x7E, 0xC0]);
/// assert_eq!(y.to_f32_vec(), [0.3125, 448.0, -2.0]);
/// assert!(y.convert_to_f32_slice(&mut [0.0; 2]).is_err());
/// # Ok::<(), subhalf::Error>(())
/// ```
pub trait FormatSliceExt<F: Format> {
    /// The slice, for the methods that the trait provides.
    #[doc(hidden)]
    fn numbers(&self) -> &[F];

    /// The slice, for the methods that the trait provides.
    #[doc(hidden)]
    fn numbers_mut(&mut self) -> &mut [F];

    /// The codes, where they lie.
    fn reinterpret_cast(&self) -> &[F::Code]
    where
        F: NoUninit,
        F::Code: AnyBitPattern,
    {
        bytemuck::cast_slice(self.numbers())
    }

    /// Rounds f32s into the slice.
    ///
    /// # Errors
    /// [`Error::Length`] if `src` is not as long as the slice.
    fn convert_from_f32_slice(&mut self, src: &[f32]) -> Result<(), Error> {
        self.convert_from_slice(src)
    }

    /// Rounds f64s into the slice, once.
    ///
    /// # Errors
    /// [`Error::Length`] if `src` is not as long as the slice.
    fn convert_from_f64_slice(&mut self, src: &[f64]) -> Result<(), Error> {
        self.convert_from_slice(src)
    }

    /// Rounds numbers of any type that slices are converted from: f32, f64, f16, bf16.
    ///
    /// # Errors
    /// [`Error::Length`] if `src` is not as long as the slice; [`Error::CodeWidth`] if
    /// [`Format::Code`] is too narrow for the format.
    fn convert_from_slice<T: Real>(&mut self, src: &[T]) -> Result<(), Error> {
        SliceConverter::of::<F>().encode_typed(src, self.numbers_mut())
    }

    /// Writes the nearest f32s.
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as the slice.
    fn convert_to_f32_slice(&self, dst: &mut [f32]) -> Result<(), Error> {
        self.convert_to_slice(dst)
    }

    /// Writes the nearest f64s.
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as the slice.
    fn convert_to_f64_slice(&self, dst: &mut [f64]) -> Result<(), Error> {
        self.convert_to_slice(dst)
    }

    /// Writes the nearest numbers of any type that slices are converted to: f32, f64, f16, bf16.
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as the slice; [`Error::CodeWidth`] if
    /// [`Format::Code`] is too narrow for the format.
    fn convert_to_slice<T: Real>(&self, dst: &mut [T]) -> Result<(), Error> {
        SliceConverter::of::<F>().decode_typed(self.numbers(), dst)
    }

    /// The nearest f32s.
    #[cfg(feature = "alloc")]
    #[must_use]
    fn to_f32_vec(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.numbers().len()];
        match self.convert_to_slice(&mut out) {
            Ok(()) => out,
            // A code type of one's own that is too narrow: number by number.
            Err(_) => self.numbers().iter().map(|x| x.decode_f32()).collect(),
        }
    }

    /// The nearest f64s.
    #[cfg(feature = "alloc")]
    #[must_use]
    fn to_f64_vec(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.numbers().len()];
        match self.convert_to_slice(&mut out) {
            Ok(()) => out,
            Err(_) => self.numbers().iter().map(|x| x.decode_f64()).collect(),
        }
    }
}

impl<F: Format> FormatSliceExt<F> for [F] {
    fn numbers(&self) -> &[F] {
        self
    }

    fn numbers_mut(&mut self) -> &mut [F] {
        self
    }
}

/// Vectors of numbers of a format, after `half`'s `HalfFloatVecExt`.
///
/// ```
/// use subhalf::{F4E2M1, FormatVecExt};
/// let y = Vec::<F4E2M1>::from_f32_slice(&[0.3, 1000.0]);
/// assert_eq!(y, [0.5, 6.0].map(F4E2M1::from_f32));
/// ```
#[cfg(feature = "alloc")]
pub trait FormatVecExt<F: Format>: Sized {
    /// Rounds f32s under [`Format::CONVERT`].
    #[must_use]
    fn from_f32_slice(src: &[f32]) -> Self;

    /// Rounds f64s under [`Format::CONVERT`], once.
    #[must_use]
    fn from_f64_slice(src: &[f64]) -> Self;
}

#[cfg(feature = "alloc")]
impl<F: Format> FormatVecExt<F> for Vec<F> {
    fn from_f32_slice(src: &[f32]) -> Self {
        let mut out = vec![F::largest(); src.len()];
        match out.convert_from_slice(src) {
            Ok(()) => out,
            Err(_) => src.iter().map(|&x| F::encode_f32(x)).collect(),
        }
    }

    fn from_f64_slice(src: &[f64]) -> Self {
        let mut out = vec![F::largest(); src.len()];
        match out.convert_from_slice(src) {
            Ok(()) => out,
            Err(_) => src.iter().map(|&x| F::encode_f64(x)).collect(),
        }
    }
}

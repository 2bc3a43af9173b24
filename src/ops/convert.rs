//! Slices of numbers to slices of codes and back, one element at a time through the reference codec.

use super::Exec;
use crate::codec::Unpacked;
use crate::error::Error;
use crate::format::Code;
use crate::policy::Convert;
use crate::random::Dither;
use crate::round::Round;
use crate::spec::FormatSpec;

mod sealed {
    pub trait Sealed {}
}

/// The number types that bulk calls read and write: f32, f64 and, with the `half` feature, f16 and bf16.
pub trait Real: sealed::Sealed + Copy + Send + Sync + 'static {
    /// The exact value.
    fn unpack(self) -> Unpacked;
    /// The nearest number of this type, ties to even; NaN is the type's positive quiet NaN.
    fn nearest(x: Unpacked) -> Self;
}

macro_rules! real {
    ($($(#[$attr:meta])* $type:ty: $from:ident, $to:ident;)*) => {$(
        $(#[$attr])*
        impl sealed::Sealed for $type {}
        $(#[$attr])*
        impl Real for $type {
            #[inline]
            fn unpack(self) -> Unpacked {
                Unpacked::$from(self)
            }
            #[inline]
            fn nearest(x: Unpacked) -> Self {
                x.$to()
            }
        }
    )*};
}

real! {
    f32: from_f32, to_f32;
    f64: from_f64, to_f64;
    #[cfg(feature = "half")] half::f16: from_f16, to_f16;
    #[cfg(feature = "half")] half::bf16: from_bf16, to_bf16;
}

/// Encodes `src` into `dst`, one code an element in the low bits, each a single rounding of the exact input under
/// `convert`. `dither` gives the random words of a stochastic rounding; other roundings ignore it.
///
/// ```
/// use subhalf::{Dither, Exec, FormatSpec, encode_slice};
/// let spec = FormatSpec::F8E4M3;
/// let mut codes = [0u8; 4];
/// encode_slice(&spec, &[1.0f32, -0.3, 1000.0, f32::NAN], &mut codes, &spec.default_convert(), Dither::NONE, Exec::default())?;
/// assert_eq!(codes, [0x38, 0xAA, 0x7E, 0x7F]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] if `dst` is not as long as `src`; [`Error::CodeWidth`] if `C` is too narrow for the format;
/// [`Error::RandomBits`] if a stochastic rounding asks for none or more than 32.
pub fn encode_slice<T: Real, C: Code>(
    spec: &FormatSpec,
    src: &[T],
    dst: &mut [C],
    convert: &Convert,
    dither: Dither,
    exec: Exec,
) -> Result<(), Error> {
    check_length(src.len(), dst.len())?;
    check_width::<C>(spec)?;
    convert.round.validate()?;
    exec.over(src, dst, |first, src, dst| {
        let words = Words::new(convert.round, dither.skip(first as u64));
        for (i, (x, code)) in src.iter().zip(dst).enumerate() {
            *code = C::truncate(spec.encode_with(x.unpack(), convert, words.get(i)).code);
        }
    });
    Ok(())
}

/// Decodes `src` into `dst`: each element the nearest `T` to the exact number (exact wherever `T` is wide enough). Bits above a
/// code's width are ignored.
///
/// ```
/// use subhalf::{Exec, FormatSpec, decode_slice};
/// let mut values = [0.0f32; 3];
/// decode_slice(&FormatSpec::F4E2M1, &[0x7u8, 0x9, 0x0], &mut values, Exec::default())?;
/// assert_eq!(values, [6.0, -0.5, 0.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] if `dst` is not as long as `src`; [`Error::CodeWidth`] if `C` is too narrow for the format.
pub fn decode_slice<C: Code, T: Real>(spec: &FormatSpec, src: &[C], dst: &mut [T], exec: Exec) -> Result<(), Error> {
    check_length(src.len(), dst.len())?;
    check_width::<C>(spec)?;
    exec.over(src, dst, |_, src, dst| {
        for (code, x) in src.iter().zip(dst) {
            *x = T::nearest(spec.decode(code.widen()));
        }
    });
    Ok(())
}

/// Replaces numbers by the representable numbers they would be stored as: [`encode_slice`] and [`decode_slice`] in one.
///
/// ```
/// use subhalf::{Dither, Exec, FormatSpec, fake_quantize_slice};
/// let spec = FormatSpec::F4E2M1;
/// let mut y = [0.0f32; 3];
/// fake_quantize_slice(&spec, &[0.3f32, 2.4, -100.0], &mut y, &spec.default_convert(), Dither::NONE, Exec::default())?;
/// assert_eq!(y, [0.5, 2.0, -6.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] if `dst` is not as long as `src`; [`Error::RandomBits`] as for [`encode_slice`].
pub fn fake_quantize_slice<T: Real>(
    spec: &FormatSpec,
    src: &[T],
    dst: &mut [T],
    convert: &Convert,
    dither: Dither,
    exec: Exec,
) -> Result<(), Error> {
    check_length(src.len(), dst.len())?;
    convert.round.validate()?;
    exec.over(src, dst, |first, src, dst| {
        let words = Words::new(convert.round, dither.skip(first as u64));
        for (i, (x, y)) in src.iter().zip(dst).enumerate() {
            *y = T::nearest(spec.decode(spec.encode_with(x.unpack(), convert, words.get(i)).code));
        }
    });
    Ok(())
}

/// The random words of a run of elements; none are made for a rounding that takes none.
pub(super) struct Words {
    dither: Dither,
    bits: Option<u8>,
}

impl Words {
    pub(super) const fn new(round: Round, dither: Dither) -> Self {
        let bits = match round {
            Round::Stochastic { bits, .. } => Some(bits),
            _ => None,
        };
        Self { dither, bits }
    }

    pub(super) fn get(&self, offset: usize) -> u32 {
        self.bits.map_or(0, |bits| self.dither.word(offset as u64, bits))
    }
}

fn check_length(expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::Length { what: "output length", expected, found }) }
}

fn check_width<C: Code>(spec: &FormatSpec) -> Result<(), Error> {
    if spec.bits() <= C::BITS {
        Ok(())
    } else {
        Err(Error::CodeWidth { format: spec.short_name(), needed: spec.bits(), found: C::BITS })
    }
}

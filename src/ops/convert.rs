//! Slices of numbers to slices of codes and back: by kernels where there is one for the format and the policy, else one element at a time
//! through the reference codec.

use super::Exec;
use super::par::Pieces;
use crate::codec::Unpacked;
use crate::error::Error;
use crate::kernel::{self, DecodeBytes, DecodeWide, Encoder, FakeQuantizer, look_up};
use crate::policy::{Convert, SubnormalInputs};
use crate::random::Dither;
use crate::round::Round;
use crate::spec::{Code, FormatSpec};

mod sealed {
    pub trait Sealed {}
}

/// The number types that bulk calls read and write: f32, f64 and, with the `half` feature, f16 and bf16.
pub trait Real: sealed::Sealed + Copy + Send + Sync + 'static {
    /// The exact value.
    fn unpack(self) -> Unpacked;
    /// The nearest number of this type, ties to even; NaN is the type's positive quiet NaN.
    fn nearest(x: Unpacked) -> Self;
    /// Runs `work` over the numbers as f32s, in pieces with what belongs to them of `dst`, if every number is an f32, and a subnormal one if
    /// `subnormals_matter`; else does nothing and says so.
    #[doc(hidden)]
    fn as_f32s<D>(src: &[Self], dst: &mut [D], subnormals_matter: bool, work: impl FnMut(&[f32], &mut [D])) -> bool;
    /// Such a slice, if this is f32.
    #[doc(hidden)]
    fn f32s_mut(dst: &mut [Self]) -> Option<&mut [f32]> {
        let _ = dst;
        None
    }
}

macro_rules! real {
    ($($(#[$attr:meta])* $type:ty: $from:ident, $to:ident { $($f32s:item)* })*) => {$(
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
            $($f32s)*
        }
    )*};
}

/// Numbers of a type narrower than f32, widened piece by piece.
#[cfg(feature = "half")]
fn widened<T: Copy + Into<f32>, D>(src: &[T], dst: &mut [D], mut work: impl FnMut(&[f32], &mut [D])) {
    const PIECE: usize = 512;
    let mut buffer = [0.0f32; PIECE];
    for (src, dst) in src.chunks(PIECE).zip(dst.chunks_mut(PIECE)) {
        let wide = &mut buffer[..src.len()];
        wide.iter_mut().zip(src).for_each(|(wide, x)| *wide = (*x).into());
        work(wide, dst);
    }
}

real! {
    f32: from_f32, to_f32 {
        fn as_f32s<D>(src: &[Self], dst: &mut [D], _: bool, mut work: impl FnMut(&[f32], &mut [D])) -> bool {
            work(src, dst);
            true
        }
        fn f32s_mut(dst: &mut [Self]) -> Option<&mut [f32]> {
            Some(dst)
        }
    }
    f64: from_f64, to_f64 {
        fn as_f32s<D>(_: &[Self], _: &mut [D], _: bool, _: impl FnMut(&[f32], &mut [D])) -> bool {
            false
        }
    }
    #[cfg(feature = "half")] half::f16: from_f16, to_f16 {
        fn as_f32s<D>(src: &[Self], dst: &mut [D], subnormals_matter: bool, work: impl FnMut(&[f32], &mut [D])) -> bool {
            if !subnormals_matter {
                widened(src, dst, work);
            }
            !subnormals_matter
        }
    }
    #[cfg(feature = "half")] half::bf16: from_bf16, to_bf16 {
        fn as_f32s<D>(src: &[Self], dst: &mut [D], _: bool, work: impl FnMut(&[f32], &mut [D])) -> bool {
            widened(src, dst, work);
            true
        }
    }
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
    Error::check_length("output length", src.len(), dst.len())?;
    check_width::<C>(spec)?;
    convert.round.validate()?;
    let kernel = has_kernel(src.len(), dither);
    let encoder = if kernel { Encoder::lower(exec.isa(), spec, convert, src.len()) } else { None };
    let flush = matches!(convert.subnormal_inputs, SubnormalInputs::Flush);
    let streams = kernel::is_large(size_of_val(src) + size_of_val(dst));
    let pieces = if encoder.is_some() { Pieces::Fast } else { Pieces::Slow };
    exec.over(src, dst, pieces, |first, src, dst| {
        if let Some(encoder) = &encoder {
            let mut dither = dither.skip(first as u64);
            let encode = |src: &[f32], dst: &mut [C]| {
                match C::bytes_mut(dst) {
                    Some(dst) if streams => kernel::tiles(src, dst, |at, src, dst| encoder.encode(src, dst, dither.skip(at))),
                    _ => encoder.encode(src, dst, dither),
                }
                dither = dither.skip(src.len() as u64);
            };
            if T::as_f32s(src, dst, flush, encode) {
                return;
            }
        }
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
    Error::check_length("output length", src.len(), dst.len())?;
    check_width::<C>(spec)?;
    let (isa, large) = (exec.isa(), src.len() >= LARGE);
    let to_f32 = T::f32s_mut(&mut []).is_some();
    let bytes = (large && to_f32 && spec.bits() <= 8).then(|| DecodeBytes::lower(isa, spec));
    let wide = if large && to_f32 && spec.bits() > 8 { DecodeWide::lower(isa, spec) } else { None };
    let table = (large && !to_f32 && spec.bits() <= 8).then(|| values::<T>(spec));
    let streams = kernel::is_large(size_of_val(src) + size_of_val(dst));
    let pieces = if bytes.is_some() || wide.is_some() || table.is_some() { Pieces::Fast } else { Pieces::Slow };
    exec.over(src, dst, pieces, |_, src, dst| {
        if let (Some(table), Some(src)) = (&table, C::bytes(src)) {
            return look_up(isa, table, src, dst);
        }
        let numbers = T::f32s_mut(dst);
        match (&bytes, C::bytes(src), &wide, numbers) {
            (Some(bytes), Some(src), _, Some(dst)) if streams => {
                kernel::tiles(src, dst, |_, src, dst| bytes.decode(isa, src, dst));
            }
            (Some(bytes), Some(src), _, Some(dst)) => bytes.decode(isa, src, dst),
            (_, _, Some(wide), Some(dst)) if streams => kernel::tiles(src, dst, |_, src, dst| wide.decode(isa, src, dst)),
            (_, _, Some(wide), Some(dst)) => wide.decode(isa, src, dst),
            _ => {
                for (code, x) in src.iter().zip(dst) {
                    *x = T::nearest(spec.decode(code.widen()));
                }
            }
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
    Error::check_length("output length", src.len(), dst.len())?;
    convert.round.validate()?;
    let kernel = has_kernel(src.len(), dither);
    let fake = if kernel { FakeQuantizer::lower(exec.isa(), spec, convert, src.len()) } else { None };
    let table = fake.as_ref().filter(|_| T::f32s_mut(&mut []).is_none() && spec.bits() <= 8).map(|_| values::<T>(spec));
    let flush = matches!(convert.subnormal_inputs, SubnormalInputs::Flush);
    let streams = kernel::is_large(size_of_val(src) + size_of_val(dst));
    let pieces = if fake.is_some() { Pieces::Fast } else { Pieces::Slow };
    exec.over(src, dst, pieces, |first, src, dst| {
        if let Some(fake) = &fake {
            let (mut done, mut dither) = (true, dither.skip(first as u64));
            let round = |src: &[f32], dst: &mut [T]| {
                match (T::f32s_mut(dst), &table) {
                    (Some(dst), _) if streams => {
                        kernel::tiles(src, dst, |at, src, dst| fake.numbers(src, dst, dither.skip(at)));
                    }
                    (Some(dst), _) => fake.numbers(src, dst, dither),
                    (None, Some(table)) => fake.entries(src, dst, table, dither),
                    (None, None) => done = false,
                }
                dither = dither.skip(src.len() as u64);
            };
            if T::as_f32s(src, dst, flush, round) && done {
                return;
            }
        }
        let words = Words::new(convert.round, dither.skip(first as u64));
        for (i, (x, y)) in src.iter().zip(dst).enumerate() {
            *y = T::nearest(spec.decode(spec.encode_with(x.unpack(), convert, words.get(i)).code));
        }
    });
    Ok(())
}

/// Elements below which making the parameters of a kernel costs more than it saves.
const LARGE: usize = 256;

/// Whether a call goes to a kernel: it is large, and its elements' indices are in order.
const fn has_kernel(elements: usize, dither: Dither) -> bool {
    elements >= LARGE && dither.first_index.checked_add(elements as u64).is_some()
}

/// The numbers of all codes of a format of at most 8 bits.
fn values<T: Real>(spec: &FormatSpec) -> [T; 256] {
    core::array::from_fn(|code| T::nearest(spec.decode(code as u32)))
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

fn check_width<C: Code>(spec: &FormatSpec) -> Result<(), Error> {
    if spec.bits() <= C::BITS {
        Ok(())
    } else {
        Err(Error::CodeWidth { format: spec.short_name(), needed: spec.bits(), found: C::BITS })
    }
}

//! Slices of a format's own type: the codes of a chunk stay in L1 between conversion and the type.

use super::decode::DecodePlan;
use super::encode::EncodePlan;
use super::{SliceConverter, check_width};
use crate::error::Error;
use crate::format::Format;
use crate::ops::Real;
use crate::ops::numbers::{Numbers, NumbersMut};
use crate::spec::Code;

/// Elements converted at a time: 8 KiB of f32s and their codes.
const CHUNK: usize = 2048;

/// The short calls for slices of a format's own type: policy [`Format::CONVERT`], no random words,
/// on all threads. Every [`Format`] has them; [`SliceConverter::encode_typed`] takes another
/// policy, random words and threads.
///
/// ```
/// use subhalf::{F8E4M3, FormatSlice};
/// let mut y = [F8E4M3::default(); 3];
/// F8E4M3::encode_slice(&[0.3f32, 1000.0, -2.0], &mut y)?;
/// assert_eq!(y, [0.3125, 448.0, -2.0].map(F8E4M3::from_f32));
/// let mut x = [0.0f32; 3];
/// F8E4M3::decode_slice(&y, &mut x)?;
/// assert_eq!(x, [0.3125, 448.0, -2.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
pub trait FormatSlice: Format {
    /// Encodes numbers, each by one rounding.
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as `src`; [`Error::CodeWidth`] if [`Format::Code`]
    /// is too narrow for the format.
    fn encode_slice<T: Real>(src: &[T], dst: &mut [Self]) -> Result<(), Error> {
        SliceConverter::of::<Self>().encode_typed(src, dst)
    }

    /// Decodes values: each becomes the nearest `T`, and the number itself wherever `T` is wide
    /// enough.
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as `src`; [`Error::CodeWidth`] if [`Format::Code`]
    /// is too narrow for the format.
    fn decode_slice<T: Real>(src: &[Self], dst: &mut [T]) -> Result<(), Error> {
        SliceConverter::of::<Self>().decode_typed(src, dst)
    }
}

impl<F: Format> FormatSlice for F {}

/// [`SliceConverter::encode_typed`].
pub(super) fn encode<F: Format>(
    converter: &SliceConverter,
    src: Numbers<'_>,
    dst: &mut [F],
) -> Result<(), Error> {
    check::<F>(converter, src.len(), dst.len())?;
    let plan = EncodePlan::new(converter, src.len())?;
    converter.exec.over(src, dst, plan.pieces(), |first, src, dst| {
        let mut codes = [F::Code::truncate(0); CHUNK];
        for (chunk, (src, dst)) in src.chunks(CHUNK).zip(dst.chunks_mut(CHUNK)).enumerate() {
            let codes = &mut codes[..src.len()];
            let dither = converter.dither.skip((first + chunk * CHUNK) as u64);
            // The codes are read at once: no way past the caches, whatever the length.
            plan.piece(src, F::Code::slice_mut(codes), dither, false);
            // `from_bits` drops bits above the width; there are none.
            dst.iter_mut().zip(codes).for_each(|(to, code)| *to = F::from_bits(*code));
        }
    });
    Ok(())
}

/// [`SliceConverter::decode_typed`].
pub(super) fn decode<F: Format>(
    converter: &SliceConverter,
    src: &[F],
    dst: NumbersMut<'_>,
) -> Result<(), Error> {
    check::<F>(converter, src.len(), dst.len())?;
    let plan = DecodePlan::new(converter, &dst);
    converter.exec.over(src, dst, plan.pieces(), |_, src, dst| {
        let mut codes = [F::Code::truncate(0); CHUNK];
        let mut dst = dst;
        for (chunk, src) in src.chunks(CHUNK).enumerate() {
            let codes = &mut codes[..src.len()];
            // A copy that the compiler makes a memcpy where the type is its code.
            codes.iter_mut().zip(src).for_each(|(code, x)| *code = x.to_bits());
            let dst = dst.range(chunk * CHUNK..chunk * CHUNK + src.len());
            plan.piece(F::Code::slice(codes), dst, false);
        }
    });
    Ok(())
}

/// Refuses a type of another format, slices of different lengths, and a code type too narrow.
fn check<F: Format>(converter: &SliceConverter, src: usize, dst: usize) -> Result<(), Error> {
    // Specs are compared by layout; their names do not count.
    if F::SPEC != converter.spec {
        return Err(Error::Format {
            expected: converter.spec.short_name(),
            found: F::SPEC.short_name(),
        });
    }
    Error::check_length("output length", src, dst)?;
    check_width(&converter.spec, F::Code::BITS)
}

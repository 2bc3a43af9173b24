//! Slices of a format's own type: the codes of a run stay in the first-level cache between
//! conversion and the type.

use super::Exec;
use super::convert::{Decode, Encode, check_width};
use super::real::Real;
use crate::error::Error;
use crate::format::Format;
use crate::policy::Convert;
use crate::random::Dither;
use crate::spec::Code;

/// Elements converted at a time.
const RUN: usize = 2048;

/// Slices of a format's own type: what [`encode_slice`](crate::encode_slice) and
/// [`decode_slice`](crate::decode_slice) do by spec. Every [`Format`] has it.
///
/// ```
/// use subhalf::{Dither, Exec, F8E4M3, Format, FormatSlice};
/// let mut y = [F8E4M3::default(); 3];
/// F8E4M3::encode_slice(&[0.3f32, 1000.0, -2.0], &mut y, &F8E4M3::CONVERT, Dither::NONE, Exec::default())?;
/// assert_eq!(y, [0.3125, 448.0, -2.0].map(F8E4M3::from_f32));
/// let mut x = [0.0f32; 3];
/// F8E4M3::decode_slice(&y, &mut x, Exec::default())?;
/// assert_eq!(x, [0.3125, 448.0, -2.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
pub trait FormatSlice: Format {
    /// Rounds numbers, each once, as [`encode_slice`](crate::encode_slice) under [`Format::SPEC`].
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as `src`; [`Error::RandomBits`] if a stochastic
    /// rounding asks for none or more than 32; [`Error::CodeWidth`] if [`Format::Code`] is too
    /// narrow for the format.
    fn encode_slice<T: Real>(
        src: &[T],
        dst: &mut [Self],
        convert: &Convert,
        dither: Dither,
        exec: Exec,
    ) -> Result<(), Error> {
        let spec = Self::SPEC;
        Error::check_length("output length", src.len(), dst.len())?;
        check_width::<Self::Code>(&spec)?;
        convert.round.validate()?;
        let encode = Encode::new(&spec, convert, src.len(), dither, exec.isa());
        exec.over(src, dst, encode.pieces(), |first, src, dst| {
            let mut codes = [Self::Code::truncate(0); RUN];
            for (run, (src, dst)) in src.chunks(RUN).zip(dst.chunks_mut(RUN)).enumerate() {
                let codes = &mut codes[..src.len()];
                encode.piece(src, codes, dither.skip((first + run * RUN) as u64), false);
                dst.iter_mut().zip(codes).for_each(|(to, code)| *to = Self::from_bits(*code));
            }
        });
        Ok(())
    }

    /// The numbers, as [`decode_slice`](crate::decode_slice) gives them.
    ///
    /// # Errors
    /// [`Error::Length`] and [`Error::CodeWidth`], as above.
    fn decode_slice<T: Real>(src: &[Self], dst: &mut [T], exec: Exec) -> Result<(), Error> {
        let spec = Self::SPEC;
        Error::check_length("output length", src.len(), dst.len())?;
        check_width::<Self::Code>(&spec)?;
        let decode = Decode::<T>::new(&spec, src.len(), exec.isa());
        exec.over(src, dst, decode.pieces(), |_, src, dst| {
            let mut codes = [Self::Code::truncate(0); RUN];
            for (src, dst) in src.chunks(RUN).zip(dst.chunks_mut(RUN)) {
                let codes = &mut codes[..src.len()];
                codes.iter_mut().zip(src).for_each(|(code, x)| *code = x.to_bits());
                decode.piece(codes, dst, false);
            }
        });
        Ok(())
    }
}

impl<F: Format> FormatSlice for F {}

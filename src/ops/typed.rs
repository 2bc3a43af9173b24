//! Slices of a format's own type: the codes of a run stay in the first-level cache between conversion and the type.

use super::Exec;
use super::convert::{Decode, Encode};
use super::real::Real;
use crate::error::Error;
use crate::format::Format;
use crate::policy::Convert;
use crate::random::Dither;
use crate::spec::Code;

/// Elements converted at a time.
const RUN: usize = 2048;

/// [`crate::encode_slice`] into a format's type.
pub(crate) fn encode<F: Format, T: Real>(
    src: &[T],
    dst: &mut [F],
    convert: &Convert,
    dither: Dither,
    exec: Exec,
) -> Result<(), Error> {
    Error::check_length("output length", src.len(), dst.len())?;
    convert.round.validate()?;
    let spec = F::SPEC;
    let encode = Encode::new(&spec, convert, src.len(), dither, exec.isa());
    exec.over(src, dst, encode.pieces(), |first, src, dst| {
        let mut codes = [F::Code::truncate(0); RUN];
        for (run, (src, dst)) in src.chunks(RUN).zip(dst.chunks_mut(RUN)).enumerate() {
            let codes = &mut codes[..src.len()];
            encode.piece(src, codes, dither.skip((first + run * RUN) as u64), false);
            dst.iter_mut().zip(codes).for_each(|(to, code)| *to = F::from_bits(*code));
        }
    });
    Ok(())
}

/// [`crate::decode_slice`] of a format's type.
pub(crate) fn decode<F: Format, T: Real>(src: &[F], dst: &mut [T], exec: Exec) -> Result<(), Error> {
    Error::check_length("output length", src.len(), dst.len())?;
    let spec = F::SPEC;
    let decode = Decode::<T>::new(&spec, src.len(), exec.isa());
    exec.over(src, dst, decode.pieces(), |_, src, dst| {
        let mut codes = [F::Code::truncate(0); RUN];
        for (src, dst) in src.chunks(RUN).zip(dst.chunks_mut(RUN)) {
            let codes = &mut codes[..src.len()];
            codes.iter_mut().zip(src).for_each(|(code, x)| *code = x.to_bits());
            decode.piece(codes, dst, false);
        }
    });
    Ok(())
}

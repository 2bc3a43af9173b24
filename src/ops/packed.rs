//! Slices of numbers to dense streams of codes and back: the codes of a piece stay in the
//! first-level cache between conversion and packing.

use super::convert::{Decode, Encode, PACKED_CHUNK};
use super::par::{Exec, Pieces};
use super::real::Real;
use crate::block::{BitOrder, pack_by, packed_bytes, unpack_by};
use crate::error::Error;
use crate::kernel;
use crate::policy::Convert;
use crate::random::Dither;
use crate::spec::FormatSpec;

/// Encodes `src` into a dense stream of codes of the format's width, at most 8 bits:
/// [`encode_slice`](crate::encode_slice) and [`pack`](crate::pack) in one. What is left of the last
/// byte is 0.
///
/// ```
/// use subhalf::{BitOrder, Dither, Exec, FormatSpec, encode_packed_slice};
/// let spec = FormatSpec::F4E2M1;
/// let mut bytes = [0u8; 2];
/// let x = [1.0f32, -6.0, 0.4];
/// encode_packed_slice(&spec, &x, &mut bytes, BitOrder::LsbFirst, &spec.default_convert(), Dither::NONE, Exec::default())?;
/// assert_eq!(bytes, [0xF2, 0x01]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] if `bytes` is not `ceil(elements · bits / 8)` long; [`Error::CodeWidth`] for a
/// format of more than 8 bits; [`Error::RandomBits`] as for [`encode_slice`](crate::encode_slice).
pub fn encode_packed_slice<T: Real>(
    spec: &FormatSpec,
    src: &[T],
    bytes: &mut [u8],
    order: BitOrder,
    convert: &Convert,
    dither: Dither,
    exec: Exec,
) -> Result<(), Error> {
    check(spec, src.len(), bytes.len())?;
    convert.round.validate()?;
    let (bits, piece) = (spec.bits(), Pieces::Fast as usize);
    let encode = Encode::new(spec, convert, src.len(), dither, exec.isa());
    exec.over_streams(src, piece, bytes, piece / 8 * bits as usize, |index, src, bytes| {
        let mut codes = [0u8; PACKED_CHUNK];
        for (run, (src, bytes)) in src
            .chunks(PACKED_CHUNK)
            .zip(bytes.chunks_mut(PACKED_CHUNK / 8 * bits as usize))
            .enumerate()
        {
            if bits == 4 && order == BitOrder::LsbFirst && encode.nibbles(src, bytes) {
                continue;
            }
            let codes = &mut codes[..src.len()];
            encode.piece(
                src,
                codes,
                dither.skip((index * piece + run * PACKED_CHUNK) as u64),
                false,
            );
            pack_by(exec.isa(), codes, bits, order, bytes);
        }
    });
    Ok(())
}

/// Decodes a dense stream of codes of the format's width, at most 8 bits: [`unpack`](crate::unpack)
/// and [`decode_slice`](crate::decode_slice) in one.
///
/// ```
/// use subhalf::{BitOrder, Exec, FormatSpec, decode_packed_slice};
/// let mut y = [0.0f32; 3];
/// decode_packed_slice(&FormatSpec::F4E2M1, &[0xF2, 0x01], &mut y, BitOrder::LsbFirst, Exec::default())?;
/// assert_eq!(y, [1.0, -6.0, 0.5]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// As [`encode_packed_slice`].
pub fn decode_packed_slice<T: Real>(
    spec: &FormatSpec,
    bytes: &[u8],
    dst: &mut [T],
    order: BitOrder,
    exec: Exec,
) -> Result<(), Error> {
    check(spec, dst.len(), bytes.len())?;
    let (bits, piece) = (spec.bits(), Pieces::Fast as usize);
    let decode = Decode::<T>::new(spec, dst.len(), exec.isa());
    let streams = kernel::is_large(size_of_val(bytes) + size_of_val(dst));
    exec.over_streams(bytes, piece / 8 * bits as usize, dst, piece, |_, bytes, dst| {
        let (mut codes, mut tile) = ([0u8; PACKED_CHUNK], [0.0; PACKED_CHUNK]);
        for (bytes, dst) in
            bytes.chunks(PACKED_CHUNK / 8 * bits as usize).zip(dst.chunks_mut(PACKED_CHUNK))
        {
            let done = if order == BitOrder::LsbFirst {
                decode.packed(bytes, dst, streams.then_some(&mut tile))
            } else {
                0
            };
            let (bytes, dst) = (&bytes[done / 8 * bits as usize..], &mut dst[done..]);
            let codes = &mut codes[..dst.len()];
            unpack_by(exec.isa(), bytes, bits, order, codes);
            decode.piece(codes, dst, false);
        }
        kernel::fence();
    });
    Ok(())
}

fn check(spec: &FormatSpec, elements: usize, bytes: usize) -> Result<(), Error> {
    if spec.bits() > 8 {
        return Err(Error::CodeWidth { format: spec.short_name(), needed: spec.bits(), found: 8 });
    }
    Error::check_length(
        "packed bytes",
        packed_bytes(elements, spec.bits()).ok_or(Error::TooLarge)?,
        bytes,
    )
}

//! Codes of one format to codes of another: from up to 8 bits by a table of all codes, else one
//! element at a time through the reference codec.

use super::{RandomWords, SliceConverter, TABLE_PAYS, check_width};
use crate::error::Error;
use crate::kernel::{look_up, map_bytes};
use crate::ops::par::Pieces;
use crate::round::Round;
use crate::spec::{Code, FormatSpec};

/// [`SliceConverter::convert_codes`].
pub(super) fn convert_codes<S: Code, D: Code>(
    converter: &SliceConverter,
    from: &FormatSpec,
    src: &[S],
    dst: &mut [D],
) -> Result<(), Error> {
    let (to, policy, isa) = (&converter.spec, converter.policy(), converter.exec.isa());
    Error::check_length("output length", src.len(), dst.len())?;
    check_width::<S>(from)?;
    check_width::<D>(to)?;
    policy.round.validate()?;
    let convert =
        |code: u32, random| D::truncate(to.encode_with(from.decode(code), &policy, random).code);
    // With random words the result depends on the position, not on the code alone.
    let deterministic = !matches!(policy.round, Round::Stochastic { .. });
    let table: Option<[D; 256]> = (deterministic && src.len() >= TABLE_PAYS && from.bits() <= 8)
        .then(|| core::array::from_fn(|code| convert(code as u32, 0)));
    // The same table where outputs are bytes: four registers on AVX-512, without memory accesses.
    let bytes: Option<[u8; 256]> =
        table.as_ref().and_then(|table| D::bytes(table)?.try_into().ok());
    let pieces = if table.is_some() { Pieces::Fast } else { Pieces::Slow };
    converter.exec.over(src, dst, pieces, |first, src, dst| match (S::bytes(src), &table) {
        (Some(src), Some(table)) => match (&bytes, D::bytes_mut(dst)) {
            (Some(bytes), Some(dst)) => map_bytes(isa, bytes, src, dst),
            _ => look_up(isa, table, src, dst),
        },
        _ => {
            // Wide codes, few codes or random words: by the codec, an element at a time.
            let words = RandomWords::new(policy.round, converter.dither.skip(first as u64));
            for (i, (from, to)) in src.iter().zip(dst).enumerate() {
                *to = convert(from.widen(), words.get(i));
            }
        }
    });
    Ok(())
}

//! Codes of one format to codes of another: from up to 8 bits by a table of all codes, else one
//! element at a time through the reference codec.

use super::{RandomWords, SliceConverter, TABLE_PAYS, check_width};
use crate::error::Error;
use crate::kernel::{look_up, map_bytes};
use crate::ops::par::Pieces;
use crate::round::Round;
use crate::spec::{CodeSlice, CodeSliceMut, FormatSpec};

/// [`SliceConverter::convert_codes`].
pub(super) fn convert_codes(
    converter: &SliceConverter,
    from: &FormatSpec,
    src: CodeSlice<'_>,
    dst: CodeSliceMut<'_>,
) -> Result<(), Error> {
    let (to, policy, isa) = (&converter.spec, converter.policy(), converter.exec.isa());
    Error::check_length("output length", src.len(), dst.len())?;
    check_width(from, src.width())?;
    check_width(to, dst.width())?;
    policy.round.validate()?;
    let convert = |code: u32, random| to.encode_with(from.decode(code), &policy, random).code;
    // With random words the result depends on the position, not on the code alone.
    let deterministic = !matches!(policy.round, Round::Stochastic { .. });
    let table: Option<[u32; 256]> = (deterministic && src.len() >= TABLE_PAYS && from.bits() <= 8)
        .then(|| core::array::from_fn(|code| convert(code as u32, 0)));
    // The same table where outputs are narrower. Of bytes: four registers on AVX-512, without
    // memory accesses.
    let (bytes, words) =
        (table.map(|all| all.map(|x| x as u8)), table.map(|all| all.map(|x| x as u16)));
    let pieces = if table.is_some() { Pieces::Fast } else { Pieces::Slow };
    converter.exec.over(src, dst, pieces, |first, src, mut dst| {
        if let (CodeSlice::U8(src), Some(table), Some(words), Some(bytes)) =
            (src, &table, &words, &bytes)
        {
            return match dst {
                CodeSliceMut::U8(dst) => map_bytes(isa, bytes, src, dst),
                CodeSliceMut::U16(dst) => look_up(isa, words, src, dst),
                CodeSliceMut::U32(dst) => look_up(isa, table, src, dst),
            };
        }
        // Wide codes, few codes or random words: by the codec, an element at a time.
        let words = RandomWords::new(policy.round, converter.dither.skip(first as u64));
        for i in 0..src.len() {
            dst.set(i, convert(src.get(i), words.get(i)));
        }
    });
    Ok(())
}

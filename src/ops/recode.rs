//! Codes of one format to codes of another.

use super::convert::{TABLE_PAYS, Words, check_width};
use super::par::{Exec, Pieces};
use crate::error::Error;
use crate::kernel::{look_up, map_bytes};
use crate::policy::Convert;
use crate::random::Dither;
use crate::round::Round;
use crate::spec::{Code, FormatSpec};

/// Converts codes of one format to codes of another, each by a single rounding of the exact number
/// under `convert`. `dither` gives the random words of a stochastic rounding; other roundings
/// ignore it. Bits above a code's width are ignored.
///
/// ```
/// use subhalf::{Dither, Exec, FormatSpec, convert_slice};
/// let (e4m3, e2m1) = (FormatSpec::F8E4M3, FormatSpec::F4E2M1);
/// let mut codes = [0u8; 3];
/// // 1.0, -0.40625 and 448 in E4M3.
/// convert_slice(&e4m3, &[0x38u8, 0xAD, 0x7E], &e2m1, &mut codes, &e2m1.default_convert(), Dither::NONE, Exec::default())?;
/// assert_eq!(codes, [0x2, 0x9, 0x7]);                                                          // 1, -0.5, 6
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] if `dst` is not as long as `src`; [`Error::CodeWidth`] if a code type is too
/// narrow for its format; [`Error::RandomBits`] if a stochastic rounding asks for none or more
/// than 32.
pub fn convert_slice<S: Code, D: Code>(
    from: &FormatSpec,
    src: &[S],
    to: &FormatSpec,
    dst: &mut [D],
    convert: &Convert,
    dither: Dither,
    exec: Exec,
) -> Result<(), Error> {
    Error::check_length("output length", src.len(), dst.len())?;
    check_width::<S>(from)?;
    check_width::<D>(to)?;
    convert.round.validate()?;
    let code =
        |code: u32, random| D::truncate(to.encode_with(from.decode(code), convert, random).code);
    let deterministic = !matches!(convert.round, Round::Stochastic { .. });
    let table: Option<[D; 256]> = (deterministic && src.len() >= TABLE_PAYS && from.bits() <= 8)
        .then(|| core::array::from_fn(|i| code(i as u32, 0)));
    let bytes: Option<[u8; 256]> =
        table.as_ref().and_then(|table| D::bytes(table)?.try_into().ok());
    let pieces = if table.is_some() { Pieces::Fast } else { Pieces::Slow };
    exec.over(src, dst, pieces, |first, src, dst| match (S::bytes(src), &table) {
        (Some(src), Some(table)) => match (&bytes, D::bytes_mut(dst)) {
            (Some(bytes), Some(dst)) => map_bytes(exec.isa(), bytes, src, dst),
            _ => look_up(exec.isa(), table, src, dst),
        },
        _ => {
            let words = Words::new(convert.round, dither.skip(first as u64));
            for (i, (from, to)) in src.iter().zip(dst).enumerate() {
                *to = code(from.widen(), words.get(i));
            }
        }
    });
    Ok(())
}

//! The error of storing a slice in a format, and the scale that uses the format's whole range.

use super::ErrorStats;
use crate::error::Error;
use crate::flags::Flags;
use crate::ops::Exec;
use crate::policy::Convert;
use crate::random::Dither;
use crate::round::Round;
use crate::spec::FormatSpec;

/// The error of storing each `x` of `src` as `decode(encode(x / scale)) · scale`, elements in
/// order.
///
/// Quotient and product are f64, whatever the type of the elements, so that the result is the error
/// of the format and not that of one program's f32 arithmetic: the quotient is one rounding to 53
/// bits, the product is exact for codes of up to 29 significant bits. `scale` is used as it stands;
/// 1 stores the elements unscaled; [`amax_scale`] gives the scale that uses the whole range. Since
/// the quotient is an f64, `convert.subnormal_inputs` sees no subnormal f32. `dither` gives the
/// words of a stochastic rounding. `exec` changes no bit: the order of the sums is that of
/// [`ErrorStats`].
///
/// ```
/// use subhalf::{Dither, Exec, FormatSpec, amax_scale, storage_error};
/// let (e4m3, x) = (FormatSpec::F8E4M3, [0.875f32, -0.5, 0.015625, 0.3]);
/// let scale = amax_scale(&e4m3, &x, Exec::default());
/// assert_eq!(scale, 0.001953125); // 0.875 / 448
/// let policy = e4m3.default_convert();
/// let stats = storage_error(&e4m3, &x, scale, &policy, Dither::NONE, Exec::default())?;
/// assert_eq!(stats.max_abs_error(), 0.3125 - 0.3f32 as f64); // only 0.3 is not representable
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::RandomBits`] if a stochastic rounding asks for no random bits or more than 32.
pub fn storage_error<T: Copy + Sync + Into<f64>>(
    spec: &FormatSpec,
    src: &[T],
    scale: f32,
    convert: &Convert,
    dither: Dither,
    exec: Exec,
) -> Result<ErrorStats, Error> {
    convert.round.validate()?;
    let scale = f64::from(scale);
    let measure = |first: usize, piece: &[T]| {
        let mut stats = ErrorStats::new();
        for (index, &x) in piece.iter().enumerate() {
            let random = match convert.round {
                Round::Stochastic { bits, .. } => dither.word((first + index) as u64, bits),
                _ => 0,
            };
            let reference = x.into();
            let quotient = reference / scale;
            let encoded = spec.encode_f64_with(quotient, convert, random);
            let left_f64 = reference.is_finite() && quotient.is_infinite();
            let flags = encoded.flags.and_if(left_f64, Flags::OVERFLOW);
            stats.push(reference, spec.decode_f64(encoded.code) * scale, flags);
        }
        stats
    };
    let mut total = ErrorStats::new();
    exec.fold(src, ErrorStats::PARTIAL as usize, measure, |piece| total.merge(&piece));
    Ok(total)
}

/// The scale that maps the largest magnitude of a tensor to the largest number of a format:
/// `amax / max`, as an f32.
///
/// `amax` is the largest magnitude of the finite elements. The quotient is rounded to the nearest
/// f32, but not below the smallest normal one, 2^-126; it is the next f32 up if the largest element
/// would overflow otherwise (among the named formats this happens for F32 alone). The scale is 1 if
/// no element is finite and nonzero, or if the quotient is beyond f32.
///
/// ```
/// use subhalf::{Exec, FormatSpec, amax_scale};
/// assert_eq!(amax_scale(&FormatSpec::F4E2M1, &[0.5f32, -12.0, f32::NAN], Exec::default()), 2.0);
/// assert_eq!(amax_scale(&FormatSpec::F8E5M2, &[0.0f32; 8], Exec::default()), 1.0);
/// ```
#[must_use]
pub fn amax_scale<T: Copy + Sync + Into<f64>>(spec: &FormatSpec, src: &[T], exec: Exec) -> f32 {
    let largest = |_, piece: &[T]| {
        piece.iter().map(|&x| x.into().abs()).filter(|x| x.is_finite()).fold(0.0, f64::max)
    };
    let mut amax = 0.0f64;
    exec.fold(src, ErrorStats::PARTIAL as usize, largest, |piece| amax = amax.max(piece));
    let scale = (amax / spec.max().to_f64()) as f32;
    if amax == 0.0 || !scale.is_finite() {
        return 1.0;
    }
    let scale = scale.max(f32::MIN_POSITIVE);
    let largest = spec.encode_f64_with(amax / f64::from(scale), &spec.default_convert(), 0);
    if largest.flags.contains(Flags::OVERFLOW) { scale.next_up() } else { scale }
}

//! Error accounting: [`ErrorStats`] sums up what storing numbers in a format did to them,
//! [`TensorStats`] what a block-scaled tensor kept. It measures; which policy and which scale to
//! use is the caller's choice.

#[cfg(feature = "alloc")]
mod tensor;

#[cfg(feature = "alloc")]
pub use tensor::{TensorStats, WorstBlock};

use crate::arith;
use crate::codec::Unpacked;
use crate::error::Error;
use crate::flags::Flags;
use crate::ops::Exec;
use crate::policy::Convert;
use crate::random::Dither;
use crate::round::Round;
use crate::spec::FormatSpec;
use core::f64::consts::{LOG10_2, LOG10_E};
use core::fmt;

/// What storing numbers did to them: an accumulator of pairs (reference, stored).
///
/// # What is summed
/// Only pairs of two numbers with a finite reference are *measured*: they make up signal, noise and
/// the absolute errors.
/// - A NaN reference is counted by [`nan_references`](Self::nan_references) and otherwise ignored,
///   whatever it is stored as.
/// - An infinite reference is counted by [`infinite_references`](Self::infinite_references), and
///   unless it stays infinite by [`saturated`](Self::saturated).
/// - A number stored as NaN is counted by [`nan`](Self::nan) and leaves the signal-to-noise ratio
///   undefined.
/// - A finite reference stored as infinity is measured: its error is infinite.
///
/// # Order
/// All sums are f64. Their order is part of the definition: elements are added one by one to a
/// partial sum, every 4,096 elements (counted or ignored) the partial sum is added to the total and
/// starts anew at 0. So a result depends on the order of the elements alone: see
/// [`merge`](Self::merge) for how to split the work.
///
/// ```
/// use subhalf::{Dither, Exec, FormatSpec, storage_error};
/// let e2m1 = FormatSpec::F4E2M1;
/// // stored as                      0.5  2.0   -6.0  0.0
/// let stats = storage_error(&e2m1, &[0.5, 2.25, -100.0, 0.125], 1.0, &e2m1.default_convert(), Dither::NONE, Exec::default())?;
/// assert_eq!((stats.count(), stats.saturated(), stats.flushed()), (4, 1, 1));
/// assert_eq!((stats.max_abs_error(), stats.mean_abs_error()), (94.0, 23.59375));
/// assert_eq!(stats.sqnr_db().to_string(), "0.54");
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ErrorStats {
    count: u64,
    measured: u64,
    /// Complete partial sums, added up.
    total: ErrorSums,
    partial: ErrorSums,
    /// Elements in the current partial sum: less than [`PARTIAL`](Self::PARTIAL).
    filled: u32,
    max_abs_error: f64,
    saturated: u64,
    flushed: u64,
    nan: u64,
    nan_references: u64,
    infinite_references: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct ErrorSums {
    signal: f64,
    noise: f64,
    absolute: f64,
    /// Squares of what was stored.
    stored: f64,
    /// Products of references and what was stored.
    product: f64,
}

impl ErrorSums {
    fn plus(self, other: Self) -> Self {
        Self {
            signal: self.signal + other.signal,
            noise: self.noise + other.noise,
            absolute: self.absolute + other.absolute,
            stored: self.stored + other.stored,
            product: self.product + other.product,
        }
    }
}

/// A signal-to-quantisation-noise ratio. It prints as decibels with two decimals (or the precision
/// asked for), `exact` or `NaN`.
///
/// ```
/// use subhalf::Sqnr;
/// assert_eq!(format!("{:>8}|{}|{}", Sqnr::Decibels(31.8432), Sqnr::Exact, Sqnr::Undefined), "   31.84|exact|NaN");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sqnr {
    /// No error at all; also of nothing, and of zeros stored as zeros.
    Exact,
    /// `10·log10(signal / noise)`. Minus infinity if the signal is zero or the noise infinite.
    Decibels(f64),
    /// A number was stored as NaN, or the sums of squares left the range of f64.
    Undefined,
}

impl fmt::Display for Sqnr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, precision) = (f.width().unwrap_or(0), f.precision().unwrap_or(2));
        match self {
            Self::Exact => write!(f, "{:>width$}", "exact"),
            Self::Decibels(value) => write!(f, "{value:>width$.precision$}"),
            Self::Undefined => write!(f, "{:>width$}", "NaN"),
        }
    }
}

impl ErrorStats {
    /// Elements of a partial sum.
    pub const PARTIAL: u32 = 4096;

    /// Nothing measured yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one pair. `flags` are those of the conversion; only [`Flags::OVERFLOW`] is read, so
    /// [`Flags::NONE`] will do where saturation is of no interest.
    ///
    /// ```
    /// use subhalf::{ErrorStats, Flags, Sqnr};
    /// let mut stats = ErrorStats::new();
    /// stats.push(3.0, 3.0, Flags::NONE);
    /// assert_eq!(stats.sqnr_db(), Sqnr::Exact);
    /// stats.push(4.0, 5.0, Flags::NONE);
    /// assert_eq!((stats.signal(), stats.noise(), stats.mean_abs_error()), (25.0, 1.0, 0.5));
    /// assert_eq!(stats.sqnr_db().to_string(), "13.98");
    /// ```
    pub fn push(&mut self, reference: f64, stored: f64, flags: Flags) {
        self.count += 1;
        let lost_infinity = reference.is_infinite() && !stored.is_infinite();
        self.saturated += u64::from(lost_infinity || flags.contains(Flags::OVERFLOW));
        self.infinite_references += u64::from(reference.is_infinite());
        if reference.is_nan() {
            self.nan_references += 1;
        } else if stored.is_nan() {
            self.nan += 1;
        } else if reference.is_finite() {
            self.measured += 1;
            self.flushed += u64::from(reference != 0.0 && stored == 0.0);
            let error = (reference - stored).abs();
            self.max_abs_error = self.max_abs_error.max(error);
            self.partial = self.partial.plus(ErrorSums {
                signal: reference * reference,
                noise: error * error,
                absolute: error,
                stored: stored * stored,
                product: reference * stored,
            });
        }
        self.filled += 1;
        if self.filled == Self::PARTIAL {
            self.close_partial();
        }
    }

    /// Adds the sums and counts of the elements that come next; the current partial sum ends here.
    ///
    /// To split one tensor among threads, measure pieces of 4,096 elements and merge them in order:
    /// every bit is then as if all elements had been pushed into one accumulator. Merging larger
    /// results, say of several tensors, adds their totals in the order of the calls.
    ///
    /// ```
    /// use subhalf::{ErrorStats, Flags};
    /// let x: Vec<f64> = (0..10_000).map(|i| 1.0 / f64::from(i + 1)).collect();
    /// let measure = |x: &[f64]| {
    ///     let mut stats = ErrorStats::new();
    ///     x.iter().for_each(|&x| stats.push(x, f64::from(x as f32), Flags::NONE));
    ///     stats
    /// };
    /// let mut merged = ErrorStats::new();
    /// x.chunks(ErrorStats::PARTIAL as usize).for_each(|piece| merged.merge(&measure(piece)));
    /// assert_eq!((merged.signal(), merged.noise()), (measure(&x).signal(), measure(&x).noise()));
    /// ```
    pub fn merge(&mut self, next: &Self) {
        self.close_partial();
        self.total = self.total.plus(next.sums());
        self.count += next.count;
        self.measured += next.measured;
        self.max_abs_error = self.max_abs_error.max(next.max_abs_error);
        self.saturated += next.saturated;
        self.flushed += next.flushed;
        self.nan += next.nan;
        self.nan_references += next.nan_references;
        self.infinite_references += next.infinite_references;
    }

    /// Pairs in all.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Pairs that the sums are made of: a finite reference, stored as a number.
    #[must_use]
    pub const fn measured(&self) -> u64 {
        self.measured
    }

    /// Sum of the squares of the references.
    #[must_use]
    pub fn signal(&self) -> f64 {
        self.sums().signal
    }

    /// Sum of the squares of the errors.
    #[must_use]
    pub fn noise(&self) -> f64 {
        self.sums().noise
    }

    /// Signal-to-quantisation-noise ratio in decibels. Squares must stay in the range of f64:
    /// numbers and errors between about 1e-150 and 1e150 do.
    ///
    /// The logarithm is computed here and the same to the bit on every platform.
    #[must_use]
    pub fn sqnr_db(&self) -> Sqnr {
        if self.nan > 0 {
            return Sqnr::Undefined;
        }
        if self.max_abs_error == 0.0 {
            return Sqnr::Exact;
        }
        let ratio = self.signal() / self.noise();
        if ratio.is_nan() || ratio.is_infinite() {
            Sqnr::Undefined
        } else if ratio < f64::MIN_POSITIVE {
            Sqnr::Decibels(f64::NEG_INFINITY)
        } else {
            Sqnr::Decibels(decibels(ratio))
        }
    }

    /// The largest absolute error, in the units of the references; 0 if nothing was measured.
    #[must_use]
    pub const fn max_abs_error(&self) -> f64 {
        self.max_abs_error
    }

    /// The mean absolute error of the measured pairs, in the units of the references; 0 if nothing
    /// was measured.
    #[must_use]
    pub fn mean_abs_error(&self) -> f64 {
        if self.measured == 0 { 0.0 } else { self.sums().absolute / self.measured as f64 }
    }

    /// The mean squared error of the measured pairs; 0 if nothing was measured.
    #[must_use]
    pub fn mean_squared_error(&self) -> f64 {
        if self.measured == 0 { 0.0 } else { self.noise() / self.measured as f64 }
    }

    /// The cosine of the angle between the references and what was stored, over the measured pairs.
    /// `None` if either are all zeros, or if a sum is not finite. Equal tensors have 1.
    ///
    /// The root is taken of the exact product of the two sums of squares: it is the same to the bit
    /// on every platform.
    ///
    /// ```
    /// use subhalf::{ErrorStats, Flags};
    /// let mut stats = ErrorStats::new();
    /// [(3.0, 3.0), (4.0, 3.0)].iter().for_each(|&(x, stored)| stats.push(x, stored, Flags::NONE));
    /// assert_eq!(stats.cosine(), Some(21.0 / (25.0 * 18f64).sqrt()));
    /// assert_eq!(stats.mean_squared_error(), 0.5);
    /// ```
    #[must_use]
    pub fn cosine(&self) -> Option<f64> {
        let sums = self.sums();
        let (signal, stored) = (Unpacked::from_f64(sums.signal), Unpacked::from_f64(sums.stored));
        let cosine = sums.product / arith::root(arith::product(signal, stored)).to_f64();
        cosine.is_finite().then_some(cosine.clamp(-1.0, 1.0))
    }

    /// References that overflowed: finite ones that raised [`Flags::OVERFLOW`], whatever the policy
    /// made of them (the largest value, infinity or NaN), and infinite ones that did not stay
    /// infinite.
    #[must_use]
    pub const fn saturated(&self) -> u64 {
        self.saturated
    }

    /// Finite references other than zero that were stored as zero.
    #[must_use]
    pub const fn flushed(&self) -> u64 {
        self.flushed
    }

    /// References that are numbers (infinities too) but were stored as NaN.
    #[must_use]
    pub const fn nan(&self) -> u64 {
        self.nan
    }

    /// References that are NaN.
    #[must_use]
    pub const fn nan_references(&self) -> u64 {
        self.nan_references
    }

    /// References that are infinite.
    #[must_use]
    pub const fn infinite_references(&self) -> u64 {
        self.infinite_references
    }

    fn sums(&self) -> ErrorSums {
        self.total.plus(self.partial)
    }

    fn close_partial(&mut self) {
        self.total = self.sums();
        self.partial = ErrorSums::default();
        self.filled = 0;
    }
}

/// The error of storing each `x` of `src` as `decode(encode(x / scale)) · scale`, elements in
/// order.
///
/// Quotient and product are f64, whatever the type of the elements, so that the result is the error
/// of the format and not that of one program's f32 arithmetic: the quotient is one rounding to 53
/// bits, the product is exact for codes of up to 29 significant bits. `scale` is used as it stands;
/// 1 stores the elements unscaled; [`amax_scale`] gives the scale that uses the whole range. As the
/// quotient is an f64, `convert.subnormal_inputs` sees no subnormal f32. `dither` gives the words
/// of a stochastic rounding. `exec` changes no bit: the order of the sums is that of
/// [`ErrorStats`].
///
/// ```
/// use subhalf::{Dither, Exec, FormatSpec, amax_scale, storage_error};
/// let (e4m3, x) = (FormatSpec::F8E4M3, [0.875f32, -0.5, 0.015625, 0.3]);
/// let scale = amax_scale(&e4m3, &x, Exec::default());                                     // 0.875 / 448
/// assert_eq!(scale, 0.001953125);
/// let stats = storage_error(&e4m3, &x, scale, &e4m3.default_convert(), Dither::NONE, Exec::default())?;
/// assert_eq!(stats.max_abs_error(), 0.3125 - 0.3f32 as f64);             // only 0.3 is not representable
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
/// f32, but not below the smallest normal one, 2^-126; and one f32 up where the largest element
/// would else overflow (among the named formats only F32 is fine enough for that). Where no scale
/// helps, it is 1: `amax` is 0 or missing, or the quotient is beyond f32.
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

/// `10·log10(x)` of a positive normal number within a few ulp, from operations that IEEE 754 fixes
/// to the bit: `core` has no logarithm, and those of the platforms differ.
fn decibels(x: f64) -> f64 {
    // x = m·2^e with m in [√½, √2), and ln m = 2·artanh(t) = 2·(t + t³/3 + t⁵/5 + …) with t = (m −
    // 1)/(m + 1).
    // |t| < 0.172, so what follows the 12th term is below 2^-60 of the sum.
    const TERMS: u32 = 12;
    let offset = x.to_bits().wrapping_sub(core::f64::consts::FRAC_1_SQRT_2.to_bits());
    let e = (offset as i64) >> 52;
    let m = f64::from_bits(x.to_bits().wrapping_sub((e as u64) << 52));
    let t = (m - 1.0) / (m + 1.0);
    let artanh =
        t * (0..TERMS).rev().fold(0.0, |sum, k| sum * (t * t) + 1.0 / f64::from(2 * k + 1));
    10.0 * (e as f64 * LOG10_2 + 2.0 * LOG10_E * artanh)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::policy::{Infinity, Negative, Overflow};
    use crate::round::Stochastic;
    use std::string::ToString;
    use std::vec::Vec;

    fn stored<T: Copy + Sync + Into<f64>>(spec: FormatSpec, src: &[T], scale: f32) -> ErrorStats {
        storage_error(&spec, src, scale, &spec.default_convert(), Dither::NONE, Exec::default())
            .unwrap()
    }

    #[test]
    fn decibels_agree_with_the_platform() {
        assert_eq!((decibels(1.0), decibels(10.0), decibels(1e6)), (0.0, 10.0, 60.0));
        let mut x = f64::MIN_POSITIVE;
        while x < 1e300 {
            let expected = 10.0 * x.log10();
            assert!(
                (decibels(x) - expected).abs() <= 4e-16 * expected.abs().max(10.0),
                "{x}: {} {expected}",
                decibels(x)
            );
            x *= 1.37;
        }
        // Around 1, where the result is small: ln(1 + d) = d - d²/2.
        let d = 2.0f64.powi(-30);
        assert!((decibels(1.0 + d) / (10.0 * LOG10_E * (d - d * d / 2.0)) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn unscaled_e4m3_by_hand() {
        // 449 -> 448 is no overflow (the boundary is 464); 500 is. 2^-10 is half the smallest and
        // goes to the even code, 0.
        let stats = stored(FormatSpec::F8E4M3, &[449.0f32, 500.0, -1.0625, 0.0009765625, 0.0], 1.0);
        assert_eq!((stats.count(), stats.measured()), (5, 5));
        assert_eq!((stats.saturated(), stats.flushed(), stats.nan()), (1, 1, 0));
        assert_eq!(stats.max_abs_error(), 52.0);
        assert_eq!(stats.mean_abs_error(), (1.0 + 52.0 + 0.0625 + 0.0009765625) / 5.0);
        assert_eq!(stats.noise(), 1.0 + 2704.0 + 0.00390625 + 0.00000095367431640625);
        assert_eq!(stats.signal(), 201_601.0 + 250_000.0 + 1.12890625 + 0.00000095367431640625);
        assert_eq!(stats.sqnr_db().to_string(), "22.23"); // 10 log10(451602.129 / 2705.004)
    }

    #[test]
    fn scaled_int8_by_hand() {
        // amax 254 -> scale 2: 3 / 2 = 1.5 ties to 2 and comes back as 4.
        let x = [254.0f64, -100.0, 3.0, 0.5];
        let scale = amax_scale(&FormatSpec::INT8, &x, Exec::default());
        assert_eq!(scale, 2.0);
        let stats = stored(FormatSpec::INT8, &x, scale);
        assert_eq!((stats.noise(), stats.saturated(), stats.flushed()), (1.25, 0, 1));
        assert_eq!(stats.max_abs_error(), 1.0);
    }

    #[test]
    fn what_is_not_finite_stays_out_of_the_sums() {
        let x = [1.0f32, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -2.0];
        let stats = stored(FormatSpec::F4E2M1, &x, 1.0);
        assert_eq!(
            (stats.count(), stats.measured(), stats.nan_references(), stats.infinite_references()),
            (5, 2, 1, 2)
        );
        assert_eq!((stats.saturated(), stats.nan()), (2, 0), "infinities were clamped to 6 and -6");
        assert_eq!((stats.signal(), stats.sqnr_db()), (5.0, Sqnr::Exact));
        // E5M2 keeps infinity; made NaN, it is counted as such.
        assert_eq!(stored(FormatSpec::F8E5M2, &x, 1.0).saturated(), 0);
        let to_nan = FormatSpec::F8E4M3.default_convert().with_infinity(Infinity::Special);
        let stats =
            storage_error(&FormatSpec::F8E4M3, &x, 1.0, &to_nan, Dither::NONE, Exec::default())
                .unwrap();
        assert_eq!((stats.nan(), stats.saturated(), stats.sqnr_db()), (2, 2, Sqnr::Undefined));
    }

    #[test]
    fn numbers_stored_as_nan_leave_the_ratio_undefined() {
        let stats = stored(FormatSpec::UE4M3, &[1.0f32, -1.0], 1.0);
        assert_eq!((stats.nan(), stats.measured(), stats.sqnr_db()), (1, 1, Sqnr::Undefined));
        let clamp = FormatSpec::UE4M3.default_convert().with_negative(Negative::Clamp);
        let stats = storage_error(
            &FormatSpec::UE4M3,
            &[1.0f32, -1.0],
            1.0,
            &clamp,
            Dither::NONE,
            Exec::default(),
        )
        .unwrap();
        assert_eq!(
            (stats.nan(), stats.flushed(), stats.sqnr_db()),
            (0, 1, Sqnr::Decibels(decibels(2.0)))
        );
        let special = FormatSpec::F8E4M3.default_convert().with_overflow(Overflow::Special);
        let stats = storage_error(
            &FormatSpec::F8E4M3,
            &[1000.0f32],
            1.0,
            &special,
            Dither::NONE,
            Exec::default(),
        )
        .unwrap();
        assert_eq!((stats.nan(), stats.saturated()), (1, 1));
    }

    #[test]
    fn ratios_at_the_edges() {
        assert_eq!(ErrorStats::new().sqnr_db(), Sqnr::Exact);
        assert_eq!(ErrorStats::new().mean_abs_error(), 0.0);
        assert_eq!(stored(FormatSpec::F8E4M3, &[0.0f32, -0.0], 1.0).sqnr_db(), Sqnr::Exact);
        // E8M0 has no zero: an error without a signal.
        let stats = stored(FormatSpec::E8M0, &[0.0f32], 1.0);
        assert_eq!((stats.sqnr_db(), stats.nan()), (Sqnr::Decibels(f64::NEG_INFINITY), 0));
        // A finite number stored as infinity.
        let stats = stored(FormatSpec::F16, &[1.0f32, 1e6], 1.0);
        assert_eq!(
            (stats.sqnr_db(), stats.max_abs_error()),
            (Sqnr::Decibels(f64::NEG_INFINITY), f64::INFINITY)
        );
        assert_eq!((stats.saturated(), stats.sqnr_db().to_string().as_str()), (1, "-inf"));
        // Squares beyond f64: an error that cannot be expressed is not called exact.
        assert_eq!(stored(FormatSpec::BF16, &[1.001e-200f64], 1e-38).sqnr_db(), Sqnr::Undefined);
        assert_eq!(stored(FormatSpec::F8E4M3, &[1e200f64], 1.0).sqnr_db(), Sqnr::Undefined);
        // The quotient leaves f64 before the format is asked.
        assert_eq!(stored(FormatSpec::F8E4M3, &[1e308f64], 1e-30).saturated(), 1);
    }

    #[test]
    fn pieces_of_4096_give_the_same_bits_as_one_run() {
        let x: Vec<f32> = (0..20_000u32)
            .map(|i| f32::from_bits(0x3F00_0000 + i.wrapping_mul(2_654_435_761) % 0x0100_0000))
            .collect();
        let whole = stored(FormatSpec::F8E4M3, &x, 0.01);
        let mut merged = ErrorStats::new();
        for piece in x.chunks(ErrorStats::PARTIAL as usize) {
            merged.merge(&stored(FormatSpec::F8E4M3, piece, 0.01));
        }
        let bits = |stats: &ErrorStats| {
            [stats.signal(), stats.noise(), stats.mean_abs_error(), stats.max_abs_error()]
                .map(f64::to_bits)
        };
        assert_eq!(bits(&merged), bits(&whole));
        assert_eq!((merged.count(), merged.measured(), merged.filled), (20_000, 20_000, 0));
        // The definition, written out.
        let partials = x
            .chunks(4096)
            .map(|piece| piece.iter().fold(0.0, |sum, &x| sum + f64::from(x) * f64::from(x)));
        assert_eq!(
            whole.signal().to_bits(),
            partials.fold(0.0, |sum: f64, partial| sum + partial).to_bits()
        );
    }

    #[test]
    fn scales_at_the_edges() {
        assert_eq!(amax_scale::<f32>(&FormatSpec::F8E4M3, &[], Exec::SERIAL), 1.0);
        assert_eq!(amax_scale(&FormatSpec::F8E4M3, &[f32::INFINITY, -224.0], Exec::default()), 0.5);
        assert_eq!(amax_scale(&FormatSpec::F32, &[1.0f32], Exec::default()), f32::MIN_POSITIVE);
        assert_eq!(
            amax_scale(&FormatSpec::INT1, &[1.0f32], Exec::default()),
            1.0,
            "the largest INT1 is 0"
        );
        assert_eq!(amax_scale(&FormatSpec::F4E2M1, &[1e300f64], Exec::default()), 1.0);
        assert_eq!(
            amax_scale(&FormatSpec::F8E4M3, &[1e-320f64], Exec::default()),
            f32::MIN_POSITIVE
        );
        for spec in FormatSpec::ALL {
            for amax in [1.0f32, 10.0, 7.3, 1234.567, 3.0e-5, 1.1e9, f32::MAX] {
                let stats = stored(*spec, &[amax], amax_scale(spec, &[amax], Exec::default()));
                assert!(stats.saturated() == 0 || *spec == FormatSpec::INT1, "{spec} {amax}");
            }
        }
    }

    #[test]
    fn stochastic_rounding_takes_its_words_by_index() {
        let spec = FormatSpec::F4E2M1;
        let policy =
            spec.default_convert().with_round(Round::stochastic(Stochastic::B, 16).unwrap());
        let stats =
            storage_error(&spec, &[4.5f32; 4096], 1.0, &policy, Dither::new(1), Exec::default())
                .unwrap();
        // A quarter of the elements goes up to 6, the others down to 4: mean |error| = 0.75 · 0.5 +
        // 0.25 · 1.5.
        assert!((stats.mean_abs_error() - 0.75).abs() < 0.03, "{}", stats.mean_abs_error());
        let broken =
            spec.default_convert().with_round(Round::Stochastic { kind: Stochastic::A, bits: 33 });
        assert!(
            storage_error(&spec, &[1.0f32], 1.0, &broken, Dither::NONE, Exec::default()).is_err()
        );
    }
}

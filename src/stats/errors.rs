//! [`ErrorStats`]: sums over pairs of a reference and what was stored for it, in an order that is
//! part of the definition.

use super::pairs::{GROUP, PARTIAL, PairGroup, widen};
use crate::arith;
use crate::codec::Unpacked;
use crate::error::Error;
use crate::flags::Flags;
use crate::kernel::SIDE;
use crate::ops::Exec;
use core::cmp::Ordering;
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
/// partial sum; after every 4,096 elements (counted or ignored) the partial sum is added to the
/// total and starts anew at 0. So a result depends on the order of the elements alone, and
/// [`merge`](Self::merge) splits the work without changing a bit.
///
/// ```
/// use subhalf::{Dither, Exec, FormatSpec, storage_error};
/// let (e2m1, x) = (FormatSpec::F4E2M1, [0.5, 2.25, -100.0, 0.125]); // stored as 0.5, 2, -6 and 0
/// let policy = e2m1.default_convert();
/// let stats = storage_error(&e2m1, &x, 1.0, &policy, Dither::NONE, Exec::default())?;
/// assert_eq!((stats.count(), stats.saturated(), stats.flushed()), (4, 1, 1));
/// assert_eq!((stats.max_abs_error(), stats.mean_abs_error()), (94.0, 23.59375));
/// assert_eq!(stats.sqnr_db().to_string(), "0.54");
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct ErrorStats {
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::serial::number::count"))]
    count: u64,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::serial::number::count"))]
    measured: u64,
    /// Complete partial sums, added up.
    total: ErrorSums,
    partial: ErrorSums,
    /// Elements in the current partial sum: less than [`PARTIAL`](Self::PARTIAL).
    #[cfg_attr(
        feature = "serde",
        serde(deserialize_with = "crate::serial::number::below_partial")
    )]
    pub(super) filled: u32,
    #[cfg_attr(feature = "serde", serde(with = "crate::serial::number"))]
    max_abs_error: f64,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::serial::number::count"))]
    saturated: u64,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::serial::number::count"))]
    flushed: u64,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::serial::number::count"))]
    nan: u64,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::serial::number::count"))]
    nan_references: u64,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::serial::number::count"))]
    infinite_references: u64,
}

#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
struct ErrorSums {
    #[cfg_attr(feature = "serde", serde(with = "crate::serial::number"))]
    signal: f64,
    #[cfg_attr(feature = "serde", serde(with = "crate::serial::number"))]
    noise: f64,
    #[cfg_attr(feature = "serde", serde(with = "crate::serial::number"))]
    absolute: f64,
    /// Squares of what was stored.
    #[cfg_attr(feature = "serde", serde(with = "crate::serial::number"))]
    stored: f64,
    /// Products of references and what was stored.
    #[cfg_attr(feature = "serde", serde(with = "crate::serial::number"))]
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
/// let text = format!("{:>8}|{}|{}", Sqnr::Decibels(31.8432), Sqnr::Exact, Sqnr::Undefined);
/// assert_eq!(text, "   31.84|exact|NaN");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sqnr {
    /// Every error is 0: also where nothing was measured, and for zeros stored as zeros.
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

impl Sqnr {
    /// The decibels: infinity where every error is 0, NaN where the ratio is undefined.
    ///
    /// ```
    /// use subhalf::Sqnr;
    /// let ratios = [Sqnr::Exact, Sqnr::Decibels(31.5), Sqnr::Undefined].map(Sqnr::to_f64);
    /// assert_eq!(ratios[..2], [f64::INFINITY, 31.5]);
    /// assert!(ratios[2].is_nan());
    /// ```
    #[must_use]
    pub const fn to_f64(self) -> f64 {
        match self {
            Self::Exact => f64::INFINITY,
            Self::Decibels(value) => value,
            Self::Undefined => f64::NAN,
        }
    }
}

/// Orders ratios as their decibels, the worse below the better; an undefined one has no place.
///
/// ```
/// use subhalf::Sqnr;
/// assert!(Sqnr::Exact > Sqnr::Decibels(60.0) && Sqnr::Decibels(60.0) > Sqnr::Decibels(31.5));
/// assert_eq!(Sqnr::Undefined.partial_cmp(&Sqnr::Exact), None);
/// ```
impl PartialOrd for Sqnr {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Decibels(a), Self::Decibels(b)) => a.partial_cmp(b),
            (Self::Exact, Self::Decibels(b)) => (!b.is_nan()).then_some(Ordering::Greater),
            (Self::Decibels(a), Self::Exact) => (!a.is_nan()).then_some(Ordering::Less),
            _ => (self == other).then_some(Ordering::Equal),
        }
    }
}

impl ErrorStats {
    /// Elements of a partial sum.
    pub const PARTIAL: u32 = PARTIAL as u32;

    /// An accumulator of no pairs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Measures two slices, element by element: the references and what was stored for them, on all
    /// threads. It has the bits of [`push`](Self::push) with [`Flags::NONE`], so
    /// [`saturated`](Self::saturated) counts infinite references alone.
    ///
    /// ```
    /// use subhalf::ErrorStats;
    /// let stats = ErrorStats::of(&[3.0f32, 4.0, -0.5], &[3.0f64, 5.0, 0.0])?;
    /// assert_eq!((stats.signal(), stats.noise(), stats.flushed()), (25.25, 1.25, 1));
    /// assert!(ErrorStats::of(&[1.0f32], &[1.0f32, 2.0]).is_err());
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if the slices have different lengths.
    pub fn of<A: Copy + Sync + Into<f64>, B: Copy + Sync + Into<f64>>(
        references: &[A],
        stored: &[B],
    ) -> Result<Self, Error> {
        Self::of_with(references, stored, Exec::PARALLEL)
    }

    /// Measures two slices as [`of`](Self::of) does, on the threads and instructions of `exec`,
    /// which changes no bit.
    ///
    /// # Errors
    /// [`Error::Length`] if the slices have different lengths.
    pub fn of_with<A: Copy + Sync + Into<f64>, B: Copy + Sync + Into<f64>>(
        references: &[A],
        stored: &[B],
        exec: Exec,
    ) -> Result<Self, Error> {
        Error::check_length("stored numbers", references.len(), stored.len())?;
        let measure = |first: usize, piece: &[A]| {
            PairGroup::measure(exec.isa(), piece.len(), |at, x, back| {
                widen(&piece[at..], x);
                widen(&stored[first + at..], back);
                0
            })
        };
        let mut total = Self::new();
        exec.fold(references, GROUP, measure, |group| total.append(&group));
        Ok(total)
    }

    /// Adds the sums and counts of a group that comes next, as [`merge`](Self::merge) adds those of
    /// its partial sums in turn.
    pub(super) fn append(&mut self, group: &PairGroup) {
        self.close_partial();
        let partials = group.count.div_ceil(PARTIAL);
        for lane in 0..partials.min(SIDE) {
            let [signal, noise, absolute, stored, product] = group.sums.map(|sums| sums[lane]);
            let partial = ErrorSums { signal, noise, absolute, stored, product };
            self.total = self.total.plus(partial);
        }
        let counts = &group.counts;
        self.count += group.count as u64;
        self.measured += counts.measured as u64;
        self.max_abs_error = self.max_abs_error.max(f64::from_bits(counts.largest as u64));
        self.saturated += group.overflowed + counts.lost_infinities as u64;
        self.flushed += counts.flushed as u64;
        self.nan += counts.nan as u64;
        self.nan_references += counts.nan_references as u64;
        self.infinite_references += counts.infinite_references as u64;
    }

    /// Adds one pair. `flags` are those of the conversion; only [`Flags::OVERFLOW`] is read, so
    /// [`Flags::NONE`] is enough where saturation is of no interest.
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
    /// the result has the bits of one accumulator into which all elements were pushed. Merging
    /// larger results, for example of several tensors, adds their totals in the order of the calls.
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

    /// Number of pairs, measured or not.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Number of pairs in the sums: a finite reference, stored as a number.
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
    /// `None` if all references or all stored numbers are 0, or if a sum is not finite. Equal
    /// tensors have 1.
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

/// `10·log10(x)` for a positive normal x, within a few ulp, from operations that IEEE 754 fixes
/// to the bit: `core` has no logarithm, and those of the platforms differ.
pub(super) fn decibels(x: f64) -> f64 {
    // x = m·2^e with m in [√½, √2), and with t = (m − 1)/(m + 1)
    // ln m = 2·artanh(t) = 2·(t + t³/3 + t⁵/5 + …).
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

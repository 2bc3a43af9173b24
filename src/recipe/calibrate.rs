//! Clipping values from a stream of activations.

use crate::error::Error;
use crate::spec::FormatSpec;
use alloc::vec;
use alloc::vec::Vec;

/// Bins of a histogram.
const BINS: usize = 2048;

/// Magnitudes of a stream as a histogram of equal bins, whose range doubles whenever a number is
/// beyond it: calibration by the maximum, a percentile, or the squared error.
///
/// ```
/// use subhalf::{FormatSpec, recipe::Calibration};
/// let mut seen = Calibration::new();
/// seen.push(&[0.5; 998])?;
/// seen.push(&[-1.0, 16.0])?; // an outlier
/// assert_eq!(seen.amax(), 16.0);
/// assert_eq!(seen.percentile(0.99), 0.515625); // bins are 32 / 2048 wide
/// assert!(seen.least_squared_error(&FormatSpec::INT4) < 8.0);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    counts: Vec<u64>,
    /// The end of the last bin, a power of two; 0 before the first number other than zero.
    range: f32,
    amax: f32,
    zeros: u64,
}

impl Default for Calibration {
    fn default() -> Self {
        Self::new()
    }
}

impl Calibration {
    /// No numbers yet.
    #[must_use]
    pub fn new() -> Self {
        Self { counts: vec![0; BINS], range: 0.0, amax: 0.0, zeros: 0 }
    }

    /// Counts the magnitudes of some numbers.
    ///
    /// # Errors
    ///
    /// [`Error::Given`] for a number that is not finite; none of the numbers then counts.
    pub fn push(&mut self, x: &[f32]) -> Result<(), Error> {
        super::all_finite("number", x)?;
        for x in x.iter().map(|x| x.abs()) {
            if x == 0.0 {
                self.zeros += 1;
                continue;
            }
            if self.range == 0.0 {
                self.range = super::exp2((super::exponent(x) + 1).clamp(-126, 127)) as f32;
            }
            // The last range has no end: 2^127 doubles no more.
            while x >= self.range && self.range < 2.0f32.powi(127) {
                self.range *= 2.0;
                for i in 0..BINS / 2 {
                    self.counts[i] = self.counts[2 * i] + self.counts[2 * i + 1];
                }
                self.counts[BINS / 2..].fill(0);
            }
            let bin = f64::from(x) / f64::from(self.range) * BINS as f64;
            self.counts[(bin as usize).min(BINS - 1)] += 1;
            self.amax = self.amax.max(x);
        }
        Ok(())
    }

    /// Returns the largest magnitude.
    #[must_use]
    pub const fn amax(&self) -> f32 {
        self.amax
    }

    /// Returns how many numbers were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.zeros + self.counts.iter().sum::<u64>()
    }

    /// Returns the end of the first bin at or below which lies `fraction` of the magnitudes, at
    /// most [`amax`](Self::amax): the percentile, up to a bin's width above.
    #[must_use]
    pub fn percentile(&self, fraction: f64) -> f32 {
        let wanted = fraction.clamp(0.0, 1.0) * self.count() as f64;
        let mut below = self.zeros;
        for (bin, count) in self.counts.iter().enumerate() {
            below += count;
            if below as f64 >= wanted {
                let end = self.range / BINS as f32 * (bin + 1) as f32;
                return end.min(self.amax);
            }
        }
        self.amax
    }

    /// Returns the clipping value under which the squared error of storing the numbers in a format
    /// is the least: `c` from 1/128 to all of [`amax`](Self::amax), 128 of them, the larger of
    /// equal ones, every number taken for the middle of its bin. The scale is `c / max`.
    #[must_use]
    pub fn least_squared_error(&self, format: &FormatSpec) -> f32 {
        let largest = format.max().to_f64() as f32;
        let middles: Vec<f32> =
            (0..BINS).map(|bin| self.range / BINS as f32 * (bin as f32 + 0.5)).collect();
        let mut best = (f64::INFINITY, self.amax);
        for step in (1..=128u8).rev() {
            let clip = self.amax * f32::from(step) / 128.0;
            let scale = clip / largest;
            if scale <= 0.0 {
                break;
            }
            let mut stored: Vec<f32> = middles.iter().map(|x| x / scale).collect();
            format.fake_quantize(&mut stored);
            let error =
                middles.iter().zip(&stored).zip(&self.counts).fold(0.0, |sum, ((x, y), count)| {
                    let error = f64::from(*x) - f64::from(*y) * f64::from(scale);
                    sum + *count as f64 * error * error
                });
            if error < best.0 {
                best = (error, clip);
            }
        }
        best.1
    }
}

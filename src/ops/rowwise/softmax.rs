//! [`Softmax`]: three algorithms, each with its own roundings.

use super::exponential::{exp, extended, shifted};
use super::{RowArithmetic, number, over_rows, store};
use crate::error::Error;
use crate::naming::names_of;
use crate::ops::real::Real;
use crate::spec::FormatSpec;

/// The algorithm of a [`Softmax`]: where its powers come from, and what is added up. All give the
/// same numbers but for roundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SoftmaxForm {
    /// The largest number `m` of the row, then the sum of `e^(x − m)`, then quotients.
    ThreePass,
    /// Largest number and sum in one pass, `s = s · e^(m − m') + e^(x − m')` with `m'` the larger of
    /// `m` and `x`; then quotients. arXiv 1805.02867; what attention does block by block.
    Online,
    /// No largest number: a power is a mantissa and an exponent, `e^x = m · 2^n`, and so is the
    /// sum, `v · 2^e`; then `m / v · 2^(n − e)`. The Two-Pass algorithm, arXiv 2001.04438.
    TwoPass,
}

names_of! { SoftmaxForm, "form of softmax":
    ThreePass "three-pass",
    Online "online",
    TwoPass "two-pass",
}

/// `e^x / Σ e^x` over rows, in the arithmetic of a format: f32, or a narrower one to see what it
/// costs.
///
/// Numbers are rounded to the format, multiplied by the factor, and go through the
/// [form](SoftmaxForm), whose differences, powers, products, sums and quotients are each rounded to
/// the format under its default policy; sums run from the left. Results are rounded once more into
/// their type. Powers are those of f64 within two units in the last place before they are rounded.
/// No bit depends on the machine.
///
/// A row with NaN or plus infinity, or of nothing but minus infinity, becomes NaN (in a format
/// without NaN, what its policy says); elsewhere minus infinity becomes 0, which is how attention
/// masks.
///
/// ```
/// use subhalf::{FormatSpec, Softmax, SoftmaxForm};
/// let x = [1.0f32, 2.0, 3.0, f32::NEG_INFINITY];
/// let mut y = [0.0f32; 4];
/// Softmax::new().rows(&x, 4, &mut y)?;
/// assert!((y[2] - 0.665_241).abs() < 1e-6 && y[3] == 0.0);
/// // The same in BF16, without a pass for the largest number.
/// let bf16 = Softmax::new().form(SoftmaxForm::TwoPass).arithmetic(&FormatSpec::BF16);
/// bf16.rows(&x, 4, &mut y)?;
/// assert!((y[2] - 0.665_241).abs() < 0.004);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Softmax {
    form: SoftmaxForm,
    arithmetic: RowArithmetic,
    factor: f32,
}

impl Default for Softmax {
    fn default() -> Self {
        Self::new()
    }
}

impl Softmax {
    /// Three passes in f32, of the numbers as they are.
    #[must_use]
    pub const fn new() -> Self {
        Self { form: SoftmaxForm::ThreePass, arithmetic: RowArithmetic::F32, factor: 1.0 }
    }

    /// The algorithm.
    #[must_use]
    pub const fn form(mut self, form: SoftmaxForm) -> Self {
        self.form = form;
        self
    }

    /// The format of every intermediate result: signed, with a zero.
    #[must_use]
    pub const fn arithmetic(mut self, format: &FormatSpec) -> Self {
        self.arithmetic = RowArithmetic::new(format);
        self
    }

    /// What numbers are multiplied by first: `1 / √d` in attention, or one over a temperature.
    #[must_use]
    pub const fn factor(mut self, factor: f32) -> Self {
        self.factor = factor;
        self
    }

    /// The softmax of each row of `cols` numbers.
    ///
    /// # Errors
    /// [`Error::Length`] if `dst` is not as long as `src`, or `src` is not made of whole rows.
    pub fn rows<T: Real, D: Real>(
        &self,
        src: &[T],
        cols: usize,
        dst: &mut [D],
    ) -> Result<(), Error> {
        over_rows(src, cols, dst, |src, dst| match self.form {
            SoftmaxForm::ThreePass => self.three_pass(src, dst),
            SoftmaxForm::Online => self.online(src, dst),
            SoftmaxForm::TwoPass => self.two_pass(src, dst),
        })
    }

    /// A number as the forms see it.
    fn input<T: Real>(&self, x: T) -> f64 {
        self.round(self.round(number(x)) * f64::from(self.factor))
    }

    fn round(&self, x: f64) -> f64 {
        self.arithmetic.round(x)
    }

    /// `e^(x − largest)`.
    fn power<T: Real>(&self, x: T, largest: f64) -> f64 {
        self.round(exp(self.round(self.input(x) - largest)))
    }

    fn three_pass<T: Real, D: Real>(&self, src: &[T], dst: &mut [D]) {
        // NaN passes through `max` unseen; its own power makes the sum NaN.
        let largest = src.iter().fold(f64::NEG_INFINITY, |m, &x| m.max(self.input(x)));
        let sum = src.iter().fold(0.0, |sum, &x| self.round(sum + self.power(x, largest)));
        self.quotients(src, dst, largest, sum);
    }

    fn online<T: Real, D: Real>(&self, src: &[T], dst: &mut [D]) {
        let (mut largest, mut sum) = (f64::NEG_INFINITY, 0.0);
        for &x in src {
            let next = self.input(x).max(largest);
            if next == f64::NEG_INFINITY {
                // Masked so far, or NaN alone, which the differences below turn into NaN.
                sum = if self.input(x).is_nan() { f64::NAN } else { sum };
                continue;
            }
            // The factor is 1 unless this number is the largest so far; of an empty sum it is 0.
            let factor = self.round(exp(self.round(largest - next)));
            sum = self.round(self.round(sum * factor) + self.power(x, next));
            largest = next;
        }
        self.quotients(src, dst, largest, sum);
    }

    fn quotients<T: Real, D: Real>(&self, src: &[T], dst: &mut [D], largest: f64, sum: f64) {
        for (&x, to) in src.iter().zip(dst) {
            *to = store(self.round(self.power(x, largest) / sum));
        }
    }

    /// The mantissa, rounded, and the exponent of `e^x`; of 0 the exponent counts for nothing.
    fn extended_power<T: Real>(&self, x: T) -> (f64, f64) {
        let (mantissa, n) = extended(self.input(x));
        (self.round(mantissa), n)
    }

    fn two_pass<T: Real, D: Real>(&self, src: &[T], dst: &mut [D]) {
        // A sum of nothing has the exponent of the first power that is not 0.
        let (mut sum, mut exponent) = (0.0, None);
        for &x in src {
            let (mantissa, n) = self.extended_power(x);
            if mantissa == 0.0 {
                continue;
            }
            let old = exponent.unwrap_or(n);
            let top = old.max(n);
            // Powers of two shift exactly, but for numbers that leave the format.
            let kept = self.round(shifted(sum, old - top));
            sum = self.round(kept + self.round(shifted(mantissa, n - top)));
            exponent = Some(top);
        }
        for (&x, to) in src.iter().zip(dst) {
            let (mantissa, n) = self.extended_power(x);
            // 0 / 0 is NaN where everything is masked.
            let shift = if mantissa == 0.0 { 0.0 } else { n - exponent.unwrap_or(n) };
            *to = store(self.round(shifted(mantissa / sum, shift)));
        }
    }
}

//! Factors for the channels between two layers: `SmoothQuant`, AWQ and `FireQ`.

use super::{all_finite, columns};
use crate::block::{BlockSpec, QuantTensor};
use crate::error::Error;
use crate::ops::Quantizer;
use crate::policy::Convert;
use crate::spec::FormatSpec;
use crate::unary::Unary;
use alloc::vec;
use alloc::vec::Vec;

/// Returns `x^p` of a positive number by `2^(p · log2 x)`, both functions correctly rounded to f32:
/// the same on every machine, with a relative error of `(1 + |log2 x|) · 2^-23` about.
fn power(x: f32, p: f32) -> f32 {
    let spec = FormatSpec::F32;
    let function = |function: Unary, x: f32| {
        spec.decode_f32(spec.unary_with(function, spec.encode_f32(x), &Convert::IEEE, 0).code)
    };
    function(Unary::Exp2, p * function(Unary::Log2, x))
}

/// Returns the largest magnitude of each column.
fn column_maxima(x: &[f32], cols: usize) -> Vec<f32> {
    x.chunks(cols.max(1)).fold(vec![0.0; cols], |mut maxima, row| {
        maxima.iter_mut().zip(row).for_each(|(max, x)| *max = max.max(x.abs()));
        maxima
    })
}

/// Returns `SmoothQuant`'s factor of each channel (arXiv 2211.10438, eq. 4): `s_j = max |X_j|^α /
/// max |W_j|^(1 − α)`, at least 10⁻⁵. Activations are divided by it, columns of the weights
/// multiplied. Both maxima are at least 10⁻⁵ first, as in the released code.
///
/// `activation_maxima` has one number a column, `w` is `rows × columns`, outputs by inputs.
///
/// ```
/// let s = subhalf::recipe::smoothquant(&[16.0, 2.0], &[1.0, -4.0, 0.5, 3.0], 2, 0.5)?;
/// assert!((s[0] - 4.0).abs() < 1e-6 && (s[1] - 0.70711).abs() < 1e-5);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Length`] for weights without such rows or another number of columns,
/// [`Error::Given`] for numbers that are not finite.
pub fn smoothquant(
    activation_maxima: &[f32],
    w: &[f32],
    rows: usize,
    alpha: f32,
) -> Result<Vec<f32>, Error> {
    let cols = columns("weights", w.len(), rows)?;
    Error::check_length("largest activations", cols, activation_maxima.len())?;
    all_finite("weight", w)?;
    all_finite("largest activation", activation_maxima)?;
    let factor = |(x, w): (&f32, f32)| {
        let quotient = power(x.abs().max(1e-5), alpha) / power(w.max(1e-5), 1.0 - alpha);
        quotient.max(1e-5)
    };
    Ok(activation_maxima.iter().zip(column_maxima(w, cols)).map(factor).collect())
}

/// What [`awq`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct AwqFit {
    /// The exponent r of the smallest error.
    pub ratio: f32,
    /// The factor of each channel.
    pub factors: Vec<f32>,
    /// The weights times the factors, quantized.
    pub tensor: QuantTensor,
    /// The squared errors of the outputs for r = 0, 1/20, … 19/20.
    pub errors: Vec<f64>,
}

/// Finds AWQ's factors for the channels (arXiv 2306.00978, 3.2): `s = (mean |x_j|)^r`, at least
/// 10⁻⁴, over the root of the product of the largest and the smallest of them, with r from 0, 1/20,
/// … 19/20 by the squared error of the outputs `X · (W − Q(W · s) / s)ᵀ`, the first of equal ones.
///
/// `x` is `samples` rows of activations, `w` `rows × columns`. Sums are f64.
///
/// # Errors
///
/// [`Error::Length`] for rows that there are not, [`Error::Given`] for numbers that are not finite,
/// and the errors of [`Quantizer::quantize`](crate::Quantizer::quantize).
pub fn awq(
    x: &[f32],
    samples: usize,
    w: &[f32],
    rows: usize,
    spec: &BlockSpec,
) -> Result<AwqFit, Error> {
    let cols = columns("weights", w.len(), rows)?;
    Error::check_length("activations", samples * cols, x.len())?;
    all_finite("weight", w)?;
    all_finite("activation", x)?;
    let mut means = vec![0.0f64; cols];
    for row in x.chunks(cols.max(1)) {
        means.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(x.abs()));
    }
    means.iter_mut().for_each(|sum| *sum /= samples.max(1) as f64);
    // The squared error of all outputs is tr(E · XᵀX · Eᵀ): the Gram matrix serves all ratios.
    let gram = super::hessian(x, samples)?;
    let mut best: Option<(f64, f32, Vec<f32>, QuantTensor)> = None;
    let mut errors = Vec::new();
    for step in 0..20u8 {
        let ratio = f32::from(step) / 20.0;
        let factors: Vec<f32> =
            means.iter().map(|mean| power((*mean as f32).max(1e-4), ratio).max(1e-4)).collect();
        let high = factors.iter().copied().fold(0.0, f32::max);
        let low = factors.iter().copied().fold(f32::INFINITY, f32::min);
        let middle = (high * low).sqrt();
        let factors: Vec<f32> = factors.iter().map(|s| s / middle).collect();
        let scaled: Vec<f32> = w
            .chunks(cols.max(1))
            .flat_map(|row| row.iter().zip(&factors).map(|(w, s)| w * s))
            .collect();
        let tensor = Quantizer::new(spec).quantize(&scaled, &[rows, cols])?;
        let restored = tensor.dequantize();
        let mut total = 0.0;
        for (row, restored) in w.chunks(cols.max(1)).zip(restored.chunks(cols.max(1))) {
            let e: Vec<f64> = (row.iter().zip(restored).zip(&factors))
                .map(|((w, q), s)| f64::from(*w) - f64::from(*q) / f64::from(*s))
                .collect();
            for (a, h) in e.iter().zip(gram.chunks(cols.max(1))) {
                total += a * h.iter().zip(&e).fold(0.0, |sum, (h, b)| sum + h * b);
            }
        }
        let total = total * samples as f64 / 2.0;
        errors.push(total);
        if best.as_ref().is_none_or(|(least, ..)| total < *least) {
            best = Some((total, ratio, factors, tensor));
        }
    }
    let refused = Error::Scheme { what: "AWQ", expected: "errors that are numbers" };
    let (_, ratio, factors, tensor) = best.ok_or(refused)?;
    Ok(AwqFit { ratio, factors, tensor, errors })
}

/// The factors that `FireQ` multiplies the columns of a weight matrix by (arXiv 2505.20839; from
/// the released code, `scale_type` 0 to 2).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum FireqScaling {
    /// One number for all columns.
    Constant(f32),
    /// A number over the largest magnitude of the column.
    OverMax(f32),
    /// A number over the mean magnitude of the column.
    OverMean(f32),
}

impl FireqScaling {
    /// Returns the factor of each column of `w`, `rows × columns`; the layer before is divided by
    /// it. A column of zeros has the factor 1.
    ///
    /// ```
    /// use subhalf::recipe::FireqScaling;
    /// let w = [1.0f32, -4.0, 3.0, 0.0];
    /// assert_eq!(FireqScaling::OverMax(1.5).factors(&w, 2)?, [0.5, 0.375]);
    /// assert_eq!(FireqScaling::OverMean(1.0).factors(&w, 2)?, [0.5, 0.5]);
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `w` has no such rows, [`Error::Given`] for a weight that is not finite.
    pub fn factors(self, w: &[f32], rows: usize) -> Result<Vec<f32>, Error> {
        let cols = columns("weights", w.len(), rows)?;
        all_finite("weight", w)?;
        let (constant, sizes) = match self {
            Self::Constant(factor) => return Ok(vec![factor; cols]),
            Self::OverMax(constant) => (constant, column_maxima(w, cols)),
            Self::OverMean(constant) => {
                let mut sums = vec![0.0f64; cols];
                for row in w.chunks(cols.max(1)) {
                    sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(x.abs()));
                }
                (constant, sums.iter().map(|sum| (sum / rows as f64) as f32).collect())
            }
        };
        Ok(sizes.iter().map(|size| if *size > 0.0 { constant / size } else { 1.0 }).collect())
    }
}

/// Returns `FireQ`'s factor of each pair of rotated channels of a key head (arXiv 2505.20839):
/// `α / r` with `r = max over tokens √(k_d² + k_{d+D/2}²)`. Both keys of a pair are multiplied by
/// it, the queries divided; rotary embeddings turn the pair, so that the factor may be folded into
/// the projections. `keys` is tokens by D. A pair of zeros has the factor 1.
///
/// ```
/// let keys = [3.0f32, 4.0, 1.0, -2.0, -6.0, 0.5]; // three tokens, one pair
/// let factors = subhalf::recipe::fireq_key_pairs(&keys, 3, 4.0)?;
/// assert!((factors[0] - 0.66436).abs() < 1e-5);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Length`] if `keys` has no such tokens or an odd number of channels, [`Error::Given`]
/// for a key that is not finite.
pub fn fireq_key_pairs(keys: &[f32], tokens: usize, alpha: f32) -> Result<Vec<f32>, Error> {
    let channels = columns("keys", keys.len(), tokens)?;
    columns("channels in pairs", channels, 2)?;
    all_finite("key", keys)?;
    let pairs = channels / 2;
    let mut squares = vec![0.0f64; pairs];
    for token in keys.chunks(channels.max(1)) {
        let (a, b) = token.split_at(pairs);
        for ((square, a), b) in squares.iter_mut().zip(a).zip(b) {
            let (a, b) = (f64::from(*a), f64::from(*b));
            *square = square.max(a * a + b * b);
        }
    }
    let factor = |square: &f64| {
        if *square > 0.0 { (f64::from(alpha) / square.sqrt()) as f32 } else { 1.0 }
    };
    Ok(squares.iter().map(factor).collect())
}

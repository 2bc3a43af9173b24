//! Floating-point formats with a bias that is a real number: searches for the clipping value, the
//! split of the bits, and the bias of each channel.

use super::{all_finite, columns};
use crate::block::{BlockSpec, Extent, Metric, QuantTensor, Ratio, ScaleRule, Search};
use crate::error::Error;
use crate::ops::Quantizer;
use crate::spec::{Encoding, FloatSpec, FormatSpec, Table};
use alloc::vec;
use alloc::vec::Vec;

/// Returns the real-valued bias under which the largest number of a format with these fields is
/// `clip`: `2^E − log2(clip) + log2(2 − 2^−M) − 1` (arXiv 2208.09225, eq. 4; arXiv 2310.16836,
/// eq. 9). It is for display: the schemes here hold `clip` itself, from which nothing is lost.
///
/// ```
/// use subhalf::recipe::bias_of_clip;
/// assert_eq!((bias_of_clip(2, 1, 6.0), bias_of_clip(4, 3, 480.0)), (1.0, 7.0));
/// assert!((bias_of_clip(4, 3, 448.0) - 7.09954).abs() < 1e-5);
/// ```
#[must_use]
pub fn bias_of_clip(exponent_bits: u8, mantissa_bits: u8, clip: f64) -> f64 {
    let steps = 2.0 - super::exp2(-i32::from(mantissa_bits));
    super::exp2(exponent_bits.into()) - clip.log2() + steps.log2() - 1.0
}

/// Returns the scheme of FP8 with a real-valued bias (Kuzmin et al., arXiv 2208.09225): elements of
/// `exponent_bits` and `mantissa_bits` behind a sign, every code a finite number, each block's
/// scale `clip / max` in f32, with `clip` its largest magnitude. No exponent bits: integers.
///
/// # Errors
///
/// [`Error::SpecRange`] for a format that there is not.
pub fn flexible_format(
    exponent_bits: u8,
    mantissa_bits: u8,
    extent: Extent,
) -> Result<BlockSpec, Error> {
    let layout = FloatSpec::finite(exponent_bits, mantissa_bits);
    let element = FormatSpec::new("FLEXIBLE", Encoding::Float(layout))?;
    let rule = ScaleRule::Amax { target: element.max().to_f64() as f32, ratio: Ratio::Divide };
    Ok(BlockSpec::new(element, Some(FormatSpec::F32), extent, rule))
}

/// What [`flexible_fit`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct FlexibleFit {
    /// Mantissa bits, the same for all rows.
    pub mantissa_bits: u8,
    /// Mean squared error of each row under the best clipping value of each split, by mantissa bits
    /// from 1 on.
    pub errors: Vec<Vec<f64>>,
    /// The matrix under that split, each row with its best clipping value.
    pub tensor: QuantTensor,
}

/// Finds the split of the bits for a matrix, and the clipping value of each row (Kuzmin et al.,
/// arXiv 2208.09225, 3.2; the grid is that of the released code): for each number of mantissa bits
/// from 1 to `bits − 2` and each clipping value from 0.1 to 1.2 times the row's largest magnitude,
/// 111 of them, the mean squared error; each row votes for its best split, and the split with most
/// votes is taken, the one with fewer mantissa bits in a tie.
///
/// ```
/// // Equal steps: the fewest exponent bits are best.
/// let w: Vec<f32> = (0..256).map(|i| i as f32 - 127.5).collect();
/// assert_eq!(subhalf::recipe::flexible_fit(&w, 1, 8)?.mantissa_bits, 6);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Length`] if `w` has no such rows, [`Error::SpecRange`] for `bits` outside of 3 to 8,
/// [`Error::Given`] for a number that is not finite.
pub fn flexible_fit(w: &[f32], rows: usize, bits: u8) -> Result<FlexibleFit, Error> {
    let cols = columns("numbers", w.len(), rows)?;
    all_finite("number", w)?;
    if !(3..=8).contains(&bits) {
        return Err(Error::SpecRange { what: "bits", found: bits.into(), low: 3, high: 8 });
    }
    let factors: Vec<f32> = (0..111).map(|i| 0.1 + 1.1 * i as f32 / 110.0).collect();
    let search = Search::new(Table::of(&[1.0]), Metric::Mse);
    let (mut errors, mut tensors) = (Vec::new(), Vec::new());
    for mantissa_bits in 1..=bits - 2 {
        let spec = flexible_format(bits - 1 - mantissa_bits, mantissa_bits, Extent::Row)?
            .with_search(Some(search));
        let tensor = Quantizer::new(&spec).search_factors(&factors).quantize(w, &[rows, cols])?;
        let restored = tensor.dequantize();
        errors.push(row_errors(w, &restored, cols));
        tensors.push(tensor);
    }
    let best = |row: usize| {
        (1..errors.len())
            .fold(0, |best, m| if errors[m][row] < errors[best][row] { m } else { best })
    };
    let votes: Vec<usize> = (0..rows).map(best).collect();
    let count = |m: usize| votes.iter().filter(|vote| **vote == m).count();
    let winner = (1..errors.len()).fold(0, |best, m| if count(m) > count(best) { m } else { best });
    Ok(FlexibleFit { mantissa_bits: winner as u8 + 1, tensor: tensors.swap_remove(winner), errors })
}

/// Splits the biases of activation channels into a common real one and an integer each (LLM-FP4's
/// pre-shifted exponent bias, arXiv 2310.16836, 4.2): `b_j = clip(round(bias_j − ρ), 0, 2^E − 1)`
/// with `bias_j` the [`bias_of_clip`] of the channel's largest magnitude and `ρ` the least of them.
///
/// Column j of the activations is quantized with the clipping value `clip_j = clip · 2^−b_j`,
/// `clip` that of the largest channel, and row j of the weights is multiplied by `2^−b_j`. Returns
/// `b_j` and `clip_j`. `round(log2 …)` is decided by comparing squares, no logarithm is computed;
/// halves cannot occur. Channels of zeros have `b_j` of 0. The paper also searches for ρ.
///
/// ```
/// let (shifts, clips) = subhalf::recipe::pre_shift(2, &[8.0, 1.0, 0.25, 3.0]);
/// assert_eq!((shifts, clips), (vec![0, 3, 3, 1], vec![8.0, 1.0, 1.0, 4.0]));
/// ```
#[must_use]
pub fn pre_shift(exponent_bits: u8, channel_maxima: &[f32]) -> (Vec<u32>, Vec<f32>) {
    let usable = |x: f32| x > 0.0 && x.is_finite();
    let largest = channel_maxima.iter().copied().filter(|x| usable(*x)).fold(0.0, f32::max);
    let most = (1u32 << exponent_bits.min(8)) - 1;
    let shift = |x: &f32| {
        if !usable(*x) {
            return 0;
        }
        // bias_j − ρ = log2(largest / x); it rounds to k or more from 2^(k − ½) on.
        let ratio = f64::from(largest) / f64::from(*x);
        (0..most).take_while(|k| ratio * ratio > super::exp2(2 * *k as i32 + 1)).count() as u32
    };
    let shifts: Vec<u32> = channel_maxima.iter().map(shift).collect();
    let clips = shifts.iter().map(|b| (f64::from(largest) * super::exp2(-(*b as i32))) as f32);
    let clips = clips.collect();
    (shifts, clips)
}

/// Returns for each row the scheme with the least squared error, by its place in `schemes`, the
/// first of equal ones: the choice of a format for each channel (HQ-DiT, arXiv 2405.19751; there by
/// a statistic of the channel that was not read, here by the error that it stands for).
///
/// ```
/// use subhalf::{Extent, recipe};
/// let [e1m2, e2m1, e3m0] =
///     [(1, 2), (2, 1), (3, 0)].map(|(e, m)| recipe::flexible_format(e, m, Extent::Row).unwrap());
/// let w = [7.0f32, 5.0, -3.0, 1.0, 16.0, 1.0, 0.25, -4.0]; // equal steps, powers of two
/// assert_eq!(recipe::best_scheme_per_row(&w, 2, &[e2m1, e3m0, e1m2])?, [2, 1]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Length`] if `w` has no such rows, [`Error::Given`] for a number that is not finite, and
/// the errors of [`Quantizer::quantize`](crate::Quantizer::quantize).
pub fn best_scheme_per_row(
    w: &[f32],
    rows: usize,
    schemes: &[BlockSpec],
) -> Result<Vec<usize>, Error> {
    let cols = columns("numbers", w.len(), rows)?;
    all_finite("number", w)?;
    let mut best = vec![(0, f64::INFINITY); rows];
    for (index, spec) in schemes.iter().enumerate() {
        let restored = Quantizer::new(spec).quantize(w, &[rows, cols])?.dequantize();
        let errors = row_errors(w, &restored, cols);
        for (best, error) in best.iter_mut().zip(errors) {
            if error < best.1 {
                *best = (index, error);
            }
        }
    }
    Ok(best.into_iter().map(|(index, _)| index).collect())
}

/// The mean squared error of each row.
fn row_errors(w: &[f32], restored: &[f32], cols: usize) -> Vec<f64> {
    let rows = w.chunks(cols.max(1)).zip(restored.chunks(cols.max(1)));
    let row_error = |(x, y): (&[f32], &[f32])| {
        let sum = x.iter().zip(y).fold(0.0, |sum, (x, y)| {
            let error = f64::from(*x) - f64::from(*y);
            sum + error * error
        });
        sum / cols as f64
    };
    rows.map(row_error).collect()
}

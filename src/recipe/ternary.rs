//! Ternary weights by the mean magnitude (`BitNet` b1.58, arXiv 2402.17764).

use super::{all_finite, columns};
use crate::block::{BlockSpec, Extent, QuantTensor, ScaleRule};
use crate::error::Error;
use crate::ops::Quantizer;
use crate::spec::{Encoding, FormatSpec, IntSpec};

/// −1, 0 and 1 in two bits.
const TERNARY: FormatSpec = FormatSpec::constant(
    "TERNARY",
    Encoding::Int(IntSpec { signed: true, bits: 2, fraction_bits: 0, symmetric: true }),
);

/// Quantizes a matrix to −1, 0 and 1 times its mean magnitude `γ = mean |w|`: `clip(round(w / γ),
/// −1, 1)`, ties to even (`BitNet` b1.58, arXiv 2402.17764, eq. 1 to 3).
///
/// The paper adds an ε to γ in the quotient alone; here γ stands in both places, and weights of all
/// zeros have γ = 1. The sum is f64, γ the f32 nearest to the mean.
///
/// ```
/// let tensor = subhalf::recipe::ternary_absmean(&[0.8, -0.05, 0.3, -0.6, 0.1], 1)?;
/// assert_eq!(tensor.view().block_scale(0), 0.37);
/// assert_eq!(tensor.dequantize(), [0.37, 0.0, 0.37, -0.37, 0.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Length`] if `w` has no such rows, [`Error::Given`] for a weight that is not finite.
pub fn ternary_absmean(w: &[f32], rows: usize) -> Result<QuantTensor, Error> {
    let cols = columns("weights", w.len(), rows)?;
    all_finite("weight", w)?;
    let sum = w.iter().fold(0.0, |sum, x| sum + f64::from(x.abs()));
    let mean = (sum / w.len().max(1) as f64) as f32;
    let scale = [if mean > 0.0 { mean } else { 1.0 }];
    let spec = BlockSpec::new(TERNARY, Some(FormatSpec::F32), Extent::Tensor, ScaleRule::Given);
    Quantizer::new(&spec).scales(&scale, &[]).quantize(w, &[rows, cols])
}

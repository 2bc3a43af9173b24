//! Outliers clamped and kept apart, and noise pushed to where it is not heard.

use super::all_finite;
use crate::error::Error;
use crate::spec::FormatSpec;
use alloc::vec::Vec;

/// A tensor in two parts: clamped numbers, and what the clamp took, by position.
#[derive(Clone, Debug, PartialEq)]
pub struct Clamped {
    /// The numbers between the two bounds.
    pub clamped: Vec<f32>,
    /// Position and difference of each number that was clamped.
    pub residual: Vec<(usize, f32)>,
    /// The bounds.
    pub bounds: (f32, f32),
}

/// Clamps outliers and compensates for them (OCC, arXiv 2501.17116, 3.2): numbers are clamped to
/// their quantiles at 1 − α and α, and the differences are kept as a sparse matrix in high
/// precision, `Y = Y_c + ΔY`.
///
/// A quantile at p is element `⌊p · n⌋` of the sorted numbers, at most the last, as in the released
/// code. That code clamps each row by itself and drops the differences; the paper keeps them.
///
/// ```
/// let y: Vec<f32> = (0..100).map(|i| if i == 7 { 900.0 } else { i as f32 }).collect();
/// let parts = subhalf::recipe::clamp_outliers(&y, 0.98)?;
/// assert_eq!(parts.bounds, (2.0, 99.0));
/// assert_eq!(parts.residual, [(0, -2.0), (1, -1.0), (7, 801.0)]);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Given`] for a number that is not finite, or an α outside of ½ to 1.
pub fn clamp_outliers(y: &[f32], alpha: f64) -> Result<Clamped, Error> {
    all_finite("number", y)?;
    if !(0.5..=1.0).contains(&alpha) {
        let (what, expected) = ("quantile", "a number from 0.5 to 1");
        return Err(Error::Given { what, index: 0, expected, bits: (alpha as f32).to_bits() });
    }
    let mut sorted = y.to_vec();
    sorted.sort_by(f32::total_cmp);
    let at = |p: f64| {
        let index = ((p * y.len() as f64) as usize).min(y.len().saturating_sub(1));
        sorted.get(index).copied().unwrap_or(0.0)
    };
    // 1 − α in f64 may be a unit above a whole number of elements, or below.
    let bounds = (at(1.0 - alpha), at(alpha));
    let clamped: Vec<f32> = y.iter().map(|x| x.clamp(bounds.0, bounds.1)).collect();
    let residual = y.iter().zip(&clamped).enumerate();
    let residual = residual.filter(|(_, (x, c))| x != c).map(|(i, (x, c))| (i, x - c)).collect();
    Ok(Clamped { clamped, residual, bounds })
}

/// Rounds the numbers of a row with first-order noise shaping (sigma-delta; for random features
/// arXiv 2106.02614, 2): `q_i = Q(y_i + u_{i−1})`, `u_i = y_i + u_{i−1} − q_i`.
///
/// Sums of successive numbers come back up to the two ends' errors, `Σ y − Σ q = u_end − u_start`,
/// however many there are. Returns the numbers as codes and the last `u`. All operations are f32's.
/// One bit is a codebook of −1 and 1.
///
/// ```
/// use subhalf::{FormatSpec, recipe::noise_shaped};
/// let bit = FormatSpec::codebook("BIT", &[-1.0, 1.0])?;
/// let (codes, u) = noise_shaped(&bit, &[0.3, 0.3, 0.3, 0.3, 0.3, -0.6, 0.2, 0.5]);
/// assert_eq!(codes, [1, 0, 1, 1, 0, 0, 1, 1]);
/// assert!((u + 0.4).abs() < 1e-6);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[must_use]
pub fn noise_shaped(format: &FormatSpec, y: &[f32]) -> (Vec<u32>, f32) {
    let mut u = 0.0f32;
    let codes = y.iter().map(|y| {
        let wanted = y + u;
        let code = format.encode_f32(wanted);
        u = wanted - format.decode_f32(code);
        code
    });
    let codes = codes.collect();
    (codes, u)
}

//! Low-rank compensation of a quantization error (`LoRC`, arXiv 2303.08302).

use super::linear::{eigen, orthonormalize};
use super::{all_finite, columns};
use crate::block::{BlockSpec, QuantTensor};
use crate::error::Error;
use crate::ops::Quantizer;
use crate::random::Dither;
use alloc::vec;
use alloc::vec::Vec;

/// A matrix of rank r as the product of two: `left · right`.
#[derive(Clone, Debug, PartialEq)]
pub struct LowRank {
    /// `rows × r`, row-major: `U · √Σ`.
    pub left: Vec<f32>,
    /// `r × columns`, row-major: `√Σ · Vᵀ`.
    pub right: Vec<f32>,
    /// The rank.
    pub rank: usize,
}

impl LowRank {
    /// Finds the best approximation of rank `rank` to a matrix in the sum of squares, by subspace
    /// iteration from a random start: `seed` draws it, 8 more directions than asked for are kept,
    /// and 12 products with the matrix and its transpose sharpen them. Where singular values lie
    /// close together the result is a little worse than their decomposition's.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `e` has no such rows, [`Error::SpecRange`] for a rank above that of a
    /// matrix of this shape, [`Error::Given`] for a number that is not finite.
    pub fn of(e: &[f32], rows: usize, rank: usize, seed: u64) -> Result<Self, Error> {
        let cols = columns("numbers", e.len(), rows)?;
        all_finite("number", e)?;
        let most = rows.min(cols);
        if rank > most {
            let (what, found, high) = ("rank", rank as i64, most as i64);
            return Err(Error::SpecRange { what, found, low: 0, high });
        }
        let kept = (rank + 8).min(most);
        // Directions in the space of the rows' outputs, one a row.
        let dither = Dither::new(seed);
        let mut directions: Vec<f64> = (0..kept * rows)
            .map(|i| f64::from(dither.word(i as u64, 32)) / 2f64.powi(31) - 1.0)
            .collect();
        orthonormalize(&mut directions, rows);
        let mut images = vec![0.0; kept * cols];
        for _ in 0..12 {
            images = times(&directions, rows, e, cols);
            orthonormalize(&mut images, cols);
            directions = times_transposed(&images, e, cols);
            orthonormalize(&mut directions, rows);
        }
        images.copy_from_slice(&times(&directions, rows, e, cols));
        // e ≈ directionsᵀ · images; the small Gram matrix of the images has the singular values.
        let gram: Vec<f64> = (0..kept * kept)
            .map(|i| dot(&images[i / kept * cols..][..cols], &images[i % kept * cols..][..cols]))
            .collect();
        let (values, vectors) = eigen(&gram, kept);
        let (mut left, mut right) = (vec![0.0f32; rows * rank], vec![0.0f32; rank * cols]);
        for r in 0..rank {
            let vector = &vectors[r * kept..(r + 1) * kept];
            // √Σ for each side: the image has length Σ, the direction length 1.
            let root = values[r].max(0.0).sqrt().sqrt();
            let inverse = if root > 0.0 { 1.0 / root } else { 0.0 };
            for i in 0..rows {
                let sum = (0..kept).fold(0.0, |sum, k| sum + vector[k] * directions[k * rows + i]);
                left[i * rank + r] = (sum * root) as f32;
            }
            for j in 0..cols {
                let sum = (0..kept).fold(0.0, |sum, k| sum + vector[k] * images[k * cols + j]);
                right[r * cols + j] = (sum * inverse) as f32;
            }
        }
        Ok(Self { left, right, rank })
    }

    /// Returns the product, row-major, in f64.
    #[must_use]
    pub fn product(&self) -> Vec<f64> {
        let cols = self.right.len() / self.rank.max(1);
        let left: Vec<f64> = self.left.iter().map(|x| f64::from(*x)).collect();
        left.chunks(self.rank.max(1))
            .flat_map(|row| {
                (0..cols).map(move |j| {
                    row.iter()
                        .enumerate()
                        .fold(0.0, |sum, (r, x)| sum + x * f64::from(self.right[r * cols + j]))
                })
            })
            .collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
}

/// Returns `d · e`, rows of `d` being as long as `e` has rows.
fn times(d: &[f64], rows: usize, e: &[f32], cols: usize) -> Vec<f64> {
    d.chunks(rows.max(1))
        .flat_map(|direction| {
            let mut image = vec![0.0; cols];
            for (x, row) in direction.iter().zip(e.chunks(cols.max(1))) {
                image.iter_mut().zip(row).for_each(|(sum, e)| *sum += x * f64::from(*e));
            }
            image
        })
        .collect()
}

/// Returns `v · eᵀ`, rows of `v` being as long as those of `e`.
fn times_transposed(v: &[f64], e: &[f32], cols: usize) -> Vec<f64> {
    v.chunks(cols.max(1))
        .flat_map(|v| {
            e.chunks(cols.max(1))
                .map(move |row| row.iter().zip(v).fold(0.0, |sum, (e, x)| sum + f64::from(*e) * x))
        })
        .collect()
}

/// What [`lorc`] returns.
#[derive(Clone, Debug, PartialEq)]
pub struct LorcFit {
    /// The quantized weights.
    pub tensor: QuantTensor,
    /// `U · √Σ`, quantized.
    pub left: QuantTensor,
    /// `√Σ · Vᵀ`, quantized.
    pub right: QuantTensor,
    /// The weights with the product of the factors as they are stored added, row-major.
    pub restored: Vec<f32>,
}

/// Quantizes weights and stores the error as a product of two thin matrices (`LoRC`, ZeroQuant-V2,
/// arXiv 2303.08302, 4; in ZeroQuant-FP, arXiv 2307.09782): `W ≈ Ŵ + (U_r · √Σ_r) · (√Σ_r · V_rᵀ)`,
/// the factors in `factor_spec`.
///
/// # Errors
///
/// The errors of [`LowRank::of`] and of [`Quantizer::quantize`](crate::Quantizer::quantize).
pub fn lorc(
    w: &[f32],
    rows: usize,
    spec: &BlockSpec,
    rank: usize,
    factor_spec: &BlockSpec,
) -> Result<LorcFit, Error> {
    let cols = columns("weights", w.len(), rows)?;
    let tensor = Quantizer::new(spec).quantize(w, &[rows, cols])?;
    let stored = tensor.dequantize();
    let error: Vec<f32> = w.iter().zip(&stored).map(|(x, y)| x - y).collect();
    let residual = LowRank::of(&error, rows, rank, 0)?;
    let factors = Quantizer::new(factor_spec);
    let left = factors.quantize(&residual.left, &[rows, rank])?;
    let right = factors.quantize(&residual.right, &[rank, cols])?;
    let product = LowRank { left: left.dequantize(), right: right.dequantize(), rank }.product();
    let restored = stored.iter().zip(product).map(|(x, y)| (f64::from(*x) + y) as f32).collect();
    Ok(LorcFit { tensor, left, right, restored })
}

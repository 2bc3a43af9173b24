//! Small dense matrices in f64, for the fits that need a factorization.

use alloc::vec;
use alloc::vec::Vec;

/// Returns the lower factor `L` of a symmetric positive matrix `A = L · Lᵀ`, row-major, `None` if a
/// pivot is not positive.
pub(super) fn cholesky(a: &[f64], n: usize) -> Option<Vec<f64>> {
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let sum = (0..j).fold(a[i * n + j], |sum, k| sum - l[i * n + k] * l[j * n + k]);
            if i == j {
                if sum <= 0.0 || !sum.is_finite() {
                    return None;
                }
                l[i * n + i] = sum.sqrt();
            } else {
                l[i * n + j] = sum / l[j * n + j];
            }
        }
    }
    Some(l)
}

/// Returns the inverse of a symmetric positive matrix, `None` if it is not positive.
pub(super) fn inverse(a: &[f64], n: usize) -> Option<Vec<f64>> {
    let l = cholesky(a, n)?;
    // The inverse of L, column by column, then L⁻ᵀ · L⁻¹.
    let mut inverted = vec![0.0; n * n];
    for j in 0..n {
        inverted[j * n + j] = 1.0 / l[j * n + j];
        for i in j + 1..n {
            let sum = (j..i).fold(0.0, |sum, k| sum + l[i * n + k] * inverted[k * n + j]);
            inverted[i * n + j] = -sum / l[i * n + i];
        }
    }
    let mut product = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let sum = (i..n).fold(0.0, |sum, k| sum + inverted[k * n + i] * inverted[k * n + j]);
            (product[i * n + j], product[j * n + i]) = (sum, sum);
        }
    }
    Some(product)
}

/// Makes the rows of a matrix orthonormal, twice over, from the first on; a row that depends on
/// those before it becomes zeros.
pub(super) fn orthonormalize(rows: &mut [f64], cols: usize) {
    let count = rows.len() / cols.max(1);
    for i in 0..count {
        // What one pass leaves by cancellation the second removes.
        for _ in 0..2 {
            for j in 0..i {
                let (above, own) = rows.split_at_mut(i * cols);
                let (other, own) = (&above[j * cols..(j + 1) * cols], &mut own[..cols]);
                let dot = other.iter().zip(own.iter()).fold(0.0, |sum, (a, b)| sum + a * b);
                own.iter_mut().zip(other).for_each(|(x, y)| *x -= dot * y);
            }
        }
        let own = &mut rows[i * cols..(i + 1) * cols];
        let norm = own.iter().fold(0.0, |sum, x| sum + x * x).sqrt();
        let factor = if norm > 1e-150 { 1.0 / norm } else { 0.0 };
        own.iter_mut().for_each(|x| *x *= factor);
    }
}

/// Returns the eigenvalues of a symmetric matrix, the largest first, and their vectors as rows
/// (Jacobi's rotations).
pub(super) fn eigen(a: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut a = a.to_vec();
    let mut v = vec![0.0; n * n];
    (0..n).for_each(|i| v[i * n + i] = 1.0);
    // Convergence is quadratic: a dozen sweeps are far more than needed.
    for _ in 0..16 {
        for p in 0..n {
            for q in p + 1..n {
                let off = a[p * n + q];
                if off == 0.0 {
                    continue;
                }
                let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * off);
                let t = 1.0f64.copysign(theta) / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for k in 0..n {
                    let (x, y) = (a[k * n + p], a[k * n + q]);
                    (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..n {
                    let (x, y) = (a[p * n + k], a[q * n + k]);
                    (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y);
                    let (x, y) = (v[p * n + k], v[q * n + k]);
                    (v[p * n + k], v[q * n + k]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| a[j * n + j].total_cmp(&a[i * n + i]));
    let vectors = order.iter().flat_map(|i| v[i * n..(i + 1) * n].to_vec()).collect();
    (order.iter().map(|i| a[i * n + i]).collect(), vectors)
}

//! Error feedback between columns (GPTQ, arXiv 2210.17323) for any scheme.

use super::linear::{cholesky, inverse};
use super::{all_finite, columns};
use crate::block::{BlockSpec, Extent, Offset, QuantTensor, TensorScale};
use crate::error::Error;
use crate::ops::Quantizer;
use alloc::vec;
use alloc::vec::Vec;

/// What [`gptq`] returns.
#[derive(Clone, Debug, PartialEq)]
pub struct GptqFit {
    /// The quantized matrix.
    pub tensor: QuantTensor,
    /// `Σ e²/2` with `e = (w − q) / U_ii` of all columns: half of `tr(E · H · Eᵀ)` for the damped
    /// H.
    pub loss: f64,
}

/// Returns `2/N · Xᵀ · X`, row-major, of `samples` rows of activations: the Hessian of the squared
/// output error of a linear layer, in f64.
///
/// # Errors
///
/// [`Error::Length`] if `x` has no such rows.
pub fn hessian(x: &[f32], samples: usize) -> Result<Vec<f64>, Error> {
    let cols = columns("activations", x.len(), samples)?;
    let mut h = vec![0.0; cols * cols];
    for row in x.chunks(cols.max(1)) {
        for (a, to) in row.iter().zip(h.chunks_mut(cols.max(1))) {
            to.iter_mut().zip(row).for_each(|(to, b)| *to += f64::from(*a) * f64::from(*b));
        }
    }
    h.iter_mut().for_each(|x| *x *= 2.0 / samples as f64);
    Ok(h)
}

/// Quantizes a matrix column by column and lets the columns behind make good for the error of each
/// (GPTQ, arXiv 2210.17323, 3.3), in any scheme with blocks of one row.
///
/// ```text
/// H = hessian + damping · mean(diag) · I      where a diagonal element is 0: 1, and its weights 0
/// U = upper Cholesky factor of H⁻¹
/// for each column i:  q = Q(w_i);  e = (w_i − q) / U_ii;  w_j −= e · U_ij for j > i
/// ```
///
/// The scales of a group are those that the scheme finds for the group as it is when its first
/// column comes up, as the released code has it; the tensor scale is that of the original matrix.
/// `hessian` is `cols × cols`; the released code's damping is 0.01. All arithmetic but `Q` is f64.
///
/// ```
/// use subhalf::{BlockSpec, Extent, FormatSpec, ScaleRule, recipe};
/// let (int8, f32) = (FormatSpec::INT8, Some(FormatSpec::F32));
/// let units = BlockSpec::new(int8, f32, Extent::Row, ScaleRule::Fixed(1.0));
/// let h = [4.0, 2.0, 1.0, 2.0, 3.0, 1.0, 1.0, 1.0, 2.0];
/// let fit = recipe::gptq(&[1.4, 0.4, 0.3], 1, &h, 0.0, &units)?;
/// assert_eq!(fit.tensor.dequantize(), [1.0, 1.0, 0.0]); // rounded one by one 1, 0, 0
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Length`] if `w` has no such rows or `hessian` another size; [`Error::Given`] for a
/// weight that is not finite; [`Error::Scheme`] for a scheme with offsets or blocks of several
/// rows, and for a Hessian that is not positive after damping; the errors of
/// [`Quantizer::quantize`](crate::Quantizer::quantize).
pub fn gptq(
    w: &[f32],
    rows: usize,
    hessian: &[f64],
    damping: f64,
    spec: &BlockSpec,
) -> Result<GptqFit, Error> {
    let cols = columns("weights", w.len(), rows)?;
    Error::check_length("hessian", cols * cols, hessian.len())?;
    all_finite("weight", w)?;
    let group = match spec.extent {
        Extent::Row => cols,
        Extent::Block { rows: 1, cols } => cols as usize,
        _ => {
            let expected = "blocks of one row";
            return Err(Error::Scheme { what: "error feedback", expected });
        }
    };
    if !matches!(spec.offset, Offset::None) || spec.search.is_some() {
        let expected = "a scheme without offsets and search";
        return Err(Error::Scheme { what: "error feedback", expected });
    }
    spec.validate()?;
    let mut rest: Vec<f64> = w.iter().map(|x| f64::from(*x)).collect();
    let u = factor(hessian, cols, damping, &mut rest)?;
    // A column by itself: each of its rows is a block.
    let single = spec.with_extent(Extent::Row);
    let tensor_scale = match spec.tensor_scale {
        TensorScale::None => None,
        other => Some(other.of(Quantizer::new(spec).amax(w))),
    };
    let groups = cols.div_ceil(group.max(1));
    let mut all_scales = vec![1.0f32; rows * groups];
    let mut restored = vec![0.0f32; w.len()];
    let mut loss = 0.0;
    for first in (0..cols).step_by(group.max(1)) {
        let columns = first..(first + group).min(cols);
        let part: Vec<f32> = (0..rows)
            .flat_map(|i| rest[i * cols..][columns.clone()].iter().map(|x| *x as f32))
            .collect();
        let found = scaled(Quantizer::new(&single), tensor_scale)
            .quantize(&part, &[rows, columns.len()])?;
        let scales: Vec<f32> = (0..rows)
            .map(|row| match found.view().block_scale(row) {
                // Blocks of zeros: any scale serves.
                0.0 => 1.0,
                scale => scale,
            })
            .collect();
        for (row, scale) in scales.iter().enumerate() {
            all_scales[row * groups + first / group] = *scale;
        }
        for j in columns {
            let column: Vec<f32> = (0..rows).map(|i| rest[i * cols + j] as f32).collect();
            let quantizer = Quantizer::new(&single).scales(&scales, &[]);
            let q = scaled(quantizer, tensor_scale).quantize(&column, &[rows, 1])?.dequantize();
            for (i, q) in q.into_iter().enumerate() {
                restored[i * cols + j] = q;
                let e = (rest[i * cols + j] - f64::from(q)) / u[j * cols + j];
                loss += e * e / 2.0;
                for k in j + 1..cols {
                    rest[i * cols + k] -= e * u[j * cols + k];
                }
            }
        }
    }
    // Numbers of the scheme under their own scales: quantizing them changes nothing.
    let quantizer = scaled(Quantizer::new(spec).scales(&all_scales, &[]), tensor_scale);
    Ok(GptqFit { tensor: quantizer.quantize(&restored, &[rows, cols])?, loss })
}

/// A quantizer with the tensor scale, if the scheme has one.
const fn scaled(quantizer: Quantizer<'_>, tensor_scale: Option<f32>) -> Quantizer<'_> {
    match tensor_scale {
        Some(scale) => quantizer.tensor_scale(scale),
        None => quantizer,
    }
}

/// Returns the upper Cholesky factor of the inverse of the damped Hessian, and makes the weights of
/// columns without activations zero.
fn factor(h: &[f64], n: usize, damping: f64, w: &mut [f64]) -> Result<Vec<f64>, Error> {
    let mut h = h.to_vec();
    for i in 0..n {
        if h[i * n + i] == 0.0 {
            h[i * n + i] = 1.0;
            w.chunks_mut(n).for_each(|row| row[i] = 0.0);
        }
    }
    let mean = (0..n).fold(0.0, |sum, i| sum + h[i * n + i]) / n.max(1) as f64;
    (0..n).for_each(|i| h[i * n + i] += damping * mean);
    let refused = Error::Scheme { what: "hessian", expected: "a positive definite matrix" };
    let lower = inverse(&h, n).and_then(|inverse| cholesky(&inverse, n)).ok_or(refused)?;
    let mut upper = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            upper[j * n + i] = lower[i * n + j];
        }
    }
    Ok(upper)
}

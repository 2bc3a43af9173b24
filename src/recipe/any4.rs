//! any4: a table of 16 numbers for each row (arXiv 2507.04610).

use super::{all_finite, columns, pack_rows, weighted_kmeans};
use crate::block::{BlockSpec, Codebooks, Division, Extent, Offset, Parts, QuantTensor, ScaleRule};
use crate::error::Error;
use crate::spec::FormatSpec;
use alloc::vec::Vec;

/// What weighs the error of an element of column j in the fit of a row's table, with `s` the scale
/// of its group and `a` the column's activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Any4Weighting {
    /// `|a| · s`, as the released code has it (`scale_sample_weight`).
    Released,
    /// `a² · s²`: the diagonal of the output's squared error `Σ_j (δ_j · a_j)²`.
    Diagonal,
}

/// Quantizes weights to 4-bit codes with a learned table for each row (any4, arXiv 2507.04610):
/// `w ≈ s · table[code] + min`, groups of `group` columns with `s = (max − min) / 15`, and a table
/// for all groups of the row, found by k-means of `(w − min) / s` under weights.
///
/// `activations` has a number for each column, the mean of `|x_j|` over samples, or is empty for
/// equal weights. k-means starts from the grid 0, 1, … 15, so that a row's weighted error is at
/// most that of integers with the same scales; the released code starts from k-means++. Scales,
/// minima and tables are stored as F32, or rounded to `stored`.
///
/// ```
/// use subhalf::{FormatSpec, recipe};
/// let w = [-1.0f32, -0.2, 0.1, 0.5]; // (w − min) / 0.1 is 0, 8, 11, 15
/// let weighting = recipe::Any4Weighting::Released;
/// let tensor = recipe::any4(&w, 1, 4, &[], weighting, &FormatSpec::F32)?;
/// assert!(w.iter().zip(tensor.dequantize()).all(|(x, y)| (x - y).abs() < 1e-7));
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Length`] if `w` has no such rows or `activations` another number of columns,
/// [`Error::Block`] for a group of 0 columns, [`Error::Given`] for a weight that is not finite.
pub fn any4(
    w: &[f32],
    rows: usize,
    group: u32,
    activations: &[f32],
    weighting: Any4Weighting,
    stored: &FormatSpec,
) -> Result<QuantTensor, Error> {
    let cols = columns("weights", w.len(), rows)?;
    if !activations.is_empty() {
        Error::check_length("activations", cols, activations.len())?;
    }
    let extent = Extent::Block { rows: 1, cols: group };
    let spec = BlockSpec::new(FormatSpec::UINT4, Some(*stored), extent, ScaleRule::Given)
        .with_codebooks(Codebooks::Row(*stored))
        .with_offset(Offset::Minimum(*stored))
        .with_division(Division::Divide);
    spec.validate()?;
    all_finite("weight", w)?;
    let group = group as usize;
    let round = |x: f32| stored.decode_f32(stored.encode_f32(x));
    let bytes = spec.scale_bytes();
    let put = |to: &mut Vec<u8>, x: f32| {
        to.extend(stored.encode_f32(x).to_le_bytes().into_iter().take(bytes));
    };
    let (mut scales, mut minima, mut tables) = (Vec::new(), Vec::new(), Vec::new());
    let mut codes = Vec::with_capacity(w.len());
    for row in w.chunks(cols.max(1)) {
        let (mut numbers, mut weights) = (Vec::new(), Vec::new());
        for (index, part) in row.chunks(group).enumerate() {
            let low = part.iter().copied().fold(f32::INFINITY, f32::min);
            let high = part.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let (minimum, scale) = (round(low), round((high - low) / 15.0));
            put(&mut scales, scale);
            put(&mut minima, minimum);
            for (place, x) in part.iter().enumerate() {
                let a = activations.get(index * group + place).map_or(1.0, |a| f64::from(*a).abs());
                let s = f64::from(scale);
                // A group of equal numbers is all minimum; its elements say nothing of the table.
                numbers.push(if scale == 0.0 { 0.0 } else { f64::from(x - minimum) / s });
                weights.push(match weighting {
                    Any4Weighting::Released => a * s,
                    Any4Weighting::Diagonal => a * a * s * s,
                });
            }
        }
        let grid: Vec<f64> = (0..16).map(f64::from).collect();
        let table: Vec<f64> = weighted_kmeans(&numbers, &weights, &grid)
            .iter()
            .map(|x| f64::from(round(*x as f32)))
            .collect();
        for x in &table {
            put(&mut tables, *x as f32);
        }
        let midpoints: [f64; 15] = core::array::from_fn(|k| 0.5 * (table[k] + table[k + 1]));
        // Tables ascend, so that the first entry whose midpoint with the next is not below the
        // number has all midpoints from there on above it. A NaN, from a range beyond f32, gets 15.
        codes.extend(
            numbers
                .iter()
                .map(|x| 15 - midpoints.iter().map(|midpoint| u8::from(x <= midpoint)).sum::<u8>()),
        );
    }
    let packed = pack_rows(&codes, 4, cols)?;
    let parts = Parts::new(&packed, &scales).with_offsets(&minima).with_codebooks(&tables);
    QuantTensor::from_parts(&spec, &[rows, cols], parts)
}

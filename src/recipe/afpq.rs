//! AFPQ: a scale for each sign (arXiv 2311.01792).

use super::{all_finite, columns, pack_rows};
use crate::block::{BlockSpec, Extent, Parts, QuantTensor, ScaleRule, ScaleSigns};
use crate::error::Error;
use crate::spec::FormatSpec;
use alloc::vec;
use alloc::vec::Vec;

/// Quantizes weights with asymmetric floating-point scales (AFPQ, arXiv 2311.01792, 3): numbers
/// above zero of a group of `group` columns have the scale `max / F`, those below `−min / F`, with
/// `F` the largest number of the element format; zero stays zero. The same storage as integers with
/// zero points.
///
/// Scales are rounded into `scale` (the paper: FP16), to nearest even. An element is the one
/// rounding of the f32 quotient by the scale as stored. A group without numbers of a sign has the
/// scale 0 for it. `w` is row-major, `rows` rows; the last group of a row may be shorter.
///
/// ```
/// use subhalf::{FormatSpec, recipe};
/// let w = [-0.9f32, -0.2, 0.05, 0.3];
/// let tensor = recipe::afpq(&FormatSpec::F4E2M1, &FormatSpec::F32, 4, &w, 1)?;
/// let error: f32 = w.iter().zip(tensor.dequantize()).map(|(x, y)| (x - y) * (x - y)).sum();
/// assert!((error / 4.0 - 1.5625e-4).abs() < 1e-8); // with one scale 3.125e-4
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Length`] if `w` has no such rows, [`Error::Block`] for a format or group that no scheme
/// has, [`Error::Given`] for a weight that is not finite.
pub fn afpq(
    element: &FormatSpec,
    scale: &FormatSpec,
    group: u32,
    w: &[f32],
    rows: usize,
) -> Result<QuantTensor, Error> {
    let cols = columns("weights", w.len(), rows)?;
    let extent = Extent::Block { rows: 1, cols: group };
    let spec = BlockSpec::new(*element, Some(*scale), extent, ScaleRule::Given)
        .with_scale_signs(ScaleSigns::PerSign);
    spec.validate()?;
    all_finite("weight", w)?;
    let largest = element.max().to_f64() as f32;
    let mut scaled = vec![0.0f32; w.len()];
    let mut scales = Vec::new();
    for (row, to) in w.chunks(cols.max(1)).zip(scaled.chunks_mut(cols.max(1))) {
        for (group, to) in row.chunks(group as usize).zip(to.chunks_mut(group as usize)) {
            let (min, max) =
                group.iter().fold((0.0f32, 0.0f32), |(low, high), x| (low.min(*x), high.max(*x)));
            let codes = [max / largest, -min / largest].map(|s| scale.encode_f32(s));
            let stored = codes.map(|code| scale.decode_f32(code));
            for (x, to) in group.iter().zip(to) {
                let divisor = stored[usize::from(*x < 0.0)];
                // A scale that was rounded to zero makes zeros.
                *to = if divisor == 0.0 { 0.0 } else { x / divisor };
            }
            let bytes = spec.scale_bytes();
            scales.extend(codes.iter().flat_map(|code| code.to_le_bytes().into_iter().take(bytes)));
        }
    }
    let mut codes = vec![0u8; w.len()];
    element.encode_slice(&scaled, &mut codes)?;
    let packed = pack_rows(&codes, element.bits(), cols)?;
    QuantTensor::from_parts(&spec, &[rows, cols], Parts::new(&packed, &scales))
}

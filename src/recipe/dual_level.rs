//! MXFP4 under a second scale (Ascend's dual-level MXFP4).

use super::{all_finite, columns};
use crate::block::{BlockSpec, Extent, Parts, QuantTensor, ScaleRule, SubScale};
use crate::error::Error;
use crate::ops::Quantizer;
use crate::spec::FormatSpec;
use alloc::vec;
use alloc::vec::Vec;

/// MXFP4 with a number of format F32 for each 16 blocks.
const DUAL_LEVEL: BlockSpec =
    BlockSpec::new(FormatSpec::F4E2M1, Some(FormatSpec::E8M0), Extent::MX, ScaleRule::Floor)
        .with_sub_scale(Some(SubScale::new(FormatSpec::F32, 16)));

/// Quantizes rows to MXFP4 under an F32 scale for each 512 columns (CANN's
/// `DynamicDualLevelMxQuant`): `u = amax / 6` of 512 numbers, `t = x / u` rounded to the type of
/// the inputs, then OCP's MXFP4 of `t`: `2^(floor(log2 max |t|) − 2)` for each 32, E2M1 to nearest
/// even.
///
/// `inputs` is the format of the inputs, BF16 or F16 in the original; F32 leaves the quotients.
/// Numbers of zero alone have `u = 1`. The result is a tensor with sub-scales. Facts are from the
/// operator's documentation; no array of its own was compared.
///
/// ```
/// use subhalf::{FormatSpec, recipe};
/// let x: Vec<f32> = (0..64).map(|i| if i == 0 { 600.0 } else { i as f32 / 64.0 }).collect();
/// let tensor = recipe::dual_level_mxfp4(&x, 1, &FormatSpec::BF16)?;
/// assert_eq!(tensor.view().get(0), Some(600.0));
/// assert_eq!(tensor.sub_scales(), 100f32.to_le_bytes());
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Length`] if `x` has no such rows, [`Error::Given`] for a number that is not finite.
pub fn dual_level_mxfp4(x: &[f32], rows: usize, inputs: &FormatSpec) -> Result<QuantTensor, Error> {
    let cols = columns("numbers", x.len(), rows)?;
    all_finite("number", x)?;
    let mut quotients = vec![0.0f32; x.len()];
    let mut outer: Vec<u8> = Vec::new();
    for (row, to) in x.chunks(cols.max(1)).zip(quotients.chunks_mut(cols.max(1))) {
        for (part, to) in row.chunks(512).zip(to.chunks_mut(512)) {
            let amax = part.iter().fold(0.0f32, |amax, x| amax.max(x.abs()));
            let scale = if amax == 0.0 { 1.0 } else { amax / 6.0 };
            outer.extend(scale.to_le_bytes());
            for (x, to) in part.iter().zip(to) {
                *to = x / scale;
            }
        }
    }
    inputs.fake_quantize(&mut quotients);
    let inner = DUAL_LEVEL.with_sub_scale(None);
    let tensor = Quantizer::new(&inner).quantize(&quotients, &[rows, cols])?;
    let parts = Parts::new(tensor.codes(), tensor.scales()).with_sub_scales(&outer);
    QuantTensor::from_parts(&DUAL_LEVEL, &[rows, cols], parts)
}

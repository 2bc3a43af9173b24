//! gpt-oss checkpoints.

use crate::block::{Parts, QuantTensor, QuantView, preset};
use crate::error::Error;
use alloc::vec::Vec;

/// The `blocks` (16 bytes for 32 elements, the first in the low nibble) and `scales` of a gpt-oss
/// checkpoint, of a tensor in MXFP4 ([`preset::ocp::MXFP4`] or another rule): bytes of shape
/// `[…, columns / 32, 16]` and `[…, columns / 32]`.
///
/// ```
/// use subhalf::{QuantTensor, layout, preset};
/// let x: Vec<f32> = (0..32).map(|i| i as f32 / 4.0).collect();
/// let tensor = QuantTensor::quantize(&preset::ocp::MXFP4, &x, &[1, 32])?;
/// let (blocks, scales) = layout::to_gpt_oss(&tensor.view())?;
/// assert_eq!((&blocks[2..4], &scales[..]), (&[0x22, 0x43][..], &[127][..])); // 1, 1, 1.5, 2
/// assert_eq!(layout::from_gpt_oss(&blocks, &scales, &[1, 32])?, tensor);
/// # Ok::<(), subhalf::Error>(())
/// ```
///
/// # Errors
/// [`Error::Scheme`] for another format; [`Error::Length`] if the last axis is no multiple of 32.
pub fn to_gpt_oss(tensor: &QuantView<'_>) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let (spec, own) = (tensor.spec(), preset::ocp::MXFP4);
    let same = (spec.element, spec.scale, spec.extent, spec.tensor_scale)
        == (own.element, own.scale, own.extent, own.tensor_scale);
    if !same {
        let expected = "E2M1 elements with E8M0 scales in blocks of 1×32, no tensor scale";
        return Err(Error::Scheme { what: "gpt-oss blocks", expected });
    }
    whole_blocks(tensor.shape())?;
    let copy = tensor.for_layout("gpt-oss blocks")?;
    let tensor = copy.as_ref().map_or(*tensor, QuantTensor::view);
    Ok((tensor.bytes().codes.to_vec(), tensor.bytes().scales.to_vec()))
}

/// The tensor of this shape that gpt-oss' `blocks` and `scales` hold, in [`preset::ocp::MXFP4`].
///
/// # Errors
/// [`Error::Length`] if the last axis is no multiple of 32, or bytes are not those of the shape;
/// [`Error::TooLarge`] for a shape beyond the address space.
pub fn from_gpt_oss(blocks: &[u8], scales: &[u8], shape: &[usize]) -> Result<QuantTensor, Error> {
    whole_blocks(shape)?;
    QuantTensor::from_parts(&preset::ocp::MXFP4, shape, Parts::new(blocks, scales))
}

fn whole_blocks(shape: &[usize]) -> Result<(), Error> {
    let cols = shape.last().copied().unwrap_or(1);
    Error::check_length("columns of whole blocks", cols.div_ceil(32).saturating_mul(32), cols)
}

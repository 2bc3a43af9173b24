//! [`QuantTensor`]: a block-scaled tensor in buffers of its own. Making one from numbers, and
//! numbers from one, is `ops`' work.

use super::geometry::Geometry;
use super::spec::BlockSpec;
use crate::error::Error;
use crate::mem::Aligned;
use alloc::vec::Vec;

/// A tensor in a block-scaled format: packed codes, scales, and what else the format has, in
/// buffers of their own.
///
/// # Layout
/// Codes are row-major, each row a dense stream with the first code in the low bits, starting at a
/// byte of its own; the buffer starts at a multiple of 64 bytes. Scales are row-major over the grid
/// of blocks, one, two or four little-endian bytes each; so are offsets.
/// [`Extent::Flat`](crate::Extent::Flat) has a single row. A last block may be smaller than the
/// others; there is no padding. Other programs' layouts are conversions: see
/// [`layout`](super::layout).
///
/// ```
/// use subhalf::{QuantTensor, preset};
/// let x: Vec<f32> = (0..64).map(|i| i as f32 / 8.0 - 4.0).collect();
/// let tensor = QuantTensor::quantize(&preset::ocp::MXFP4, &x, &[2, 32])?;
/// assert_eq!((tensor.codes().len(), tensor.scales()), (32, &[127, 126][..]));       // 1.0 and 0.5
/// assert_eq!(tensor.dequantize()[..3], [-4.0, -4.0, -4.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct QuantTensor {
    pub(crate) spec: BlockSpec,
    pub(crate) shape: Vec<usize>,
    pub(crate) geometry: Geometry,
    pub(crate) codes: Aligned<u8>,
    pub(crate) scales: Aligned<u8>,
    pub(crate) offsets: Aligned<u8>,
    pub(crate) tensor_scale: f32,
}

/// The parts of a tensor, as bytes: see [`QuantTensor`] for their layout. What a format does not
/// have is empty, or 1 for the tensor scale.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    /// Packed element codes.
    pub codes: &'a [u8],
    /// Scale codes.
    pub scales: &'a [u8],
    /// Offset codes.
    pub offsets: &'a [u8],
    /// The tensor scale, as [`TensorScale`](crate::TensorScale) says.
    pub tensor_scale: f32,
}

impl QuantTensor {
    /// All zeros: codes, scales and offsets of code 0.
    pub(crate) fn zeroed(spec: &BlockSpec, shape: &[usize]) -> Result<Self, Error> {
        spec.validate()?;
        let geometry = Geometry::of(spec, shape)?;
        Ok(Self {
            spec: *spec,
            shape: shape.to_vec(),
            geometry,
            codes: Aligned::zeroed(geometry.lines() * geometry.row_bytes),
            scales: Aligned::zeroed(geometry.blocks() * spec.scale_bytes()),
            offsets: Aligned::zeroed(geometry.blocks() * spec.offset_bytes()),
            tensor_scale: 1.0,
        })
    }

    /// The buffers.
    #[must_use]
    pub fn parts(&self) -> Parts<'_> {
        Parts {
            codes: self.codes.as_slice(),
            scales: self.scales.as_slice(),
            offsets: self.offsets.as_slice(),
            tensor_scale: self.tensor_scale,
        }
    }

    /// The format.
    #[must_use]
    pub const fn spec(&self) -> &BlockSpec {
        &self.spec
    }

    /// The logical shape.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Packed element codes.
    #[must_use]
    pub fn codes(&self) -> &[u8] {
        self.codes.as_slice()
    }

    /// Scale codes.
    #[must_use]
    pub fn scales(&self) -> &[u8] {
        self.scales.as_slice()
    }

    /// Offset codes.
    #[must_use]
    pub fn offsets(&self) -> &[u8] {
        self.offsets.as_slice()
    }

    /// The tensor scale, as [`TensorScale`](crate::TensorScale) says; 1 without one.
    #[must_use]
    pub const fn tensor_scale(&self) -> f32 {
        self.tensor_scale
    }
}

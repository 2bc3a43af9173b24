//! [`QuantTensor`]: a block-scaled tensor in buffers of its own or in shared ones. Making one from
//! numbers, and numbers from one, is `ops`' work.

use super::bytes::Bytes;
use super::geometry::Geometry;
#[cfg(feature = "presets")]
use super::given::Accept;
use super::parts::{Lengths, Parts};
use super::spec::BlockSpec;
use crate::error::Error;
use alloc::vec::Vec;

/// A tensor in a block-scaled scheme: packed codes, scales, and what else the scheme has, in
/// buffers of their own, or in ranges of shared memory ([`from_shared`](Self::from_shared)).
///
/// # Layout
/// Codes are row-major, each row a dense stream with the first code in the low bits, starting at a
/// byte of its own; a buffer of its own starts at a multiple of 64 bytes. Scales are row-major over
/// the grid of blocks, one, two or four little-endian bytes each; so are offsets, and sub-scales
/// over the grid of groups of blocks. [`Extent::Flat`](crate::Extent::Flat) has a single row. A
/// last block may be smaller than the others, and so may a first one if the tensor's
/// [origin](Self::origin) lies inside it; there is no padding. [`layout`](super::layout) converts
/// to and from other programs' layouts.
///
/// ```
/// use subhalf::{QuantTensor, preset};
/// let x: Vec<f32> = (0..64).map(|i| i as f32 / 8.0 - 4.0).collect();
/// let tensor = QuantTensor::quantize(&preset::ocp::MXFP4, &x, &[2, 32])?;
/// assert_eq!((tensor.codes().len(), tensor.scales()), (32, &[127, 126][..])); // 1.0 and 0.5
/// assert_eq!(tensor.dequantize()[..3], [-4.0, -4.0, -4.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct QuantTensor {
    pub(crate) spec: BlockSpec,
    pub(crate) shape: Vec<usize>,
    pub(crate) geometry: Geometry,
    // The parts, in the order of `Parts`; empty where the scheme has none.
    pub(crate) codes: Bytes,
    pub(crate) scales: Bytes,
    pub(crate) offsets: Bytes,
    pub(super) sub_scales: Bytes,
    pub(super) codebooks: Bytes,
    pub(crate) tensor_scale: f32,
    /// Tensor scales, one for each matrix; empty where one is for all.
    pub(super) tensor_scales: Vec<f32>,
}

impl QuantTensor {
    /// All zeros: codes, scales and offsets of code 0.
    pub(crate) fn zeroed(spec: &BlockSpec, shape: &[usize]) -> Result<Self, Error> {
        // The geometry divides by the lengths of blocks, which must not be 0.
        spec.validate()?;
        Ok(Self::zeroed_at(spec, shape, Geometry::of(spec, shape)?))
    }

    pub(super) fn zeroed_at(spec: &BlockSpec, shape: &[usize], geometry: Geometry) -> Self {
        let lengths = Lengths::of(spec, &geometry);
        Self {
            spec: *spec,
            shape: shape.to_vec(),
            geometry,
            codes: Bytes::zeroed(lengths.codes),
            scales: Bytes::zeroed(lengths.scales),
            offsets: Bytes::zeroed(lengths.offsets),
            sub_scales: Bytes::zeroed(lengths.sub_scales),
            codebooks: Bytes::zeroed(lengths.codebooks),
            // Neutral: schemes without a tensor scale keep it.
            tensor_scale: 1.0,
            tensor_scales: Vec::new(),
        }
    }

    /// Makes one tensor scale that of all matrices.
    pub(crate) fn set_tensor_scale(&mut self, tensor_scale: f32) {
        self.tensor_scale = tensor_scale;
        // An empty list says that one number is for all.
        self.tensor_scales.clear();
    }

    /// Refuses scales and minima that `accept` excludes.
    #[cfg(feature = "presets")]
    pub(crate) fn check_accepted(&self, accept: Accept) -> Result<(), Error> {
        self.parts().check_accepted(&self.spec, accept)
    }

    /// All parts of the tensor as borrowed buffers, in the layout that [`QuantTensor`](Self)
    /// describes; a part that the scheme does not have is empty. [`from_parts`](Self::from_parts)
    /// takes them back.
    #[must_use]
    pub fn parts(&self) -> Parts<'_> {
        // Parts that the scheme does not have are empty already.
        Parts::new(self.codes.as_slice(), self.scales.as_slice())
            .with_offsets(self.offsets.as_slice())
            .with_sub_scales(self.sub_scales.as_slice())
            .with_codebooks(self.codebooks.as_slice())
            .with_tensor_scale(self.tensor_scale)
            .with_tensor_scales(&self.tensor_scales)
            .with_origin(self.geometry.origin)
    }

    /// The scheme that the tensor was made with: formats, blocks and rules.
    #[must_use]
    pub const fn spec(&self) -> &BlockSpec {
        &self.spec
    }

    /// The lengths of the axes, outermost first, columns last, counted in elements; empty for a
    /// shape of no axes.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Element codes: row-major, each row a dense stream of bits with the first code in the low
    /// ones, starting at a byte of its own. Empty for a tensor without elements.
    #[must_use]
    pub fn codes(&self) -> &[u8] {
        self.codes.as_slice()
    }

    /// Scale codes: row-major over the grid of blocks, one, two or four little-endian bytes each;
    /// two codes for a block if each sign has one, the one of positive numbers first. Empty if the
    /// scheme has no scales or the tensor no elements.
    #[must_use]
    pub fn scales(&self) -> &[u8] {
        self.scales.as_slice()
    }

    /// Offset codes (minima or zero points): row-major over the grid of blocks, one, two or four
    /// little-endian bytes each. Empty if the scheme has no offsets.
    #[must_use]
    pub fn offsets(&self) -> &[u8] {
        self.offsets.as_slice()
    }

    /// Sub-scale codes: row-major over the grid of groups of blocks, one, two or four little-endian
    /// bytes each. Empty if the scheme has no sub-scales.
    #[must_use]
    pub fn sub_scales(&self) -> &[u8] {
        self.sub_scales.as_slice()
    }

    /// Codebook entries as little-endian codes of their format, codebook after codebook. Empty if
    /// the scheme keeps no codebooks in the tensor.
    #[must_use]
    pub fn codebooks(&self) -> &[u8] {
        self.codebooks.as_slice()
    }

    /// The scale of the whole tensor; 1 if the scheme has none, and where every matrix has its own.
    /// Numbers are multiplied by it, divided by it, or it is the largest magnitude:
    /// [`TensorScale`](crate::TensorScale) names the form.
    #[must_use]
    pub const fn tensor_scale(&self) -> f32 {
        self.tensor_scale
    }

    /// The tensor scales of the matrices of a stack; empty where one is for all.
    #[must_use]
    pub fn tensor_scales(&self) -> &[f32] {
        &self.tensor_scales
    }

    /// The row and column at which the first element lies in the first block: `[0, 0]` unless
    /// the tensor was cut inside a block.
    #[must_use]
    pub const fn origin(&self) -> [usize; 2] {
        self.geometry.origin
    }
}

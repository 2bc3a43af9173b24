//! Arrays that a quantization by kernels keeps: an entry a block, and numbers of a chunk.

use crate::kernel::ScaleArrays;
use crate::random::Dither;
use alloc::vec::Vec;
use core::ops::Range;

/// Arrays with an entry a block: the statistics that [`QuantizePlan::settle`] reads, the factors
/// that it makes, and what it needs on the way. They are kept from call to call.
#[derive(Default)]
pub(crate) struct BlockArrays {
    /// The largest magnitudes, as bits: NaN is above infinity, infinity above all others.
    pub(crate) amax: Vec<u32>,
    /// Magnitudes of numbers without a minus sign, or keys of the highest numbers.
    pub(super) high: Vec<u32>,
    /// Magnitudes of numbers with a minus sign, or keys of the lowest numbers.
    pub(super) low: Vec<u32>,
    /// The ends of blocks, where the scheme asks for them.
    pub(super) ranges: Vec<[f32; 2]>,
    /// Signed maxima or given scales.
    pub(super) numbers: Vec<f32>,
    /// What numbers are multiplied or divided by; [`UNHANDLED`] where the block is the rule's.
    pub(crate) factors: Vec<f32>,
    /// Factors and zero points or minima, where there are such.
    pub(crate) points: Vec<[f32; 2]>,
    /// Scratch of the scale kernel, which writes the scale codes and the factors.
    pub(super) scales: ScaleArrays,
    /// Scratch of the kernel that makes the codes of minima.
    pub(super) minima: ScaleArrays,
}

/// The stored codes of the blocks that are settled.
pub(crate) struct StoredBlocks<'a> {
    pub(crate) scales: &'a mut [u8],
    pub(crate) offsets: &'a mut [u8],
    /// The first block, counted through the tensor.
    pub(crate) first: usize,
}

/// Numbers that are encoded at a time, and what is known of their blocks.
#[derive(Clone, Copy)]
pub(crate) struct Chunk<'a> {
    pub(crate) numbers: &'a [f32],
    /// Numbers of a block; the last may have fewer.
    pub(crate) length: usize,
    /// [`BlockArrays::amax`] of these blocks.
    pub(crate) amax: &'a [u32],
    /// [`BlockArrays::factors`] of these blocks.
    pub(crate) factors: &'a [f32],
    /// [`BlockArrays::points`] of these blocks.
    pub(crate) points: &'a [[f32; 2]],
    pub(crate) dither: Dither,
}

impl BlockArrays {
    /// A chunk of numbers whose blocks are these.
    pub(crate) fn chunk<'a>(
        &'a self,
        numbers: &'a [f32],
        length: usize,
        blocks: Range<usize>,
        dither: Dither,
    ) -> Chunk<'a> {
        Chunk {
            numbers,
            length,
            amax: &self.amax[blocks.clone()],
            factors: &self.factors[blocks.clone()],
            points: self.points.get(blocks).unwrap_or_default(),
            dither,
        }
    }
}

/// Memory for one chunk, kept from call to call.
#[derive(Default)]
pub(crate) struct ChunkArrays {
    pub(super) scaled: Vec<f32>,
    /// What quotients by reciprocals take for factors.
    pub(super) reciprocals: Vec<[f32; 3]>,
    /// Codes behind the last whole vector of a row, before they are packed.
    pub(super) ends: Vec<u8>,
}

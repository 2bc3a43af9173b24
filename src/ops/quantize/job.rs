//! What every piece of a quantization shares, and what a piece is.

use crate::block::{BlockSpec, Geometry};
use crate::random::Dither;

/// A tensor's numbers, and what is known before the first block is looked at.
pub(super) struct QuantizeJob<'a, T> {
    pub(super) spec: &'a BlockSpec,
    pub(super) dither: Dither,
    pub(super) geometry: Geometry,
    pub(super) tensor_scale: f32,
    /// The factors that a search tries in place of its own.
    pub(super) factors: Option<&'a [f32]>,
    pub(super) src: &'a [T],
}

/// The buffers of some successive bands: rows of blocks.
pub(super) struct BandGroup<'a> {
    /// The first band, and how many there are.
    pub(super) first: usize,
    pub(super) bands: usize,
    pub(super) codes: &'a mut [u8],
    pub(super) scales: &'a mut [u8],
    pub(super) offsets: &'a mut [u8],
}

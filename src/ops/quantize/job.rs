//! What every piece of a quantization shares, and the pieces.

use crate::block::{BlockSpec, Geometry};
use crate::random::Dither;
use alloc::vec::Vec;

/// A tensor's numbers, and what is known before the first block is looked at.
pub(super) struct Job<'a, T> {
    pub(super) spec: &'a BlockSpec,
    pub(super) dither: Dither,
    pub(super) geometry: Geometry,
    pub(super) tensor_scale: f32,
    pub(super) src: &'a [T],
}

/// The buffers of some successive bands: rows of blocks.
pub(super) struct Piece<'a> {
    /// The first band, and how many there are.
    pub(super) first: usize,
    pub(super) bands: usize,
    pub(super) codes: &'a mut [u8],
    pub(super) scales: &'a mut [u8],
    pub(super) offsets: &'a mut [u8],
}

impl<'a> Piece<'a> {
    /// Cuts a tensor's buffers at bands: for threads some ten thousand elements a piece, else all of them.
    pub(super) fn cut(
        spec: &BlockSpec,
        geometry: &Geometry,
        is_parallel: bool,
        mut codes: &'a mut [u8],
        mut scales: &'a mut [u8],
        mut offsets: &'a mut [u8],
    ) -> Vec<Self> {
        const ELEMENTS: usize = 1 << 16;
        let elements = if is_parallel { ELEMENTS } else { usize::MAX };
        let step = (elements / geometry.block_rows.saturating_mul(geometry.cols).max(1)).max(1);
        let bands = geometry.matrices * geometry.grid_rows;
        let mut pieces = Vec::with_capacity(bands.div_ceil(step));
        for first in (0..bands).step_by(step) {
            let count = step.min(bands - first);
            let lines = geometry.band(first + count - 1).end - geometry.band(first).start;
            let blocks = count * geometry.grid_cols;
            let piece = Self {
                first,
                bands: count,
                codes: codes.split_off_mut(..lines * geometry.row_bytes).unwrap_or_default(),
                scales: scales.split_off_mut(..blocks * spec.scale_bytes()).unwrap_or_default(),
                offsets: offsets.split_off_mut(..blocks * spec.offset_bytes()).unwrap_or_default(),
            };
            pieces.push(piece);
        }
        pieces
    }
}

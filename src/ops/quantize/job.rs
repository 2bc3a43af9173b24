//! What every piece of a quantization shares, and what a piece is.

use crate::block::{BlockSpec, Geometry};
use crate::ops::numbers::Numbers;
use crate::random::Dither;
use core::ops::Range;

/// A tensor's numbers, and what is known before the first block is looked at.
pub(super) struct QuantizeJob<'a> {
    pub(super) spec: &'a BlockSpec,
    pub(super) words: ElementWords,
    pub(super) geometry: Geometry,
    pub(super) tensor_scale: f32,
    /// The factors that a search tries in place of its own.
    pub(super) factors: Option<&'a [f32]>,
    /// The numbers, row-major, of all matrices.
    pub(super) src: Numbers<'a>,
}

/// The buffers of some successive bands, which are rows of blocks, or of a part of one band.
pub(super) struct BandGroup<'a> {
    /// The first band, counted through all matrices.
    pub(super) first: usize,
    /// Bands of the group; the last group may have fewer.
    pub(super) bands: usize,
    /// The columns: all, or whole blocks of one band of one row that end at a byte.
    pub(super) columns: Range<usize>,
    /// Element codes of these bands, packed row by row.
    pub(super) codes: &'a mut [u8],
    /// Scale codes of these bands; empty in schemes without scales.
    pub(super) scales: &'a mut [u8],
    /// Offset codes of these bands; empty in schemes without offsets.
    pub(super) offsets: &'a mut [u8],
}

/// Which random words the elements of a tensor take: that of row `i` and column `j`, rows counted
/// through all matrices, takes word `i · row_length + j`.
#[derive(Clone, Copy)]
pub(super) struct ElementWords {
    pub(super) dither: Dither,
    /// Columns of the tensor.
    pub(super) cols: usize,
    /// Columns of the tensor that this one is a part of.
    pub(super) row_length: usize,
}

impl ElementWords {
    /// Whether words go on from the end of a row to the start of the next.
    pub(super) const fn go_on(&self) -> bool {
        // The tensor is whole, or a part that spans all columns.
        self.cols == self.row_length
    }

    /// The words from an element on, to the end of its row; `index` counts row-major.
    pub(super) fn from(&self, index: usize) -> Dither {
        if self.go_on() {
            // Row after row without a gap: the words of one long row.
            return self.dither.skip(index as u64);
        }
        let (line, col) = (index / self.cols, index % self.cols);
        // Rows of a part begin `row_length` words apart: the words between belong to other parts.
        self.dither.skip((line as u64).wrapping_mul(self.row_length as u64)).skip(col as u64)
    }
}

/// The first bytes of a buffer, which loses them; nothing if it has not as many.
pub(super) fn take<'a>(buffer: &mut &'a mut [u8], bytes: usize) -> &'a mut [u8] {
    buffer.split_off_mut(..bytes).unwrap_or_default()
}

//! The definition of a quantization: block by block, element by element, through the reference
//! codec and the rules of `block`. It calls no kernel and uses nothing that a kernel found.
//!
//! ```text
//! for each band of rows, for each block of it:
//!     statistics of its elements -> scale and offset          or the given ones
//!     each element -> code
//! ```

use super::job::{BandGroup, QuantizeJob};
use crate::block::{Block, Number, put, store};
use crate::ops::numbers::Numbers;
use crate::ops::real::{seen_by_rules, stats_of};
use crate::ops::slice::RandomWords;

/// The largest magnitude of the finite numbers, f64s rounded to odd; 0 without finite numbers.
pub(super) fn finite_amax(src: Numbers<'_>) -> f32 {
    src.each().map(|x| seen_by_rules(x).abs()).filter(|x| x.is_finite()).fold(0.0, f32::max)
}

/// Quantizes the bands of a piece. `given` has the scales and offsets of all blocks, if they are
/// not to be found.
pub(super) fn quantize(
    job: &QuantizeJob<'_>,
    given: Option<(&[f32], &[f32])>,
    piece: BandGroup<'_>,
) {
    let (geometry, spec) = (&job.geometry, job.spec);
    // The buffers are the piece's own; numbers are the whole tensor's, and so are random words.
    let origin = geometry.band(piece.first).start;
    let round = spec.element_convert.round;
    for band in 0..piece.bands {
        let lines = geometry.band(piece.first + band);
        for column in 0..geometry.grid_cols {
            let cols = geometry.block_cols(column);
            let index = band * geometry.grid_cols + column;
            // Row-major within the block, the order in which statistics see elements.
            let elements = lines.clone().flat_map(|line| {
                let start = line * geometry.cols;
                job.src.range(start + cols.start..start + cols.end).each()
            });
            let block = block(job, given, piece.first * geometry.grid_cols + index, elements);
            store(piece.scales, spec.scale_bytes(), index, block.scale);
            // Schemes without offsets have 0 bytes of them, and nothing is stored.
            store(piece.offsets, spec.offset_bytes(), index, block.offset);
            for line in lines.clone() {
                let row =
                    &mut piece.codes[(line - origin) * geometry.row_bytes..][..geometry.row_bytes];
                for col in cols.clone() {
                    // The element's index in the tensor, which chooses its random word.
                    let element = line * geometry.cols + col;
                    let code = spec.code(
                        &block,
                        job.src.number(element),
                        RandomWords::new(round, job.words.from(element)).get(0),
                    );
                    put(row, spec.element.bits(), col, code);
                }
            }
        }
    }
}

fn block(
    job: &QuantizeJob<'_>,
    given: Option<(&[f32], &[f32])>,
    index: usize,
    elements: impl Iterator<Item = Number> + Clone,
) -> Block {
    match given {
        // The caller has checked that every block has a scale, and an offset if the format has
        // offsets.
        Some((scales, offsets)) => job.spec.block_given(
            scales[index],
            offsets.get(index).copied().unwrap_or(0.0),
            job.tensor_scale,
        ),
        None => {
            let stats = stats_of(elements.clone());
            job.spec.block_of(&stats, elements, job.tensor_scale, job.factors)
        }
    }
}

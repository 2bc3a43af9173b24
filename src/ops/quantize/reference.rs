//! The definition of a quantization: element by element, block by block, through the reference
//! codec and the rules of `block`. Nothing here is a kernel's, and nothing that a kernel finds
//! comes in.

use super::job::{BandGroup, QuantizeJob};
use crate::block::{Block, put, store};
use crate::ops::real::{Source, number, seen_by_rules, stats_of};
use crate::ops::slice::RandomWords;

/// The largest magnitude of the finite numbers, f64s rounded to odd; 0 if there is none.
pub(super) fn finite_amax<T: Source>(src: &[T]) -> f32 {
    src.iter().map(|x| seen_by_rules(*x).abs()).filter(|x| x.is_finite()).fold(0.0, f32::max)
}

/// Quantizes the bands of a piece. `given` has the scales and offsets of all blocks, if they are
/// not to be found.
pub(super) fn quantize<T: Source>(
    job: &QuantizeJob<'_, T>,
    given: Option<(&[f32], &[f32])>,
    piece: BandGroup<'_>,
) {
    let (geometry, spec) = (&job.geometry, job.spec);
    let origin = geometry.band(piece.first).start;
    let words = RandomWords::new(spec.element_convert.round, job.dither);
    for band in 0..piece.bands {
        let lines = geometry.band(piece.first + band);
        for column in 0..geometry.grid_cols {
            let cols = geometry.block_cols(column);
            let index = band * geometry.grid_cols + column;
            let elements = lines.clone().flat_map(|line| {
                let row = &job.src[line * geometry.cols..][cols.clone()];
                row.iter().copied()
            });
            let block = block(job, given, piece.first * geometry.grid_cols + index, elements);
            store(piece.scales, spec.scale_bytes(), index, block.scale);
            store(piece.offsets, spec.offset_bytes(), index, block.offset);
            for line in lines.clone() {
                let row =
                    &mut piece.codes[(line - origin) * geometry.row_bytes..][..geometry.row_bytes];
                for col in cols.clone() {
                    let element = line * geometry.cols + col;
                    let code = spec.code(&block, number(job.src[element]), words.get(element));
                    put(row, spec.element.bits(), col, code);
                }
            }
        }
    }
}

fn block<T: Source>(
    job: &QuantizeJob<'_, T>,
    given: Option<(&[f32], &[f32])>,
    index: usize,
    elements: impl Iterator<Item = T> + Clone,
) -> Block {
    match given {
        Some((scales, offsets)) => job.spec.block_given(
            scales[index],
            offsets.get(index).copied().unwrap_or(0.0),
            job.tensor_scale,
        ),
        None => {
            let stats = stats_of(elements.clone());
            job.spec.block_of(&stats, elements.map(number), job.tensor_scale, job.factors)
        }
    }
}

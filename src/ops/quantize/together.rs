//! One band by several threads: blocks that span all rows of a tensor, or a row that is one block,
//! leave nothing else to share.
//!
//! ```text
//! look:    statistics of every part, all threads      a part is some rows, or some of a row
//!          merged in order                            maxima, so that no bit depends on the parts
//! settle:  scales and factors, one thread             as many as there are blocks: few
//! encode:  codes of every part, all threads           from the same factors
//! ```

use super::encode::{EncodeMemory, Lines};
use super::job::{BandGroup, QuantizeJob, take};
use super::rows::Band;
use crate::block::{BlockArrays, Geometry, QuantizePlan, StoredBlocks};
use crate::ops::Exec;
use crate::ops::tiles::{COLUMNS, Tiles};
use alloc::vec::Vec;

/// Elements of a part: some tens of microseconds of work.
const PART: usize = 1 << 16;

/// Pieces from which on a piece for each thread keeps the threads busy.
const ENOUGH: usize = 16;

/// Whether threads are better used on one band after another than on a band each.
pub(super) fn wants(exec: Exec, geometry: &Geometry, pieces: usize) -> bool {
    let lines = geometry.block_rows.min(geometry.rows);
    let large = lines * geometry.cols >= 4 * PART;
    // Parts are rows, or else columns of a single block.
    exec.is_parallel() && large && pieces < ENOUGH && (lines > 1 || geometry.grid_cols == 1)
}

/// Quantizes the bands of a piece, one after another.
pub(super) fn quantize(
    exec: Exec,
    plan: &QuantizePlan<'_>,
    job: &QuantizeJob<'_>,
    mut piece: BandGroup<'_>,
) {
    let grid = &job.geometry;
    let tiles = Tiles { cols: grid.cols, block_cols: grid.block_cols, chunk: COLUMNS };
    for band in piece.first..piece.first + piece.bands {
        let lines = grid.band(band);
        let src = job.src.range(lines.start * grid.cols..lines.end * grid.cols);
        let blocks = grid.grid_cols;
        let codes = take(&mut piece.codes, lines.len() * grid.row_bytes);
        let scales = take(&mut piece.scales, blocks * job.spec.scale_bytes());
        let offsets = take(&mut piece.offsets, blocks * job.spec.offset_bytes());
        let mut band = Band::new(plan, job, tiles).starting(band * grid.grid_cols);
        // Whole rows, or of a single row a part of its one block. A last band of one row may have
        // many blocks.
        let by_rows = lines.len() > 1 || grid.grid_cols > 1;
        let (elements, bytes, tiles) = if by_rows {
            let rows = (PART / grid.cols).max(1);
            (rows * grid.cols, rows * grid.row_bytes, tiles)
        } else {
            (PART, PART / 8 * job.spec.element.bits() as usize, Tiles { block_cols: PART, ..tiles })
        };
        let part = |index: usize, src| {
            let cols = if by_rows { tiles.cols } else { PART.min(grid.cols - index * PART) };
            let first = lines.start * grid.cols + index * elements;
            let settled_first = index * elements;
            Lines { first, settled_first, tiles: Tiles { cols, ..tiles }, ..band.lines(src) }
        };
        let parts: Vec<_> = src.chunks(elements).enumerate().collect();
        let looked = exec.map(parts, |(index, src)| {
            let mut arrays = BlockArrays::default();
            plan.clear(blocks, &mut arrays);
            part(index, src).look(&mut Vec::new(), &mut arrays);
            arrays
        });
        let pieces: Vec<_> =
            src.chunks(elements).zip(codes.chunks_mut(bytes)).enumerate().collect();
        let all = &mut BlockArrays::default();
        plan.clear(blocks, all);
        looked.iter().for_each(|arrays| plan.merge(arrays, all));
        let parts: Vec<_> =
            pieces.into_iter().map(|(index, (src, codes))| (part(index, src), codes)).collect();
        core::mem::swap(all, &mut band.scratch.settled.blocks);
        let first = band.first_block();
        band.settle(src, band.tiles, &mut StoredBlocks { scales, offsets, first });
        let settled = &band.scratch.settled;
        exec.each(parts, |(lines, codes)| {
            let row_bytes =
                if lines.src.len() > lines.tiles.cols { grid.row_bytes } else { codes.len() };
            let (memory, buffer) = (&mut EncodeMemory::default(), &mut Vec::new());
            lines.encode(settled, memory, buffer, row_bytes, codes);
        });
    }
}

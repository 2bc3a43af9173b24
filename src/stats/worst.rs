//! The block with the largest sum of squared errors.
//!
//! A block's sum goes through its elements in row-major order; those of different blocks do not
//! depend on each other. So lines are read from left to right, and each block that a line touches
//! goes on with its sum:
//!
//! ```text
//! for each line of a row of the grid:
//!     for each chunk of 256 columns:               // in L1
//!         squares of errors                        // vectors
//!         for each block of the chunk: noise[block] += its squares, one by one
//! ```

use super::pairs::widen;
use crate::block::QuantView;
use crate::kernel::{self, CHUNK_PAIRS, Isa};
use crate::ops::Exec;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// Elements that a thread takes at a time, about.
const ELEMENTS: usize = 1 << 14;

/// Blocks that a thread takes at most: 32 KiB of sums.
const BLOCKS: usize = 1 << 12;

/// Columns that a thread takes at least, so that it reads whole cache lines.
const COLUMNS: usize = 64;

/// The index and the sum of squares of the worst block; `None` if no block has an error.
pub(super) fn worst<T: Copy + Sync + Into<f64>>(
    view: &QuantView<'_>,
    reference: &[T],
    restored: &[f32],
    exec: Exec,
) -> Option<(usize, f64)> {
    let geometry = view.geometry();
    let area = geometry.block_rows.saturating_mul(geometry.block_cols).max(1);
    let together = (ELEMENTS / area).min(BLOCKS).max(COLUMNS.div_ceil(geometry.block_cols));
    // Nothing but the number of blocks: a slice of unit takes no memory.
    let blocks = vec![(); view.blocks()];
    let isa = exec.isa();
    let measure = |first: usize, piece: &[()]| {
        let noise = noise(view, isa, reference, restored, first..first + piece.len());
        let mut largest = 0.0;
        kernel::raise_to_largest(isa, &noise, &mut largest);
        // The first of equal ones; NaN is no larger than anything, and 0 is none.
        let place = noise.iter().position(|noise| *noise == largest && largest > 0.0)?;
        Some((first + place, largest))
    };
    let mut worst = None;
    exec.fold(&blocks, together, measure, |piece| {
        worst = piece.map_or(worst, |piece| worse(worst, piece));
    });
    worst
}

fn worse(best: Option<(usize, f64)>, next: (usize, f64)) -> Option<(usize, f64)> {
    let least = best.map_or(0.0, |(_, noise)| noise);
    if next.1 > least { Some(next) } else { best }
}

/// The sums of squared errors of some blocks, which count row-major over the grid.
fn noise<T: Copy + Into<f64>>(
    view: &QuantView<'_>,
    isa: Isa,
    reference: &[T],
    restored: &[f32],
    blocks: Range<usize>,
) -> Vec<f64> {
    let geometry = view.geometry();
    let mut noise = vec![0.0; blocks.len()];
    let mut rest = noise.as_mut_slice();
    let mut block = blocks.start;
    while block < blocks.end {
        // The blocks of one row of the grid.
        let (row, col) = (block / geometry.grid_cols, block % geometry.grid_cols);
        let count = (geometry.grid_cols - col).min(blocks.end - block);
        let (now, later) = rest.split_at_mut(count);
        let cols = geometry.block_cols(col).start..geometry.block_cols(col + count - 1).end;
        // Where the first column lies in its block: the first block of a grid may lack its start.
        let inside = (geometry.origin[1] + cols.start) % geometry.block_cols;
        for line in geometry.band(row) {
            let line = line * geometry.cols;
            let at = line + cols.start..line + cols.end;
            let (x, back) = (&reference[at.clone()], &restored[at]);
            add_line(isa, x, back, inside, geometry.block_cols, now);
        }
        (block, rest) = (block + count, later);
    }
    noise
}

/// Adds the squared errors of a line to the sums of its blocks. The first element lies `inside`
/// columns behind the start of its block.
fn add_line<T: Copy + Into<f64>>(
    isa: Isa,
    x: &[T],
    back: &[f32],
    inside: usize,
    block_cols: usize,
    noise: &mut [f64],
) {
    let (mut wide, mut squares) = ([0.0; CHUNK_PAIRS], [0.0; CHUNK_PAIRS]);
    let mut place = inside;
    for (x, back) in x.chunks(CHUNK_PAIRS).zip(back.chunks(CHUNK_PAIRS)) {
        let (wide, squares) = (&mut wide[..x.len()], &mut squares[..x.len()]);
        widen(x, wide);
        kernel::squares(isa, wide, back, squares);
        if block_cols == 1 {
            // Every column is a block: sums side by side.
            noise[place..].iter_mut().zip(squares).for_each(|(sum, square)| *sum += *square);
            place += x.len();
            continue;
        }
        let mut rest = &*squares;
        while !rest.is_empty() {
            let length = (block_cols - place % block_cols).min(rest.len());
            let (now, later) = rest.split_at(length);
            let sum = &mut noise[place / block_cols];
            *sum = now.iter().fold(*sum, |sum, square| sum + square);
            (place, rest) = (place + length, later);
        }
    }
}

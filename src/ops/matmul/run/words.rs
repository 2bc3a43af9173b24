//! Sums of matrix units that are instructions of the processor.
//!
//! ```text
//! the loops of `Work`: chunks of K, pairs of panels, tiles of A
//!     first pair        words of the tile, for all pairs
//!     first tile        words of both panels, for all tiles
//!     each panel        the instruction, word by word
//! ```

use crate::kernel::gemm::{MR, NR, WordDots};
use crate::mma::Sum;
use crate::ops::matmul::scratch::{WordScratch, WorkScratch};
use crate::ops::matmul::sums::{RowSums, Sink, hand_over};
use crate::ops::matmul::work::{SumMemory, Work};
use alloc::vec::Vec;

/// All sums of some work.
pub(super) fn run(
    work: &Work<'_>,
    dots: &WordDots,
    scratch: &mut WorkScratch,
    sink: &mut dyn Sink,
) {
    let (depth, first) = (work.job.shape.k, work.tiles[0].rows.start);
    let (mut decoded, SumMemory { words, .. }) = work.decoded(scratch);
    let WordScratch { a, b: of_panels, sums } = words;
    a.resize_with(work.tiles.len().max(a.len()), Vec::new);
    let whole = dots.positions();
    work.by_chunks(&mut decoded, 0..depth, whole, sums, |pair, tile, k, b, sums| {
        let index = (tile.rows.start - first) / MR;
        if k.start == 0 {
            work.start_with_c(pair, tile, sums, f32::to_bits);
        }
        if pair == 0 {
            dots.pack(tile.at(k), tile.mr(), &mut a[index]);
        }
        for ((b, words), sums) in b.iter().zip(&mut *of_panels).zip(sums) {
            if index == 0 {
                dots.pack(b.as_flattened(), NR, words);
            }
            dots.go_on(tile.rows.len(), &a[index], words, sums);
        }
    });
    hand_over(work.tiles, work.columns.len(), sums, sink, |sink, (row, index), sums| {
        if dots.are_f32s() {
            sink.take(row, index, RowSums::F32(&sums.map(f32::from_bits)));
        } else {
            let integer = |bits: u32| Sum::F64((bits as i32).into());
            sink.take(row, index, RowSums::Any(&sums.map(integer)));
        }
    });
}

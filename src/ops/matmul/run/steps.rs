//! Sums element by element, by the steps of the model: what no kernel makes.

use crate::kernel::gemm::Lanes;
use crate::ops::matmul::sums::{RowSums, Sink};
use crate::ops::matmul::work::{Work, WorkScratch};
use alloc::vec::Vec;

/// All sums of some work.
pub(super) fn run(work: &Work<'_>, scratch: &mut WorkScratch, sink: &mut dyn Sink) {
    work.each_panel(scratch, |index, _, b| panel(work, index, b, sink));
}

/// The sums in the columns of a panel with these numbers.
pub(super) fn panel(work: &Work<'_>, index: usize, b: &[Lanes<f32>], sink: &mut dyn Sink) {
    let columns = &work.columns[index];
    let column = |lane: usize| -> Vec<f32> { b.iter().map(|numbers| numbers[lane]).collect() };
    let columns_of_b: Vec<(usize, Vec<f32>)> =
        (0..columns.rows).map(|lane| (columns.first + lane, column(lane))).collect();
    for tile in work.tiles {
        for row in tile.rows.clone() {
            let a = tile.row(row);
            let sums =
                columns_of_b.iter().map(|(col, b)| work.job.sum(work.matrix, row, *col, &a, b));
            sink.take(row, index, RowSums::Any(sums.collect()));
        }
    }
}

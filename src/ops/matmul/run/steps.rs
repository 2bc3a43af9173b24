//! Sums element by element, by the steps of the model: what no kernel makes.

use crate::kernel::gemm::Lanes;
use crate::ops::matmul::scratch::{StepScratch, WorkScratch};
use crate::ops::matmul::sums::{RowSums, Sink};
use crate::ops::matmul::work::Work;

/// All sums of some work.
pub(super) fn run(work: &Work<'_>, scratch: &mut WorkScratch, sink: &mut dyn Sink) {
    work.each_panel(scratch, |index, _, b, memory| panel(work, index, b, memory.steps, sink));
}

/// The sums in the columns of a panel with these numbers.
pub(super) fn panel(
    work: &Work<'_>,
    index: usize,
    numbers: &[Lanes<f32>],
    StepScratch { a, b, blocks, sums, count, .. }: &mut StepScratch,
    sink: &mut dyn Sink,
) {
    let columns = &work.columns[index];
    // Column after column, as a sum reads them.
    b.clear();
    (0..columns.rows).for_each(|lane| b.extend(numbers.iter().map(|numbers| numbers[lane])));
    for tile in work.tiles {
        for row in tile.rows.clone() {
            tile.row(row, a);
            sums.clear();
            sums.extend((0..columns.rows).map(|lane| {
                let place = (work.matrix, row, columns.first + lane);
                work.job.sum(place, a, &b[lane * numbers.len()..][..numbers.len()], blocks)
            }));
            *count += sums.len();
            sink.take(row, index, RowSums::Any(sums));
        }
    }
}

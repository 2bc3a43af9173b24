//! [`Unit`]: what a thread does at a time, MC rows by NC columns of one matrix of the product, and
//! where its sums go.

use super::job::MatmulJob;
use super::pack_a::tiles_of_matrix;
use super::pack_b::Packer;
use super::panel::PANELS_OF_UNIT;
use super::sums::{RowSums, Sink};
use super::tile::TileA;
use super::work::Columns;
use crate::kernel::gemm::{MR, NR};
use crate::ops::numbers::NumbersMut;
use alloc::vec::Vec;
use core::ops::Range;

/// Rows of a unit, BLIS's MC: a panel is packed and decoded once for them.
const MC: usize = 512;

/// Columns of a unit at most, BLIS's NC: packed A is read once for them.
const NC: usize = PANELS_OF_UNIT * NR;

/// A part of one matrix of the product: its first row and panel, and the columns of its rows.
pub(super) struct Unit<'a> {
    pub(super) matrix: usize,
    row: usize,
    panel: usize,
    rows: UnitRows<'a>,
}

/// Where the rows of a unit are.
enum UnitRows<'a> {
    /// Rows of whole lines of `n` columns, of which some are the unit's: one thread has them all.
    Lines { lines: NumbersMut<'a>, n: usize, cols: Range<usize> },
    /// A slice for each row, which no other thread has.
    Each(Vec<NumbersMut<'a>>),
}

impl UnitRows<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Lines { lines, n, .. } => lines.len() / n,
            Self::Each(rows) => rows.len(),
        }
    }

    /// Columns of the unit.
    fn width(&self) -> usize {
        match self {
            Self::Lines { cols, .. } => cols.len(),
            Self::Each(rows) => rows[0].len(),
        }
    }

    /// Some of the unit's columns of a row, to write.
    fn of_row(&mut self, row: usize, columns: Range<usize>) -> NumbersMut<'_> {
        match self {
            Self::Lines { lines, n, cols } => {
                let start = row * *n + cols.start;
                lines.range(start + columns.start..start + columns.end)
            }
            Self::Each(rows) => rows[row].range(columns),
        }
    }
}

/// Panels of a unit: at least 16 units of columns where there are as many panels, so that all
/// threads have work; in a narrow product each panel is a unit.
fn panels_of_unit(job: &MatmulJob<'_>) -> usize {
    (job.shape.n.div_ceil(NR) / 16).clamp(1, NC / NR)
}

/// Runs `work` on all units of the product, one after another, without a list of them.
pub(super) fn each_unit(job: &MatmulJob<'_>, dst: NumbersMut<'_>, mut work: impl FnMut(Unit<'_>)) {
    let (shape, panels) = (job.shape, panels_of_unit(job));
    for (matrix, of_matrix) in dst.chunks(shape.m * shape.n).enumerate() {
        for (block, mut lines) in of_matrix.chunks(MC * shape.n).enumerate() {
            for panel in (0..shape.n.div_ceil(NR)).step_by(panels) {
                let cols = panel * NR..((panel + panels) * NR).min(shape.n);
                let rows = UnitRows::Lines { lines: lines.range(0..lines.len()), n: shape.n, cols };
                work(Unit { matrix, row: block * MC, panel, rows });
            }
        }
    }
}

/// Cuts the product into units for threads.
pub(super) fn units<'a>(job: &MatmulJob<'_>, dst: NumbersMut<'a>) -> Vec<Unit<'a>> {
    let (shape, panels_of_unit) = (job.shape, panels_of_unit(job));
    let mut units = Vec::new();
    for (matrix, of_matrix) in dst.chunks(shape.m * shape.n).enumerate() {
        for (block, of_block) in of_matrix.chunks(MC * shape.n).enumerate() {
            // The units of this block of rows are the last ones; each row of the product is cut
            // among them, so that threads write to disjoint slices.
            let (first, rows) = (units.len(), of_block.len() / shape.n);
            let panels = (0..shape.n.div_ceil(NR)).step_by(panels_of_unit);
            units.extend(panels.map(|panel| Unit {
                matrix,
                row: block * MC,
                panel,
                rows: UnitRows::Each(Vec::with_capacity(rows)),
            }));
            for row in of_block.chunks(shape.n) {
                let of_row = units[first..].iter_mut().zip(row.chunks(panels_of_unit * NR));
                of_row.for_each(|(unit, piece)| {
                    if let UnitRows::Each(rows) = &mut unit.rows {
                        rows.push(piece);
                    }
                });
            }
        }
    }
    units
}

/// The columns of a unit: the first `count` of these, each up to 16.
pub(super) struct UnitColumns<'p> {
    all: [Columns<'p>; PANELS_OF_UNIT],
    count: usize,
}

impl<'p> UnitColumns<'p> {
    pub(super) fn as_slice(&self) -> &[Columns<'p>] {
        &self.all[..self.count]
    }
}

impl Unit<'_> {
    /// The tiles that its rows are in.
    pub(super) fn tiles<'t>(&self, job: &MatmulJob<'_>, a: &'t [TileA]) -> &'t [TileA] {
        let first = job.place_of_a(self.matrix) * tiles_of_matrix(job);
        // MC is a multiple of MR, so the rows of a unit are whole tiles.
        &a[first + self.row / MR..first + (self.row + self.rows.len()).div_ceil(MR)]
    }

    /// The rows of B that its columns are.
    pub(super) fn columns<'p>(
        &self,
        job: &MatmulJob<'p>,
        packer: &'p Packer<'p>,
    ) -> UnitColumns<'p> {
        let ([_, line], [_, of_b]) = (job.lines(self.matrix), job.matrices(self.matrix));
        // With K = 0 a packed matrix has no panels.
        let (packed, width) = (job.b.packed().filter(|_| job.shape.k > 0), self.rows.width());
        let count = width.div_ceil(NR);
        let columns = |index: usize| {
            // Beyond the last panel it stands in, and nobody looks at it.
            let index = index.min(count - 1);
            let (panel, first) = (self.panel + index, (self.panel + index) * NR);
            let packed = packed.map(|packed| packed.panel(of_b, panel));
            Columns { packer, packed, first, line: line + first, rows: NR.min(width - index * NR) }
        };
        UnitColumns { all: core::array::from_fn(columns), count }
    }
}

/// Finishes the sums of a unit into the product.
pub(super) struct UnitOutput<'o, 'a> {
    pub(super) job: &'o MatmulJob<'o>,
    pub(super) columns: &'o [Columns<'o>],
    pub(super) unit: &'o mut Unit<'a>,
}

impl Sink for UnitOutput<'_, '_> {
    fn take(&mut self, row: usize, index: usize, sums: RowSums<'_>) {
        let (shape, finish) = (self.job.shape, &self.job.finish);
        let Columns { first, rows, .. } = self.columns[index];
        let columns = index * NR..index * NR + rows;
        let mut dst = self.unit.rows.of_row(row - self.unit.row, columns);
        // The row-major index over the whole batch, by which C and bias are found.
        let place = (self.unit.matrix * shape.m + row) * shape.n + first;
        match sums {
            // Lanes beyond the last column hold sums of codes that stand in.
            RowSums::F32(sums) => finish.apply_f32s(place, &sums[..rows], dst),
            RowSums::Any(sums) => {
                for (i, sum) in sums.iter().enumerate().take(rows) {
                    dst.set(i, finish.apply(place + i, sum.clone()));
                }
            }
        }
    }
}

//! The fast way: tiles of 16 rows by 16 columns, by kernels. The order of the products of a sum is that of the definition, so every tile has its bits.

use super::Job;
use super::left::{Tile, tiles};
use super::packed::{Columns, Packer};
use super::plan::{Plan, nested};
use super::read::Reader;
use super::sums::{Scratch, Sums, Work};
use super::thin;
use crate::kernel::gemm::{LANES, ROWS};
use crate::ops::real::Real;
use alloc::vec::Vec;

/// Rows of a unit of work: a panel is decoded once for them.
const STRIP: usize = 512;

/// Panels of a unit of work: the left side is read once for them. Of few panels each is a unit.
const GROUP: usize = 8;

/// A part of one matrix of the product: its first row and panel, and the columns of its rows.
struct Unit<'a, D> {
    matrix: usize,
    row: usize,
    panel: usize,
    rows: Vec<&'a mut [D]>,
}

/// Cuts the product.
fn units<'a, D>(job: &Job<'_>, dst: &'a mut [D]) -> Vec<Unit<'a, D>> {
    let shape = job.shape;
    let group = (shape.cols.div_ceil(LANES) / 16).clamp(1, GROUP);
    let mut units = Vec::new();
    for (matrix, of_matrix) in dst.chunks_mut(shape.rows * shape.cols).enumerate() {
        for (strip, of_strip) in of_matrix.chunks_mut(STRIP * shape.cols).enumerate() {
            let (first, rows) = (units.len(), of_strip.len() / shape.cols);
            let panels = (0..shape.cols.div_ceil(LANES)).step_by(group);
            units.extend(panels.map(|panel| Unit { matrix, row: strip * STRIP, panel, rows: Vec::with_capacity(rows) }));
            for row in of_strip.chunks_mut(shape.cols) {
                let of_row = units[first..].iter_mut().zip(row.chunks_mut(group * LANES));
                of_row.for_each(|(unit, piece)| unit.rows.push(piece));
            }
        }
    }
    units
}

/// Fills the product.
pub(super) fn run<D: Real>(job: &Job<'_>, dst: &mut [D]) {
    if dst.is_empty() {
        return;
    }
    let job = &job.stacked();
    let shape = job.shape;
    let isa = job.exec.isa();
    let plain = job.accumulator.is_blockwise();
    let (reader_a, reader) = (Reader::new(&job.a, isa, plain), Reader::new(&job.b, isa, plain));
    let run = if plain { nested([job.a.run(), job.b.run()], shape.depth) } else { None };
    let plan = Plan::new(job);
    if thin::dots(job, &plan, [&reader_a, &reader], dst) {
        return;
    }
    let mut left: Vec<Vec<Tile>> =
        (0..job.a.batch()).map(|matrix| tiles(job, &reader_a, matrix * shape.rows, run, &plan)).collect();
    let plan = plan.knowing(&left, shape.depth);
    if thin::run(job, &plan, &left, &reader, dst) {
        return;
    }
    if plan.prepares() {
        left.iter_mut().for_each(|tiles| job.exec.each(tiles.iter_mut().collect(), |tile| plan.prepare(tile, isa)));
    }
    let packer = Packer::new(job.b, isa, plain);
    job.exec.each_with(units(job, dst), Scratch::default, |scratch, mut unit| {
        let (_, line) = job.lines(unit.matrix);
        let width = unit.rows[0].len();
        let columns: Vec<Columns<'_>> = (0..width.div_ceil(LANES))
            .map(|index| {
                let first = (unit.panel + index) * LANES;
                let packed = job.b.packed().filter(|_| shape.depth > 0);
                let packed =
                    packed.map(|packed| packed.panel(if job.b.batch() == 1 { 0 } else { unit.matrix }, unit.panel + index));
                Columns { packer: &packer, packed, first, line: line + first, rows: LANES.min(width - index * LANES) }
            })
            .collect();
        let tiles = &left[if job.a.batch() == 1 { 0 } else { unit.matrix }];
        let tiles = &tiles[unit.row / ROWS..(unit.row + unit.rows.len()).div_ceil(ROWS)];
        let work = Work { job, reader: &reader, matrix: unit.matrix, tiles, columns: &columns };
        work.run(&plan, scratch, &mut |row, index, sums: Sums<'_>| {
            let Columns { first, rows, .. } = columns[index];
            let dst = &mut unit.rows[row - unit.row][index * LANES..][..rows];
            let place = (unit.matrix * shape.rows + row) * shape.cols + first;
            match sums {
                Sums::Singles(sums) => job.finish.apply_singles(place, &sums[..rows], plain, dst),
                Sums::Any(sums) => {
                    dst.iter_mut().zip(sums).enumerate().for_each(|(i, (to, sum))| *to = job.finish.apply(place + i, sum, plain));
                }
            }
        });
    });
}

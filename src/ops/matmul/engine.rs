//! The fast way: tiles of 8 rows by 16 columns, by kernels. The order of the products of a sum is that of the definition, so every tile has its bits.

use super::left::{Tile, tiles};
use super::packed::Packer;
use super::plan::{Plan, nested};
use super::read::Reader;
use super::thin;
use super::{Job, Sum};
use crate::kernel::gemm::LANES;
use crate::ops::real::Real;
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops::Range;

/// Rows of a unit of work: a panel is decoded once for them.
const ROWS: usize = 512;

/// Some rows and the columns of a panel of one matrix.
struct Unit {
    matrix: usize,
    rows: Range<usize>,
    panel: usize,
}

/// Fills the product.
pub(super) fn run<D: Real>(job: &Job<'_>, dst: &mut [D]) {
    let shape = job.shape;
    if dst.is_empty() {
        return;
    }
    let isa = job.exec.isa();
    let plain = job.accumulator.is_blockwise();
    let (reader_a, reader_b) = (Reader::new(&job.a, isa, plain), Reader::new(&job.b, isa, plain));
    let run = if plain { nested([job.a.run(), job.b.run()], shape.depth) } else { None };
    let mut left: Vec<Vec<Tile>> =
        (0..job.a.batch()).map(|matrix| tiles(&job.a, &reader_a, matrix * shape.rows, shape.rows, run, job.exec)).collect();
    let plan = Plan::new(job, &left);
    if thin::run(job, &plan, &left, dst) {
        return;
    }
    if plan.prepares() {
        left.iter_mut().for_each(|tiles| job.exec.each(tiles.iter_mut().collect(), |tile| plan.prepare(tile, isa)));
    }
    let packer = Packer::new(job.b);
    let panels = shape.cols.div_ceil(LANES);
    let units: Vec<Unit> = (0..shape.batch)
        .flat_map(|matrix| (0..shape.rows).step_by(ROWS).map(move |row| (matrix, row..(row + ROWS).min(shape.rows))))
        .flat_map(|(matrix, rows)| (0..panels).map(move |panel| Unit { matrix, rows: rows.clone(), panel }))
        .collect();
    let count = units.len();
    let done: Vec<Vec<D>> = job.exec.map(units, |unit| {
        let first = unit.panel * LANES;
        let cols = first..(first + LANES).min(shape.cols);
        let (_, line) = job.lines(unit.matrix);
        let panel = match job.b.packed() {
            Some(packed) if shape.depth > 0 => {
                Cow::Borrowed(packed.panel(if job.b.batch() == 1 { 0 } else { unit.matrix }, unit.panel))
            }
            _ => Cow::Owned(packer.panel(line + first, cols.len())),
        };
        let tiles = &left[if job.a.batch() == 1 { 0 } else { unit.matrix }];
        let tiles = &tiles[unit.rows.start / 8..unit.rows.end.div_ceil(8)];
        let mut out = Vec::with_capacity(unit.rows.len() * cols.len());
        let origin = unit.matrix * shape.rows;
        plan.run(job, &reader_b, tiles, &panel, (unit.matrix, cols.clone()), &mut |row, sums: Sums<'_>| {
            let index = (origin + row) * shape.cols + cols.start;
            match sums {
                Sums::Singles(sums) => {
                    let start = out.len();
                    out.resize(start + cols.len(), D::nearest(crate::codec::Unpacked::ZERO));
                    job.finish.apply_singles(index, &sums[..cols.len()], plain, &mut out[start..]);
                }
                Sums::Any(sums) => {
                    out.extend(
                        sums.into_iter().take(cols.len()).enumerate().map(|(i, sum)| job.finish.apply::<D>(index + i, sum, plain)),
                    );
                }
            }
        });
        out
    });
    debug_assert_eq!(done.len(), count);
    // Every row of the product is made of pieces of the panels' columns.
    let strips = shape.rows.div_ceil(ROWS);
    job.exec.chunks(dst, shape.cols, |line, row| {
        let (matrix, i) = (line / shape.rows, line % shape.rows);
        let units = &done[(matrix * strips + i / ROWS) * panels..][..panels];
        for (piece, unit) in row.chunks_mut(LANES).zip(units) {
            piece.copy_from_slice(&unit[i % ROWS * piece.len()..][..piece.len()]);
        }
    });
}

/// The sums of a row in the columns of a panel.
pub(super) enum Sums<'a> {
    Singles(&'a [f32; LANES]),
    Any(Vec<Sum>),
}

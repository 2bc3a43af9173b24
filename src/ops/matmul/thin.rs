//! Thin products. One row by a packed matrix: the same chains, four panels at a time, whose codes become numbers in registers. One row by one row: a chain.

use super::dots::{DotPlan, Row};
use super::left::Tile;
use super::packed::{Data, PackedMatrix, Panel, Restore};
use super::plan::{Kernel, Plan, scales};
use super::read::{Reader, numbers_of_4_bits};
use super::{Job, Sum};
use crate::kernel::gemm::{LANES, Lanes, dot_f32, dot_f64};
use crate::kernel::{DecodeBytes, Factors, Nibbles, OfBlocks, PANELS, Thin, ThinPanel};
use crate::ops::real::Real;
use alloc::vec;
use alloc::vec::Vec;

/// Fills the product, if it is of the kind.
pub(super) fn run<D: Real>(job: &Job<'_>, plan: &Plan, left: &[Vec<Tile>], dst: &mut [D]) -> bool {
    let shape = job.shape;
    let Some(packed) = job.b.packed().filter(|_| shape.rows == 1 && shape.depth > 0) else { return false };
    let blockwise = match plan {
        Plan::PlainBlocks { .. } | Plan::Dots(_) => true,
        Plan::Chain(Kernel::Single) => false,
        _ => return false,
    };
    let run = if blockwise { job.a.run().min(job.b.run()) } else { job.b.run() }.min(shape.depth);
    let panels = shape.cols.div_ceil(LANES);
    let Some(way) = Way::of(job, packed, plan, left, run) else { return false };
    let pieces: Vec<(usize, usize, &mut [D])> = dst
        .chunks_mut(shape.cols)
        .enumerate()
        .flat_map(|(matrix, row)| row.chunks_mut(PANELS * LANES).enumerate().map(move |(piece, columns)| (matrix, piece, columns)))
        .collect();
    job.exec.each(pieces, |(matrix, piece, columns)| {
        let mine = if job.a.batch() == 1 { 0 } else { matrix };
        let tile = &left[mine][0];
        let panel =
            |index: usize| packed.panel(if job.b.batch() == 1 { 0 } else { matrix }, (piece * PANELS + index).min(panels - 1));
        let made: [Option<Vec<Lanes<f32>>>; PANELS] = core::array::from_fn(|index| {
            let own = run == panel(index).run && panel(index).scales.len() > 0;
            (!own).then(|| scales(panel(index), run, shape.depth).into_owned())
        });
        let four = core::array::from_fn(|index| {
            let factors = match (&panel(index).restore, &made[index]) {
                (Restore::Factors(_, factors), _) if !blockwise => OfBlocks::Singles(factors),
                (_, Some(made)) => OfBlocks::Singles(made),
                _ => panel(index).scales.view(),
            };
            ThinPanel { codes: panel(index).data.codes(), factors }
        });
        let sums = match &way {
            Way::Dots(dots, rows) => dots.sums(&rows[mine], tile, four),
            Way::Numbers(thin) if blockwise => thin.sums(run, Factors::Sums(&tile.scales), &tile.numbers, four),
            Way::Numbers(thin) => thin.sums(run, Factors::Elements, &tile.numbers, four),
        };
        let index = matrix * shape.cols + piece * PANELS * LANES;
        job.finish.apply_singles(index, &sums.as_flattened()[..columns.len()], blockwise, columns);
    });
    true
}

/// How a row's sums are made.
enum Way<'a> {
    Numbers(Thin),
    /// Of the row of every matrix the words.
    Dots(&'a DotPlan, Vec<Row>),
}

impl<'a> Way<'a> {
    /// The way for all panels of a matrix, if there is one.
    fn of(job: &Job<'_>, packed: &PackedMatrix, plan: &'a Plan, left: &[Vec<Tile>], run: usize) -> Option<Self> {
        let paired = matches!(packed.panels().first()?.data, Data::Nibbles(_));
        if let Plan::Dots(dots) = plan {
            let row = |tiles: &Vec<Tile>| dots.row(&tiles[0], job.exec.isa(), job.shape.depth, paired);
            if let Some(rows) = left.iter().map(row).collect() {
                return Some(Self::Dots(dots, rows));
            }
        }
        let blockwise = !matches!(plan, Plan::Chain(_));
        // The kernels multiply the scales of both sides as they are; dot products fold the elements' units in.
        let scales_fit =
            job.a.has_f32_scales() || job.b.has_f32_scales() || job.a.scale_range().times(job.b.scale_range()).is_f32();
        numbers(job, packed, run, blockwise).filter(|_| !blockwise || scales_fit).map(Self::Numbers)
    }
}

/// Fills the product, if it is of single rows: panels would be one row in 16.
pub(super) fn dots<D: Real>(job: &Job<'_>, plan: &Plan, readers: [&Reader; 2], dst: &mut [D]) -> bool {
    let (shape, isa) = (job.shape, job.exec.isa());
    if shape.rows != 1 || shape.cols != 1 || !matches!(plan, Plan::Chain(Kernel::Single | Kernel::Double)) {
        return false;
    }
    let (mut x, mut y) = (vec![0.0; shape.depth], vec![0.0; shape.depth]);
    for (matrix, to) in dst.iter_mut().enumerate() {
        let (line_a, line_b) = job.lines(matrix);
        readers[0].row(&job.a, line_a, &mut x);
        readers[1].row(&job.b, line_b, &mut y);
        let sum = if let Plan::Chain(Kernel::Double) = plan {
            let mut sum = 0.0;
            dot_f64(isa, &x, &y, &mut sum);
            Sum::Double(sum)
        } else {
            let mut sum = 0.0;
            dot_f32(isa, &x, &y, &mut sum);
            Sum::Single(sum)
        };
        *to = job.finish.apply(matrix, sum, false);
    }
    true
}

/// The numbers of all panels of a matrix, if there is a way.
fn numbers(job: &Job<'_>, packed: &PackedMatrix, run: usize, blockwise: bool) -> Option<Thin> {
    let first = packed.panels().first()?;
    let (element, isa, added) = (job.b.element()?, job.exec.isa(), if blockwise { -0.0 } else { zero(first) });
    let alike = packed
        .panels()
        .iter()
        .all(|panel| !matches!(panel.restore, Restore::Any(_)) && (blockwise || zero(panel).to_bits() == added.to_bits()));
    match first.data {
        _ if !alike => None,
        // Blocks are whole quads.
        Data::Nibbles(_) if run.is_multiple_of(8) || run >= job.shape.depth => {
            Nibbles::new(isa, numbers_of_4_bits(element).map(|x| x + added)).map(Thin::nibbles)
        }
        Data::Bytes(_) if added.is_sign_negative() => Thin::bytes(DecodeBytes::lower(isa, element)),
        _ => None,
    }
}

/// The zero that a panel's elements are added to.
fn zero(panel: &Panel) -> f32 {
    if let Restore::Factors(zero, _) = panel.restore { zero } else { -0.0 }
}

//! Thin products. A few rows by a packed matrix: the same chains, four panels at a time, whose codes become numbers in registers. One row by one row: a chain.

use super::dots::{DotPlan, Rows};
use super::left::Tile;
use super::packed::{Data, PackedMatrix, Panel, Restore};
use super::plan::{Kernel, Plan, scales};
use super::read::{Reader, numbers_of_4_bits};
use super::{Job, Sum};
use crate::kernel::gemm::{LANES, Lanes, ROWS, dot_f32, dot_f64};
use crate::kernel::{Factors, Nibbles, OfBlocks, PANELS, THIN, Thin, ThinPanel};
use crate::ops::real::Real;
use alloc::vec;
use alloc::vec::Vec;

/// Fills the product, if it is of the kind.
pub(super) fn run<D: Real>(job: &Job<'_>, plan: &Plan, left: &[Vec<Tile>], reader: &Reader, dst: &mut [D]) -> bool {
    let shape = job.shape;
    let Some(packed) = job.b.packed().filter(|_| shape.rows < ROWS && shape.depth > 0) else { return false };
    let blockwise = match plan {
        Plan::PlainBlocks { .. } | Plan::Dots(_) => true,
        Plan::Chain(Kernel::Single) => false,
        _ => return false,
    };
    let run = if blockwise { job.a.run().min(job.b.run()) } else { job.b.run() }.min(shape.depth);
    let panels = shape.cols.div_ceil(LANES);
    let Some(way) = Way::of(job, packed, plan, reader, run) else { return false };
    let left: Vec<Vec<(Tile, Option<Rows>)>> = left.iter().map(|tiles| way.left(job, tiles)).collect();
    let mut pieces = Vec::new();
    for (matrix, of_matrix) in dst.chunks_mut(shape.rows * shape.cols).enumerate() {
        let first = pieces.len();
        pieces.extend((0..panels.div_ceil(PANELS)).map(|piece| (matrix, piece, Vec::with_capacity(shape.rows))));
        for row in of_matrix.chunks_mut(shape.cols) {
            pieces[first..].iter_mut().zip(row.chunks_mut(PANELS * LANES)).for_each(|((.., rows), columns)| rows.push(columns));
        }
    }
    job.exec.each(pieces, |(matrix, piece, mut rows)| {
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
        for (tile, words) in &left[if job.a.batch() == 1 { 0 } else { matrix }] {
            let mut sums = [[[0.0; LANES]; PANELS]; THIN];
            let sums = &mut sums[..tile.height()];
            match (&way, words) {
                (Way::Dots(dots, _), Some(words)) => dots.sums(words, tile, &four, sums),
                (Way::Numbers(thin), _) if blockwise => thin.sums(run, Factors::Sums(&tile.scales), &tile.numbers, &four, sums),
                (Way::Numbers(thin), _) => thin.sums(run, Factors::Elements, &tile.numbers, &four, sums),
                (Way::Dots(..), None) => {}
            }
            for (row, sums) in tile.rows.clone().zip(sums) {
                let index = (matrix * shape.rows + row) * shape.cols + piece * PANELS * LANES;
                let columns = &mut rows[row];
                job.finish.apply_singles(index, &sums.as_flattened()[..columns.len()], blockwise, columns);
            }
        }
    });
    true
}

/// How rows' sums are made.
enum Way<'a> {
    Numbers(Thin),
    /// Of codes in pairs, or one a byte.
    Dots(&'a DotPlan, bool),
}

impl<'a> Way<'a> {
    /// The way for all panels of a matrix, if there is one that pays.
    fn of(job: &Job<'_>, packed: &PackedMatrix, plan: &'a Plan, reader: &Reader, run: usize) -> Option<Self> {
        let paired = matches!(packed.panels().first()?.data, Data::Nibbles(_));
        if let Plan::Dots(dots) = plan {
            if dots.is_thin(job.shape.rows, job.shape.depth, paired) {
                return Some(Self::Dots(dots, paired));
            }
            // Tiles of integers are quicker than a few rows of f32s.
            if job.shape.rows > 1 {
                return None;
            }
        }
        let blockwise = !matches!(plan, Plan::Chain(_));
        // The kernels multiply the scales of both sides as they are; dot products fold the elements' units in.
        let scales_fit =
            job.a.has_f32_scales() || job.b.has_f32_scales() || job.a.scale_range().times(job.b.scale_range()).is_f32();
        let numbers = numbers(job, packed, reader, run, blockwise).filter(|thin| job.shape.rows <= thin.pays());
        numbers.filter(|_| !blockwise || scales_fit).map(Self::Numbers)
    }

    /// The left side in tiles that are worked on together; for dot products their words.
    fn left(&self, job: &Job<'_>, tiles: &[Tile]) -> Vec<(Tile, Option<Rows>)> {
        let together = match self {
            Self::Numbers(thin) => thin.height(),
            Self::Dots(dots, _) => dots.height(),
        };
        let words = |tile: &Tile| match self {
            Self::Numbers(_) => None,
            Self::Dots(dots, paired) => Some(dots.rows(tile, job.exec.isa(), *paired)),
        };
        let split = |tile: &Tile| if tile.height() > together { tile.split(together) } else { vec![tile.clone()] };
        tiles.iter().flat_map(split).map(|tile| (words(&tile), tile)).map(|(words, tile)| (tile, words)).collect()
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
fn numbers(job: &Job<'_>, packed: &PackedMatrix, reader: &Reader, run: usize, blockwise: bool) -> Option<Thin> {
    let first = packed.panels().first()?;
    let (element, isa, added) = (job.b.element()?, job.exec.isa(), if blockwise { -0.0 } else { zero(first) });
    let alike = packed
        .panels()
        .iter()
        .all(|panel| !matches!(panel.restore, Restore::Any(_)) && (blockwise || zero(panel).to_bits() == added.to_bits()));
    let whole = |positions| job.shape.depth.is_multiple_of(positions) && (run.is_multiple_of(positions) || run >= job.shape.depth);
    match first.data {
        _ if !alike => None,
        Data::Nibbles(_) if whole(8) => Nibbles::new(isa, numbers_of_4_bits(element).map(|x| x + added)).map(Thin::nibbles),
        Data::Bytes(_) if whole(4) && added.is_sign_negative() => reader.decode().and_then(Thin::bytes),
        _ => None,
    }
}

/// The zero that a panel's elements are added to.
fn zero(panel: &Panel) -> f32 {
    if let Restore::Factors(zero, _) = panel.restore { zero } else { -0.0 }
}

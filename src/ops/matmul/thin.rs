//! One row by a packed matrix of 4-bit codes: the same chains, four panels at a time, decoded in registers.

use super::Job;
use super::left::Tile;
use super::packed::{Data, Panel, Restore};
use super::plan::{Kernel, Plan, scales};
use crate::kernel::gemm::{LANES, Lanes};
use crate::kernel::{Factors, PANELS, Thin, ThinPanel};
use crate::ops::real::Real;
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// Fills the product, if it is of the kind.
pub(super) fn run<D: Real>(job: &Job<'_>, plan: &Plan, left: &[Vec<Tile>], dst: &mut [D]) -> bool {
    let (Some(thin), Some(packed), Some(element)) = (Thin::new(job.exec.isa()), job.b.packed(), job.b.element()) else {
        return false;
    };
    let shape = job.shape;
    let blockwise = match plan {
        Plan::PlainBlocks { .. } | Plan::Dots(_) => true,
        Plan::Chain(Kernel::Single) => false,
        _ => return false,
    };
    let run = if blockwise { job.a.run().min(job.b.run()) } else { job.b.run() }.min(shape.depth);
    let panels = shape.cols.div_ceil(LANES);
    let suits = |panel: &Panel| {
        matches!(panel.data, Data::Nibbles(_))
            && !matches!(panel.restore, Restore::Any(_))
            && (blockwise || zero(panel).to_bits() == zero(packed.panel(0, 0)).to_bits())
    };
    if shape.rows != 1 || !shape.depth.is_multiple_of(2) || !run.is_multiple_of(2) || shape.depth == 0 || shape.cols == 0 {
        return false;
    }
    if !(0..packed.shape()[0] * panels).all(|index| suits(packed.panel(index / panels, index % panels))) {
        return false;
    }
    let added = if blockwise { -0.0 } else { zero(packed.panel(0, 0)) };
    // Look-ups are by 4 bits: narrower formats ignore those above.
    let table: Lanes<f32> = core::array::from_fn(|code| element.decode_f32(code as u32) + added);
    let pieces: Vec<(usize, usize, &mut [D])> = dst
        .chunks_mut(shape.cols)
        .enumerate()
        .flat_map(|(matrix, row)| row.chunks_mut(PANELS * LANES).enumerate().map(move |(piece, columns)| (matrix, piece, columns)))
        .collect();
    job.exec.each(pieces, |(matrix, piece, columns)| {
        let tile = &left[if job.a.batch() == 1 { 0 } else { matrix }][0];
        let factors = if blockwise { Factors::Sums(&tile.scales) } else { Factors::Elements };
        let panel =
            |index: usize| packed.panel(if job.b.batch() == 1 { 0 } else { matrix }, (piece * PANELS + index).min(panels - 1));
        let own: [Cow<'_, [Lanes<f32>]>; PANELS] = core::array::from_fn(|index| match &panel(index).restore {
            Restore::Factors(_, factors) if !blockwise => Cow::Borrowed(&factors[..]),
            _ => scales(panel(index), run, shape.depth),
        });
        let four = core::array::from_fn(|index| {
            let pairs = if let Data::Nibbles(pairs) = &panel(index).data { &pairs[..] } else { &[] };
            ThinPanel { pairs, factors: &own[index] }
        });
        let sums = thin.sums(&table, run, factors, &tile.numbers, four);
        let index = matrix * shape.cols + piece * PANELS * LANES;
        job.finish.apply_singles(index, &sums.as_flattened()[..columns.len()], blockwise, columns);
    });
    true
}

/// The zero that a panel's elements are added to.
fn zero(panel: &Panel) -> f32 {
    if let Restore::Factors(zero, _) = panel.restore { zero } else { -0.0 }
}

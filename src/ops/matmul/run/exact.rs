//! Sums by f64 kernels that are exact: of integers; and of slices of numbers, where the sums of all
//! pairs of slices are added up in fixed point.
//!
//! ```text
//! for each panel of B, all of K decoded     64 bytes a position
//!     for each tile of A
//!         for each pair of slices           MR x NR f64 sums of K products, no rounding in any
//!         add the pairs in fixed point
//! ```

use super::steps;
use crate::codec::Unpacked;
use crate::kernel::Isa;
use crate::kernel::gemm::{Lanes, MR, MicroTile, NR, chain_f64};
use crate::mma::{Fixed, Partial, Sum};
use crate::ops::matmul::scratch::{StepScratch, WorkScratch};
use crate::ops::matmul::slices::{BitSpan, Slicing};
use crate::ops::matmul::sums::{RowSums, Sink};
use crate::ops::matmul::tile::TileA;
use crate::ops::matmul::work::Work;
use core::ops::Range;

/// Sums of integers that f64 holds, in units of `2^exponent`, wrapped to a width.
pub(super) fn integers(
    work: &Work<'_>,
    (bits, exponent): (u32, i32),
    scratch: &mut WorkScratch,
    sink: &mut dyn Sink,
) {
    let wrap = |sum: f64| {
        let Partial::Integer(sum, exponent) = integer(sum, exponent) else { return Sum::F64(sum) };
        // Sign-extends the low bits: wrapping once at the end is wrapping after each product.
        Sum::F64(Partial::Integer(sum << (64 - bits) >> (64 - bits), exponent).value().to_f64())
    };
    let (isa, depth) = (work.job.exec.isa(), work.job.shape.k);
    work.each_panel(scratch, |index, _, b, _| {
        for tile in work.tiles {
            for (row, sums) in tile.rows.clone().zip(f64_sums(isa, tile, 0..depth, b)) {
                sink.take(row, index, RowSums::Any(&sums.map(wrap)));
            }
        }
    });
}

/// The f64 sums of a tile from zero.
pub(super) fn f64_sums(
    isa: Isa,
    tile: &TileA,
    k: Range<usize>,
    b: &[Lanes<f32>],
) -> MicroTile<f64> {
    let mut sums = [[0.0; NR]; MR];
    chain_f64(isa, tile.rows.len(), tile.at(k), b, &mut sums);
    sums
}

/// A sum of integers, in units of the last place.
pub(super) fn integer(sum: f64, exponent: i32) -> Partial {
    // Below 2^53 units: the division is exact.
    Partial::Integer((sum / Unpacked::new(false, 1, exponent).to_f64()) as i64, exponent)
}

/// Exact sums: by slices where the numbers of A and of a panel have few of them, else by steps.
pub(super) fn exact(work: &Work<'_>, scratch: &mut WorkScratch, sink: &mut dyn Sink) {
    work.each_panel(scratch, |index, _, b, memory| {
        // Each panel has its own range: a panel with an outlier alone goes step by step.
        let span = BitSpan::of(b.as_flattened());
        match work.slicing.and_then(|slicing| Some((slicing, slicing.count_of(span)?))) {
            Some((slicing, count)) => {
                by_slices(work, slicing, (span, count), (index, b), memory.steps, sink);
            }
            None => steps::panel(work, index, b, memory.steps, sink),
        }
    });
}

/// The sums of every slice of A by every slice of a panel, which f64 holds, added up.
fn by_slices(
    work: &Work<'_>,
    slicing: &Slicing,
    (span, count): (BitSpan, usize),
    (index, b): (usize, &[Lanes<f32>]),
    StepScratch { slices, partials, sums: of_row, .. }: &mut StepScratch,
    sink: &mut dyn Sink,
) {
    let isa = work.job.exec.isa();
    slices.clear();
    // One slice is the numbers themselves.
    if count > 1 {
        (0..count).for_each(|index| slicing.slice(isa, span, index, b.as_flattened(), slices));
    }
    let slices_of_b = slices.as_chunks::<NR>().0;
    for tile in work.tiles {
        partials.clear();
        for i in 0..slicing.count() {
            // A tile has no slices if one is enough.
            let slices = &tile.slices[..tile.slices_used];
            let a = slices.get(i).map_or(&tile.numbers[..], |slice| &slice[..]);
            for j in 0..count {
                let b = if count > 1 { &slices_of_b[j * b.len()..][..b.len()] } else { b };
                let mut sums: MicroTile<f64> = [[0.0; NR]; MR];
                chain_f64(isa, tile.rows.len(), a, b, &mut sums);
                partials.push(sums);
            }
        }
        for (i, row) in tile.rows.clone().enumerate() {
            let sum = |lane: usize| {
                // Each partial sum is an exact f64; fixed point adds them without rounding.
                let mut sum = Fixed::ZERO;
                partials.iter().for_each(|partial| sum.add(Unpacked::from_f64(partial[i][lane])));
                Sum::Exact(sum)
            };
            of_row.clear();
            of_row.extend((0..NR).map(sum));
            sink.take(row, index, RowSums::Any(of_row));
        }
    }
}

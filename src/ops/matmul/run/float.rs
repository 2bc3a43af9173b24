//! Chains of f32 and f64 sums and of sums that are rounded to a format: one over K, or one for each
//! chunk of products, whose sums another chain adds up.
//!
//! The loops are those of `Work`. A chain is sequential along K, so the sums of a tile advance side
//! by side, one lane a column, and are put back between chunks of KC.

use crate::codec::Unpacked;
use crate::kernel::Isa;
use crate::kernel::gemm::{Lanes, MR, MicroTile, NR, chain_f32_of, chain_f64, chain_rounded};
use crate::mma::{Chain, Sum};
use crate::ops::matmul::plan::ChainKernel;
use crate::ops::matmul::scratch::WorkScratch;
use crate::ops::matmul::sums::{RowSums, Sink, hand_over, hand_over_f32s};
use crate::ops::matmul::tile::TileA;
use crate::ops::matmul::work::{SumMemory, Work, chunks};
use core::ops::Range;

/// One chain over K.
pub(super) fn chain(
    work: &Work<'_>,
    kernel: &ChainKernel,
    scratch: &mut WorkScratch,
    sink: &mut dyn Sink,
) {
    let (isa, depth) = (work.job.exec.isa(), work.job.shape.k);
    let (mut decoded, SumMemory { sums, sums_f64, .. }) = work.decoded(scratch);
    if let ChainKernel::F64 = kernel {
        work.by_chunks(&mut decoded, 0..depth, 1, sums_f64, |_, tile, k, b, sums| {
            let (rows, a) = (tile.rows.len(), tile.at(k));
            b.iter().zip(sums).for_each(|(b, sums)| chain_f64(isa, rows, a, b, sums));
        });
        hand_over(work.tiles, work.columns.len(), sums_f64, sink, |sink, (row, index), sums| {
            sink.take(row, index, RowSums::Any(&sums.map(Sum::F64)));
        });
    } else {
        work.by_chunks(&mut decoded, 0..depth, 1, sums, |_, tile, k, b, sums| {
            kernel.go_on(isa, tile, k, b, sums);
        });
        hand_over_f32s(work.tiles, work.columns.len(), sums, sink);
    }
}

/// Chunks of `length` products, each a chain from zero, whose sums `outer` adds up.
pub(super) fn chunked(
    work: &Work<'_>,
    (length, inner, outer): (usize, &ChainKernel, &Chain),
    scratch: &mut WorkScratch,
    sink: &mut dyn Sink,
) {
    let (isa, depth) = (work.job.exec.isa(), work.job.shape.k);
    // f32 sums of f32 sums need no exact numbers in between.
    if matches!(outer, Chain::F32) && !matches!(inner, ChainKernel::F64) {
        let (mut decoded, SumMemory { sums, .. }) = work.decoded(scratch);
        work.by_chunks(&mut decoded, 0..depth, length, sums, |_, tile, k, b, sums| {
            // The sums of a chunk, 2 KiB, stay in L1.
            for part in chunks(0..k.len(), length, length) {
                let mut partials = [[[0.0; NR]; MR]; 2];
                // One panel or two; the last stands in for a second that is not there.
                let of = |panel: usize| &b[panel.min(b.len() - 1)][part.clone()];
                let positions = k.start + part.start..k.start + part.end;
                inner.go_on(isa, tile, positions, &[of(0), of(1)][..b.len()], &mut partials);
                // `+` on f32s is the outer chain's rounding.
                let sums = sums.as_flattened_mut().as_flattened_mut().iter_mut();
                sums.zip(partials.as_flattened().as_flattened()).for_each(|(sum, x)| *sum += x);
            }
        });
        return hand_over_f32s(work.tiles, work.columns.len(), sums, sink);
    }
    work.each_panel(scratch, |index, _, b, _| {
        for tile in work.tiles {
            // Any outer chain: its own step, on exact numbers, in one tile's sums at a time.
            let mut sums = [[Unpacked::ZERO; NR]; MR];
            for k in chunks(0..depth, length, length) {
                let partials = inner.restart(isa, tile, k.clone(), &b[k]);
                // Lanes beyond the last row would cost a step each.
                let sums = &mut sums.as_flattened_mut()[..tile.rows.len() * NR];
                sums.iter_mut()
                    .zip(partials.as_flattened())
                    .for_each(|(sum, x)| *sum = outer.add(*sum, *x, 0));
            }
            for (row, sums) in tile.rows.clone().zip(sums) {
                sink.take(row, index, RowSums::Any(&sums.map(|sum| outer.sum_of(sum))));
            }
        }
    });
}

impl ChainKernel {
    /// Goes on with the chains of a tile in one panel or two, whose sums are f32s.
    #[inline]
    fn go_on(
        &self,
        isa: Isa,
        tile: &TileA,
        k: Range<usize>,
        b: &[&[Lanes<f32>]],
        sums: &mut [MicroTile<f32>],
    ) {
        let (rows, a) = (tile.rows.len(), tile.at(k));
        match self {
            Self::Rounded(rounding) => b
                .iter()
                .zip(sums)
                .for_each(|(b, sums)| chain_rounded(isa, rounding, rows, a, b, sums)),
            // f64 chains never come here: their sums are no f32s.
            Self::F32 | Self::F64 => chain_f32_of(isa, rows, a, b, sums),
        }
    }

    /// The chains of a tile from zero, as exact numbers.
    fn restart(
        &self,
        isa: Isa,
        tile: &TileA,
        k: Range<usize>,
        b: &[Lanes<f32>],
    ) -> MicroTile<Unpacked> {
        if let Self::F64 = self {
            let mut sums = [[0.0; NR]; MR];
            chain_f64(isa, tile.rows.len(), tile.at(k), b, &mut sums);
            sums.map(|sums| sums.map(Unpacked::from_f64))
        } else {
            let mut sums = [[[0.0; NR]; MR]];
            self.go_on(isa, tile, k, &[b], &mut sums);
            sums[0].map(|sums| sums.map(Unpacked::from_f32))
        }
    }
}

//! Sums block by block: `acc + partial · (scale_a · scale_b)` for each block, `partial` the sum of
//! its elements from zero.
//!
//! ```text
//! short blocks (<= KC)   the loops of `Work`; the micro-kernel makes partial sums and scales them
//! long blocks            per block: the loops of `Work` make partial sums; one pass scales them
//! by_steps               per panel and tile: partial sums by a kernel, scales by the model's step
//! ```
//!
//! In f32 `fma(partial, scale_a · scale_b, acc)` is the model's single rounding only if the product
//! of the scales and the partial sum are f32s, which the plan has checked.

use super::exact::{f64_sums, integer};
use crate::bits::fma_f32;
use crate::kernel::Isa;
use crate::kernel::gemm::{Blocks, KC, Lanes, MR, MicroTile, NR, chain_blocks_of, chain_f32_of};
use crate::mma::{PairScale, Partial};
use crate::ops::matmul::scratch::WorkScratch;
use crate::ops::matmul::sums::{Pair, RowSums, Sink, hand_over_f32s};
use crate::ops::matmul::tile::TileA;
use crate::ops::matmul::work::{Decoded, SumMemory, Work, chunks};
use alloc::vec::Vec;
use core::ops::Range;

/// The scales of panels, block by block.
type PanelScales<'a> = [&'a [Lanes<f32>]];

/// All sums in f32: every partial sum and every product of two scales is an f32.
pub(super) fn in_f32(
    work: &Work<'_>,
    block_k: usize,
    scratch: &mut WorkScratch,
    sink: &mut dyn Sink,
) {
    let depth = work.job.shape.k;
    let (mut decoded, SumMemory { scales, sums, partials, .. }) = work.decoded(scratch);
    let panels = decoded.panels;
    // Cut to blocks of the sum once, not for every tile.
    let scales = panels.scales_by(block_k, depth, scales);
    let scales = &scales[..work.columns.len()];
    if block_k > KC {
        long(work, block_k, scales, &mut decoded, sums, partials);
    } else {
        short(work, block_k, scales, &mut decoded, sums);
    }
    hand_over_f32s(work.tiles, work.columns.len(), sums, sink);
}

/// Blocks within a chunk of K: the micro-kernel has a block's partial sums in registers beside the
/// sums, or in L1.
fn short(
    work: &Work<'_>,
    block_k: usize,
    scales: &PanelScales<'_>,
    decoded: &mut Decoded<'_>,
    sums: &mut Vec<Pair<f32>>,
) {
    let (isa, rows_scaled) = (work.job.exec.isa(), work.job.a.is_scaled());
    work.by_chunks(decoded, 0..work.job.shape.k, block_k, sums, |pair, tile, k, b, sums| {
        // A chunk is whole blocks, except at the end of K.
        let (blocks, mr) = (k.start / block_k..k.end.div_ceil(block_k), tile.mr());
        let rows = &tile.scales[blocks.start * mr..blocks.end * mr];
        let parts = |panel: usize| {
            // The second panel of the last pair may not exist; `parts` is cut to `b` below.
            let cols = scales.get(panel).map_or(&[][..], |scales| &scales[blocks.clone()]);
            Blocks { block_k, rows, rows_scaled, cols }
        };
        let parts = [parts(2 * pair), parts(2 * pair + 1)];
        chain_blocks_of(isa, &parts[..b.len()], tile.rows.len(), tile.at(k), b, sums);
    });
}

/// Blocks longer than a chunk of K: the partial sums of a block over all its chunks, then its
/// scales.
fn long(
    work: &Work<'_>,
    block_k: usize,
    scales: &PanelScales<'_>,
    decoded: &mut Decoded<'_>,
    sums: &mut Vec<Pair<f32>>,
    partials: &mut Vec<Pair<f32>>,
) {
    let (isa, count) = (work.job.exec.isa(), work.tiles.len());
    work.clear(sums);
    // `partials` is as large as `sums`, and used again for every block.
    for (block, k) in chunks(0..work.job.shape.k, block_k, block_k).enumerate() {
        // Chains without scales, taken up again at every chunk of KC within the block.
        work.by_chunks(decoded, k, 1, partials, |_, tile, k, b, partials| {
            chain_f32_of(isa, tile.rows.len(), tile.at(k), b, partials);
        });
        // Both vectors are tile after tile for each pair; scales come panel by panel, two a pair.
        for ((sums, partials), scales) in
            sums.chunks_mut(count).zip(partials.chunks(count)).zip(scales.chunks(2))
        {
            for (tile, (sums, partials)) in work.tiles.iter().zip(sums.iter_mut().zip(partials)) {
                let scales_a = &tile.scales[block * tile.mr()..][..tile.rows.len()];
                for ((sums, partials), scales) in sums.iter_mut().zip(partials).zip(scales) {
                    add_scaled(sums, partials, scales_a, &scales[block]);
                }
            }
        }
    }
}

/// Adds the partial sums of a block in one panel under their scales.
#[inline]
fn add_scaled(
    sums: &mut MicroTile<f32>,
    partials: &MicroTile<f32>,
    scales_a: &[f32],
    scales_b: &Lanes<f32>,
) {
    for ((sums, partials), scale_a) in sums.iter_mut().zip(partials).zip(scales_a) {
        let each = sums.iter_mut().zip(partials).zip(scales_b);
        each.for_each(|((sum, partial), scale_b)| {
            // The product of the scales is exact, or an f32 scale makes its rounding part of the
            // model.
            *sum = fma_f32(*partial, scale_a * scale_b, *sum);
        });
    }
}

/// Partial sums by kernels, in f64 for integers in units of `2^exponent`; their scales by the steps
/// of the model, which round once where f32 would twice.
pub(super) fn by_steps(
    work: &Work<'_>,
    (block_k, exponent, wide): (usize, Option<i32>, bool),
    scratch: &mut WorkScratch,
    sink: &mut dyn Sink,
) {
    let (isa, depth) = (work.job.exec.isa(), work.job.shape.k);
    work.each_panel(scratch, |index, panel, b, memory| {
        // By panels, since f64 partial sums of a pair would not fit beside their numbers.
        let scales_b = panel.scales_by(block_k, depth, &mut memory.scales[0]);
        for tile in work.tiles {
            let mut sums = [[0.0f32; NR]; MR];
            for (block, k) in chunks(0..depth, block_k, block_k).enumerate() {
                let partials = partials(isa, tile, k.clone(), &b[k], exponent);
                for (i, (sums, partials)) in
                    sums.iter_mut().zip(partials).enumerate().take(tile.rows.len())
                {
                    let scale_a = tile.scales[block * tile.mr() + i];
                    for ((sum, partial), scale_b) in
                        sums.iter_mut().zip(partials).zip(&scales_b[block])
                    {
                        // Exact in `Fixed`, rounded once: what f32 would round twice.
                        *sum = partial.scaled_onto(*sum, PairScale::new(scale_a, *scale_b, wide));
                    }
                }
            }
            tile.rows
                .clone()
                .zip(&sums)
                .for_each(|(row, sums)| sink.take(row, index, RowSums::F32(sums)));
        }
    });
}

/// The sums of a block of a tile without scales.
fn partials(
    isa: Isa,
    tile: &TileA,
    k: Range<usize>,
    b: &[Lanes<f32>],
    exponent: Option<i32>,
) -> MicroTile<Partial> {
    if let Some(exponent) = exponent {
        return f64_sums(isa, tile, k, b).map(|sums| sums.map(|sum| integer(sum, exponent)));
    }
    let mut sums = [[[0.0; NR]; MR]];
    chain_f32_of(isa, tile.rows.len(), tile.at(k), &[b], &mut sums);
    sums[0].map(|sums| sums.map(Partial::Float))
}

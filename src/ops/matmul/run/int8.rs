//! Sums block by block as dot products of bytes: the same bits as chains of f32s, for elements
//! whose partial sums f32 holds.
//!
//! ```text
//! pack B       all panels of the work to bytes, four positions of a column together
//! for a chunk of KC_I8 positions
//!     for a pair of panels, 2 · NR columns     2 · KC_I8 · NR bytes, in L1 for all tiles
//!         for a tile of mr rows                mr words of A for every four positions, from L2
//!             micro-kernel                     i32 sums of a block in registers, then one fused
//!                                              multiply-add under the block's scales
//! ```

use crate::kernel::gemm::{KC, Lanes};
use crate::kernel::{AInt8, BInt8, positions};
use crate::mem::Aligned;
use crate::ops::matmul::codes::code_rows;
use crate::ops::matmul::panel::Data;
use crate::ops::matmul::plan::Int8;
use crate::ops::matmul::scratch::{PanelI8, RowScratch, WorkScratch};
use crate::ops::matmul::sums::{Sink, hand_over_f32s};
use crate::ops::matmul::work::{Columns, Work, chunks};
use core::ops::Range;

/// Positions of a chunk. They are bytes here, so a chunk has four times as many as one of f32s.
const KC_I8: usize = 4 * KC;

/// Makes the sums.
pub(super) fn run(work: &Work<'_>, int8: &Int8, scratch: &mut WorkScratch, sink: &mut dyn Sink) {
    let (depth, block_k) = (work.job.shape.k, int8.block_k);
    let quads_of_block = block_k.div_ceil(4);
    let WorkScratch { panels_i8, sums, codes, rows, scales, .. } = scratch;
    // Never shorter, so that memory of an earlier unit is kept.
    panels_i8.resize_with(work.columns.len().max(panels_i8.len()), PanelI8::default);
    for (columns, panel) in work.columns.iter().zip(&mut *panels_i8) {
        pack(work, int8, columns, (rows, codes, &mut scales[0]), panel);
    }
    let panels = &panels_i8[..work.columns.len()];
    work.clear(sums);
    for k in chunks(0..depth, block_k, KC_I8) {
        // A chunk is whole blocks, except at the end of K.
        let blocks = k.start / block_k..k.end.div_ceil(block_k);
        // A block begins at a quad of its own; the last of a row may be shorter.
        let quads = blocks.start * quads_of_block
            ..(blocks.end * quads_of_block).min(panels[0].b_i8x4.len());
        for (panels, sums) in panels.chunks(2).zip(sums.chunks_mut(work.tiles.len())) {
            let chunk_of_b = |panel| chunk_of(panel, &quads, &blocks, quads_of_block);
            // One panel or two; the last stands in for a second that is not there.
            let b = [&panels[0], &panels[panels.len() - 1]].map(chunk_of_b);
            let b = &b[..panels.len()];
            for (tile, sums) in work.tiles.iter().zip(sums) {
                // A has `mr` words a quad, and `mr` compensations and scales a block.
                let of = |range: &Range<usize>| range.start * tile.mr()..range.end * tile.mr();
                let (words, blocks) = (&tile.a_i8x4.words[of(&quads)], of(&blocks));
                let (compensation, scales) =
                    (&tile.a_i8x4.compensation[blocks.clone()], &tile.scales[blocks]);
                let a = AInt8 { words, compensation, scales };
                int8.dots.chain(tile.rows.len(), &a, b, sums);
            }
        }
    }
    hand_over_f32s(work.tiles, work.columns.len(), sums, sink);
}

/// A panel at some quads of positions, which are some blocks.
fn chunk_of<'a>(
    panel: &'a PanelI8,
    quads: &Range<usize>,
    blocks: &Range<usize>,
    quads_of_block: usize,
) -> BInt8<'a> {
    BInt8 {
        block_quads: quads_of_block,
        quads: &panel.b_i8x4[quads.clone()],
        scales: &panel.scales[blocks.clone()],
    }
}

/// Packs the integers of a panel, and its scales in the units of both sides.
fn pack(
    work: &Work<'_>,
    int8: &Int8,
    columns: &Columns<'_>,
    (memory, codes, scale_memory): (
        &mut RowScratch,
        &mut Aligned<Lanes<u8>>,
        &mut Aligned<Lanes<f32>>,
    ),
    to: &mut PanelI8,
) {
    let PanelI8 { b_i8x4, scales } = to;
    let (block_k, depth) = (int8.block_k, work.job.shape.k);
    // Whole blocks, then the rest of the row, each rounded up to quads.
    b_i8x4.resize(depth / block_k * block_k.div_ceil(4) + (depth % block_k).div_ceil(4));
    if let Some(panel) = columns.packed {
        match &panel.data {
            // Blocks of multiples of eight positions: pairs become bytes eight at a time.
            Data::Nibbles(pairs) if int8.is_whole(depth, 8) => {
                int8.dots.quads_of_nibbles(&int8.b, pairs, b_i8x4);
            }
            _ => {
                int8.dots.quads(
                    &int8.b,
                    &work.reader.codes(panel, codes)[..depth],
                    block_k,
                    b_i8x4,
                );
            }
        }
        let of_panel = panel.scales_by(block_k, depth, scale_memory);
        scales.resize(of_panel.len());
        scales.copy_from_slice(of_panel);
    } else {
        let (isa, whole) = (work.job.exec.isa(), int8.is_whole(depth, 4));
        // The machine makes quads of rows at once, if no block ends within a quad.
        let dots = int8.dots.of_rows().filter(|_| whole);
        let rows = code_rows(
            &columns.packer.operand,
            isa,
            columns.line,
            columns.rows,
            dots.is_some(),
            &mut memory.copies,
        );
        if let Some(dots) = dots {
            dots.quads(&int8.b, &rows, depth, b_i8x4);
        } else {
            codes.resize(depth);
            positions(isa, &rows.bytes, codes);
            int8.dots.quads(&int8.b, codes, block_k, b_i8x4);
        }
        columns.packer.scales(columns.line, columns.rows, block_k, scales);
    }
    // Sums are integers, in units of both sides' last places; exact, or an f32 scale with unit 1.
    let unit = int8.unit();
    scales.as_flattened_mut().iter_mut().for_each(|scale| *scale *= unit);
}

//! Pack A: tiles of 16 rows, as numbers or as words of four bytes, with the scales of their blocks.
//!
//! ```text
//! numbers[k · mr + row]       position after position: a micro-kernel broadcasts mr numbers a step
//! words[k / 4 · mr + row]     four integers of a row, for dot products of bytes
//! scales[block · mr + row]
//! ```
//!
//! A row is read whole, then scattered to every mr-th place: decoding wants rows, kernels columns.

use super::codes::code_rows;
use super::job::MatmulJob;
use super::operand::Operand;
use super::plan::{Int8, Plan};
use super::read::Reader;
use super::scales::ScaleReader;
use super::slices::Slicing;
use super::tile::TileA;
use crate::codec::Unpacked;
use crate::kernel::gemm::{MR, NR};
use crate::kernel::{AInt8Words, Isa, a_int8_words};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// All rows of A, packed for a plan.
#[derive(Debug)]
pub(super) struct PackedA {
    /// The tiles of each matrix.
    pub(super) tiles: Vec<Vec<TileA>>,
    /// For exact sums, how numbers are cut; `None` if that would be into too many slices.
    pub(super) slicing: Option<Slicing>,
}

/// Packs A once for the whole product. Every unit reads its MC rows again for each pair of panels,
/// from L2.
pub(super) fn pack_a(job: &MatmulJob<'_>, reader: &Reader, plan: &Plan) -> PackedA {
    // Only dot products of bytes read words.
    let int8 = if let Plan::Int8(int8) = plan { Some(int8) } else { None };
    let mut tiles = tiles(job, reader, int8, plan.block_k());
    // How numbers are cut depends on all of them.
    let slicing = if let Plan::Exact = plan { Slicing::new(&tiles, job.shape.k) } else { None };
    if let Some(slicing) = &slicing {
        let isa = job.exec.isa();
        tiles.iter_mut().for_each(|tiles| {
            job.exec.each(tiles.iter_mut().collect(), |tile| slicing.cut(tile, isa));
        });
    }
    PackedA { tiles, slicing }
}

/// The rows of each matrix in tiles; with the scales of blocks of `block_k` positions, and words of
/// integers, where a plan needs these.
pub(super) fn tiles(
    job: &MatmulJob<'_>,
    reader: &Reader,
    int8: Option<&Int8>,
    block_k: Option<usize>,
) -> Vec<Vec<TileA>> {
    let readers = (reader, ScaleReader::new(&job.a));
    let tiles = |matrix: usize| {
        // The first rows of tiles; each tile is packed on its own, on any thread.
        let starts = (0..job.shape.m).step_by(MR).collect();
        job.exec.map(starts, |start: usize| {
            tile(
                job,
                &readers,
                matrix * job.shape.m,
                start..(start + MR).min(job.shape.m),
                int8,
                block_k,
            )
        })
    };
    (0..job.a.batch()).map(tiles).collect()
}

/// Some rows of the matrix whose first line is `first`.
fn tile(
    job: &MatmulJob<'_>,
    (reader, scale_reader): &(&Reader, ScaleReader),
    first: usize,
    rows: Range<usize>,
    int8: Option<&Int8>,
    block_k: Option<usize>,
) -> TileA {
    let (operand, isa) = (&job.a, job.exec.isa());
    let mut tile = TileA { rows: rows.clone(), ..TileA::default() };
    let mr = tile.mr();
    if let Some(a_i8x4) =
        // Codes become words without numbers in between, where the machine and the blocks allow it.
        int8
            .and_then(|int8| a_i8x4_of_codes(int8, operand, isa, first + rows.start, rows.len()))
    {
        tile.a_i8x4 = a_i8x4;
    } else {
        // A row at a time, whose numbers go to one lane of every position.
        tile.numbers = vec![0.0; mr * operand.cols()];
        let mut row = vec![0.0; operand.cols()];
        for (lane, line) in rows.clone().enumerate() {
            reader.row(operand, first + line, &mut row);
            tile.numbers.iter_mut().skip(lane).step_by(mr).zip(&row).for_each(|(to, x)| *to = *x);
        }
        if let Some(int8) = int8 {
            tile.a_i8x4 = a_i8x4_of_numbers(int8, &tile, isa);
        }
    }
    if let Some(block_k) = block_k {
        // Scales of lanes beyond the last row stay 0, as their numbers do.
        tile.scales.resize(mr * operand.cols().div_ceil(block_k), 0.0);
        for (lane, line) in rows.enumerate() {
            scale_reader.row(
                operand,
                first + line,
                block_k,
                tile.scales.iter_mut().skip(lane).step_by(mr),
            );
        }
    }
    tile
}

/// The words of a tile of 16 rows from its codes, if the machine takes codes and blocks are whole
/// words.
fn a_i8x4_of_codes(
    int8: &Int8,
    operand: &Operand<'_>,
    isa: Isa,
    line: usize,
    rows: usize,
) -> Option<AInt8Words> {
    // Fewer rows would leave lanes without codes; a packed operand has panels, not rows.
    let fits = rows == MR && operand.packed().is_none() && int8.is_whole(operand.cols(), 4);
    let dots = int8.dots.of_rows().filter(|_| fits)?;
    let mut copies = [const { Vec::new() }; NR];
    let rows = code_rows(operand, isa, line, MR, true, &mut copies);
    Some(dots.words(&int8.a, int8.b.largest, &rows, operand.cols(), int8.block_k))
}

/// The words of a tile from its numbers.
pub(super) fn a_i8x4_of_numbers(int8: &Int8, tile: &TileA, isa: Isa) -> AInt8Words {
    // A multiple of 2^exponent, times this, is an integer.
    let unit = Unpacked::new(false, 1, -int8.a.exponent).to_f32();
    a_int8_words(isa, unit, int8.b.largest, tile.mr(), int8.block_k, &tile.numbers)
}

/// The words of a tile for B's codes in pairs: for every eight positions 0, 2, 4 and 6 in one word
/// and 1, 3, 5 and 7 in the next.
pub(super) fn a_i8x4_of_pairs(int8: &Int8, tile: &TileA, isa: Isa) -> AInt8Words {
    let (mut a_i8x4, mr) = (a_i8x4_of_numbers(int8, tile, isa), tile.mr());
    for two in a_i8x4.words.chunks_exact_mut(2 * mr) {
        // A byte of pairs has an even position in its low half and the next in its high half: a
        // register of low halves has the even positions of eight, one of high halves the odd.
        let (first, second) = two.split_at_mut(mr);
        for (first, second) in first.iter_mut().zip(second) {
            let [[a, b, c, d], [e, f, g, h]] = [*first, *second].map(u32::to_le_bytes);
            [*first, *second] = [[a, c, e, g], [b, d, f, h]].map(u32::from_le_bytes);
        }
    }
    a_i8x4
}

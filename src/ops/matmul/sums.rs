//! Sums of tiles: how they are kept, and where they go.

use super::tile::TileA;
use crate::kernel::gemm::{Lanes, MicroTile};
use crate::mma::Sum;

/// The sums of a row in the columns of a panel.
pub(super) enum RowSums<'a> {
    // By far the most products have f32 sums, which are handed over without a copy.
    F32(&'a Lanes<f32>),
    Any(&'a [Sum]),
}

/// Where sums go.
pub(super) trait Sink {
    /// Takes the sums of a row in the columns with an index.
    fn take(&mut self, row: usize, index: usize, sums: RowSums<'_>);
}

/// The sums of a tile in two panels; where the last pair has one panel, its second half is unused.
pub(super) type Pair<T> = [MicroTile<T>; 2];

/// Hands over the sums of tiles in panels by `give(sink, (row, index of the panel), sums)`, row by
/// row: those of neighbouring panels lie side by
/// side in the product. `sums` has all tiles for the first pair of panels, then all for the next.
pub(super) fn hand_over<T>(
    tiles: &[TileA],
    panels: usize,
    sums: &[Pair<T>],
    sink: &mut dyn Sink,
    give: impl Fn(&mut dyn Sink, (usize, usize), &Lanes<T>),
) {
    // Rows outside, panels inside: the order of the product in memory.
    for (tile, number) in tiles.iter().zip(0..) {
        for (i, row) in tile.rows.clone().enumerate() {
            for index in 0..panels {
                // Pair index / 2, tile `number`, half index % 2 of the pair, row i of the tile.
                let sums = &sums[index / 2 * tiles.len() + number][index % 2][i];
                give(sink, (row, index), sums);
            }
        }
    }
}

/// Hands over f32 sums.
pub(super) fn hand_over_f32s(
    tiles: &[TileA],
    panels: usize,
    sums: &[Pair<f32>],
    sink: &mut dyn Sink,
) {
    hand_over(tiles, panels, sums, sink, |sink, (row, index), sums| {
        sink.take(row, index, RowSums::F32(sums));
    });
}

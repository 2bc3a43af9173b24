//! [`WorkScratch`]: memory that a thread keeps from one unit of work to the next, and from one
//! product to the next in a workspace. Fresh memory costs more than what is done in it.

use super::panel::{PANELS_OF_UNIT, Panel};
use super::sums::Pair;
use crate::kernel::Quad;
use crate::kernel::gemm::{AlignedSide, Lanes, MR, MicroTile, NR, ROWS, Sixteens};
use crate::mem::Aligned;
use crate::mma::{BlockScales, Sum};
use alloc::vec::Vec;

/// The integers of a panel and its scales, for dot products of bytes.
#[derive(Default)]
pub(super) struct PanelI8 {
    pub(super) b_i8x4: Aligned<Quad>,
    pub(super) scales: Aligned<Lanes<f32>>,
}

/// Memory for rows on their way from an operand to a panel or a tile.
#[derive(Default)]
pub(super) struct RowScratch {
    /// Codes of rows, one a byte.
    pub(super) copies: [Vec<u8>; NR],
    /// Codes of rows, two a byte.
    pub(super) pairs: [Vec<u8>; NR],
    /// Codes of one row, one a byte.
    pub(super) codes: Vec<u8>,
    /// Numbers of one row.
    pub(super) numbers: Vec<f32>,
}

/// Memory for sums that are made element by element, or in fixed point.
#[derive(Default)]
pub(super) struct StepScratch {
    /// Numbers of a row of A, and of up to 16 rows of B.
    pub(super) a: Vec<f32>,
    pub(super) b: Vec<f32>,
    /// The blocks of a row of A and a row of B.
    pub(super) blocks: Vec<BlockScales>,
    /// The sums of a row in a panel.
    pub(super) sums: Vec<Sum>,
    /// Sums that the steps of the model made since the product began.
    pub(super) count: usize,
    /// Slices of B, one after another, and the sums of pairs of slices.
    pub(super) slices: Vec<f32>,
    pub(super) partials: Vec<MicroTile<f64>>,
}

/// Memory for the sums of matrix units.
#[derive(Default)]
pub(super) struct AlignedScratch {
    /// Four rows of A, and the columns of two panels, of a chunk of K.
    pub(super) a: AlignedSide<ROWS>,
    pub(super) b: [AlignedSide<NR>; 2],
    /// Exponents of scales of the same, group by group.
    pub(super) scales_a: Vec<[i32; ROWS]>,
    pub(super) scales_b: [Vec<Lanes<i32>>; 2],
    /// Sums of sixteen: which products are zero, and scales.
    pub(super) sixteens_a: Sixteens<ROWS>,
    pub(super) sixteens_b: [Sixteens<NR>; 2],
    /// Which rows and columns have numbers that the kernel leaves to the steps of the model: a
    /// flag for each row of each tile, for each column of each panel.
    pub(super) marked_a: Vec<[u32; MR]>,
    pub(super) marked_b: Vec<[u32; NR]>,
}

/// Memory for sums by dot-product instructions of the processor.
#[derive(Default)]
pub(super) struct WordScratch {
    /// The words of each tile, and those of two panels, of a chunk of K.
    pub(super) a: Vec<Vec<Lanes<u32>>>,
    pub(super) b: [Vec<Lanes<u32>>; 2],
    /// The bits of sums.
    pub(super) sums: Vec<Pair<u32>>,
}

/// Memory of a thread.
#[derive(Default)]
pub(super) struct WorkScratch {
    pub(super) rows: RowScratch,
    /// Panels that are packed for a unit.
    pub(super) panels: Vec<Panel>,
    /// Numbers of the panels of a pair.
    pub(super) numbers: [Aligned<Lanes<f32>>; 2],
    pub(super) codes: Aligned<Lanes<u8>>,
    pub(super) panels_i8: Vec<PanelI8>,
    /// Scales of panels, cut to the blocks of a sum.
    pub(super) scales: [Aligned<Lanes<f32>>; PANELS_OF_UNIT],
    /// For every two panels the sums of all tiles.
    pub(super) sums: Vec<Pair<f32>>,
    /// Their partial sums in a block, or f64 sums.
    pub(super) partials: Vec<Pair<f32>>,
    pub(super) sums_f64: Vec<Pair<f64>>,
    pub(super) steps: StepScratch,
    pub(super) aligned: AlignedScratch,
    pub(super) words: WordScratch,
}

//! The shape of a micro-tile and the packed pieces that micro-kernels work on, in BLIS's terms.
//!
//! ```text
//! MR × NR = 16 × 16 sums of C    a micro-tile: 16 AVX-512 registers, or two halves of AVX2's
//! KC × NR = 128 × 16 of B        a panel chunk: 8 KiB of f32s in L1
//! MR × KC = 16 × 128 of A        a packed tile chunk: 8 KiB; all tiles together in L2
//! ```
//!
//! K index: operands are packed k by k, `Lanes` (16 columns) for B and `height(rows)` numbers for
//! A. A *quad* is four bytes of each of 16 rows or columns, 64 bytes: one AVX-512 register.

/// NR: columns of a micro-tile, across the lanes of registers.
pub(crate) const NR: usize = 16;

/// MR: rows of a micro-tile at most. Micro-kernels exist for the heights that [`height`] returns.
pub(crate) const MR: usize = 16;

/// KC: the stretch of K that all tiles go through before the next one. KC · NR numbers of a panel
/// of B, 8 KiB, stay in L1; those of all tiles of A stay in L2.
pub(crate) const KC: usize = 128;

/// One value for each of the 16 columns of a panel.
pub(crate) type Lanes<T> = [T; NR];

/// Returns the height of the micro-kernel for `rows` rows: 1, 2, 4, 8 or 16.
pub(crate) const fn height(rows: usize) -> usize {
    match rows {
        0..=1 => 1,
        2 => 2,
        3..=4 => 4,
        5..=8 => 8,
        _ => MR,
    }
}

/// Calls `function::<R, N>(first row, …)` for groups of N rows that cover the R rows of a tile. N
/// is as many rows as have their sums in registers: a row of 16 sums is two of AVX2's 16 registers,
/// or four of the 32 of 128 bits that other targets have.
macro_rules! by_rows {
    ($rows:expr, $function:ident($($argument:expr),*)) => {
        match $rows {
            // 6 rows are 12 AVX2 registers of sums, which leaves 4 for B and the broadcast of A.
            16 => {
                $function::<$rows, 6>(0, $($argument),*);
                $function::<$rows, 5>(6, $($argument),*);
                $function::<$rows, 5>(11, $($argument),*);
            }
            // 4 rows are 8 independent chains, enough to hide the latency of FMA.
            8 => {
                $function::<$rows, 4>(0, $($argument),*);
                $function::<$rows, 4>(4, $($argument),*);
            }
            _ => $function::<$rows, $rows>(0, $($argument),*),
        }
    };
}
pub(in crate::kernel) use by_rows;

/// The blocks of K of a micro-tile, with the scales of A and B.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocks<'a> {
    /// The length of a block along K; the last may be shorter.
    pub(crate) block_k: usize,
    /// The scales of the tile's rows, `height(rows)` for each block.
    pub(crate) rows: &'a [f32],
    /// Whether a scale of a row may differ from 1.
    pub(crate) rows_scaled: bool,
    /// The scales of the columns, one row of lanes for each block.
    pub(crate) cols: &'a [Lanes<f32>],
}

/// The sums of a micro-tile of full height.
pub(crate) type MicroTile<T> = [Lanes<T>; MR];

/// Four bytes of each of 16 rows or columns, the four of one together.
pub(crate) type Quad = [u8; 4 * NR];

/// Rows of codes before they are packed: 16 rows of an operand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodeRows<'a> {
    /// The bytes of each row.
    pub(crate) bytes: [&'a [u8]; NR],
    /// Whether a byte holds two codes, the first in the low half.
    pub(crate) paired: bool,
}

/// Returns the first N bytes, with zeros behind the last.
#[inline(always)]
pub(in crate::kernel) fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    // The copy of a whole chunk is one load; only the end of a row takes the other branch.
    bytes.first_chunk().copied().unwrap_or_else(|| {
        let mut padded = [0; N];
        padded[..bytes.len()].copy_from_slice(bytes);
        padded
    })
}

/// Continues chains of f64 sums. AVX2 runs this loop too, compiled for it: the compiler fills its
/// registers well.
#[inline(always)]
pub(in crate::kernel) fn double_body<const R: usize>(
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f64>; R],
) {
    for (a, b) in a.iter().zip(b) {
        for (acc, a) in acc.iter_mut().zip(a) {
            // The product of two f32s is exact in f64, so this rounds once.
            acc.iter_mut().zip(b).for_each(|(acc, b)| *acc += f64::from(*a) * f64::from(*b));
        }
    }
}

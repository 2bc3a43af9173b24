//! What a tile of a matrix product is, and the pieces that kernels work on.

/// Columns of a tile, across the lanes of registers: BLIS's NR.
pub(crate) const NR: usize = 16;

/// Rows of a tile at most: BLIS's MR. Kernels are made for the heights that [`height`] returns.
pub(crate) const MR: usize = 16;

/// Positions along *k* that all tiles go through before the next ones, BLIS's KC: KC · NR numbers
/// of a panel of B, 8 KiB, stay in the first-level cache, those of all tiles of A in the second.
pub(crate) const KC: usize = 128;

/// One number for each column.
pub(crate) type Lanes<T> = [T; NR];

/// The height of the kernel for so many rows.
pub(crate) const fn height(rows: usize) -> usize {
    match rows {
        0..=1 => 1,
        2 => 2,
        3..=4 => 4,
        5..=8 => 8,
        _ => MR,
    }
}

/// Runs a function for all rows of a tile, with the first of them, as many at a time as have their
/// sums in registers: two each of AVX2's 16, four of the 32 that others have of 128 bits.
macro_rules! by_rows {
    ($rows:expr, $function:ident($($argument:expr),*)) => {
        match $rows {
            16 => {
                $function::<$rows, 6>(0, $($argument),*);
                $function::<$rows, 5>(6, $($argument),*);
                $function::<$rows, 5>(11, $($argument),*);
            }
            8 => {
                $function::<$rows, 4>(0, $($argument),*);
                $function::<$rows, 4>(4, $($argument),*);
            }
            _ => $function::<$rows, $rows>(0, $($argument),*),
        }
    };
}
pub(in crate::kernel) use by_rows;

/// Blocks of positions with scales of A and of B, whose products are f32s.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocks<'a> {
    /// Positions of a block; the last may be shorter.
    pub(crate) block_k: usize,
    /// For each block the scales of the tile's rows, `height(rows)` of them.
    pub(crate) rows: &'a [f32],
    /// Whether those may be other than 1.
    pub(crate) rows_scaled: bool,
    /// For each block the scales of the columns.
    pub(crate) cols: &'a [Lanes<f32>],
}

/// Sums of a tile.
pub(crate) type MicroTile<T> = [Lanes<T>; MR];

/// Four bytes of each of 16 rows, those of a row together.
pub(crate) type Quad = [u8; 4 * NR];

/// Codes of 16 rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodeRows<'a> {
    pub(crate) bytes: [&'a [u8]; NR],
    /// Two to a byte, the first in the low half; else one.
    pub(crate) paired: bool,
}

/// The first bytes; behind the last are zeros.
#[inline(always)]
pub(in crate::kernel) fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or_else(|| {
        let mut padded = [0; N];
        padded[..bytes.len()].copy_from_slice(bytes);
        padded
    })
}

/// Chains of f64 sums; an instruction set whose registers the compiler fills by itself runs this
/// loop too.
#[inline(always)]
pub(in crate::kernel) fn double_body<const R: usize>(
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f64>; R],
) {
    for (a, b) in a.iter().zip(b) {
        for (acc, a) in acc.iter_mut().zip(a) {
            acc.iter_mut().zip(b).for_each(|(acc, b)| *acc += f64::from(*a) * f64::from(*b));
        }
    }
}

//! Rows of bytes to columns.

use super::gemm::{LANES, Lanes};
use super::isa::Isa;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::x86_columns;

/// Codes of 16 rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CodeRows<'a> {
    pub(crate) bytes: [&'a [u8]; LANES],
    /// Two to a byte, the first in the low half; else one.
    pub(crate) paired: bool,
}

/// Rows of as many bytes as there are positions, position by position.
pub(crate) fn positions(isa: Isa, rows: &[&[u8]; LANES], positions: &mut [Lanes<u8>]) {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    if isa.is_avx512() {
        // SAFETY: an `Isa` of this kind is made only after its instructions were detected.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        return unsafe { x86_columns::positions(rows, positions) };
    }
    let _ = isa;
    let (squares, last) = positions.as_chunks_mut::<LANES>();
    for (index, to) in squares.iter_mut().enumerate() {
        let mut square = [[0; LANES]; LANES];
        for (to, row) in square.iter_mut().zip(rows) {
            to.copy_from_slice(&row[index * LANES..][..LANES]);
        }
        *to = interleaved(interleaved(interleaved(interleaved(square))));
    }
    let start = squares.len() * LANES;
    for (k, to) in last.iter_mut().enumerate() {
        *to = rows.map(|row| row[start + k]);
    }
}

/// Each row of the first half by turns with one of the second: four times over, rows are columns. Written so that compilers find what a machine has for it.
#[inline(always)]
fn interleaved(rows: [Lanes<u8>; LANES]) -> [Lanes<u8>; LANES] {
    const HALF: usize = LANES / 2;
    let mut by_turns = [[0; LANES]; LANES];
    for i in 0..HALF {
        let byte = |half: usize, k: usize| rows[i + k % 2 * HALF][half * HALF + k / 2];
        by_turns[2 * i] = core::array::from_fn(|k| byte(0, k));
        by_turns[2 * i + 1] = core::array::from_fn(|k| byte(1, k));
    }
    by_turns
}

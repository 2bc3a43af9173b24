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
    for (index, square) in squares.iter_mut().enumerate() {
        let start = index * LANES;
        let from: [Lanes<u8>; LANES] = rows.map(|row| row[start..].first_chunk().copied().unwrap_or_default());
        for (k, to) in square.iter_mut().enumerate() {
            *to = core::array::from_fn(|lane| from[lane][k]);
        }
    }
    let start = squares.len() * LANES;
    for (k, to) in last.iter_mut().enumerate() {
        *to = rows.map(|row| row[start + k]);
    }
}

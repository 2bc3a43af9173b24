//! Packing of codes: 16 rows of bytes, each along K, to 16 lanes for each k.
//!
//! [`positions`] writes, for each k, the 16 bytes of a column; [`quads`] writes four k of each row
//! together, as byte dot products read them. A 16 × 16 square of bytes is transposed by four
//! rounds of interleaving the first half of its rows with the second: row r of the square is then
//! column r. Squares are 256 bytes, sixteen SSE registers.

use super::intrinsics::GemmIntrinsics;
use super::tile::{Lanes, NR, Quad, padded};
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};
use bytemuck::must_cast;

/// Transposes rows of bytes: `positions[k][row] = rows[row][k]`, for every k of `positions`.
pub(crate) fn positions(isa: Isa, rows: &[&[u8]; NR], positions: &mut [Lanes<u8>]) {
    if Native::positions(isa, rows, positions) {
        return;
    }
    // Whole squares of 16 k by vectors; the end of K byte by byte.
    let (squares, last) = positions.as_chunks_mut::<NR>();
    for (index, to) in squares.iter_mut().enumerate() {
        // 16 loads of 16 bytes, one from each row.
        let mut square = [[0; NR]; NR];
        for (to, row) in square.iter_mut().zip(rows) {
            to.copy_from_slice(&row[index * NR..][..NR]);
        }
        *to = interleaved(interleaved(interleaved(interleaved(square))));
    }
    let start = squares.len() * NR;
    for (k, to) in last.iter_mut().enumerate() {
        *to = rows.map(|row| row[start + k]);
    }
}

/// Writes quads: bytes 4q to 4q + 3 of each row, with zeros behind the last byte.
pub(crate) fn quads(isa: Isa, rows: &[&[u8]; NR], quads: &mut [Quad]) {
    if Native::quads(isa, rows, quads) {
        return;
    }
    for (quad, start) in quads.iter_mut().zip((0..).step_by(4)) {
        // 16 loads of 32 bits, and no arithmetic.
        *quad = must_cast(rows.map(|row| padded::<4>(&row[start..])));
    }
}

/// Writes eight rows of codes from each quad of 4-bit codes.
#[inline(always)]
fn unpack_quads_body(quads: &[Quad], codes: &mut [Lanes<u8>]) {
    for (codes, quad) in codes.as_chunks_mut::<8>().0.iter_mut().zip(quads) {
        for (byte, [low, high]) in codes.as_chunks_mut().0.iter_mut().enumerate() {
            // Byte j of a column holds its codes 2j and 2j + 1.
            let pairs: Lanes<u8> = core::array::from_fn(|lane| quad[4 * lane + byte]);
            *low = pairs.map(|pair| pair & 15);
            *high = pairs.map(|pair| pair >> 4);
        }
    }
}

per_isa! {
    /// Unpacks quads of 4-bit codes, eight of each row in a quad, the first of a byte in its low
    /// bits, to one byte for each code, k by k.
    fn unpack_quads[](quads: &[Quad], codes: &mut [Lanes<u8>]) = unpack_quads_body;
}

/// Interleaves each row of the first half with the matching row of the second. Four rounds
/// transpose a square of 16. The index pattern is one that compilers turn into unpack or zip
/// instructions.
#[inline(always)]
fn interleaved(rows: [Lanes<u8>; NR]) -> [Lanes<u8>; NR] {
    const HALF: usize = NR / 2;
    let mut by_turns = [[0; NR]; NR];
    for i in 0..HALF {
        let byte = |half: usize, k: usize| rows[i + k % 2 * HALF][half * HALF + k / 2];
        by_turns[2 * i] = core::array::from_fn(|k| byte(0, k));
        by_turns[2 * i + 1] = core::array::from_fn(|k| byte(1, k));
    }
    by_turns
}

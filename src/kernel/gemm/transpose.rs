//! Rows of bytes to columns.

use super::intrinsics::GemmIntrinsics;
use super::tile::{Lanes, NR, Quad, padded};
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};
use bytemuck::must_cast;

/// Rows of as many bytes as there are positions, position by position.
pub(crate) fn positions(isa: Isa, rows: &[&[u8]; NR], positions: &mut [Lanes<u8>]) {
    if Native::positions(isa, rows, positions) {
        return;
    }
    let (squares, last) = positions.as_chunks_mut::<NR>();
    for (index, to) in squares.iter_mut().enumerate() {
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

/// Rows of bytes four at a time; behind the last are zeros.
pub(crate) fn quads(isa: Isa, rows: &[&[u8]; NR], quads: &mut [Quad]) {
    if Native::quads(isa, rows, quads) {
        return;
    }
    for (quad, start) in quads.iter_mut().zip((0..).step_by(4)) {
        *quad = must_cast(rows.map(|row| padded::<4>(&row[start..])));
    }
}

#[inline(always)]
fn unpack_quads_body(quads: &[Quad], codes: &mut [Lanes<u8>]) {
    for (codes, quad) in codes.as_chunks_mut::<8>().0.iter_mut().zip(quads) {
        for (byte, [low, high]) in codes.as_chunks_mut().0.iter_mut().enumerate() {
            let pairs: Lanes<u8> = core::array::from_fn(|lane| quad[4 * lane + byte]);
            *low = pairs.map(|pair| pair & 15);
            *high = pairs.map(|pair| pair >> 4);
        }
    }
}

per_isa! {
    /// Codes of 4 bits, eight of each row in a quad, the first of a byte in its low bits, to codes
    /// position by position.
    fn unpack_quads[](quads: &[Quad], codes: &mut [Lanes<u8>]) = unpack_quads_body;
}

/// Each row of the first half by turns with one of the second: four times over, rows are columns.
/// Written so that compilers find what a machine has for it.
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

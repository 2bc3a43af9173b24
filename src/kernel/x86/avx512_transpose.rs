//! Packing of codes in AVX-512 intrinsics: 16 rows of bytes to columns. Safe functions, entered
//! after detection.
//!
//! 64 bytes of each of 16 rows are 16 registers of 16 words. Transposing the words gives 16
//! registers that each hold four bytes of every row: the quads. For one byte of every row, a byte shuffle and a permute of words follow. All of it is
//! in registers.

use super::avx512_square::transpose;
use crate::kernel::gemm::{Lanes, NR, Quad, padded};
use bytemuck::must_cast;
use core::arch::x86_64::{__m512i, _mm512_permutexvar_epi32, _mm512_shuffle_epi8};

/// Calls `take` with quads, four bytes of each row, one after the other; behind the last byte are
/// zeros.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn columns(rows: &[&[u8]; NR], mut take: impl FnMut(__m512i)) {
    let length = rows[0].len();
    for start in (0..length).step_by(64) {
        let square: [__m512i; NR] =
            core::array::from_fn(|lane| must_cast(padded::<64>(&rows[lane][start..])));
        let columns = transpose(square);
        // The last square has as many quads as there are bytes left.
        let count = (length - start).div_ceil(4).min(NR);
        columns[..count].iter().for_each(|column| take(*column));
    }
}

/// Writes quads, four bytes of each row; behind the last byte are zeros.
#[target_feature(enable = "avx512f")]
pub(super) fn quads(rows: &[&[u8]; NR], quads: &mut [Quad]) {
    let mut quads = quads.iter_mut();
    columns(rows, |column| quads.by_ref().take(1).for_each(|quad| *quad = must_cast(column)));
}

/// Transposes rows of bytes to one row of 16 bytes for each k.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn positions(rows: &[&[u8]; NR], mut positions: &mut [Lanes<u8>]) {
    // In each quarter: the first bytes of four rows, then the second bytes, and so on.
    const BYTES: [[u8; 16]; 4] = [[0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]; 4];
    // The first words of all quarters, then the second words: bytes of 16 rows side by side.
    const WORDS: [u32; 16] = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];
    let (bytes, words): (__m512i, __m512i) = (must_cast(BYTES), must_cast(WORDS));
    columns(rows, |column| {
        let rows_of_k: [Lanes<u8>; 4] =
            must_cast(_mm512_permutexvar_epi32(words, _mm512_shuffle_epi8(column, bytes)));
        let count = positions.len().min(4);
        let to = positions.split_off_mut(..count).unwrap_or_default();
        match to.first_chunk_mut() {
            Some(to) => *to = rows_of_k,
            None => to.copy_from_slice(&rows_of_k[..count]),
        }
    });
}

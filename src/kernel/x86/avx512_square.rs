//! A square of 16 × 16 words of 32 bits in AVX-512 registers: transposed, and its rows folded.
//!
//! A transposition is four steps, two within quarters of registers and two across. Folding the rows
//! of a square in order (a sum whose order of additions is given) takes the transposed square: one
//! vector operation then does one step of 16 folds, instead of 16 folds that each wait for
//! themselves.

use crate::kernel::block::Fold;
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m512, __m512i, _mm512_add_ps, _mm512_max_ps, _mm512_shuffle_i32x4, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

/// Transposes a square of 16 × 16 words of 32 bits.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn transpose(rows: [__m512i; 16]) -> [__m512i; 16] {
    // Interleave two rows by words, then two results by pairs of words: each vector then holds, in
    // every quarter, one column of four rows.
    let pairs: [__m512i; 16] = core::array::from_fn(|i| {
        let (a, b) = (rows[i / 4 * 4 + i % 2 * 2], rows[i / 4 * 4 + i % 2 * 2 + 1]);
        if i % 4 < 2 { _mm512_unpacklo_epi32(a, b) } else { _mm512_unpackhi_epi32(a, b) }
    });
    let fours: [__m512i; 16] = core::array::from_fn(|i| {
        let (a, b) = (pairs[i / 4 * 4 + i % 4 / 2 * 2], pairs[i / 4 * 4 + i % 4 / 2 * 2 + 1]);
        if i % 2 == 0 { _mm512_unpacklo_epi64(a, b) } else { _mm512_unpackhi_epi64(a, b) }
    });
    // Column 4q + c is quarter q of the vectors with index c in the groups of rows 0, 4, 8 and 12.
    let halves = |a: usize, b: usize, c: usize| {
        (
            _mm512_shuffle_i32x4::<0x44>(fours[a + c], fours[b + c]),
            _mm512_shuffle_i32x4::<0xEE>(fours[a + c], fours[b + c]),
        )
    };
    let mut columns = [rows[0]; 16];
    for c in 0..4 {
        let ((low, high), (low_rest, high_rest)) = (halves(0, 4, c), halves(8, 12, c));
        columns[c] = _mm512_shuffle_i32x4::<0x88>(low, low_rest);
        columns[4 + c] = _mm512_shuffle_i32x4::<0xDD>(low, low_rest);
        columns[8 + c] = _mm512_shuffle_i32x4::<0x88>(high, high_rest);
        columns[12 + c] = _mm512_shuffle_i32x4::<0xDD>(high, high_rest);
    }
    columns
}

/// Folds the terms of each block into its result, in order, and returns how many blocks it did: all,
/// a last shorter one included, or none. Terms are from +0 up or NaN, so that a term of +0
/// behind the last of a block changes nothing.
#[target_feature(enable = "avx512f")]
pub(super) fn fold_blocks(fold: Fold, terms: &[f32], length: usize, results: &mut [f32]) -> usize {
    let step = |result: __m512, terms: __m512| match fold {
        Fold::Sum => _mm512_add_ps(result, terms),
        // Where one of the two is NaN the instruction gives the second: the result so far.
        Fold::Largest => _mm512_max_ps(terms, result),
    };
    // Few blocks leave the square mostly empty.
    if !length.is_multiple_of(16) || results.len() < 4 {
        return 0;
    }
    for (terms, results) in terms.chunks(16 * length).zip(results.chunks_mut(16)) {
        let mut folded = [0.0f32; 16];
        folded[..results.len()].copy_from_slice(results);
        let mut folded: __m512 = must_cast(folded);
        for column in (0..length).step_by(16) {
            let square: [__m512i; 16] = if terms.len() == 16 * length {
                core::array::from_fn(|row| {
                    let row = &terms[row * length + column..];
                    must_cast(*row.first_chunk::<16>().expect("whole blocks"))
                })
            } else {
                core::array::from_fn(|row| {
                    // A block that ends within the vector, or before it, has zeros behind its end.
                    let end = ((row + 1) * length).min(terms.len());
                    let row = terms.get(row * length + column..end).unwrap_or_default();
                    let mut padded = [0.0f32; 16];
                    let count = row.len().min(16);
                    padded[..count].copy_from_slice(&row[..count]);
                    must_cast(padded)
                })
            };
            folded = transpose(square)
                .into_iter()
                .fold(folded, |folded, terms| step(folded, must_cast(terms)));
        }
        let folded: [f32; 16] = must_cast(folded);
        results.copy_from_slice(&folded[..results.len()]);
    }
    results.len()
}

//! Loops over blocks in AVX-512 intrinsics, where the compiler does not find the shuffles. They are safe functions, entered after detection;
//! loads and stores go through arrays.

use bytemuck::must_cast;
use core::arch::x86_64::{
    __m512i, _mm512_and_si512, _mm512_max_epu32, _mm512_set1_epi32, _mm512_shuffle_i32x4, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

/// Of 16 vectors the largest lane of each, in order: a transposition that takes maxima on the way.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn largest_of_each(vectors: &[__m512i; 16]) -> __m512i {
    let pairs: [__m512i; 8] = core::array::from_fn(|i| {
        let (a, b) = (vectors[2 * i], vectors[2 * i + 1]);
        _mm512_max_epu32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b))
    });
    let fours: [__m512i; 4] = core::array::from_fn(|i| {
        let (a, b) = (pairs[2 * i], pairs[2 * i + 1]);
        _mm512_max_epu32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b))
    });
    // Now lane i of each quarter belongs to vector i of its four.
    let quarters = |a, b| _mm512_max_epu32(_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xDD>(a, b));
    quarters(quarters(fours[0], fours[1]), quarters(fours[2], fours[3]))
}

/// For each block of `16 · V` numbers the largest magnitude, as its bits, of its numbers and one before; returns how many blocks it did.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn block_amax<const V: usize>(src: &[f32], amax: &mut [u32]) -> usize {
    let mask = _mm512_set1_epi32(i32::MAX);
    let (vectors, _) = src.as_chunks::<16>();
    let (blocks, _) = vectors.as_chunks::<V>();
    let (groups, _) = blocks.as_chunks::<16>();
    let (to, _) = amax.as_chunks_mut::<16>();
    for (group, to) in groups.iter().zip(to.iter_mut()) {
        let largest = |block: &[[f32; 16]; V]| {
            let magnitude = |numbers: &[f32; 16]| _mm512_and_si512(must_cast(*numbers), mask);
            block[1..].iter().fold(magnitude(&block[0]), |largest, numbers| _mm512_max_epu32(largest, magnitude(numbers)))
        };
        let each = largest_of_each(&core::array::from_fn(|i| largest(&group[i])));
        *to = must_cast(_mm512_max_epu32(each, must_cast(*to)));
    }
    16 * groups.len().min(to.len())
}

//! Byte dot products in AVX2 intrinsics, 8 columns at a time: safe functions, entered after
//! detection.
//!
//! ```text
//! for each half of the 16 columns:
//!     for each block of K:
//!         i32[row] = compensation[row]
//!         for each stretch of `quads` quads:               // what an i16 holds
//!             i16[row] += maddubs(b_i8x4, a_i8x4[row])     // pairs of products
//!             i32[row] += madd(i16[row], 1)                // pairs of i16s
//!         f32[row] += f32(i32[row]) · (scale_a · scale_b)
//! ```
//!
//! `vpmaddubsw` saturates, so `quads` is chosen from the largest integers of both formats. Up to 8
//! rows their i16 sums fill half of the 16 registers; a tile of 16 rows is two passes.

use crate::kernel::gemm::{AInt8, BInt8, Lanes, Quad, SmallIntegers, by_fours};
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m256, __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_and_si256, _mm256_blendv_epi8,
    _mm256_cvtepi32_ps, _mm256_fmadd_ps, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps,
    _mm256_permute2x128_si256, _mm256_permute4x64_epi64, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_shuffle_ps, _mm256_slli_epi16, _mm256_srli_epi16, _mm256_unpackhi_epi8,
    _mm256_unpacklo_epi8, _mm256_xor_si256,
};

/// The map from codes to raised integers, as shuffles.
#[derive(Clone, Copy)]
pub(super) enum ShuffleTable {
    /// Codes are 8-bit integers: flipping the top bit raises them by 128.
    None,
    /// Codes have at most 4 bits: one shuffle.
    One(__m256i),
    /// Codes have 5 or 6 bits: one shuffle for each value of the bits above the low 4, then blends.
    Four([__m256i; 4]),
}

impl ShuffleTable {
    /// Returns the shuffles for a format, in registers.
    pub(super) fn new(integers: &SmallIntegers) -> Self {
        let Some(table) = integers.table else { return Self::None };
        let parts = must_cast::<[u8; 64], [[u8; 16]; 4]>(table);
        let tables = parts.map(|part| must_cast([part; 2]));
        // Codes of at most 4 bits repeat every 16 entries.
        if parts.iter().all(|part| *part == parts[0]) {
            Self::One(tables[0])
        } else {
            Self::Four(tables)
        }
    }

    /// Returns the raised integers of 32 codes; bits above a code are ignored.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn integers(&self, codes: __m256i) -> __m256i {
        // A shuffle looks up by the low 4 bits of a byte, and gives 0 where bit 7 is set: clear it.
        let low = |bits| _mm256_and_si256(codes, _mm256_set1_epi8(bits));
        match self {
            Self::None => _mm256_xor_si256(codes, _mm256_set1_epi8(i8::MIN)),
            Self::One(table) => _mm256_shuffle_epi8(*table, low(15)),
            Self::Four(tables) => {
                let codes = low(63);
                // A blend chooses by bit 7 of a byte: bits 4 and 5 of the code are shifted there.
                let (fifth, sixth) = (_mm256_slli_epi16::<3>(codes), _mm256_slli_epi16::<2>(codes));
                let by_fifth = |[a, b]: [__m256i; 2]| {
                    _mm256_blendv_epi8(
                        _mm256_shuffle_epi8(a, codes),
                        _mm256_shuffle_epi8(b, codes),
                        fifth,
                    )
                };
                let [a, b, c, d] = *tables;
                _mm256_blendv_epi8(by_fifth([a, b]), by_fifth([c, d]), sixth)
            }
        }
    }
}

/// Writes quads of raised integers from codes given k by k, in blocks of `block_k`.
#[target_feature(enable = "avx2")]
pub(super) fn quads(
    integers: &SmallIntegers,
    codes: &[Lanes<u8>],
    block_k: usize,
    quads: &mut [Quad],
) {
    // Within 16 bytes: two k of four columns, then the other two k of them, to four k of each
    // column.
    const TWOS: [[u8; 16]; 2] = [[0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15]; 2];
    let (table, twos) = (ShuffleTable::new(integers), must_cast::<_, __m256i>(TWOS));
    let quad = |rows: &[Lanes<u8>; 4]| {
        let [a, b]: [__m256i; 2] = must_cast(*rows);
        let (a, b) = (table.integers(a), table.integers(b));
        // A transposition of 4 rows by 16 columns of bytes: rows k and k + 2 side by side, k + 1
        // and k + 3 side by side, interleaved by bytes, then ordered by columns.
        let (even, odd) =
            (_mm256_permute2x128_si256::<0x20>(a, b), _mm256_permute2x128_si256::<0x31>(a, b));
        let (low, high) = (_mm256_unpacklo_epi8(even, odd), _mm256_unpackhi_epi8(even, odd));
        let (low, high) =
            (_mm256_permute4x64_epi64::<0xD8>(low), _mm256_permute4x64_epi64::<0xD8>(high));
        must_cast([_mm256_shuffle_epi8(low, twos), _mm256_shuffle_epi8(high, twos)])
    };
    by_fours(codes, block_k, quads, quad);
}

/// Writes quads of raised integers from quads of 4-bit codes: two for each, or one for the last.
#[target_feature(enable = "avx2")]
pub(super) fn quads_of_nibbles(integers: &SmallIntegers, pairs: &[Quad], quads: &mut [Quad]) {
    let table = ShuffleTable::new(integers);
    for (pairs, quads) in pairs.iter().zip(quads.chunks_mut(2)) {
        let mut both = [[_mm256_setzero_si256(); 2]; 2];
        for (half, pairs) in must_cast::<Quad, [__m256i; 2]>(*pairs).into_iter().enumerate() {
            let (even, odd) =
                (table.integers(pairs), table.integers(_mm256_srli_epi16::<4>(pairs)));
            // The eight k of two columns, and of the next two.
            let (a, b) = (
                must_cast(_mm256_unpacklo_epi8(even, odd)),
                must_cast(_mm256_unpackhi_epi8(even, odd)),
            );
            // 32-bit words 0 and 2 are the first four k of a column, 1 and 3 the last four.
            both[0][half] = must_cast(_mm256_shuffle_ps::<0x88>(a, b));
            both[1][half] = must_cast(_mm256_shuffle_ps::<0xDD>(a, b));
        }
        quads.iter_mut().zip(both).for_each(|(to, quad)| *to = must_cast(quad));
    }
}

/// Adds the sums of all blocks, `acc + sum · (scale_a · scale_b)`, fused, for R rows by one
/// panel. An i16 holds the sums of `quads` quads.
#[target_feature(enable = "avx2,fma")]
pub(super) fn chain<const R: usize>(
    quads: usize,
    a: &AInt8<'_>,
    b: &BInt8<'_>,
    acc: &mut [Lanes<f32>; R],
) {
    // 16 rows of i16 and i32 sums exceed the 16 registers: two passes of 8.
    if R > 8 {
        acc.as_chunks_mut()
            .0
            .iter_mut()
            .enumerate()
            .for_each(|(half, acc)| rows::<8, 2>(half, quads, a, b, acc));
    } else {
        rows::<R, 1>(0, quads, a, b, acc);
    }
}

/// Adds the sums of R rows, which are part `part` of the `PARTS · R` rows that A is packed for.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn rows<const R: usize, const PARTS: usize>(
    part: usize,
    quads: usize,
    a: &AInt8<'_>,
    b: &BInt8<'_>,
    acc: &mut [Lanes<f32>; R],
) {
    let words = a.words.as_chunks::<R>().0.as_chunks::<PARTS>().0;
    let compensation = a.compensation.as_chunks::<R>().0.as_chunks::<PARTS>().0;
    let scales = a.scales.as_chunks::<R>().0.as_chunks::<PARTS>().0;
    let mut sums: [[__m256; 2]; R] = acc.map(must_cast);
    for half in 0..2 {
        // Walks the blocks of K; words and quads of a block are in step.
        let blocks = words
            .chunks(b.block_quads)
            .zip(b.quads.chunks(b.block_quads))
            .zip(compensation.iter().zip(scales))
            .zip(b.scales);
        for (((words, of_block), (compensation, scale_a)), scale_b) in blocks {
            let mut partial = compensation[part].map(|initial| _mm256_set1_epi32(initial));
            for (words, of_sum) in words.chunks(quads).zip(of_block.chunks(quads)) {
                let mut short = [_mm256_setzero_si256(); R];
                for (words, quad) in words.iter().zip(of_sum) {
                    let quad = must_cast::<Quad, [__m256i; 2]>(*quad)[half];
                    for (sum, word) in short.iter_mut().zip(words[part]) {
                        *sum = _mm256_add_epi16(
                            *sum,
                            _mm256_maddubs_epi16(quad, _mm256_set1_epi32(word as i32)),
                        );
                    }
                }
                for (sum, short) in partial.iter_mut().zip(short) {
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(short, _mm256_set1_epi16(1)));
                }
            }
            // Once for a block: convert to f32, exact up to 2^24, and scale.
            let scale_b = must_cast::<Lanes<f32>, [__m256; 2]>(*scale_b)[half];
            for ((sums, partial), scale_a) in sums.iter_mut().zip(partial).zip(scale_a[part]) {
                let scale = _mm256_mul_ps(_mm256_set1_ps(scale_a), scale_b);
                sums[half] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(partial), scale, sums[half]);
            }
        }
    }
    *acc = sums.map(must_cast);
}

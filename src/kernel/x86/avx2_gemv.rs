//! GEMV of one row by two panels (32 columns) in AVX2 intrinsics: safe functions, entered after
//! detection.
//!
//! ```text
//! for each block of K, for each quad of codes of both panels:
//!     codes in four registers                         // 8 columns each, 4 bytes for each column
//!     low, high = two 16-byte shuffles                // 4-bit codes to bf16, byte by byte
//!     sum[4] += broadcast(a[k]) · number              // f32: 4 chains of FMA
//! ```
//!
//! A shuffle looks up bytes by the low 4 bits of a byte within each half of a register. So a table
//! of 16 numbers that are exact in bf16 is two registers, and interleaving the looked-up bytes
//! above 16 zeros makes f32s. One row and two panels use 4 sums, 8 numbers and the tables: all 16
//! registers. Byte dot products (`dots`) multiply the raised integers of codes instead, in i16,
//! which they widen before it can overflow.

use super::avx2_int8::ShuffleTable;
use crate::kernel::gemm::{
    AInt8Rows, BlockOffsets, Factors, GemvPanel, Lanes, PANELS, Quad, SmallIntegers, by_eights,
};
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m256, __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_add_ps, _mm256_and_si256,
    _mm256_cvtepi32_ps, _mm256_fmadd_ps, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_sub_ps,
    _mm256_unpackhi_epi8, _mm256_unpackhi_epi16, _mm256_unpacklo_epi8, _mm256_unpacklo_epi16,
};

/// One f32 for each of the 32 columns of two panels, in the order that codes have in registers.
/// With two codes a byte: the halves of one panel, then of the other. With one: columns 0 to 3 of
/// both panels, then 4 to 7, and so on.
type Fours = [__m256; 4];

/// Returns the numbers of two panels in the order of [`Fours`].
#[inline]
#[target_feature(enable = "avx2")]
fn beside<const PAIRED: bool>(a: Lanes<f32>, b: Lanes<f32>) -> Fours {
    if PAIRED {
        return must_cast([a, b]);
    }
    // The order in which the unpack instructions of `words` leave the columns.
    let (a, b): ([[f32; 4]; 4], [[f32; 4]; 4]) = (must_cast(a), must_cast(b));
    let mut fours = [_mm256_setzero_ps(); 4];
    for (columns, (a, b)) in fours.iter_mut().zip(a.into_iter().zip(b)) {
        *columns = must_cast([a, b]);
    }
    fours
}

/// Returns the numbers of two panels, each in the order of its columns: the inverse of [`beside`].
fn apart<const PAIRED: bool>(fours: Fours) -> [Lanes<f32>; 2] {
    if PAIRED {
        return must_cast(fours);
    }
    let fours: [[[f32; 4]; 2]; 4] = must_cast(fours);
    [0, 1].map(|panel| must_cast(fours.map(|columns| columns[panel])))
}

/// Returns the four bytes of each column of two panels as 32-bit words, in the order of [`Fours`].
/// With two codes a byte they are quads already; with one, four rows of bytes are transposed.
#[inline]
#[target_feature(enable = "avx2")]
fn words<const PAIRED: bool>(panels: [&Quad; 2]) -> [__m256i; 4] {
    if PAIRED {
        return must_cast([*panels[0], *panels[1]]);
    }
    // Each register holds one k of both panels, 16 bytes each.
    let [[a0, b0, c0, d0], [a1, b1, c1, d1]]: [[Lanes<u8>; 4]; 2] =
        must_cast([*panels[0], *panels[1]]);
    let [a, b, c, d]: [__m256i; 4] =
        [must_cast([a0, a1]), must_cast([b0, b1]), must_cast([c0, c1]), must_cast([d0, d1])];
    // Bytes of two k together, then 16-bit pairs of these: four k of each column.
    let (first, first_rest) = (_mm256_unpacklo_epi8(a, b), _mm256_unpacklo_epi8(c, d));
    let (last, last_rest) = (_mm256_unpackhi_epi8(a, b), _mm256_unpackhi_epi8(c, d));
    [
        _mm256_unpacklo_epi16(first, first_rest),
        _mm256_unpackhi_epi16(first, first_rest),
        _mm256_unpacklo_epi16(last, last_rest),
        _mm256_unpackhi_epi16(last, last_rest),
    ]
}

/// Runs `two` for both halves of four panels and stores the sums of the one row.
#[inline(always)]
fn by_twos<'a>(
    panels: &[GemvPanel<'a>; PANELS],
    to: &mut [[Lanes<f32>; PANELS]],
    two: impl Fn(&[GemvPanel<'a>; 2]) -> [Lanes<f32>; 2],
) {
    debug_assert!(to.len() == 1, "rows one by one");
    if let [to] = to {
        to.as_chunks_mut()
            .0
            .iter_mut()
            .zip(panels.as_chunks().0)
            .for_each(|(to, panels)| *to = two(panels));
    }
}

/// Writes the sums of one row by four panels of 4-bit codes:
/// [`Gemv::sums`](crate::kernel::gemm::Gemv::sums). `bytes` are the low and the high bytes of the
/// sixteen numbers.
#[target_feature(enable = "avx2,fma")]
pub(super) fn sums_of_nibbles(
    bytes: &[[u8; 16]; 2],
    block_k: usize,
    factors: Factors<'_>,
    a: &[f32],
    panels: &[GemvPanel<'_>; PANELS],
    to: &mut [[Lanes<f32>; PANELS]],
) {
    by_twos(panels, to, |panels| sums_of_two(bytes, block_k, factors, a, panels));
}

/// Returns the sums of one row by two panels over all of K.
#[target_feature(enable = "avx2,fma")]
fn sums_of_two(
    bytes: &[[u8; 16]; 2],
    block_k: usize,
    factors: Factors<'_>,
    a: &[f32],
    panels: &[GemvPanel<'_>; 2],
) -> [Lanes<f32>; 2] {
    // A shuffle works within 128 bits, so each half of a register has the whole table.
    let tables = [must_cast([bytes[0]; 2]), must_cast([bytes[1]; 2])];
    let mut sums = [_mm256_setzero_ps(); 4];
    for (block, a) in a.chunks(block_k).enumerate() {
        let codes = |panel: usize| &panels[panel].codes.as_chunks().0[block * block_k / 8..];
        let codes = [codes(0), codes(1)];
        let scale_b = beside::<true>(panels[0].factors.at(block), panels[1].factors.at(block));
        let offsets = panels[0].offsets;
        let offset_b = match offsets {
            BlockOffsets::None => [_mm256_setzero_ps(); 4],
            _ => beside::<true>(panels[0].offsets.at(block), panels[1].offsets.at(block)),
        };
        match (factors, offsets) {
            // Each element is multiplied by its scale before its product with A, and a minimum
            // added, or a zero point subtracted before.
            (Factors::Elements, BlockOffsets::None) => {
                let times = |x, scale, _| _mm256_mul_ps(x, scale);
                continued(tables, a, codes, times, [scale_b, offset_b], &mut sums);
            }
            (Factors::Elements, BlockOffsets::Minima(_)) => {
                let plus = |x, scale, minimum| _mm256_add_ps(_mm256_mul_ps(x, scale), minimum);
                continued(tables, a, codes, plus, [scale_b, offset_b], &mut sums);
            }
            (Factors::Elements, BlockOffsets::ZeroPoints(_)) => {
                let less = |x, scale, zero| _mm256_mul_ps(_mm256_sub_ps(x, zero), scale);
                continued(tables, a, codes, less, [scale_b, offset_b], &mut sums);
            }
            (Factors::Sums(scales), _) => {
                // The chain of a block starts from zero and is scaled once, at its end.
                let mut partial = [_mm256_setzero_ps(); 4];
                if matches!(offsets, BlockOffsets::None) {
                    continued(tables, a, codes, |x, _, _| x, [scale_b, offset_b], &mut partial);
                } else {
                    let less = |x, _, zero| _mm256_sub_ps(x, zero);
                    continued(tables, a, codes, less, [scale_b, offset_b], &mut partial);
                }
                let scale_a = _mm256_set1_ps(scales[block]);
                for ((sum, partial), scale_b) in sums.iter_mut().zip(partial).zip(scale_b) {
                    *sum = _mm256_fmadd_ps(partial, _mm256_mul_ps(scale_a, scale_b), *sum);
                }
            }
        }
    }
    apart::<true>(sums)
}

/// Continues the four chains over one block. `number` makes a number of B from an element, its scale
/// and its offset.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn continued(
    tables: [__m256i; 2],
    a: &[f32],
    codes: [&[Quad]; 2],
    number: impl Fn(__m256, __m256, __m256) -> __m256,
    [scale_b, offset_b]: [Fours; 2],
    sums: &mut Fours,
) {
    for (a, (q0, q1)) in a.as_chunks::<8>().0.iter().zip(codes[0].iter().zip(codes[1])) {
        let of_columns = words::<true>([q0, q1]).into_iter().zip(scale_b.into_iter().zip(offset_b));
        for (sum, (words, (scale, offset))) in sums.iter_mut().zip(of_columns) {
            for (x, element) in a.iter().zip(numbers(tables, words)) {
                *sum = _mm256_fmadd_ps(_mm256_set1_ps(*x), number(element, scale, offset), *sum);
            }
        }
    }
}

/// Returns the numbers of eight k of 8 columns, from a word of eight 4-bit codes for each column.
#[inline]
#[target_feature(enable = "avx2")]
fn numbers([low, high]: [__m256i; 2], words: __m256i) -> [__m256; 8] {
    // The first bytes of four words, then the second bytes, and so on.
    const BYTES: [[u8; 16]; 2] = [[0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]; 2];
    let zero = _mm256_setzero_si256();
    // Byte j of all columns side by side: k = 2j in its low half, 2j + 1 in its high half.
    let pairs = _mm256_shuffle_epi8(words, must_cast(BYTES));
    let mut numbers = [_mm256_setzero_ps(); 8];
    for (half, codes) in [pairs, _mm256_srli_epi16::<4>(pairs)].into_iter().enumerate() {
        let codes = _mm256_and_si256(codes, _mm256_set1_epi8(15));
        let (low, high) = (_mm256_shuffle_epi8(low, codes), _mm256_shuffle_epi8(high, codes));
        let (first, last) = (_mm256_unpacklo_epi8(low, high), _mm256_unpackhi_epi8(low, high));
        // bf16 above 16 zeros is an f32.
        numbers[half] = must_cast(_mm256_unpacklo_epi16(zero, first));
        numbers[2 + half] = must_cast(_mm256_unpackhi_epi16(zero, first));
        numbers[4 + half] = must_cast(_mm256_unpacklo_epi16(zero, last));
        numbers[6 + half] = must_cast(_mm256_unpackhi_epi16(zero, last));
    }
    numbers
}

/// Writes the numbers of quads of 4-bit codes, k by k.
#[target_feature(enable = "avx2")]
pub(super) fn decode(bytes: &[[u8; 16]; 2], quads: &[Quad], to: &mut [Lanes<f32>]) {
    let tables = [must_cast([bytes[0]; 2]), must_cast([bytes[1]; 2])];
    by_eights(quads, to, |quad| {
        let [low, high]: [__m256i; 2] = must_cast(*quad);
        let (low, high) = (numbers(tables, low), numbers(tables, high));
        let mut rows = [[_mm256_setzero_ps(); 2]; 8];
        for (row, halves) in rows.iter_mut().zip(low.into_iter().zip(high)) {
            *row = [halves.0, halves.1];
        }
        must_cast(rows)
    });
}

/// Writes the byte dot products of one row by four panels of codes, two panels at a time. An i16
/// holds the sums of `quads` quads.
#[target_feature(enable = "avx2,fma")]
pub(super) fn dots(
    quads: usize,
    integers: &SmallIntegers,
    a: &AInt8Rows<'_>,
    panels: &[GemvPanel<'_>; PANELS],
    to: &mut [[Lanes<f32>; PANELS]],
) {
    let table = ShuffleTable::new(integers);
    if a.paired {
        by_twos(panels, to, |panels| dots_of_two::<2, true>(quads, &table, a, panels));
    } else {
        by_twos(panels, to, |panels| dots_of_two::<1, false>(quads, &table, a, panels));
    }
}

/// Returns the sums of one row by two panels, where a quad of codes makes `WORDS` words along K: 2
/// with two codes a byte, else 1.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn dots_of_two<const WORDS: usize, const PAIRED: bool>(
    quads: usize,
    table: &ShuffleTable,
    &AInt8Rows { block_words, unit, a, .. }: &AInt8Rows<'_>,
    panels: &[GemvPanel<'_>; 2],
) -> [Lanes<f32>; 2] {
    let mut codes = panels[0].codes.as_chunks().0.iter().zip(panels[1].codes.as_chunks().0);
    let mut sums = [_mm256_setzero_ps(); 4];
    for (block, of_block) in a.words.chunks(block_words).enumerate() {
        let mut partial = [_mm256_set1_epi32(a.compensation[block]); 4];
        for words_of_sum in of_block.as_chunks::<WORDS>().0.chunks(quads / WORDS) {
            // Sums in i16 end before another quad could overflow them; then they are widened.
            let mut short = [_mm256_setzero_si256(); 4];
            for (word, (q0, q1)) in words_of_sum.iter().zip(codes.by_ref()) {
                let fours = words::<PAIRED>([q0, q1]);
                for (half, word) in word.iter().enumerate() {
                    for (sum, codes) in short.iter_mut().zip(fours) {
                        // The high halves of the bytes, for the second word; the table ignores the
                        // bits that come with them.
                        let codes = if half == 0 { codes } else { _mm256_srli_epi16::<4>(codes) };
                        let products = _mm256_maddubs_epi16(
                            table.integers(codes),
                            _mm256_set1_epi32(*word as i32),
                        );
                        *sum = _mm256_add_epi16(*sum, products);
                    }
                }
            }
            // Neighbouring i16s are added as they are widened to i32.
            for (sum, short) in partial.iter_mut().zip(short) {
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(short, _mm256_set1_epi16(1)));
            }
        }
        let scale_b = beside::<PAIRED>(panels[0].factors.at(block), panels[1].factors.at(block));
        let (unit, scale_a) = (_mm256_set1_ps(unit), _mm256_set1_ps(a.scales[block]));
        for ((sum, partial), scale_b) in sums.iter_mut().zip(partial).zip(scale_b) {
            let scale = _mm256_mul_ps(scale_a, _mm256_mul_ps(scale_b, unit));
            *sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(partial), scale, *sum);
        }
    }
    apart::<PAIRED>(sums)
}

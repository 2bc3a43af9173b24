//! One row by the columns of two panels in AVX2's intrinsics: a register has some columns of one panel in its lower half and the same of the other above.
//! Safe functions, entered after detection.

use super::dots::{Left, SmallIntegers};
use super::gemm::Lanes;
use super::thin::{Factors, PANELS, ThinPanel};
use super::x86_maddubs::Table;
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m256, __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_and_si256, _mm256_cvtepi32_ps, _mm256_fmadd_ps, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_mul_ps, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_unpackhi_epi8, _mm256_unpackhi_epi16,
    _mm256_unpacklo_epi8, _mm256_unpacklo_epi16,
};

/// Numbers of two panels: columns 0 to 3 of both, 4 to 7, and so on.
type Fours = [__m256; 4];

/// Numbers of two panels, four columns together.
#[inline]
#[target_feature(enable = "avx2")]
fn beside(a: Lanes<f32>, b: Lanes<f32>) -> Fours {
    let (a, b): ([[f32; 4]; 4], [[f32; 4]; 4]) = (must_cast(a), must_cast(b));
    let mut fours = [_mm256_setzero_ps(); 4];
    for (four, (a, b)) in fours.iter_mut().zip(a.into_iter().zip(b)) {
        *four = must_cast([a, b]);
    }
    fours
}

/// The same back.
fn apart(fours: Fours) -> [Lanes<f32>; 2] {
    let fours: [[[f32; 4]; 2]; 4] = must_cast(fours);
    [0, 1].map(|panel| must_cast(fours.map(|four| four[panel])))
}

/// The codes of a position, or of a pair, of two panels.
#[inline]
#[target_feature(enable = "avx2")]
fn row_of(codes: [&[Lanes<u8>]; 2], row: usize) -> __m256i {
    must_cast([codes[0][row], codes[1][row]])
}

/// The sums of four panels, two by two.
#[inline(always)]
fn by_twos<'a>(panels: [ThinPanel<'a>; PANELS], two: impl Fn([ThinPanel<'a>; 2]) -> [Lanes<f32>; 2]) -> [Lanes<f32>; PANELS] {
    let [a, b, c, d] = panels;
    must_cast([two([a, b]), two([c, d])])
}

/// See [`Thin::sums`](super::thin::Thin::sums); pairs of positions, whose numbers are bf16s: the low bytes and the high ones are looked up.
#[target_feature(enable = "avx2,fma")]
pub(super) fn sums_of_pairs(
    bytes: &[[u8; 16]; 2],
    run: usize,
    factors: Factors<'_>,
    a: &[f32],
    panels: [ThinPanel<'_>; PANELS],
) -> [Lanes<f32>; PANELS] {
    by_twos(panels, |panels| sums_of_two(bytes, run, factors, a, panels))
}

#[target_feature(enable = "avx2,fma")]
fn sums_of_two(bytes: &[[u8; 16]; 2], run: usize, factors: Factors<'_>, a: &[f32], panels: [ThinPanel<'_>; 2]) -> [Lanes<f32>; 2] {
    let tables = [must_cast([bytes[0]; 2]), must_cast([bytes[1]; 2])];
    let mut sums = [_mm256_setzero_ps(); 4];
    for (block, a) in a.chunks(run).enumerate() {
        let codes = [&panels[0].codes[block * run / 2..], &panels[1].codes[block * run / 2..]];
        let own = beside(panels[0].factors.at(block), panels[1].factors.at(block));
        match factors {
            Factors::Elements => continued(tables, a, codes, |x, own| _mm256_mul_ps(x, own), own, &mut sums),
            Factors::Sums(scales) => {
                let mut partial = [_mm256_setzero_ps(); 4];
                continued(tables, a, codes, |x, _| x, own, &mut partial);
                let mine = _mm256_set1_ps(scales[block]);
                for ((sum, partial), theirs) in sums.iter_mut().zip(partial).zip(own) {
                    *sum = _mm256_fmadd_ps(partial, _mm256_mul_ps(mine, theirs), *sum);
                }
            }
        }
    }
    apart(sums)
}

/// The chains of a block, whose numbers are made of its elements and factors.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn continued(
    [low, high]: [__m256i; 2],
    a: &[f32],
    codes: [&[Lanes<u8>]; 2],
    number: impl Fn(__m256, __m256) -> __m256,
    own: Fours,
    sums: &mut Fours,
) {
    let zero = _mm256_setzero_si256();
    for (two, (c0, c1)) in a.as_chunks::<2>().0.iter().zip(codes[0].iter().zip(codes[1])) {
        let pairs: __m256i = must_cast([*c0, *c1]);
        for (x, codes) in two.iter().zip([pairs, _mm256_srli_epi16::<4>(pairs)]) {
            let codes = _mm256_and_si256(codes, _mm256_set1_epi8(15));
            let (low, high) = (_mm256_shuffle_epi8(low, codes), _mm256_shuffle_epi8(high, codes));
            let (first, last) = (_mm256_unpacklo_epi8(low, high), _mm256_unpackhi_epi8(low, high));
            // An upper half of an f32 above zeros.
            let elements = [
                _mm256_unpacklo_epi16(zero, first),
                _mm256_unpackhi_epi16(zero, first),
                _mm256_unpacklo_epi16(zero, last),
                _mm256_unpackhi_epi16(zero, last),
            ];
            for ((sum, element), own) in sums.iter_mut().zip(elements).zip(own) {
                *sum = _mm256_fmadd_ps(_mm256_set1_ps(*x), number(must_cast(element), own), *sum);
            }
        }
    }
}

/// See [`Dots::row`](super::dots::Dots::row); i16s hold the sums of so many quads.
#[target_feature(enable = "avx2,fma")]
pub(super) fn dots(
    quads: usize,
    integers: &SmallIntegers,
    paired: bool,
    unit: f32,
    run: usize,
    left: &Left<'_>,
    panels: [ThinPanel<'_>; PANELS],
) -> [Lanes<f32>; PANELS] {
    let table = Table::new(integers);
    if paired {
        by_twos(panels, |panels| dots_of_two::<2>(quads, &table, unit, run, left, panels))
    } else {
        by_twos(panels, |panels| dots_of_two::<1>(quads, &table, unit, run, left, panels))
    }
}

/// The sums of two panels, where four rows of codes are so many words.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn dots_of_two<const WORDS: usize>(
    quads: usize,
    table: &Table,
    unit: f32,
    run: usize,
    left: &Left<'_>,
    panels: [ThinPanel<'_>; 2],
) -> [Lanes<f32>; 2] {
    let codes = [panels[0].codes, panels[1].codes];
    let mut sums = [_mm256_setzero_ps(); 4];
    let mut row = 0;
    for (block, words) in left.words.chunks(run).enumerate() {
        let mut partial = [_mm256_set1_epi32(left.starts[block]); 4];
        for words in words.as_chunks::<WORDS>().0.chunks(quads / WORDS) {
            let mut short = [_mm256_setzero_si256(); 4];
            for words in words {
                let [a, b, c, d] = [row_of(codes, row), row_of(codes, row + 1), row_of(codes, row + 2), row_of(codes, row + 3)];
                row += 4;
                let (first, first_rest) = (_mm256_unpacklo_epi8(a, b), _mm256_unpacklo_epi8(c, d));
                let (last, last_rest) = (_mm256_unpackhi_epi8(a, b), _mm256_unpackhi_epi8(c, d));
                let fours = [
                    _mm256_unpacklo_epi16(first, first_rest),
                    _mm256_unpackhi_epi16(first, first_rest),
                    _mm256_unpacklo_epi16(last, last_rest),
                    _mm256_unpackhi_epi16(last, last_rest),
                ];
                for (half, word) in words.iter().enumerate() {
                    for (sum, codes) in short.iter_mut().zip(fours) {
                        let codes = if half == 0 { codes } else { _mm256_srli_epi16::<4>(codes) };
                        let products = _mm256_maddubs_epi16(table.integers(codes), _mm256_set1_epi32(*word as i32));
                        *sum = _mm256_add_epi16(*sum, products);
                    }
                }
            }
            for (sum, short) in partial.iter_mut().zip(short) {
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(short, _mm256_set1_epi16(1)));
            }
        }
        let own = beside(panels[0].factors.at(block), panels[1].factors.at(block));
        let (unit, mine) = (_mm256_set1_ps(unit), _mm256_set1_ps(left.scales[block]));
        for ((sum, partial), own) in sums.iter_mut().zip(partial).zip(own) {
            let scale = _mm256_mul_ps(mine, _mm256_mul_ps(own, unit));
            *sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(partial), scale, *sum);
        }
    }
    apart(sums)
}

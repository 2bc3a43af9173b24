//! One row by four panels in intrinsics: a safe function, entered after detection.

use super::gemm::Lanes;
use super::thin::{Factors, PANELS, ThinPanel};
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m512, _mm512_cvtepu8_epi32, _mm512_fmadd_ps, _mm512_mul_ps, _mm512_permutexvar_ps, _mm512_set1_ps, _mm512_srli_epi32,
};

/// See [`Thin::sums`](super::thin::Thin::sums). A look-up takes the low 4 bits of a word, whatever is above them.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn sums(
    table: &Lanes<f32>,
    run: usize,
    factors: Factors<'_>,
    a: &[f32],
    panels: [ThinPanel<'_>; PANELS],
) -> [Lanes<f32>; PANELS] {
    let (table, zero): (__m512, __m512) = (must_cast(*table), _mm512_set1_ps(0.0));
    let mut sums = [zero; PANELS];
    let pairs_of_a_block = run / 2;
    for (block, a) in a.as_chunks::<2>().0.chunks(pairs_of_a_block).enumerate() {
        let first = block * pairs_of_a_block;
        let mut pairs: [&[Lanes<u8>]; PANELS] = [&[]; PANELS];
        let mut own = [zero; PANELS];
        for ((pairs, own), panel) in pairs.iter_mut().zip(&mut own).zip(&panels) {
            (*pairs, *own) = (&panel.pairs[first..][..a.len()], must_cast(panel.factors[block]));
        }
        let [p0, p1, p2, p3] = pairs;
        let positions = a.iter().zip(p0).zip(p1).zip(p2).zip(p3);
        match factors {
            Factors::Elements => {
                for ((((a, p0), p1), p2), p3) in positions {
                    let (low, high) = (_mm512_set1_ps(a[0]), _mm512_set1_ps(a[1]));
                    for ((sum, pair), factor) in sums.iter_mut().zip([p0, p1, p2, p3]).zip(own) {
                        let codes = _mm512_cvtepu8_epi32(must_cast(*pair));
                        let first = _mm512_mul_ps(_mm512_permutexvar_ps(codes, table), factor);
                        let second = _mm512_mul_ps(_mm512_permutexvar_ps(_mm512_srli_epi32::<4>(codes), table), factor);
                        *sum = _mm512_fmadd_ps(high, second, _mm512_fmadd_ps(low, first, *sum));
                    }
                }
            }
            Factors::Sums(scales) => {
                let mut partial = [zero; PANELS];
                for ((((a, p0), p1), p2), p3) in positions {
                    let (low, high) = (_mm512_set1_ps(a[0]), _mm512_set1_ps(a[1]));
                    for (sum, pair) in partial.iter_mut().zip([p0, p1, p2, p3]) {
                        let codes = _mm512_cvtepu8_epi32(must_cast(*pair));
                        let (first, second) =
                            (_mm512_permutexvar_ps(codes, table), _mm512_permutexvar_ps(_mm512_srli_epi32::<4>(codes), table));
                        *sum = _mm512_fmadd_ps(high, second, _mm512_fmadd_ps(low, first, *sum));
                    }
                }
                let mine = _mm512_set1_ps(scales[block]);
                for ((sum, partial), theirs) in sums.iter_mut().zip(partial).zip(own) {
                    *sum = _mm512_fmadd_ps(partial, _mm512_mul_ps(mine, theirs), *sum);
                }
            }
        }
    }
    sums.map(must_cast)
}

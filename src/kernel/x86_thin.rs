//! One row by four panels in intrinsics: safe functions, entered after detection.

use super::gemm::Lanes;
use super::thin::{Factors, PANELS, ThinPanel};
use super::x86::{Planes, decode_64};
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m512, _mm512_cvtepu8_epi32, _mm512_fmadd_ps, _mm512_mul_ps, _mm512_permutexvar_ps, _mm512_set1_ps, _mm512_srli_epi32,
};

/// See [`Thin::sums`](super::thin::Thin::sums); pairs of positions. A look-up takes the low 4 bits of a word, whatever is above them.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn sums_of_pairs(
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
            (*pairs, *own) = (&panel.codes[first..][..a.len()], must_cast(panel.factors[block]));
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

/// The same of bytes, four positions of a panel at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn sums_of_bytes(
    planes: &Planes,
    run: usize,
    factors: Factors<'_>,
    a: &[f32],
    panels: [ThinPanel<'_>; PANELS],
) -> [Lanes<f32>; PANELS] {
    let (tables, zero) = (planes.vectors(), _mm512_set1_ps(0.0));
    let mut sums = [zero; PANELS];
    for (block, a) in a.chunks(run).enumerate() {
        let first = block * run;
        let own: [__m512; PANELS] = panels.map(|panel| must_cast(panel.factors[block]));
        let mut partial = if let Factors::Elements = factors { sums } else { [zero; PANELS] };
        for (start, a) in (first..).step_by(4).zip(a.chunks(4)) {
            for ((sum, panel), own) in partial.iter_mut().zip(&panels).zip(own) {
                let mut codes = [[0; 16]; 4];
                codes[..a.len()].copy_from_slice(&panel.codes[start..start + a.len()]);
                for (x, numbers) in a.iter().zip(decode_64(&tables, must_cast(codes))) {
                    let numbers: __m512 = must_cast(numbers);
                    let numbers = if let Factors::Elements = factors { _mm512_mul_ps(numbers, own) } else { numbers };
                    *sum = _mm512_fmadd_ps(_mm512_set1_ps(*x), numbers, *sum);
                }
            }
        }
        match factors {
            Factors::Elements => sums = partial,
            Factors::Sums(scales) => {
                let mine = _mm512_set1_ps(scales[block]);
                for ((sum, partial), theirs) in sums.iter_mut().zip(partial).zip(own) {
                    *sum = _mm512_fmadd_ps(partial, _mm512_mul_ps(mine, theirs), *sum);
                }
            }
        }
    }
    sums.map(must_cast)
}

//! One row by four panels in intrinsics: safe functions, entered after detection.

use super::columns::{Quad, padded};
use super::gemm::Lanes;
use super::thin::{Factors, PANELS, ThinPanel, by_eights};
use super::x86::{Planes, decode_64};
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m512, __m512i, _mm512_fmadd_ps, _mm512_mul_ps, _mm512_permutexvar_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_srli_epi32,
};

/// See [`Thin::sums`](super::thin::Thin::sums); quads of pairs.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn sums_of_pairs(
    table: &Lanes<f32>,
    run: usize,
    factors: Factors<'_>,
    a: &[f32],
    panels: [ThinPanel<'_>; PANELS],
) -> [Lanes<f32>; PANELS] {
    let table = must_cast(*table);
    sums(|quad: &Quad| numbers(table, quad), run, factors, a, panels)
}

/// The numbers of eight positions, a word for each column. A look-up takes the low 4 bits of a word, whatever is above them.
#[inline]
#[target_feature(enable = "avx512f")]
fn numbers(table: __m512, quad: &Quad) -> [__m512; 8] {
    let codes: __m512i = must_cast(*quad);
    let number = |codes| _mm512_permutexvar_ps(codes, table);
    [
        number(codes),
        number(_mm512_srli_epi32::<4>(codes)),
        number(_mm512_srli_epi32::<8>(codes)),
        number(_mm512_srli_epi32::<12>(codes)),
        number(_mm512_srli_epi32::<16>(codes)),
        number(_mm512_srli_epi32::<20>(codes)),
        number(_mm512_srli_epi32::<24>(codes)),
        number(_mm512_srli_epi32::<28>(codes)),
    ]
}

/// See [`Nibbles::decode`](super::thin::Nibbles::decode).
#[target_feature(enable = "avx512f")]
pub(super) fn decode(table: &Lanes<f32>, quads: &[Quad], to: &mut [Lanes<f32>]) {
    let table = must_cast(*table);
    by_eights(quads, to, |quad| must_cast(numbers(table, quad)));
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
    let tables = planes.vectors();
    sums(|codes: &[u8; 64]| decode_64(&tables, *codes).map(must_cast), run, factors, a, panels)
}

/// The sums, where so many bytes are the codes of so many positions in a panel.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn sums<const BYTES: usize, const POSITIONS: usize>(
    decode: impl Fn(&[u8; BYTES]) -> [__m512; POSITIONS],
    run: usize,
    factors: Factors<'_>,
    a: &[f32],
    panels: [ThinPanel<'_>; PANELS],
) -> [Lanes<f32>; PANELS] {
    let mut sums = [_mm512_setzero_ps(); PANELS];
    for (block, a) in a.chunks(run).enumerate() {
        // Not by `map`, which has not these instructions and would be called.
        let codes = |panel: usize| &panels[panel].codes[block * run * BYTES / POSITIONS..];
        let own = |panel: usize| must_cast(panels[panel].factors.at(block));
        let (codes, own) = ([codes(0), codes(1), codes(2), codes(3)], [own(0), own(1), own(2), own(3)]);
        match factors {
            Factors::Elements => sums = continued(&decode, a, codes, |x, own| _mm512_mul_ps(x, own), own, sums),
            Factors::Sums(scales) => {
                let partial = continued(&decode, a, codes, |x, _| x, own, [_mm512_setzero_ps(); PANELS]);
                let mine = _mm512_set1_ps(scales[block]);
                for ((sum, partial), theirs) in sums.iter_mut().zip(partial).zip(own) {
                    *sum = _mm512_fmadd_ps(partial, _mm512_mul_ps(mine, theirs), *sum);
                }
            }
        }
    }
    sums.map(must_cast)
}

/// The chains of a block, whose numbers are made of its elements and factors.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn continued<const BYTES: usize, const POSITIONS: usize>(
    decode: impl Fn(&[u8; BYTES]) -> [__m512; POSITIONS],
    a: &[f32],
    codes: [&[u8]; PANELS],
    number: impl Fn(__m512, __m512) -> __m512,
    own: [__m512; PANELS],
    mut sums: [__m512; PANELS],
) -> [__m512; PANELS] {
    let (whole, last) = a.as_chunks::<POSITIONS>();
    let chunks = |panel: usize| codes[panel].as_chunks::<BYTES>().0;
    for ((((a, c0), c1), c2), c3) in whole.iter().zip(chunks(0)).zip(chunks(1)).zip(chunks(2)).zip(chunks(3)) {
        for ((sum, codes), own) in sums.iter_mut().zip([c0, c1, c2, c3]).zip(own) {
            for (x, element) in a.iter().zip(decode(codes)) {
                *sum = _mm512_fmadd_ps(_mm512_set1_ps(*x), number(element, own), *sum);
            }
        }
    }
    if !last.is_empty() {
        for ((sum, codes), own) in sums.iter_mut().zip(codes).zip(own) {
            for (x, element) in last.iter().zip(decode(&padded(&codes[whole.len() * BYTES..]))) {
                *sum = _mm512_fmadd_ps(_mm512_set1_ps(*x), number(element, own), *sum);
            }
        }
    }
    sums
}

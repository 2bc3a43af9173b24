//! Some rows by four panels in intrinsics: safe functions, entered after detection.

use super::avx512_decode::{decode_64, vectors};
use crate::kernel::decode::Planes;
use crate::kernel::gemm::{Factors, GemvPanel, Lanes, PANELS, Quad, by_eights};
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m512, __m512i, _mm512_fmadd_ps, _mm512_mul_ps, _mm512_permutexvar_ps, _mm512_set1_ps,
    _mm512_setzero_ps, _mm512_srli_epi32,
};

/// [`Gemv::sums`](crate::kernel::gemm::Gemv::sums) of quads of pairs.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn sums_of_nibbles(
    table: &Lanes<f32>,
    block_k: usize,
    factors: Factors<'_>,
    a: &[f32],
    panels: &[GemvPanel<'_>; PANELS],
    to: &mut [[Lanes<f32>; PANELS]],
) {
    let table = must_cast(*table);
    sums(|quad: &Quad| numbers(table, quad), block_k, factors, a, panels, to);
}

/// The numbers of eight positions, a word for each column. A look-up takes the low 4 bits of a
/// word, whatever is above them.
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

/// Quads of pairs to numbers, position by position.
#[target_feature(enable = "avx512f")]
pub(super) fn decode(table: &Lanes<f32>, quads: &[Quad], to: &mut [Lanes<f32>]) {
    let table = must_cast(*table);
    by_eights(quads, to, |quad| must_cast(numbers(table, quad)));
}

/// [`Gemv::sums`](crate::kernel::gemm::Gemv::sums) of bytes, four positions of a panel at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn sums_of_bytes(
    planes: &Planes,
    block_k: usize,
    factors: Factors<'_>,
    a: &[f32],
    panels: &[GemvPanel<'_>; PANELS],
    to: &mut [[Lanes<f32>; PANELS]],
) {
    let tables = vectors(planes);
    sums(
        |codes: &[u8; 64]| decode_64(&tables, *codes).map(must_cast),
        block_k,
        factors,
        a,
        panels,
        to,
    );
}

/// The sums, where so many bytes are the codes of so many positions in a panel.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn sums<const BYTES: usize, const POSITIONS: usize>(
    decode: impl Fn(&[u8; BYTES]) -> [__m512; POSITIONS],
    block_k: usize,
    factors: Factors<'_>,
    a: &[f32],
    panels: &[GemvPanel<'_>; PANELS],
    to: &mut [[Lanes<f32>; PANELS]],
) {
    debug_assert!(matches!(to.len(), 1 | 2 | 4 | 8), "the height of a tile");
    match to.len() {
        1 => sums_of_rows::<1, PANELS, BYTES, POSITIONS>(&decode, block_k, factors, a, panels, to),
        2 => sums_of_rows::<2, PANELS, BYTES, POSITIONS>(&decode, block_k, factors, a, panels, to),
        4 => sums_of_rows::<4, PANELS, BYTES, POSITIONS>(&decode, block_k, factors, a, panels, to),
        _ => sums_of_rows::<8, 2, BYTES, POSITIONS>(&decode, block_k, factors, a, panels, to),
    }
}

/// Sums of R rows, P panels at a time: R · P sums in registers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn sums_of_rows<const R: usize, const P: usize, const BYTES: usize, const POSITIONS: usize>(
    decode: &impl Fn(&[u8; BYTES]) -> [__m512; POSITIONS],
    block_k: usize,
    factors: Factors<'_>,
    a: &[f32],
    panels: &[GemvPanel<'_>; PANELS],
    to: &mut [[Lanes<f32>; PANELS]],
) {
    for (part, panels) in panels.as_chunks::<P>().0.iter().enumerate() {
        let mut sums = [[_mm512_setzero_ps(); P]; R];
        for (block, a) in a.as_chunks::<R>().0.chunks(block_k).enumerate() {
            // Not by `map`, which has not these instructions and would be called.
            let (mut codes, mut own) = ([&[][..]; P], [_mm512_setzero_ps(); P]);
            for ((codes, own), panel) in codes.iter_mut().zip(&mut own).zip(panels) {
                *codes = &panel.codes.as_chunks().0[block * block_k / POSITIONS..];
                *own = must_cast(panel.factors.at(block));
            }
            match factors {
                Factors::Elements => {
                    continued(decode, a, codes, |x, own| _mm512_mul_ps(x, own), own, &mut sums)
                }
                Factors::Sums(scales) => {
                    let mut partials = [[_mm512_setzero_ps(); P]; R];
                    continued(decode, a, codes, |x, _| x, own, &mut partials);
                    for (row, (sums, partials)) in sums.iter_mut().zip(partials).enumerate() {
                        let scale_a = _mm512_set1_ps(scales[block * R + row]);
                        for ((sum, partial), scale_b) in sums.iter_mut().zip(partials).zip(own) {
                            *sum = _mm512_fmadd_ps(partial, _mm512_mul_ps(scale_a, scale_b), *sum);
                        }
                    }
                }
            }
        }
        for (to, sums) in to.iter_mut().zip(sums) {
            for (to, sum) in to[part * P..].iter_mut().zip(sums) {
                *to = must_cast(sum);
            }
        }
    }
}

/// The chains of a block, whose numbers are made of its elements and factors.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn continued<const R: usize, const P: usize, const BYTES: usize, const POSITIONS: usize>(
    decode: &impl Fn(&[u8; BYTES]) -> [__m512; POSITIONS],
    a: &[[f32; R]],
    codes: [&[[u8; BYTES]]; P],
    number: impl Fn(__m512, __m512) -> __m512,
    own: [__m512; P],
    sums: &mut [[__m512; P]; R],
) {
    for (i, a) in a.as_chunks::<POSITIONS>().0.iter().enumerate() {
        for (panel, own) in own.into_iter().enumerate() {
            for (a, element) in a.iter().zip(decode(&codes[panel][i])) {
                let number = number(element, own);
                for (sums, a) in sums.iter_mut().zip(a) {
                    sums[panel] = _mm512_fmadd_ps(_mm512_set1_ps(*a), number, sums[panel]);
                }
            }
        }
    }
}

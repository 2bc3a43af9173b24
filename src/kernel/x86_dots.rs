//! Dot products of bytes in intrinsics: safe functions, entered after detection.

use super::dots::{Quad, Right, SmallIntegers};
use super::gemm::{LANES, Lanes};
use alloc::vec::Vec;
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m512, __m512i, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_mul_ps, _mm512_permutexvar_epi8,
    _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_si512, _mm512_sub_epi32,
};

/// Of four positions of 16 columns, where the four bytes of each column are.
const QUADS: Quad = {
    let (mut indices, mut i) = ([0; 64], 0);
    while i < 64 {
        indices[i] = (i % 4 * LANES + i / 4) as u8;
        i += 1;
    }
    indices
};

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub(super) fn quads(
    integers: &SmallIntegers,
    codes: &[Lanes<u8>],
    run: usize,
    quads: &mut Vec<Quad>,
    excess: &mut Vec<Lanes<i32>>,
) {
    let order: __m512i = must_cast(QUADS);
    let table: Option<__m512i> = integers.table.map(must_cast);
    quads.clear();
    excess.clear();
    for block in codes.chunks(run) {
        let mut sum = _mm512_setzero_si512();
        let (whole, rest) = block.as_chunks::<4>();
        // Positions that are not there have no integers.
        let mut last = [[0u8; LANES]; 4];
        last[..rest.len()].copy_from_slice(rest);
        let missing = 4 - rest.len();
        for (four, missing) in whole.iter().map(|four| (four, 0)).chain((missing < 4).then_some((&last, missing))) {
            let codes = _mm512_permutexvar_epi8(order, must_cast(*four));
            let mut numbers = must_cast::<__m512i, Quad>(match table {
                Some(table) => _mm512_permutexvar_epi8(codes, table),
                None => codes,
            });
            if missing > 0 {
                numbers.iter_mut().enumerate().filter(|(i, _)| i % 4 >= 4 - missing).for_each(|(_, byte)| *byte = 0);
            }
            sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(-128), must_cast(numbers));
            quads.push(numbers);
        }
        excess.push(must_cast(sum));
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub(super) fn chain<const R: usize>(a: &[[u32; R]], scales: &[[f32; R]], right: &Right<'_>, acc: &mut [Lanes<f32>; R]) {
    let mut sums = [_mm512_set1_ps(0.0); R];
    for (sum, acc) in sums.iter_mut().zip(acc.iter()) {
        *sum = must_cast(*acc);
    }
    let blocks = a.chunks(right.run).zip(right.quads.chunks(right.run)).zip(scales).zip(right.excess.iter().zip(right.scales));
    for (((a, quads), mine), (excess, theirs)) in blocks {
        let start = _mm512_sub_epi32(_mm512_setzero_si512(), must_cast(*excess));
        let mut partial = [start; R];
        for (a, quad) in a.iter().zip(quads) {
            let quad: __m512i = must_cast(*quad);
            for (sum, a) in partial.iter_mut().zip(a) {
                *sum = _mm512_dpbusd_epi32(*sum, _mm512_set1_epi32(*a as i32), quad);
            }
        }
        let theirs: __m512 = must_cast(*theirs);
        for ((sum, partial), mine) in sums.iter_mut().zip(partial).zip(mine) {
            *sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(partial), _mm512_mul_ps(_mm512_set1_ps(*mine), theirs), *sum);
        }
    }
    for (acc, sum) in acc.iter_mut().zip(sums) {
        *acc = must_cast(sum);
    }
}

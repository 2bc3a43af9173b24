//! What a core can do at best: multiply and add without waiting, and read.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_add_ps, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_or_si512, _mm512_reduce_add_epi32,
    _mm512_reduce_add_ps, _mm512_reduce_or_epi32, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_si512,
};
use std::hint::black_box;

/// Chains that wait for nothing but themselves.
const CHAINS: usize = 20;
const STEPS: usize = 4096;
/// Multiply-adds of a call.
pub(crate) const FMA: usize = STEPS * CHAINS * 16;
pub(crate) const DOTS: usize = STEPS * CHAINS * 64;

/// Whether the machine has the instructions of all of them.
pub(crate) fn are_there() -> bool {
    std::arch::is_x86_feature_detected!("avx512f") && std::arch::is_x86_feature_detected!("avx512vnni")
}

/// Fused multiply-adds of 16 f32s.
#[target_feature(enable = "avx512f")]
pub(crate) fn fma() -> f32 {
    let (a, b) = (_mm512_set1_ps(black_box(0.999)), _mm512_set1_ps(black_box(0.001)));
    let mut sums = [_mm512_set1_ps(black_box(0.5)); CHAINS];
    for _ in 0..STEPS {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, a, b);
        }
    }
    _mm512_reduce_add_ps(sums.into_iter().fold(_mm512_set1_ps(0.0), |all, sum| _mm512_add_ps(all, sum)))
}

/// Dot products of 64 bytes.
#[target_feature(enable = "avx512f,avx512vnni")]
pub(crate) fn dots() -> i32 {
    let (a, b) = (_mm512_set1_epi8(black_box(3)), _mm512_set1_epi8(black_box(-2)));
    let mut sums = [_mm512_set1_epi32(black_box(1)); CHAINS];
    for _ in 0..STEPS {
        for sum in &mut sums {
            *sum = _mm512_dpbusd_epi32(*sum, a, b);
        }
    }
    _mm512_reduce_add_epi32(sums.into_iter().fold(_mm512_set1_epi32(0), |all, sum| _mm512_add_epi32(all, sum)))
}

/// Reads whole lines of 64 bytes.
#[target_feature(enable = "avx512f")]
pub(crate) fn read(bytes: &[u8]) -> i32 {
    let line = |line: &[u8; 64]| -> __m512i { bytemuck::must_cast(*line) };
    let lines = bytes.as_chunks::<64>().0.iter();
    _mm512_reduce_or_epi32(lines.fold(_mm512_setzero_si512(), |all, next| _mm512_or_si512(all, line(next))))
}

//! What a core can do at best: multiply and add without waiting, and read; nothing of what a
//! machine has not.

use std::arch::x86_64::{
    __m512i, _mm256_add_ps, _mm256_fmadd_ps, _mm256_set1_ps, _mm512_add_epi32, _mm512_add_ps,
    _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_or_si512, _mm512_reduce_add_epi32,
    _mm512_reduce_add_ps, _mm512_reduce_or_epi32, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setzero_si512,
};
use std::hint::black_box;

/// Chains that wait for nothing but themselves.
const CHAINS: usize = 20;
const STEPS: usize = 4096;
/// The same of half as many registers.
const EIGHTS: usize = 12;

/// Multiply-adds of a call, and the call.
pub type Counted = (usize, fn());

/// Fused multiply-adds of f32s, by registers of 16 or 8.
pub fn fma(is_wide: bool) -> Option<Counted> {
    #[expect(unsafe_code, reason = "entry into instructions that were detected")]
    // SAFETY: handed out below only where AVX-512 was detected.
    let sixteen: fn() = || _ = black_box(unsafe { fma_16() });
    #[expect(unsafe_code, reason = "entry into instructions that were detected")]
    // SAFETY: handed out below only where AVX2 and FMA were detected.
    let eight: fn() = || _ = black_box(unsafe { fma_8() });
    if is_wide && std::arch::is_x86_feature_detected!("avx512f") {
        Some((STEPS * CHAINS * 16, sixteen))
    } else {
        let there = std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("fma");
        there.then_some((STEPS * EIGHTS * 8, eight))
    }
}

/// Dot products of bytes, which only the wide registers have.
pub fn dots(is_wide: bool) -> Option<Counted> {
    // SAFETY: called only if the instructions were detected.
    #[expect(unsafe_code, reason = "entry into instructions that were detected")]
    let call: fn() = || _ = black_box(unsafe { dots_64() });
    let there = is_wide
        && std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512vnni");
    there.then_some((STEPS * CHAINS * 64, call))
}

/// Reading of bytes.
pub fn read() -> Option<fn(&[u8])> {
    // SAFETY: called only if the instructions were detected.
    #[expect(unsafe_code, reason = "entry into instructions that were detected")]
    let call: fn(&[u8]) = |bytes| _ = black_box(unsafe { read_64(black_box(bytes)) });
    std::arch::is_x86_feature_detected!("avx512f").then_some(call)
}

#[target_feature(enable = "avx2,fma")]
fn fma_8() -> [f32; 8] {
    let (a, b) = (_mm256_set1_ps(black_box(0.999)), _mm256_set1_ps(black_box(0.001)));
    let mut sums = [_mm256_set1_ps(black_box(0.5)); EIGHTS];
    for _ in 0..STEPS {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, a, b);
        }
    }
    bytemuck::must_cast(
        sums.into_iter().fold(_mm256_set1_ps(0.0), |all, sum| _mm256_add_ps(all, sum)),
    )
}

#[target_feature(enable = "avx512f")]
fn fma_16() -> f32 {
    let (a, b) = (_mm512_set1_ps(black_box(0.999)), _mm512_set1_ps(black_box(0.001)));
    let mut sums = [_mm512_set1_ps(black_box(0.5)); CHAINS];
    for _ in 0..STEPS {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, a, b);
        }
    }
    _mm512_reduce_add_ps(
        sums.into_iter().fold(_mm512_set1_ps(0.0), |all, sum| _mm512_add_ps(all, sum)),
    )
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn dots_64() -> i32 {
    let (a, b) = (_mm512_set1_epi8(black_box(3)), _mm512_set1_epi8(black_box(-2)));
    let mut sums = [_mm512_set1_epi32(black_box(1)); CHAINS];
    for _ in 0..STEPS {
        for sum in &mut sums {
            *sum = _mm512_dpbusd_epi32(*sum, a, b);
        }
    }
    _mm512_reduce_add_epi32(
        sums.into_iter().fold(_mm512_set1_epi32(0), |all, sum| _mm512_add_epi32(all, sum)),
    )
}

/// Reads whole lines of 64 bytes.
#[target_feature(enable = "avx512f")]
fn read_64(bytes: &[u8]) -> i32 {
    let line = |line: &[u8; 64]| -> __m512i { bytemuck::must_cast(*line) };
    let lines = bytes.as_chunks::<64>().0.iter();
    _mm512_reduce_or_epi32(
        lines.fold(_mm512_setzero_si512(), |all, next| _mm512_or_si512(all, line(next))),
    )
}

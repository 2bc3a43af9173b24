//! Tiles in intrinsics: what the compiler finds by itself is thirty times slower. They are safe functions, entered after detection.

use super::gemm::{Lanes, double_body};
use super::rounding::{Rounding, chain_body};
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m256, __m512, __m512d, _mm256_fmadd_ps, _mm256_set1_ps, _mm512_cvtps_pd, _mm512_fmadd_pd, _mm512_fmadd_ps, _mm512_set1_pd,
    _mm512_set1_ps,
};

#[target_feature(enable = "avx2,fma")]
pub(super) fn fma_avx2<const R: usize>(a: &[[f32; R]], b: &[Lanes<f32>], acc: &mut [Lanes<f32>; R]) {
    for half in 0..2 {
        let mut sums = [_mm256_set1_ps(0.0); R];
        for (sum, acc) in sums.iter_mut().zip(acc.iter()) {
            *sum = must_cast::<[[f32; 8]; 2], [__m256; 2]>(must_cast(*acc))[half];
        }
        for (a, b) in a.iter().zip(b) {
            let b = must_cast::<Lanes<f32>, [__m256; 2]>(*b)[half];
            for (sum, a) in sums.iter_mut().zip(a) {
                *sum = _mm256_fmadd_ps(_mm256_set1_ps(*a), b, *sum);
            }
        }
        for (acc, sum) in acc.iter_mut().zip(sums) {
            let mut both: [[f32; 8]; 2] = must_cast(*acc);
            both[half] = must_cast(sum);
            *acc = must_cast(both);
        }
    }
}

#[target_feature(enable = "avx512f")]
pub(super) fn fma_avx512<const R: usize>(a: &[[f32; R]], b: &[Lanes<f32>], acc: &mut [Lanes<f32>; R]) {
    let mut sums = [_mm512_set1_ps(0.0); R];
    for (sum, acc) in sums.iter_mut().zip(acc.iter()) {
        *sum = must_cast(*acc);
    }
    for (a, b) in a.iter().zip(b) {
        let b: __m512 = must_cast(*b);
        for (sum, a) in sums.iter_mut().zip(a) {
            *sum = _mm512_fmadd_ps(_mm512_set1_ps(*a), b, *sum);
        }
    }
    for (acc, sum) in acc.iter_mut().zip(sums) {
        *acc = must_cast(sum);
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn double_avx2<const R: usize>(a: &[[f32; R]], b: &[Lanes<f32>], acc: &mut [Lanes<f64>; R]) {
    double_body(a, b, acc);
}

/// A fused multiply-add is the sum: the product is exact.
#[target_feature(enable = "avx512f,avx512vl")]
pub(super) fn double_avx512<const R: usize>(a: &[[f32; R]], b: &[Lanes<f32>], acc: &mut [Lanes<f64>; R]) {
    let mut sums = [[_mm512_set1_pd(0.0); 2]; R];
    for (sum, acc) in sums.iter_mut().zip(acc.iter()) {
        *sum = must_cast::<Lanes<f64>, [__m512d; 2]>(*acc);
    }
    for (a, b) in a.iter().zip(b) {
        let [low, high]: [__m256; 2] = must_cast(*b);
        let (low, high) = (_mm512_cvtps_pd(low), _mm512_cvtps_pd(high));
        for (sum, a) in sums.iter_mut().zip(a) {
            let a = _mm512_set1_pd(f64::from(*a));
            *sum = [_mm512_fmadd_pd(a, low, sum[0]), _mm512_fmadd_pd(a, high, sum[1])];
        }
    }
    for (acc, sum) in acc.iter_mut().zip(sums) {
        *acc = must_cast(sum);
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn rounded_avx2<const R: usize>(rounding: &Rounding, a: &[[f32; R]], b: &[Lanes<f32>], acc: &mut [Lanes<f32>; R]) {
    chain_body(rounding, a, b, acc);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn rounded_avx512<const R: usize>(rounding: &Rounding, a: &[[f32; R]], b: &[Lanes<f32>], acc: &mut [Lanes<f32>; R]) {
    chain_body(rounding, a, b, acc);
}

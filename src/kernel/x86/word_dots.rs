//! Dot products of words by the processor's own instructions: `AVX512_BF16`, `AVX512_VNNI`,
//! and the pairs of bytes of AVX-512 and AVX2. Safe functions, entered after detection.

use crate::kernel::gemm::Lanes;
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m256i, __m512bh, __m512i, _mm256_add_epi32, _mm256_madd_epi16, _mm256_maddubs_epi16,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm512_add_epi32, _mm512_castps_si512,
    _mm512_castsi512_ps, _mm512_dpbf16_ps, _mm512_dpbusd_epi32, _mm512_dpbusds_epi32,
    _mm512_madd_epi16, _mm512_maddubs_epi16, _mm512_set1_epi16, _mm512_set1_epi32,
};
use std::sync::OnceLock;

/// Runs `step(sum, a, b)` for every word of R rows by one panel: R sums in registers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn steps<const R: usize>(
    a: &[Lanes<u32>],
    b: &[Lanes<u32>],
    acc: &mut [Lanes<u32>; R],
    step: impl Fn(__m512i, __m512i, __m512i) -> __m512i,
) {
    let mut sums: [__m512i; R] = acc.map(must_cast);
    for (a, b) in a.iter().zip(b) {
        let b: __m512i = must_cast(*b);
        for (sum, a) in sums.iter_mut().zip(a) {
            *sum = step(*sum, _mm512_set1_epi32(*a as i32), b);
        }
    }
    *acc = sums.map(must_cast);
}

/// Returns a register as pairs of BF16 numbers.
#[inline]
#[target_feature(enable = "avx512f")]
fn pairs(words: __m512i) -> __m512bh {
    // SAFETY: both are 64 bytes, of which any value is valid.
    #[expect(unsafe_code, reason = "no safe conversion makes a vector of BF16")]
    unsafe {
        core::mem::transmute::<__m512i, __m512bh>(words)
    }
}

/// Continues sums by `VDPBF16PS`.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) fn bf16<const R: usize>(a: &[Lanes<u32>], b: &[Lanes<u32>], acc: &mut [Lanes<u32>; R]) {
    steps(a, b, acc, |sum, a, b| {
        _mm512_castps_si512(_mm512_dpbf16_ps(_mm512_castsi512_ps(sum), pairs(a), pairs(b)))
    });
}

/// Continues sums by `VPDPBUSD`, or by `VPDPBUSDS` if `CLAMPED`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn bytes<const R: usize, const CLAMPED: bool>(
    a_is_signed: bool,
    a: &[Lanes<u32>],
    b: &[Lanes<u32>],
    acc: &mut [Lanes<u32>; R],
) {
    let dot = |sum, unsigned, signed| {
        if CLAMPED {
            _mm512_dpbusds_epi32(sum, unsigned, signed)
        } else {
            _mm512_dpbusd_epi32(sum, unsigned, signed)
        }
    };
    if a_is_signed {
        steps(a, b, acc, |sum, a, b| dot(sum, b, a));
    } else {
        steps(a, b, acc, dot);
    }
}

/// Continues sums by `VPMADDUBSW`, `VPMADDWD` and `VPADDD`.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn byte_pairs<const R: usize>(
    a_is_signed: bool,
    a: &[Lanes<u32>],
    b: &[Lanes<u32>],
    acc: &mut [Lanes<u32>; R],
) {
    let ones = _mm512_set1_epi16(1);
    let dot = |sum, unsigned, signed| {
        let pairs = _mm512_maddubs_epi16(unsigned, signed);
        _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, ones))
    };
    if a_is_signed {
        steps(a, b, acc, |sum, a, b| dot(sum, b, a));
    } else {
        steps(a, b, acc, dot);
    }
}

/// Continues sums by `VPMADDUBSW`, `VPMADDWD` and `VPADDD` of AVX2, row after row.
#[target_feature(enable = "avx2")]
pub(super) fn byte_pairs_avx2<const R: usize>(
    a_is_signed: bool,
    a: &[Lanes<u32>],
    b: &[Lanes<u32>],
    acc: &mut [Lanes<u32>; R],
) {
    let ones = _mm256_set1_epi16(1);
    for (row, acc) in acc.iter_mut().enumerate() {
        let mut sums: [__m256i; 2] = must_cast(*acc);
        for (a, b) in a.iter().zip(b) {
            let (a, b) = (_mm256_set1_epi32(a[row] as i32), must_cast::<_, [__m256i; 2]>(*b));
            for (sum, b) in sums.iter_mut().zip(b) {
                let (unsigned, signed) = if a_is_signed { (b, a) } else { (a, b) };
                let pairs = _mm256_maddubs_epi16(unsigned, signed);
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
            }
        }
        *acc = must_cast(sums);
    }
}

/// C, two numbers of A, two of B (the even position in the low half), and what the preset of
/// `VDPBF16PS` makes of them. They tell it from other rules that a processor might have.
pub(crate) const DIRECTED: [[u32; 4]; 16] = [
    // The odd position comes first: 1 is lost next to 2^24, or it is not.
    [0x3F80_0000, 0x4B80_CB80, 0x3F80_3F80, 0x0000_0000],
    [0x3F80_0000, 0xCB80_4B80, 0x3F80_3F80, 0x3F80_0000],
    // Each product is rounded into the sum, not the sum of both.
    [0x4B80_0000, 0x3F80_3F80, 0x3F80_3F80, 0x4B80_0000],
    [0x3F80_0000, 0x3380_3F80, 0x3F80_3F80, 0x4000_0000],
    [0x0000_0000, 0x3080_3F80, 0x3F80_3F80, 0x3F80_0000],
    // Ties go to even.
    [0x3F80_0001, 0x3380_0000, 0x3F80_0000, 0x3F80_0002],
    // Subnormals are zeros: C, operands, and results that are tiny before they are rounded to the
    // grid of f32: 2^-126 − 2^-150, not 2^-126 − 2^-151.
    [0x0040_0000, 0x0000_0000, 0x0000_0000, 0x0000_0000],
    [0x0000_0000, 0x0000_0001, 0x0000_7F00, 0x0000_0000],
    [0x0080_0000, 0x9A00_0000, 0x1A00_0000, 0x0000_0000],
    [0x0080_0000, 0x9980_0000, 0x1A00_0000, 0x0080_0000],
    // Products are not rounded by themselves: 2^-130 is not flushed, 2^128 is not infinite.
    [0x0080_0000, 0x1F00_0000, 0x1F00_0000, 0x0088_0000],
    [0xFF00_0000, 0x7F00_0000, 0x4000_0000, 0x7F00_0000],
    // Overflow, zeros of both signs, infinities.
    [0x7F7F_FFFF, 0x0000_7F00, 0x0000_3380, 0x7F80_0000],
    [0x8000_0000, 0x8000_8000, 0x3F80_3F80, 0x8000_0000],
    [0x8000_0000, 0x0000_8000, 0x3F80_3F80, 0x0000_0000],
    [0xFF80_0000, 0x7F80_0000, 0x3F80_0000, 0xFFC0_0000],
];

/// Returns whether `VDPBF16PS` does what its preset says; asked once a process.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
pub(super) fn bf16_is_modelled() -> bool {
    static MODELLED: OnceLock<bool> = OnceLock::new();
    // A closure inherits the features of this function; what it calls needs them.
    *MODELLED.get_or_init(|| {
        DIRECTED.iter().all(|[c, a, b, d]| {
            let mut acc = [[*c; 16]];
            bf16(&[[*a; 16]], &[[*b; 16]], &mut acc);
            acc[0].iter().all(|found| {
                found == d || f32::from_bits(*found).is_nan() && f32::from_bits(*d).is_nan()
            })
        })
    })
}

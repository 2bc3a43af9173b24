//! FP16 by the processor's conversion instructions (F16C, AVX-512F): IEEE 754, to nearest even.
//!
//! The instructions keep a NaN's sign and payload, where the policy asks for one NaN (encoding) and
//! the crate has one NaN (decoding). NaNs are therefore replaced: by blends, or, for 64 numbers at
//! a time, only after a comparison found one. Slices are walked by whole vectors; the end is padded
//! to one.

use crate::bits::F32_NAN;
use crate::kernel::encode::SignedNan;
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m128i, __m256, __m256i, __m512, _CMP_UNORD_Q, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT,
    _mm_and_si128, _mm_blendv_epi8, _mm_packs_epi32, _mm_set1_epi16, _mm_xor_si128,
    _mm256_and_si256, _mm256_blendv_ps, _mm256_castps256_ps128, _mm256_cmp_ps, _mm256_cvtph_ps,
    _mm256_cvtps_ph, _mm256_extractf128_ps, _mm256_mask_mov_epi16, _mm256_set1_epi16,
    _mm256_set1_ps, _mm256_xor_si256, _mm512_cmp_ps_mask, _mm512_cvtph_ps, _mm512_cvtps_ph,
    _mm512_mask_mov_ps, _mm512_set1_ps,
};

/// To nearest even, without floating-point exceptions.
const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
/// The sign bit of an FP16 code.
const SIGN: i16 = i16::MIN;

/// Writes the FP16 codes of numbers, 8 at a time, with the given NaN.
#[target_feature(enable = "avx2,f16c")]
pub(super) fn encode_8((nan, nan_sign): SignedNan, src: &[f32], dst: &mut [u16]) {
    let one = |x: [f32; 8]| -> [u16; 8] {
        let x: __m256 = must_cast(x);
        let codes = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x);
        let unordered = _mm256_cmp_ps::<_CMP_UNORD_Q>(x, x);
        // The 32-bit masks of the comparison, packed to 16 bits: all ones stay all ones.
        let is_nan = _mm_packs_epi32(
            must_cast(_mm256_castps256_ps128(unordered)),
            must_cast(_mm256_extractf128_ps::<1>(unordered)),
        );
        // The code of a NaN has its sign, which the policy may want back.
        let sign = _mm_and_si128(codes, _mm_set1_epi16(SIGN & nan_sign as i16));
        must_cast::<__m128i, _>(_mm_blendv_epi8(
            codes,
            _mm_xor_si128(sign, _mm_set1_epi16(nan as i16)),
            is_nan,
        ))
    };
    in_arrays(src, dst, one);
}

/// Writes the FP16 codes of numbers, 64 at a time, with the given NaN.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn encode_16((nan, nan_sign): SignedNan, src: &[f32], dst: &mut [u16]) {
    let without_nan = |x: __m512, codes: __m256i| {
        let is_nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x, x);
        let sign = _mm256_and_si256(codes, _mm256_set1_epi16(SIGN & nan_sign as i16));
        _mm256_mask_mov_epi16(codes, is_nan, _mm256_xor_si256(sign, _mm256_set1_epi16(nan as i16)))
    };
    let sixty_four = |x: [f32; 64]| -> [u16; 64] {
        let x: [__m512; 4] = must_cast(x);
        // Four independent conversions hide each other's latency.
        let codes = x.map(|x| _mm512_cvtps_ph::<NEAREST>(x));
        // "Unordered" holds where either operand is NaN, so two comparisons test four vectors.
        if _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x[0], x[1])
            | _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x[2], x[3])
            == 0
        {
            return must_cast(codes);
        }
        // Rare: replace the NaNs of all four vectors.
        must_cast([0, 1, 2, 3].map(|i| without_nan(x[i], codes[i])))
    };
    in_arrays(src, dst, sixty_four);
}

/// Writes the numbers of FP16 codes, 8 at a time; every NaN is the positive quiet one.
#[target_feature(enable = "avx2,f16c")]
pub(super) fn decode_8(src: &[u16], dst: &mut [f32]) {
    let one = |codes: [u16; 8]| -> [f32; 8] {
        let x = _mm256_cvtph_ps(must_cast(codes));
        must_cast(_mm256_blendv_ps(x, _mm256_set1_ps(F32_NAN), _mm256_cmp_ps::<_CMP_UNORD_Q>(x, x)))
    };
    in_arrays(src, dst, one);
}

/// Writes the numbers of FP16 codes, 16 at a time; every NaN is the positive quiet one.
#[target_feature(enable = "avx512f")]
pub(super) fn decode_16(src: &[u16], dst: &mut [f32]) {
    let one = |codes: [u16; 16]| -> [f32; 16] {
        let x = _mm512_cvtph_ps(must_cast::<_, __m256i>(codes));
        must_cast(_mm512_mask_mov_ps(
            x,
            _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x, x),
            _mm512_set1_ps(F32_NAN),
        ))
    };
    in_arrays(src, dst, one);
}

/// Applies `one` to two slices, N elements at a time; the end is padded with zeros.
#[inline(always)]
fn in_arrays<S: Copy + Default, D: Copy + Default, const N: usize>(
    src: &[S],
    dst: &mut [D],
    one: impl Fn([S; N]) -> [D; N],
) {
    let (arrays, rest) = src.as_chunks::<N>();
    let (out, last) = dst.as_chunks_mut::<N>();
    arrays.iter().zip(out).for_each(|(x, y)| *y = one(*x));
    // A whole vector for the end, of which only the outputs wanted are stored.
    if !rest.is_empty() {
        let mut padded = [S::default(); N];
        padded[..rest.len()].copy_from_slice(rest);
        last.copy_from_slice(&one(padded)[..last.len()]);
    }
}

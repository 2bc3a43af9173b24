//! The rank of a number among at most 15 ascending places, by AVX-512 permutes: safe functions,
//! entered after detection, whose loads and stores go through arrays.
//!
//! ```text
//! rank  = x >= places[7] ? 8 : 0
//! rank += x >= places[rank + 3] ? 4 : 0          // a permute reads a place for each of 16 numbers
//! rank += x >= places[rank + 1] ? 2 : 0
//! rank += x >= places[rank] ? 1 : 0
//! ```
//!
//! Four comparisons and three permutes in place of fifteen comparisons. What belongs to a rank, a
//! code or two neighbouring elements, is one more permute.

use crate::kernel::block::{FewNear, FloatBlocks};
use crate::kernel::encode::Few;
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m128i, __m512, __m512i, _CMP_GE_OQ, _CMP_GT_OQ, _CMP_LT_OQ, _CMP_UNORD_Q, _mm512_abs_ps,
    _mm512_add_epi32, _mm512_cmp_ps_mask, _mm512_cmpge_epi32_mask, _mm512_cvtepi32_epi8,
    _mm512_mask_mov_epi32, _mm512_mask_or_epi32, _mm512_maskz_mov_epi32, _mm512_movepi32_mask,
    _mm512_mul_ps, _mm512_permutexvar_epi32, _mm512_permutexvar_ps, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setr_epi32, _mm512_srai_epi32, _mm512_srli_epi32, _mm512_sub_ps,
    _mm512_xor_si512,
};

/// Fifteen places in order, with what the steps of the search read.
struct Ladder {
    middle: __m512i,
    /// Lane i has the place that is 3, 1 or 0 behind the i-th.
    steps: [__m512i; 3],
}

/// Makes the tables of the search.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn ladder(places: __m512i) -> Ladder {
    let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let three = _mm512_add_epi32(lanes, _mm512_set1_epi32(3));
    let one = _mm512_add_epi32(lanes, _mm512_set1_epi32(1));
    Ladder {
        middle: _mm512_permutexvar_epi32(_mm512_set1_epi32(7), places),
        steps: [
            _mm512_permutexvar_epi32(three, places),
            _mm512_permutexvar_epi32(one, places),
            places,
        ],
    }
}

/// Returns the ranks of 16 numbers, by a comparison of them with places.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn ranks(ladder: &Ladder, not_below: impl Fn(__m512i) -> u16) -> __m512i {
    let rank = _mm512_maskz_mov_epi32(not_below(ladder.middle), _mm512_set1_epi32(8));
    let passed = not_below(_mm512_permutexvar_epi32(rank, ladder.steps[0]));
    let rank = _mm512_mask_or_epi32(rank, passed, rank, _mm512_set1_epi32(4));
    let passed = not_below(_mm512_permutexvar_epi32(rank, ladder.steps[1]));
    let rank = _mm512_mask_or_epi32(rank, passed, rank, _mm512_set1_epi32(2));
    let passed = not_below(_mm512_permutexvar_epi32(rank, ladder.steps[2]));
    _mm512_mask_or_epi32(rank, passed, rank, _mm512_set1_epi32(1))
}

/// Writes the codes of numbers, a byte each.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn encode(few: &Few, src: &[f32], dst: &mut [u8]) {
    let (keys, codes) = few.by_rank();
    let (keys, codes) = (ladder(must_cast(keys)), must_cast(codes));
    let [plus, minus] = few.nan().map(|nan| _mm512_set1_epi32(nan.cast_signed()));
    let one = |numbers: [f32; 16]| -> [u8; 16] {
        let bits: __m512i = must_cast(numbers);
        // Integers in the order of the numbers: below zero all bits but the sign are flipped.
        let flip = _mm512_srli_epi32::<1>(_mm512_srai_epi32::<31>(bits));
        let key = _mm512_xor_si512(bits, flip);
        let rank = ranks(&keys, |places| _mm512_cmpge_epi32_mask(key, places));
        let mut code = _mm512_permutexvar_epi32(rank, codes);
        let numbers: __m512 = must_cast(numbers);
        let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(numbers, numbers);
        if nan != 0 {
            let negative = _mm512_movepi32_mask(bits);
            code = _mm512_mask_mov_epi32(code, nan & !negative, plus);
            code = _mm512_mask_mov_epi32(code, nan & negative, minus);
        }
        must_cast::<__m128i, _>(_mm512_cvtepi32_epi8(code))
    };
    let (numbers, last_numbers) = src.as_chunks::<16>();
    let (out, last_out) = dst.as_chunks_mut::<16>();
    for (numbers, out) in numbers.iter().zip(out) {
        *out = one(*numbers);
    }
    let mut padded = [0.0; 16];
    padded[..last_numbers.len()].copy_from_slice(last_numbers);
    last_out.copy_from_slice(&one(padded)[..last_out.len()]);
}

/// Writes the codes of the least errors under the scales of blocks of whole vectors, and returns
/// how many blocks it did: up to the first with a scale or a number out of range.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn least(near: &FewNear, blocks: FloatBlocks<'_, f32>, codes: &mut [u8]) -> usize {
    let FloatBlocks { numbers, length, factors: scales } = blocks;
    let places = ladder(must_cast(near.elements_between()));
    let [one, other] = near.pairs().map(must_cast::<[f32; 16], __m512>);
    let [code, second] = near.codes().map(must_cast::<[u32; 16], __m512i>);
    let [least, most, beyond] = near.range();
    let numbers = numbers.chunks_exact(length);
    let codes = codes.chunks_exact_mut(length);
    let mut done = 0;
    for ((numbers, codes), scale) in numbers.zip(codes).zip(scales) {
        // Under a scale of zero all errors are equal, and the first code wins.
        if *scale == 0.0 {
            codes.fill(0);
            done += 1;
            continue;
        }
        let far = _mm512_set1_ps(beyond * scale.abs());
        let (numbers, _) = numbers.as_chunks::<16>();
        let is_far = |numbers: &[f32; 16]| {
            _mm512_cmp_ps_mask::<_CMP_GT_OQ>(_mm512_abs_ps(must_cast(*numbers)), far)
        };
        let any = numbers.iter().fold(0, |any, numbers| any | is_far(numbers));
        if any != 0 || !(least..=most).contains(&scale.abs()) {
            break;
        }
        let (factor, reciprocal) = (_mm512_set1_ps(*scale), _mm512_set1_ps(1.0 / *scale));
        for (numbers, codes) in numbers.iter().zip(codes.as_chunks_mut::<16>().0) {
            let x: __m512 = must_cast(*numbers);
            let y = _mm512_mul_ps(x, reciprocal);
            let rank =
                ranks(&places, |places| _mm512_cmp_ps_mask::<_CMP_GE_OQ>(y, must_cast(places)));
            let error = |elements| {
                let product = _mm512_mul_ps(_mm512_permutexvar_ps(rank, elements), factor);
                _mm512_abs_ps(_mm512_sub_ps(product, x))
            };
            // Of equal errors the code of the first element stays, which is the smaller.
            let nearer = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(error(other), error(one));
            let first = _mm512_permutexvar_epi32(rank, code);
            let chosen =
                _mm512_mask_mov_epi32(first, nearer, _mm512_permutexvar_epi32(rank, second));
            *codes = must_cast::<__m128i, _>(_mm512_cvtepi32_epi8(chosen));
        }
        done += 1;
    }
    done
}

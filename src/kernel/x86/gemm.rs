//! Tiles in intrinsics: what the compiler finds by itself is thirty times slower. They are safe
//! functions, entered after detection.

use crate::kernel::gemm::{
    Blocks, KC, Known, Lanes, MR, MicroTile, Rounding, by_rows, chain_body, double_body,
};
use crate::kernel::stream::fetch;
use bytemuck::{must_cast, must_cast_ref};
use core::arch::x86_64::{
    __m256, __m512, __m512d, _CMP_UNORD_Q, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT,
    _MM_FROUND_TO_NEG_INF, _MM_FROUND_TO_POS_INF, _MM_FROUND_TO_ZERO, _MM_HINT_T1,
    _mm256_add_epi32, _mm256_add_ps, _mm256_and_si256, _mm256_castps_si256, _mm256_castsi256_ps,
    _mm256_cvtph_ps, _mm256_cvtps_ph, _mm256_fmadd_ps, _mm256_mul_ps, _mm256_set1_epi32,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_sub_ps, _mm512_add_epi32, _mm512_add_ps,
    _mm512_and_si512, _mm512_andnot_si512, _mm512_castps_si512, _mm512_castsi512_ps,
    _mm512_cmp_ps_mask, _mm512_cvtph_ps, _mm512_cvtps_pd, _mm512_cvtps_ph, _mm512_fmadd_pd,
    _mm512_fmadd_ps, _mm512_fmadd_round_ps, _mm512_mask_mov_ps, _mm512_mul_ps, _mm512_set1_epi32,
    _mm512_set1_pd, _mm512_set1_ps, _mm512_sllv_epi32, _mm512_srli_epi32, _mm512_srlv_epi32,
    _mm512_sub_epi32, _mm512_sub_ps, _mm512_test_epi32_mask,
};

#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn fma_avx2<const R: usize>(
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
) {
    steps_avx2(a, b, acc, |sum, a, b| _mm256_fmadd_ps(a, b, sum));
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn fma_avx512<const R: usize>(
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
) {
    steps_avx512(a, b, acc, |sum, a, b| _mm512_fmadd_ps(a, b, sum));
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn double_avx2<const R: usize>(
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f64>; R],
) {
    double_body(a, b, acc);
}

/// Half of a tile by two panels: 16 sums, for which 10 registers are loaded at every position.
type Halves = [[__m512; 8]; 2];

#[inline]
#[target_feature(enable = "avx512f")]
fn load(acc: &[MicroTile<f32>; 2], half: usize) -> Halves {
    core::array::from_fn(|panel| core::array::from_fn(|i| must_cast(acc[panel][8 * half + i])))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(sums: Halves, half: usize, acc: &mut [MicroTile<f32>; 2]) {
    for (acc, sums) in acc.iter_mut().zip(sums) {
        acc[8 * half..].iter_mut().zip(sums).for_each(|(acc, sum)| *acc = must_cast(sum));
    }
}

/// Has what follows a piece of positions fetched into the second-level cache.
#[inline]
pub(super) fn fetch_next<T>(line: &[T; MR]) {
    fetch::<_MM_HINT_T1>(core::ptr::from_ref(line).wrapping_add(KC).cast());
}

#[inline]
#[target_feature(enable = "avx512f")]
fn fma_halves(half: usize, a: &[[f32; MR]], b: [&[Lanes<f32>]; 2], mut sums: Halves) -> Halves {
    for ((a, b0), b1) in a.iter().zip(b[0]).zip(b[1]) {
        if half == 0 {
            fetch_next(a);
        }
        let a = &must_cast_ref::<[f32; MR], [[f32; 8]; 2]>(a)[half];
        let (b0, b1): (__m512, __m512) = (must_cast(*b0), must_cast(*b1));
        for (i, a) in a.iter().enumerate() {
            let a = _mm512_set1_ps(*a);
            sums[0][i] = _mm512_fmadd_ps(a, b0, sums[0][i]);
            sums[1][i] = _mm512_fmadd_ps(a, b1, sums[1][i]);
        }
    }
    sums
}

#[target_feature(enable = "avx512f")]
pub(super) fn fma_x2(a: &[[f32; MR]], b: [&[Lanes<f32>]; 2], acc: &mut [MicroTile<f32>; 2]) {
    for half in 0..2 {
        let sums = fma_halves(half, a, b, load(acc, half));
        store(sums, half, acc);
    }
}

/// `SCALED` if the rows' scales may be other than 1.
#[target_feature(enable = "avx512f")]
pub(super) fn blocks_x2<const SCALED: bool>(
    parts: &[Blocks<'_>; 2],
    a: &[[f32; MR]],
    b: [&[Lanes<f32>]; 2],
    acc: &mut [MicroTile<f32>; 2],
) {
    let (block_k, (scales, _)) = (parts[0].block_k, parts[0].rows.as_chunks::<MR>());
    for half in 0..2 {
        let mut sums = load(acc, half);
        let blocks =
            a.chunks(block_k).zip(b[0].chunks(block_k).zip(b[1].chunks(block_k))).zip(scales);
        for (((a, (b0, b1)), scale_a), scale_b) in
            blocks.zip(parts[0].cols.iter().zip(parts[1].cols))
        {
            let partial = fma_halves(half, a, [b0, b1], [[_mm512_set1_ps(0.0); 8]; 2]);
            for ((sums, partial), scale_b) in
                sums.iter_mut().zip(partial).zip([scale_b.0, scale_b.1])
            {
                let scale_b: __m512 = must_cast(*scale_b);
                for ((sum, partial), scale_a) in
                    sums.iter_mut().zip(partial).zip(&scale_a[8 * half..])
                {
                    let scale = if SCALED {
                        _mm512_mul_ps(_mm512_set1_ps(*scale_a), scale_b)
                    } else {
                        scale_b
                    };
                    *sum = _mm512_fmadd_ps(partial, scale, *sum);
                }
            }
        }
        store(sums, half, acc);
    }
}

/// Eight rows of every position: of 16 sums in two registers each there are not enough.
fn eight<const R: usize>(a: &[[f32; R]], half: usize) -> impl Iterator<Item = &[f32; 8]> {
    a.as_flattened().as_chunks().0.iter().skip(half).step_by(R / 8)
}

#[target_feature(enable = "avx512f,avx512vl")]
pub(super) fn double_avx512<const R: usize>(
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f64>; R],
) {
    if R > 8 {
        for (half, acc) in acc.as_chunks_mut().0.iter_mut().enumerate() {
            double_rows::<8>(eight(a, half), b, acc);
        }
    } else {
        double_rows(a.iter(), b, acc);
    }
}

/// A fused multiply-add is the sum: the product is exact.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn double_rows<'a, const R: usize>(
    a: impl Iterator<Item = &'a [f32; R]>,
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f64>; R],
) {
    let mut sums: [[__m512d; 2]; R] = acc.map(must_cast);
    for (a, b) in a.zip(b) {
        let [low, high]: [__m256; 2] = must_cast(*b);
        let (low, high) = (_mm512_cvtps_pd(low), _mm512_cvtps_pd(high));
        for (sum, a) in sums.iter_mut().zip(a) {
            let a = _mm512_set1_pd(f64::from(*a));
            *sum = [_mm512_fmadd_pd(a, low, sum[0]), _mm512_fmadd_pd(a, high, sum[1])];
        }
    }
    *acc = sums.map(must_cast);
}

#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn rounded_avx2<const R: usize>(
    rounding: &Rounding,
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
) {
    match rounding.known {
        Some(Known::F16) if rounding.twice => steps_avx2(a, b, acc, |sum, a, b| {
            _mm256_cvtph_ps(_mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_fmadd_ps(
                a, b, sum,
            )))
        }),
        Some(Known::Nearest(missing)) if rounding.twice => {
            let (field, ahead) = (_mm256_set1_epi32(FIELD), _mm256_set1_epi32(ahead(missing)));
            steps_avx2(a, b, acc, |sum, a, b| {
                let sum = _mm256_fmadd_ps(a, b, sum);
                let binade = _mm256_and_si256(_mm256_castps_si256(sum), field);
                let magic = _mm256_castsi256_ps(_mm256_add_epi32(binade, ahead));
                _mm256_sub_ps(_mm256_add_ps(sum, magic), magic)
            });
        }
        _ => chain_body(rounding, a, b, acc),
    }
}

/// The exponent field of an f32.
const FIELD: i32 = 0x7F80_0000;

/// What makes `1.5 · 2^(e + missing)` of the bits of 2^e: adding that to a sum in its binade leaves
/// all but so many bits of it, ties to even.
const fn ahead(missing: u32) -> i32 {
    (missing as i32) << 23 | 1 << 22
}

/// A step for every product.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn steps_avx2<const R: usize>(
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
    step: impl Fn(__m256, __m256, __m256) -> __m256,
) {
    by_rows!(R, steps_rows(a, b, acc, &step));
}

/// A step for every product of N rows, from the `first` on.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn steps_rows<const R: usize, const N: usize>(
    first: usize,
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
    step: &impl Fn(__m256, __m256, __m256) -> __m256,
) {
    let mut sums = [[_mm256_setzero_ps(); 2]; N];
    for (i, sum) in sums.iter_mut().enumerate() {
        *sum = must_cast(acc[first + i]);
    }
    for (a, b) in a.iter().zip(b) {
        let b: [__m256; 2] = must_cast(*b);
        for (i, sum) in sums.iter_mut().enumerate() {
            let a = _mm256_set1_ps(a[first + i]);
            *sum = [step(sum[0], a, b[0]), step(sum[1], a, b[1])];
        }
    }
    for (i, sum) in sums.into_iter().enumerate() {
        acc[first + i] = must_cast(sum);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn rounded_avx512<const R: usize>(
    rounding: &Rounding,
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
) {
    match rounding.known {
        None => chain_body(rounding, a, b, acc),
        Some(Known::F16) if rounding.twice => {
            steps_avx512(a, b, acc, |sum, a, b| narrow_f16(_mm512_fmadd_ps(a, b, sum)))
        }
        Some(Known::F16) => steps_avx512(a, b, acc, |sum, a, b| narrow_f16(odd_sum(sum, a, b))),
        Some(Known::Nearest(missing)) if rounding.twice => {
            let (field, ahead) = (_mm512_set1_epi32(FIELD), _mm512_set1_epi32(ahead(missing)));
            steps_avx512(a, b, acc, |sum, a, b| {
                let sum = _mm512_fmadd_ps(a, b, sum);
                let binade = _mm512_and_si512(_mm512_castps_si512(sum), field);
                let magic = _mm512_castsi512_ps(_mm512_add_epi32(binade, ahead));
                _mm512_sub_ps(_mm512_add_ps(sum, magic), magic)
            });
        }
        Some(Known::Nearest(missing)) => steps_avx512(a, b, acc, |sum, a, b| {
            let x = odd_sum(sum, a, b);
            let (bits, missing, one) =
                (_mm512_castps_si512(x), _mm512_set1_epi32(missing as i32), _mm512_set1_epi32(1));
            let unit = _mm512_sllv_epi32(one, missing);
            let half = _mm512_sub_epi32(_mm512_srli_epi32::<1>(unit), one);
            let odd = _mm512_and_si512(_mm512_srlv_epi32(bits, missing), one);
            let sum = _mm512_add_epi32(_mm512_add_epi32(bits, half), odd);
            let cut = _mm512_andnot_si512(_mm512_sub_epi32(unit, one), sum);
            _mm512_mask_mov_ps(
                _mm512_castsi512_ps(cut),
                _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x, x),
                _mm512_set1_ps(f32::NAN),
            )
        }),
        // Cutting what was cut is cutting once.
        Some(Known::CutF16) => steps_avx512(a, b, acc, |sum, a, b| {
            let sum =
                _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(a, b, sum);
            _mm512_cvtph_ps(_mm512_cvtps_ph::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(sum))
        }),
        // A NaN keeps its quiet bit, which is the first of the mantissa.
        Some(Known::Cut(missing)) => steps_avx512(a, b, acc, |sum, a, b| {
            let low = _mm512_set1_epi32((1 << missing) - 1);
            let sum =
                _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(a, b, sum);
            _mm512_castsi512_ps(_mm512_andnot_si512(low, _mm512_castps_si512(sum)))
        }),
    }
}

/// To the nearest FP16.
#[inline]
#[target_feature(enable = "avx512f")]
fn narrow_f16(x: __m512) -> __m512 {
    _mm512_cvtph_ps(_mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x))
}

/// `acc + a·b` rounded to odd, for what rounds it again: rounded down and up it is neighbours, if
/// they differ, of which one has its last bit set.
#[inline]
#[target_feature(enable = "avx512f")]
fn odd_sum(acc: __m512, a: __m512, b: __m512) -> __m512 {
    let down = _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(a, b, acc);
    let up = _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC }>(a, b, acc);
    let odd = _mm512_test_epi32_mask(_mm512_castps_si512(down), _mm512_set1_epi32(1));
    _mm512_mask_mov_ps(up, odd, down)
}

/// A step for every product.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn steps_avx512<const R: usize>(
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
    step: impl Fn(__m512, __m512, __m512) -> __m512,
) {
    let mut sums: [__m512; R] = acc.map(must_cast);
    for (a, b) in a.iter().zip(b) {
        let b: __m512 = must_cast(*b);
        for (sum, a) in sums.iter_mut().zip(a) {
            *sum = step(*sum, _mm512_set1_ps(*a), b);
        }
    }
    *acc = sums.map(must_cast);
}

#[target_feature(enable = "avx2,fma")]
pub(super) fn blocks_avx2<const R: usize>(
    blocks: &Blocks<'_>,
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
) {
    by_rows!(R, blocks_rows(blocks, a, b, acc));
}

/// Sums block by block of N rows, from the `first` on.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn blocks_rows<const R: usize, const N: usize>(
    first: usize,
    blocks: &Blocks<'_>,
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
) {
    let (scales, _) = blocks.rows.as_chunks::<R>();
    for (((a, b), scale_a), scale_b) in
        a.chunks(blocks.block_k).zip(b.chunks(blocks.block_k)).zip(scales).zip(blocks.cols)
    {
        let mut partial = [[_mm256_setzero_ps(); 2]; N];
        for (a, b) in a.iter().zip(b) {
            let b: [__m256; 2] = must_cast(*b);
            for (i, sum) in partial.iter_mut().enumerate() {
                let a = _mm256_set1_ps(a[first + i]);
                *sum = [_mm256_fmadd_ps(a, b[0], sum[0]), _mm256_fmadd_ps(a, b[1], sum[1])];
            }
        }
        let scale_b: [__m256; 2] = must_cast(*scale_b);
        for (i, partial) in partial.into_iter().enumerate() {
            let scale_a = _mm256_set1_ps(scale_a[first + i]);
            let sums: [__m256; 2] = must_cast(acc[first + i]);
            acc[first + i] = must_cast([
                _mm256_fmadd_ps(partial[0], _mm256_mul_ps(scale_a, scale_b[0]), sums[0]),
                _mm256_fmadd_ps(partial[1], _mm256_mul_ps(scale_a, scale_b[1]), sums[1]),
            ]);
        }
    }
}

#[target_feature(enable = "avx512f")]
pub(super) fn blocks_avx512<const R: usize>(
    blocks: &Blocks<'_>,
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
) {
    let mut sums = [_mm512_set1_ps(0.0); R];
    for (sum, acc) in sums.iter_mut().zip(acc.iter()) {
        *sum = must_cast(*acc);
    }
    let (scales, _) = blocks.rows.as_chunks::<R>();
    for (((a, b), scale_a), scale_b) in
        a.chunks(blocks.block_k).zip(b.chunks(blocks.block_k)).zip(scales).zip(blocks.cols)
    {
        let mut partial = [_mm512_set1_ps(0.0); R];
        for (a, b) in a.iter().zip(b) {
            let b: __m512 = must_cast(*b);
            for (sum, a) in partial.iter_mut().zip(a) {
                *sum = _mm512_fmadd_ps(_mm512_set1_ps(*a), b, *sum);
            }
        }
        let scale_b: __m512 = must_cast(*scale_b);
        for ((sum, partial), scale_a) in sums.iter_mut().zip(partial).zip(scale_a) {
            *sum = _mm512_fmadd_ps(partial, _mm512_mul_ps(_mm512_set1_ps(*scale_a), scale_b), *sum);
        }
    }
    for (acc, sum) in acc.iter_mut().zip(sums) {
        *acc = must_cast(sum);
    }
}

#[target_feature(enable = "avx512f")]
pub(super) fn scale_lanes_avx512(numbers: &mut [Lanes<f32>], addend: f32, factors: &Lanes<f32>) {
    let (addend, factors) = (_mm512_set1_ps(addend), must_cast::<Lanes<f32>, __m512>(*factors));
    for row in numbers {
        *row = must_cast(_mm512_mul_ps(_mm512_add_ps(must_cast(*row), addend), factors));
    }
}

//! Micro-kernels in AVX2 and AVX-512 intrinsics: what the compiler finds by itself is thirty times
//! slower. Safe functions, entered after detection.
//!
//! ```text
//! sums = acc                                        // in registers for the whole K loop
//! for k in 0..KC:
//!     b = B panel[k]                                // 16 columns: 1 register, 2 of AVX2; from L1
//!     for each row: sums[row] = step(sums[row], broadcast(a[k][row]), b)   // A: L1 or L2
//! acc = sums
//! ```
//!
//! | kernel | sums in registers | loads and broadcasts for each k |
//! |---|---|---|
//! | AVX2, 16 rows | 6 + 5 + 5 rows × 2, one group after the other | 2 + 6 |
//! | AVX-512, one panel | 16 rows × 1 | 1 + 16 |
//! | AVX-512, two panels (`x2`) | 8 rows × 2, two halves | 2 + 8, for as many products |
//!
//! `step` is a fused multiply-add, or one that rounds the sum to a format. Block-scaled products
//! run the same loop for each block from zero and add the partial sums times the scales.

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

/// Continues chains of f32 fused multiply-adds.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn fma_avx2<const R: usize>(
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
) {
    steps_avx2(a, b, acc, |sum, a, b| _mm256_fmadd_ps(a, b, sum));
}

/// Continues chains of f32 fused multiply-adds.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn fma_avx512<const R: usize>(
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
) {
    steps_avx512(a, b, acc, |sum, a, b| _mm512_fmadd_ps(a, b, sum));
}

/// Continues chains of f64 sums, by the plain loop compiled for AVX2.
#[target_feature(enable = "avx2,fma")]
pub(super) fn double_avx2<const R: usize>(
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f64>; R],
) {
    double_body(a, b, acc);
}

/// The sums of half of a tile, 8 rows, by two panels: 16 registers.
type HalfTiles = [[__m512; 8]; 2];

/// Loads the sums of one half of the rows.
#[inline]
#[target_feature(enable = "avx512f")]
fn load(acc: &[MicroTile<f32>; 2], half: usize) -> HalfTiles {
    core::array::from_fn(|panel| core::array::from_fn(|i| must_cast(acc[panel][8 * half + i])))
}

/// Stores the sums of one half of the rows.
#[inline]
#[target_feature(enable = "avx512f")]
fn store(sums: HalfTiles, half: usize, acc: &mut [MicroTile<f32>; 2]) {
    for (acc, sums) in acc.iter_mut().zip(sums) {
        acc[8 * half..].iter_mut().zip(sums).for_each(|(acc, sum)| *acc = must_cast(sum));
    }
}

/// Prefetches into L2 the numbers of A that lie KC steps ahead: the same place of the next stretch
/// of K.
#[inline]
pub(super) fn fetch_next<T>(line: &[T; MR]) {
    fetch::<_MM_HINT_T1>(core::ptr::from_ref(line).wrapping_add(KC).cast());
}

/// Continues the chains of one half of the rows by two panels.
#[inline]
#[target_feature(enable = "avx512f")]
fn fma_halves(
    half: usize,
    a: &[[f32; MR]],
    b: [&[Lanes<f32>]; 2],
    mut sums: HalfTiles,
) -> HalfTiles {
    for ((a, b0), b1) in a.iter().zip(b[0]).zip(b[1]) {
        // One half prefetches: both read the same lines of A.
        if half == 0 {
            fetch_next(a);
        }
        let a = &must_cast_ref::<[f32; MR], [[f32; 8]; 2]>(a)[half];
        let (b0, b1): (__m512, __m512) = (must_cast(*b0), must_cast(*b1));
        // A broadcast serves two products; 16 chains hide the latency of FMA.
        for (i, a) in a.iter().enumerate() {
            let a = _mm512_set1_ps(*a);
            sums[0][i] = _mm512_fmadd_ps(a, b0, sums[0][i]);
            sums[1][i] = _mm512_fmadd_ps(a, b1, sums[1][i]);
        }
    }
    sums
}

/// Continues f32 chains of a full tile by two panels, one half of the rows after the other.
#[target_feature(enable = "avx512f")]
pub(super) fn fma_x2(a: &[[f32; MR]], b: [&[Lanes<f32>]; 2], acc: &mut [MicroTile<f32>; 2]) {
    // Two walks over k: the second finds A and both panels in L1.
    for half in 0..2 {
        let sums = fma_halves(half, a, b, load(acc, half));
        store(sums, half, acc);
    }
}

/// Adds scaled partial sums block by block for a full tile by two panels. `SCALED` says that scales
/// of rows may differ from 1.
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
            // The chain of each block starts from zero: a block's sum is complete before it is
            // scaled.
            let partial = fma_halves(half, a, [b0, b1], [[_mm512_set1_ps(0.0); 8]; 2]);
            for ((sums, partial), scale_b) in
                sums.iter_mut().zip(partial).zip([scale_b.0, scale_b.1])
            {
                let scale_b: __m512 = must_cast(*scale_b);
                for ((sum, partial), scale_a) in
                    sums.iter_mut().zip(partial).zip(&scale_a[8 * half..])
                {
                    // Without scales of A a broadcast and a product are saved for each row and
                    // block.
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

/// Returns, for each k, eight of the R numbers of A: those of half `half`.
fn eight<const R: usize>(a: &[[f32; R]], half: usize) -> impl Iterator<Item = &[f32; 8]> {
    a.as_flattened().as_chunks().0.iter().skip(half).step_by(R / 8)
}

/// Continues chains of f64 sums, at most 8 rows at a time.
#[target_feature(enable = "avx512f,avx512vl")]
pub(super) fn double_avx512<const R: usize>(
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f64>; R],
) {
    // A row of 16 f64 sums is two registers: 16 rows would fill all 32.
    if R > 8 {
        for (half, acc) in acc.as_chunks_mut().0.iter_mut().enumerate() {
            double_rows::<8>(eight(a, half), b, acc);
        }
    } else {
        double_rows(a.iter(), b, acc);
    }
}

/// Continues chains of f64 sums. A fused multiply-add gives the sum's bits, since the product of
/// two f32s is exact in f64.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn double_rows<'a, const R: usize>(
    a: impl Iterator<Item = &'a [f32; R]>,
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f64>; R],
) {
    // Copies that nothing points at stay in registers over the K loop, two for a row's 16 sums.
    let mut sums: [[__m512d; 2]; R] = acc.map(must_cast);
    for (a, b) in a.zip(b) {
        let [low, high]: [__m256; 2] = must_cast(*b);
        // Widened here, because all rows multiply the same columns of B.
        let (low, high) = (_mm512_cvtps_pd(low), _mm512_cvtps_pd(high));
        for (sum, a) in sums.iter_mut().zip(a) {
            let a = _mm512_set1_pd(f64::from(*a));
            *sum = [_mm512_fmadd_pd(a, low, sum[0]), _mm512_fmadd_pd(a, high, sum[1])];
        }
    }
    *acc = sums.map(must_cast);
}

/// Continues chains of rounded sums. Without directed rounding in instructions, only sums that may
/// be rounded twice have a loop of their own.
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
                // The FMA rounds to f32; adding and subtracting 1.5 · 2^(e + missing) rounds to
                // fewer bits.
                let sum = _mm256_fmadd_ps(a, b, sum);
                let binade = _mm256_and_si256(_mm256_castps_si256(sum), field);
                let magic = _mm256_castsi256_ps(_mm256_add_epi32(binade, ahead));
                _mm256_sub_ps(_mm256_add_ps(sum, magic), magic)
            });
        }
        _ => chain_body(rounding, a, b, acc),
    }
}

/// The mask of an f32's exponent field.
const FIELD: i32 = 0x7F80_0000;

/// Returns what the bits of 2^e lack to those of `1.5 · 2^(e + missing)`. Adding that number to a
/// sum in the binade of 2^e rounds off `missing` bits, ties to even.
const fn ahead(missing: u32) -> i32 {
    (missing as i32) << 23 | 1 << 22
}

/// Runs `step(sum, a, b)` for every product of a tile, as many rows at a time as have their sums in
/// registers.
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

/// Runs `step` for every product of N rows from `first` on: 2 · N sums in registers.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn steps_rows<const R: usize, const N: usize>(
    first: usize,
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
    step: &impl Fn(__m256, __m256, __m256) -> __m256,
) {
    // A loop instead of `map`, which would be called without these instructions.
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

/// Continues chains of rounded sums.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn rounded_avx512<const R: usize>(
    rounding: &Rounding,
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
) {
    match rounding.known {
        None => chain_body(rounding, a, b, acc),
        // Double rounding is harmless here: the FMA rounds to f32, the conversion to FP16.
        Some(Known::F16) if rounding.twice => {
            steps_avx512(a, b, acc, |sum, a, b| narrow_f16(_mm512_fmadd_ps(a, b, sum)));
        }
        // Rounded to odd in f32 first, so that the conversion rounds as the exact sum would.
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
            // Nearest even on the bits: half a unit less one, plus the last kept bit, then cut.
            let unit = _mm512_sllv_epi32(one, missing);
            let half = _mm512_sub_epi32(_mm512_srli_epi32::<1>(unit), one);
            let odd = _mm512_and_si512(_mm512_srlv_epi32(bits, missing), one);
            let sum = _mm512_add_epi32(_mm512_add_epi32(bits, half), odd);
            let cut = _mm512_andnot_si512(_mm512_sub_epi32(unit, one), sum);
            // A carry could turn a NaN into something else.
            _mm512_mask_mov_ps(
                _mm512_castsi512_ps(cut),
                _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x, x),
                _mm512_set1_ps(f32::NAN),
            )
        }),
        // Truncating twice is truncating once.
        Some(Known::CutF16) => steps_avx512(a, b, acc, |sum, a, b| {
            let sum =
                _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(a, b, sum);
            _mm512_cvtph_ps(_mm512_cvtps_ph::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(sum))
        }),
        // A NaN keeps its quiet bit, which is the first of the mantissa.
        Some(Known::Cut(missing)) => steps_avx512(a, b, acc, |sum, a, b| {
            // The FMA truncates to f32; masking truncates to the format.
            let low = _mm512_set1_epi32((1 << missing) - 1);
            let sum =
                _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(a, b, sum);
            _mm512_castsi512_ps(_mm512_andnot_si512(low, _mm512_castps_si512(sum)))
        }),
    }
}

/// Returns numbers rounded to FP16, to nearest even.
#[inline]
#[target_feature(enable = "avx512f")]
fn narrow_f16(x: __m512) -> __m512 {
    _mm512_cvtph_ps(_mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x))
}

/// Returns `acc + a · b` rounded to odd in f32. Rounded down and up it is two neighbours if it is
/// inexact, of which exactly one has its last bit set; otherwise both are the sum.
#[inline]
#[target_feature(enable = "avx512f")]
fn odd_sum(acc: __m512, a: __m512, b: __m512) -> __m512 {
    let down = _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(a, b, acc);
    let up = _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC }>(a, b, acc);
    // Take the lower one if it is odd, else the upper one.
    let odd = _mm512_test_epi32_mask(_mm512_castps_si512(down), _mm512_set1_epi32(1));
    _mm512_mask_mov_ps(up, odd, down)
}

/// Runs `step(sum, a, b)` for every product of R rows by one panel: R sums in registers.
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

/// Adds scaled partial sums block by block.
#[target_feature(enable = "avx2,fma")]
pub(super) fn blocks_avx2<const R: usize>(
    blocks: &Blocks<'_>,
    a: &[[f32; R]],
    b: &[Lanes<f32>],
    acc: &mut [Lanes<f32>; R],
) {
    by_rows!(R, blocks_rows(blocks, a, b, acc));
}

/// Adds scaled partial sums block by block for N rows from `first` on. Partial sums are in
/// registers, the sums in L1: they are touched once for a block.
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
        // The end of a block: the product of the scales is rounded, then the sum once.
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

/// Adds scaled partial sums block by block.
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
        // A chain from zero for each block and row.
        let mut partial = [_mm512_set1_ps(0.0); R];
        for (a, b) in a.iter().zip(b) {
            let b: __m512 = must_cast(*b);
            for (sum, a) in partial.iter_mut().zip(a) {
                *sum = _mm512_fmadd_ps(_mm512_set1_ps(*a), b, *sum);
            }
        }
        // The end of a block: the product of the scales is rounded, then the sum once.
        let scale_b: __m512 = must_cast(*scale_b);
        for ((sum, partial), scale_a) in sums.iter_mut().zip(partial).zip(scale_a) {
            *sum = _mm512_fmadd_ps(partial, _mm512_mul_ps(_mm512_set1_ps(*scale_a), scale_b), *sum);
        }
    }
    for (acc, sum) in acc.iter_mut().zip(sums) {
        *acc = must_cast(sum);
    }
}

/// Multiplies every number, with `addend` added, by the factor of its column.
#[target_feature(enable = "avx512f")]
pub(super) fn scale_lanes_avx512(numbers: &mut [Lanes<f32>], addend: f32, factors: &Lanes<f32>) {
    let (addend, factors) = (_mm512_set1_ps(addend), must_cast::<Lanes<f32>, __m512>(*factors));
    // The numbers are a decoded panel chunk, 8 KiB in L1, and are scaled in place.
    for row in numbers {
        *row = must_cast(_mm512_mul_ps(_mm512_add_ps(must_cast(*row), addend), factors));
    }
}

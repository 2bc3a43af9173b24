//! Sums of matrix units by AVX-512: the groups of `aligned` and `sixteens` in registers, where the
//! compiler leaves their loops over sixteen lanes scalar. Safe functions, entered after detection.
//!
//! ```text
//! for a group:
//!     four rows by 16 columns, a register each
//!     tops       an addition and a maximum a product
//!     start      the power of two that aligns, and C as an integer
//!     products   a · b · 2^(keep − top), cut by the conversion; i32 sums of sixteen
//!     finish     S fits an i32: converted toward zero; else f64 of both halves
//! ```
//!
//! The bits are those of the plain loops, for their reasons. A conversion of what is not finite
//! gives some integer; such sums stay what they are.

use crate::kernel::gemm::{
    AlignedResult, AlignedSide, AlignedUnit, Lanes, NO_PRODUCTS, NO_RANK, NR, ROWS, SIXTEEN,
    ScaleRanks, SixteenSide,
};
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m256, __m256i, __m512, __m512d, __m512i, _CMP_GE_OQ, _CMP_NEQ_UQ, _MM_FROUND_NO_EXC,
    _MM_FROUND_TO_NEAREST_INT, _MM_FROUND_TO_ZERO, _mm256_mask_mov_ps, _mm256_mask_or_epi32,
    _mm256_set1_epi32, _mm512_abs_pd, _mm512_add_epi32, _mm512_add_epi64, _mm512_add_pd,
    _mm512_add_ps, _mm512_and_epi32, _mm512_and_epi64, _mm512_castps_si512, _mm512_castsi512_pd,
    _mm512_castsi512_ps, _mm512_cmp_pd_mask, _mm512_cmplt_epi32_mask, _mm512_cvt_roundepi32_ps,
    _mm512_cvt_roundpd_ps, _mm512_cvtepi32_epi64, _mm512_cvtepi32_pd, _mm512_cvtepi32_ps,
    _mm512_cvtpd_ps, _mm512_cvtph_ps, _mm512_cvtps_pd, _mm512_cvtps_ph, _mm512_cvttps_epi32,
    _mm512_fmadd_ps, _mm512_fpclass_ps_mask, _mm512_mask_and_epi32, _mm512_mask_max_epi32,
    _mm512_mask_mov_epi32, _mm512_max_epi32, _mm512_min_epi32, _mm512_mul_pd, _mm512_mul_ps,
    _mm512_roundscale_pd, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_set1_pd, _mm512_set1_ps,
    _mm512_setzero_pd, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_slli_epi32,
    _mm512_slli_epi64, _mm512_srli_epi32, _mm512_sub_epi32, _mm512_sub_epi64,
    _mm512_test_epi32_mask, _mm512_testn_epi32_mask,
};
use core::ops::Range;

/// Products whose integers an i32 adds up.
const I32_PRODUCTS: usize = 16;

/// Toward zero.
const CUT: i32 = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;

/// Infinities and NaN, as `vfpclassps` numbers them.
const NOT_FINITE: i32 = 0x99;

/// Two halves of sixteen lanes as f64s.
type Halves = [__m512d; 2];

/// Returns the exponents of sums; of zeros one below all others.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn exponents(sums: __m512, least: i32) -> __m512i {
    let bits = _mm512_castps_si512(sums);
    let field = _mm512_and_epi32(_mm512_srli_epi32::<23>(bits), _mm512_set1_epi32(0xFF));
    let exponent = _mm512_sub_epi32(field, _mm512_set1_epi32(127));
    let exponent = _mm512_max_epi32(exponent, _mm512_set1_epi32(least));
    let zeros = _mm512_testn_epi32_mask(bits, _mm512_set1_epi32(0x7FFF_FFFF));
    _mm512_mask_mov_epi32(exponent, zeros, _mm512_set1_epi32(2 * NO_RANK))
}

/// Replaces sums by those of a group, except where they stay what they are but for the bits that
/// the result has not; −0 becomes +0.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn put(result: AlignedResult, sums: __m512, tops: __m512i, made: __m512) -> __m512 {
    let no_products = _mm512_cmplt_epi32_mask(tops, _mm512_set1_epi32(NO_RANK / 2));
    let stays = no_products | _mm512_fpclass_ps_mask::<NOT_FINITE>(sums);
    let kept = _mm512_set1_epi32(result.kept_of_c() as i32);
    let kept = _mm512_mask_and_epi32(must_cast(made), stays, must_cast(sums), kept);
    _mm512_add_ps(must_cast(kept), _mm512_setzero_ps())
}

/// Returns `2^exponent` for exponents of normal f32s.
#[inline]
#[target_feature(enable = "avx512f")]
fn powers(exponents: __m512i) -> __m512 {
    let fields = _mm512_add_epi32(exponents, _mm512_set1_epi32(127));
    _mm512_castsi512_ps(_mm512_slli_epi32::<23>(fields))
}

/// Returns both halves as f64s.
#[inline]
#[target_feature(enable = "avx512f")]
fn halves(x: __m512) -> Halves {
    let [low, high]: [__m256; 2] = must_cast(x);
    [_mm512_cvtps_pd(low), _mm512_cvtps_pd(high)]
}

/// Returns both halves of integers as f64s.
#[inline]
#[target_feature(enable = "avx512f")]
fn integer_halves(x: __m512i) -> Halves {
    let [low, high]: [__m256i; 2] = must_cast(x);
    [_mm512_cvtepi32_pd(low), _mm512_cvtepi32_pd(high)]
}

/// Adds both halves.
#[inline]
#[target_feature(enable = "avx512f")]
fn add(x: Halves, y: Halves) -> Halves {
    [_mm512_add_pd(x[0], y[0]), _mm512_add_pd(x[1], y[1])]
}

/// Multiplies both halves.
#[inline]
#[target_feature(enable = "avx512f")]
fn multiply(x: Halves, y: Halves) -> Halves {
    [_mm512_mul_pd(x[0], y[0]), _mm512_mul_pd(x[1], y[1])]
}

/// Returns exact sums, which are 0 or no subnormal f32s, rounded.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq")]
fn round(result: AlignedResult, exact: Halves) -> __m512 {
    match result {
        AlignedResult::CutF32(mask) => {
            let kept = _mm512_set1_epi64((!0 << 61 | u64::from(mask) << 29) as i64);
            let mut cut: [__m256; 2] = must_cast(_mm512_setzero_ps());
            for (cut, x) in cut.iter_mut().zip(exact) {
                // What is left is an f32, or 2^128 and more, which becomes infinite.
                let bits = _mm512_and_epi64(must_cast(x), kept);
                *cut = _mm512_cvtpd_ps(_mm512_castsi512_pd(bits));
            }
            must_cast(cut)
        }
        AlignedResult::NearestF32 => {
            must_cast([_mm512_cvtpd_ps(exact[0]), _mm512_cvtpd_ps(exact[1])])
        }
        AlignedResult::NearestF16 => {
            let mut odd: [__m256; 2] = must_cast(_mm512_setzero_ps());
            for (odd, x) in odd.iter_mut().zip(exact) {
                // Rounded to odd in f32, so that the conversion rounds as the exact sum would.
                let cut = _mm512_cvt_roundpd_ps::<CUT>(x);
                let inexact = _mm512_cmp_pd_mask::<_CMP_NEQ_UQ>(_mm512_cvtps_pd(cut), x);
                let bits: __m256i = must_cast(cut);
                *odd = must_cast(_mm256_mask_or_epi32(bits, inexact, bits, _mm256_set1_epi32(1)));
            }
            nearest_f16(must_cast(odd))
        }
    }
}

/// Returns the f16s nearest to f32s, ties to even.
#[inline]
#[target_feature(enable = "avx512f")]
fn nearest_f16(x: __m512) -> __m512 {
    _mm512_cvtph_ps(_mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x))
}

/// Goes on with the sums of four rows in the columns of a panel, over a range of groups.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn aligned(
    unit: &AlignedUnit,
    a: &AlignedSide<ROWS>,
    b: &AlignedSide<NR>,
    scales: ScaleRanks<'_>,
    range: Range<usize>,
    sums: &mut [Lanes<f32>; ROWS],
) {
    if let Some(scales) = scales {
        moved(unit, (a, b), scales, range, sums);
        return;
    }
    // |S| < 4 · 2^keep for each product, and 2 · 2^keep for C.
    let narrow = (4 * unit.fan_in as i64 + 2) << unit.keep <= 1 << 31;
    match unit.result {
        AlignedResult::CutF32(mask) if narrow => {
            let mask = _mm512_set1_epi32(mask as i32);
            groups::<true>(unit, a, b, range, sums, |integers, _, back| {
                // Cut to 24 bits; the power of two then changes none, or gives infinity.
                let cut = _mm512_mul_ps(_mm512_cvt_roundepi32_ps::<CUT>(integers), back);
                _mm512_castsi512_ps(_mm512_and_epi32(_mm512_castps_si512(cut), mask))
            });
        }
        AlignedResult::NearestF32 if narrow => {
            groups::<true>(unit, a, b, range, sums, |integers, _, back| {
                _mm512_mul_ps(_mm512_cvtepi32_ps(integers), back)
            });
        }
        result => groups::<false>(unit, a, b, range, sums, |_, exact, back| {
            round(result, multiply(exact, halves(back)))
        }),
    }
}

/// Returns the largest rank of a product in each lane.
#[inline]
#[target_feature(enable = "avx512f")]
fn tops(a: &[[i32; ROWS]], b: &[Lanes<i32>]) -> [__m512i; ROWS] {
    let mut tops = [_mm512_set1_epi32(2 * NO_RANK); ROWS];
    for (a, b) in a.iter().zip(b) {
        let b: __m512i = must_cast(*b);
        for (top, a) in tops.iter_mut().zip(a) {
            *top = _mm512_max_epi32(*top, _mm512_add_epi32(_mm512_set1_epi32(*a), b));
        }
    }
    tops
}

/// Adds products under their factors, cut to integers.
#[inline]
#[target_feature(enable = "avx512f")]
fn add_products(
    a: &[[f32; ROWS]],
    b: &[Lanes<f32>],
    factors: &[__m512; ROWS],
    integers: &mut [__m512i; ROWS],
) {
    for (a, b) in a.iter().zip(b) {
        let b: __m512 = must_cast(*b);
        for row in 0..ROWS {
            let product = _mm512_mul_ps(_mm512_set1_ps(a[row]), b);
            let integer = _mm512_cvttps_epi32(_mm512_mul_ps(product, factors[row]));
            integers[row] = _mm512_add_epi32(integers[row], integer);
        }
    }
}

/// The loop over groups whose scales move products: powers of two are f64s.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn moved(
    unit: &AlignedUnit,
    (a, b): (&AlignedSide<ROWS>, &AlignedSide<NR>),
    (scales_a, scales_b): (&[[i32; ROWS]], &[Lanes<i32>]),
    range: Range<usize>,
    sums: &mut [Lanes<f32>; ROWS],
) {
    let (keep, floor) = (_mm512_set1_epi32(unit.keep), _mm512_set1_epi32(unit.floor));
    let mut acc: [__m512; ROWS] = sums.map(must_cast);
    for group in range {
        let at = group * unit.fan_in..(group + 1) * unit.fan_in;
        let tops = tops(&a.ranks()[at.clone()], &b.ranks()[at.clone()]);
        let mut factors = [_mm512_setzero_ps(); ROWS];
        let mut ups = [[_mm512_setzero_si512(); 2]; ROWS];
        let mut exact = [[_mm512_setzero_pd(); 2]; ROWS];
        for row in 0..ROWS {
            let c = acc[row];
            let of_row = _mm512_set1_epi32(scales_a[group][row]);
            let of_products = _mm512_add_epi32(must_cast(scales_b[group]), of_row);
            let top = _mm512_max_epi32(
                _mm512_add_epi32(tops[row], of_products),
                exponents(c, unit.least),
            );
            let up = _mm512_sub_epi32(keep, _mm512_max_epi32(top, floor));
            let [low, high]: [__m256i; 2] = must_cast(up);
            ups[row] = [_mm512_cvtepi32_epi64(low), _mm512_cvtepi32_epi64(high)];
            exact[row] = trunc(multiply(halves(c), wide_powers(ups[row])));
            // Far below the top a product is cut to nothing: any small factor will do.
            let lowest =
                _mm512_max_epi32(_mm512_add_epi32(up, of_products), _mm512_set1_epi32(-126));
            factors[row] = powers(_mm512_min_epi32(lowest, _mm512_set1_epi32(127)));
        }
        let (a, b) = (&a.values()[at.clone()], &b.values()[at]);
        for (a, b) in a.chunks(I32_PRODUCTS).zip(b.chunks(I32_PRODUCTS)) {
            let mut integers = [_mm512_setzero_si512(); ROWS];
            add_products(a, b, &factors, &mut integers);
            for (exact, integers) in exact.iter_mut().zip(integers) {
                *exact = add(*exact, integer_halves(integers));
            }
        }
        for row in 0..ROWS {
            let (zero, up) = (_mm512_setzero_si512(), ups[row]);
            let backs = wide_powers([_mm512_sub_epi64(zero, up[0]), _mm512_sub_epi64(zero, up[1])]);
            let sum = multiply(exact[row], backs);
            let made = match unit.result {
                AlignedResult::CutF32(mask) => {
                    let mask = _mm512_set1_epi32(mask as i32);
                    let bits = _mm512_castps_si512(cut_f32(sum));
                    _mm512_castsi512_ps(_mm512_and_epi32(bits, mask))
                }
                result => round(result, sum),
            };
            acc[row] = put(unit.result, acc[row], tops[row], made);
        }
    }
    *sums = acc.map(must_cast);
}

/// The loop over groups. `finish` rounds the exact sum, which is the i32s if `NARROW` and the f64s
/// otherwise, times a power of two.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn groups<const NARROW: bool>(
    unit: &AlignedUnit,
    a: &AlignedSide<ROWS>,
    b: &AlignedSide<NR>,
    range: Range<usize>,
    sums: &mut [Lanes<f32>; ROWS],
    finish: impl Fn(__m512i, Halves, __m512) -> __m512,
) {
    let floor = _mm512_set1_epi32(unit.floor);
    let mut acc: [__m512; ROWS] = sums.map(must_cast);
    let mut before = acc;
    for group in range {
        let at = group * unit.fan_in..(group + 1) * unit.fan_in;
        let tops = tops(&a.ranks()[at.clone()], &b.ranks()[at.clone()]);
        if unit.late > 0 && group % unit.late == 0 {
            (before, acc) = (acc, [_mm512_setzero_ps(); ROWS]);
        }
        // C aligned: the integers of the group start from it.
        let mut integers = [_mm512_setzero_si512(); ROWS];
        let mut factors = [_mm512_setzero_ps(); ROWS];
        let mut backs = [_mm512_setzero_ps(); ROWS];
        for row in 0..ROWS {
            let c = acc[row];
            let top = _mm512_max_epi32(tops[row], exponents(c, unit.least));
            let up = _mm512_sub_epi32(_mm512_set1_epi32(unit.keep), _mm512_max_epi32(top, floor));
            let up = _mm512_min_epi32(up, _mm512_set1_epi32(126));
            factors[row] = powers(up);
            backs[row] = powers(_mm512_sub_epi32(_mm512_setzero_si512(), up));
            integers[row] = _mm512_cvttps_epi32(_mm512_mul_ps(c, factors[row]));
        }
        let mut exact = [[_mm512_setzero_pd(); 2]; ROWS];
        if !NARROW {
            for (exact, integers) in exact.iter_mut().zip(&mut integers) {
                *exact = integer_halves(*integers);
                *integers = _mm512_setzero_si512();
            }
        }
        // Pass 2: products, cut to integers.
        let values =
            (a.values()[at.clone()].chunks(I32_PRODUCTS), b.values()[at].chunks(I32_PRODUCTS));
        for (a, b) in values.0.zip(values.1) {
            add_products(a, b, &factors, &mut integers);
            if !NARROW {
                for (exact, integers) in exact.iter_mut().zip(&mut integers) {
                    *exact = add(*exact, integer_halves(*integers));
                    *integers = _mm512_setzero_si512();
                }
            }
        }
        for row in 0..ROWS {
            let made = finish(integers[row], exact[row], backs[row]);
            acc[row] = put(unit.result, acc[row], tops[row], made);
        }
        if unit.late > 0 && group % unit.late == unit.late - 1 {
            for (acc, before) in acc.iter_mut().zip(before) {
                *acc = _mm512_add_ps(*acc, before);
                // f32 has more than twice the bits of f16: rounding twice is rounding once.
                if unit.result == AlignedResult::NearestF16 {
                    *acc = nearest_f16(*acc);
                }
            }
        }
    }
    *sums = acc.map(must_cast);
}

/// Returns `2^exponent` as f64s.
#[inline]
#[target_feature(enable = "avx512f")]
fn wide_powers(exponents: [__m512i; 2]) -> Halves {
    let bias = _mm512_set1_epi64(1023);
    let fields = [_mm512_add_epi64(exponents[0], bias), _mm512_add_epi64(exponents[1], bias)];
    let [low, high] = [_mm512_slli_epi64::<52>(fields[0]), _mm512_slli_epi64::<52>(fields[1])];
    [_mm512_castsi512_pd(low), _mm512_castsi512_pd(high)]
}

/// Returns the integer parts.
#[inline]
#[target_feature(enable = "avx512f")]
fn trunc(x: Halves) -> Halves {
    [_mm512_roundscale_pd::<CUT>(x[0]), _mm512_roundscale_pd::<CUT>(x[1])]
}

/// Returns exact sums cut toward zero to f32s; those from 2^128 on are infinite.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq")]
fn cut_f32(exact: Halves) -> __m512 {
    let limit = _mm512_set1_pd(2f64.powi(128));
    let mut cut: [__m256; 2] = must_cast(_mm512_setzero_ps());
    for (cut, x) in cut.iter_mut().zip(exact) {
        let (down, nearest) = (_mm512_cvt_roundpd_ps::<CUT>(x), _mm512_cvtpd_ps(x));
        // From there on the nearest is an infinity.
        let large = _mm512_cmp_pd_mask::<_CMP_GE_OQ>(_mm512_abs_pd(x), limit);
        *cut = _mm256_mask_mov_ps(down, large, nearest);
    }
    must_cast(cut)
}

/// Goes on with sums of sixteen products under scales, over a range of steps.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn sixteens(
    unit: &AlignedUnit,
    (a, of_a): SixteenSide<'_, ROWS>,
    (b, of_b): SixteenSide<'_, NR>,
    range: Range<usize>,
    sums: &mut [Lanes<f32>; ROWS],
) {
    let (terms, floor) = (unit.fan_in / SIXTEEN, unit.floor.max(NO_PRODUCTS));
    let mut acc: [__m512; ROWS] = sums.map(must_cast);
    for step in range {
        let groups = step * terms..((step + 1) * terms).min(of_a.bits().len());
        // The exponent of a term is that of its scales, if it has products.
        let mut tops = [_mm512_set1_epi32(2 * NO_RANK); ROWS];
        for group in groups.clone() {
            let bits: __m512i = must_cast(of_b.bits()[group]);
            let ranks: __m512i = must_cast(of_b.ranks()[group]);
            for (row, top) in tops.iter_mut().enumerate() {
                let of_row = _mm512_set1_epi32(of_a.bits()[group][row]);
                let any = _mm512_test_epi32_mask(bits, of_row);
                let rank = _mm512_add_epi32(ranks, _mm512_set1_epi32(of_a.ranks()[group][row]));
                *top = _mm512_mask_max_epi32(*top, any, *top, rank);
            }
        }
        let mut ups = [[_mm512_setzero_si512(); 2]; ROWS];
        let mut factors = [[_mm512_setzero_pd(); 2]; ROWS];
        let mut exact = [[_mm512_setzero_pd(); 2]; ROWS];
        for row in 0..ROWS {
            let top = _mm512_max_epi32(tops[row], exponents(acc[row], unit.least));
            let top = _mm512_max_epi32(top, _mm512_set1_epi32(floor));
            let up = _mm512_sub_epi32(_mm512_set1_epi32(unit.keep), top);
            let [low, high]: [__m256i; 2] = must_cast(up);
            ups[row] = [_mm512_cvtepi32_epi64(low), _mm512_cvtepi32_epi64(high)];
            factors[row] = wide_powers(ups[row]);
            exact[row] = trunc(multiply(halves(acc[row]), factors[row]));
        }
        for group in groups {
            let at = group * SIXTEEN..(group + 1) * SIXTEEN;
            // Exact: few bits.
            let mut products = [_mm512_setzero_ps(); ROWS];
            for (a, b) in a.values()[at.clone()].iter().zip(&b.values()[at]) {
                let b: __m512 = must_cast(*b);
                for (product, a) in products.iter_mut().zip(a) {
                    *product = _mm512_fmadd_ps(_mm512_set1_ps(*a), b, *product);
                }
            }
            let scale_b = halves(must_cast(of_b.scales()[group]));
            for row in 0..ROWS {
                let scale_a = _mm512_set1_pd(f64::from(of_a.scales()[group][row]));
                let scale = multiply([scale_a; 2], scale_b);
                let term = multiply(multiply(halves(products[row]), scale), factors[row]);
                exact[row] = add(exact[row], trunc(term));
            }
        }
        for row in 0..ROWS {
            let (zero, up) = (_mm512_setzero_si512(), ups[row]);
            let backs = wide_powers([_mm512_sub_epi64(zero, up[0]), _mm512_sub_epi64(zero, up[1])]);
            acc[row] = put(unit.result, acc[row], tops[row], cut_f32(multiply(exact[row], backs)));
        }
    }
    *sums = acc.map(must_cast);
}

//! f32 to HiF8, ties away from zero, in AVX-512 with byte permutes (VBMI): what differs from binade
//! to binade comes from tables in registers.
//!
//! With *s* the mantissa bits of an f32 that a binade does not have,
//! `q = (magnitude + 2^(s-1)) >> s` counts its numbers, a carry into the next binade included; `q`
//! plus a constant of the binade is the rank among all magnitudes, modulo 256; and the code is a
//! table of ranks, since codes are not in order of value.
//!
//! ```text
//! shift = table1[exponent], rank = q + table2[exponent]   // 64 entries each: one permute
//! code  = table3[rank]                            // 128 entries: a permute of two registers
//! ```
//!
//! A permute reads the low 6 or 7 bits of an index, so exponents are taken modulo 64: the 40
//! binades in use differ there. Four vectors of 32-bit ranks become one of 64 bytes before the last
//! look-up. Infinity and NaN are found by the largest magnitude of 64 numbers and encoded one by
//! one.

use crate::kernel::encode::{CAP, HiF8Encode, INFINITY};
use crate::spec::FormatSpec;
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_and_si512, _mm512_castsi512_si256, _mm512_inserti64x4,
    _mm512_kunpackd, _mm512_kunpackw, _mm512_mask_mov_epi8, _mm512_maskz_permutexvar_epi8,
    _mm512_max_epu32, _mm512_min_epu32, _mm512_movepi32_mask, _mm512_or_si512,
    _mm512_permutex2var_epi8, _mm512_permutexvar_epi8, _mm512_reduce_max_epu32, _mm512_set1_epi8,
    _mm512_set1_epi32, _mm512_sllv_epi32, _mm512_srli_epi32, _mm512_srlv_epi32,
    _mm512_test_epi8_mask,
};

/// Exponents of the binades that have codes of their own, from that of half of the smallest number
/// on.
const BINADES: core::ops::RangeInclusive<i32> = -23..=15;

/// The magnitude that replaces all below it, as f32 bits: 2^-24, which is zero, as everything below
/// 2^-23 is.
const FLOOR: u32 = (127 - 24) << 23;

/// The tables; the first two are indexed by the low six bits of an f32's exponent field.
struct Tables {
    /// `s − 1`, for a rounding by adding `1 << (s − 1)`.
    shift: [u8; 64],
    /// The rank less `q`, modulo 256.
    rank: [u8; 64],
    /// Codes by rank; the last entry is the policy's code of overflow.
    codes: [u8; 128],
}

/// Returns the mantissa bits of a binade, by the distance of the number that follows its power of
/// two. Binades above 1 have as many as their reciprocals, also the last, whose second number is
/// infinity.
const fn mantissa_bits(exponent: i32) -> u32 {
    let field = (127 - exponent.abs()) as u32;
    // Tries three mantissa bits first, then fewer, down to the first width whose next number the
    // format has.
    let mut bits = 3;
    while bits > 0 {
        let next = f32::from_bits(field << 23 | 1 << (23 - bits));
        if FormatSpec::HIF8.decode_f32(FormatSpec::HIF8.encode_f32(next)).to_bits()
            == next.to_bits()
        {
            break;
        }
        bits -= 1;
    }
    bits
}

/// Made when compiling, from the format's definition.
static TABLES: Tables = {
    let mut tables = Tables { shift: [0; 64], rank: [0; 64], codes: [0; 128] };
    // The binades at and below half of the smallest number: one unit of 24 bits each, so that no
    // mantissa carries.
    let mut exponent = -24;
    while exponent <= *BINADES.start() {
        let field = (exponent + 127) as usize;
        tables.shift[field % 64] = 23;
        let q = (((field as u32) << 23) + (1 << 23)) >> 24;
        tables.rank[field % 64] = ((exponent + 24) as u8).wrapping_sub(q as u8);
        exponent += 1;
    }
    // From the smallest number on, ranks count all magnitudes.
    let mut rank = 1;
    while exponent <= *BINADES.end() {
        let (field, bits) = ((exponent + 127) as u32, mantissa_bits(exponent));
        tables.shift[field as usize % 64] = (22 - bits) as u8;
        tables.rank[field as usize % 64] = (rank as u8).wrapping_sub((field << bits) as u8);
        let mut mantissa = 0;
        while mantissa < 1 << bits && rank < 127 {
            let number = f32::from_bits(field << 23 | mantissa << (23 - bits));
            tables.codes[rank] = FormatSpec::HIF8.encode_f32(number) as u8;
            rank += 1;
            mantissa += 1;
        }
        exponent += 1;
    }
    assert!(rank == 127);
    tables
};

/// Writes the codes of numbers.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn encode(hif8: HiF8Encode, src: &[f32], dst: &mut [u8]) {
    let mut codes = TABLES.codes;
    // The cap has rank 127; all above it are taken for it.
    codes[127] = hif8.overflow;
    let [low, high]: [__m512i; 2] = must_cast(codes);
    let (numbers, last) = src.as_chunks::<64>();
    let (out, last_out) = dst.as_chunks_mut::<64>();
    for (numbers, out) in numbers.iter().zip(out) {
        encode_64(hif8, low, high, numbers, out);
    }
    let mut padded = [0.0; 64];
    padded[..last.len()].copy_from_slice(last);
    let mut codes = [0; 64];
    encode_64(hif8, low, high, &padded, &mut codes);
    last_out.copy_from_slice(&codes[..last_out.len()]);
}

/// Writes the codes of 64 numbers; `low` and `high` are the table of codes.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
#[inline]
fn encode_64(
    hif8: HiF8Encode,
    low: __m512i,
    high: __m512i,
    numbers: &[f32; 64],
    out: &mut [u8; 64],
) {
    // Byte 0 of every 32-bit lane: shift counts must be 0 above it.
    const FIRST_BYTES: u64 = 0x1111_1111_1111_1111;
    let (shift, rank): (__m512i, __m512i) = (must_cast(TABLES.shift), must_cast(TABLES.rank));
    let [a, b, c, d]: [__m512i; 4] = must_cast(*numbers);
    let magnitude = |x| _mm512_and_si512(x, _mm512_set1_epi32(0x7FFF_FFFF));
    let ranks = |x| {
        // Clamped to the binades of the tables; NaN and infinity become the cap here.
        let x = _mm512_max_epu32(
            _mm512_min_epu32(magnitude(x), _mm512_set1_epi32(CAP as i32)),
            _mm512_set1_epi32(FLOOR as i32),
        );
        // The exponent field in byte 0 of each lane, which is the index of both tables.
        let binade = _mm512_srli_epi32::<23>(x);
        let shift = _mm512_maskz_permutexvar_epi8(FIRST_BYTES, binade, shift);
        let sum = _mm512_add_epi32(x, _mm512_sllv_epi32(_mm512_set1_epi32(1), shift));
        // Shifts by s − 1 and by 1: the sum is cut at its unit.
        let q = _mm512_srli_epi32::<1>(_mm512_srlv_epi32(sum, shift));
        _mm512_add_epi32(q, _mm512_permutexvar_epi8(binade, rank))
    };
    // Ranks are bytes 0 of the lanes: two vectors give 32 of them, two pairs 64.
    let first_bytes: __m512i = must_cast(FIRST_OF_FOUR);
    let pair = |x, y| _mm512_permutex2var_epi8(ranks(x), first_bytes, ranks(y));
    let all = _mm512_inserti64x4::<1>(pair(a, b), _mm512_castsi512_si256(pair(c, d)));
    let codes = _mm512_permutex2var_epi8(low, all, high);
    // The sign bits of 64 numbers as one mask, in the order of the codes.
    let minus =
        |x, y| _mm512_kunpackw(_mm512_movepi32_mask(y).into(), _mm512_movepi32_mask(x).into());
    // HiF8 has no −0: code 0 gets no sign.
    let minus = _mm512_kunpackd(minus(c, d).into(), minus(a, b).into())
        & _mm512_test_epi8_mask(codes, codes);
    let signed =
        _mm512_mask_mov_epi8(codes, minus, _mm512_or_si512(codes, _mm512_set1_epi8(i8::MIN)));
    *out = must_cast(signed);
    // One comparison for 64 numbers; finite overflow is in the table already.
    let largest =
        [b, c, d].into_iter().fold(magnitude(a), |most, x| _mm512_max_epu32(most, magnitude(x)));
    if _mm512_reduce_max_epu32(largest) >= INFINITY {
        hif8.special(numbers, out);
    }
}

/// The permute that takes bytes 0 of the 32-bit lanes of two registers.
const FIRST_OF_FOUR: [u8; 64] = {
    let mut bytes = [0; 64];
    let mut i = 0;
    while i < 32 {
        bytes[i] = 4 * i as u8;
        i += 1;
    }
    bytes
};

//! Loops over blocks in AVX-512 intrinsics, where the compiler does not find the shuffles: safe
//! functions, entered after detection, whose loads and stores go through arrays.
//!
//! ```text
//! block_largest:  16 blocks at a time: one vector of lane maxima for each block, then a 16 × 16
//!                 transposition that takes maxima on the way: 15 maxima and 30 shuffles for 16
//!                 results, instead of 16 reductions of 4 steps
//! restore_4:      a block's 16 possible numbers are one register: number(element, scale, offset)
//!                 is computed once for a block, and codes permute it
//! restore_5:      the same with two registers
//! restore_looked_up:
//!                 64 codes of 6 or 8 bits are decoded by byte permutes, then multiplied
//! ```

use super::avx512_decode::{byte_vectors, decode_64, decode_64_by_bytes, spread, vectors};
use crate::bits::F32_NAN;
use crate::kernel::block::{Order, PackedBlocks, Restoring, Selected};
use crate::kernel::decode::RegisterTable;
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m512, __m512i, _CMP_UNORD_Q, _mm_cvtsi64_si128, _mm512_and_si512, _mm512_castsi128_si512,
    _mm512_cmp_ps_mask, _mm512_cvtepu8_epi32, _mm512_mask_blend_ps, _mm512_max_epi32,
    _mm512_max_epu32, _mm512_mul_ps, _mm512_permutex2var_ps, _mm512_permutexvar_epi32,
    _mm512_permutexvar_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setr_epi32,
    _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_srai_epi32, _mm512_srlv_epi32,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
    _mm512_xor_si512,
};

/// Returns the largest lane of each of 16 vectors, in their order. Each step halves the number of
/// vectors: two are interleaved in both ways, and the maximum of the two results keeps both.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn largest_of_each(vectors: &[__m512i; 16]) -> __m512i {
    // 16 vectors to 8: lanes of vectors 2i and 2i + 1 alternate.
    let pairs: [__m512i; 8] = core::array::from_fn(|i| {
        let (a, b) = (vectors[2 * i], vectors[2 * i + 1]);
        _mm512_max_epu32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b))
    });
    let fours: [__m512i; 4] = core::array::from_fn(|i| {
        let (a, b) = (pairs[2 * i], pairs[2 * i + 1]);
        _mm512_max_epu32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b))
    });
    // Now lane i of each quarter belongs to vector i of its four; maxima over the quarters remain.
    let quarters = |a, b| {
        _mm512_max_epu32(_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xDD>(a, b))
    };
    quarters(quarters(fours[0], fours[1]), quarters(fours[2], fours[3]))
}

/// Raises each entry of `largest` to the largest key of its block of `16 · V` numbers, and returns
/// how many blocks it did: all, a last shorter one included.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn block_largest<S: Selected, const V: usize>(
    src: &[f32],
    largest: &mut [u32],
) -> usize {
    let (vectors, _) = src.as_chunks::<16>();
    let (blocks, _) = vectors.as_chunks::<V>();
    let of_lanes = |block: &[[f32; 16]; V]| {
        // `Selected::key` on 16 lanes: a signed maximum with 0 drops what is not selected.
        let key = |numbers: &[f32; 16]| match S::ORDER {
            Order::Magnitudes => _mm512_and_si512(must_cast(*numbers), _mm512_set1_epi32(i32::MAX)),
            Order::Flipped(flip) => {
                let flip = _mm512_set1_epi32(flip.cast_signed());
                _mm512_max_epi32(
                    _mm512_xor_si512(must_cast(*numbers), flip),
                    _mm512_setzero_si512(),
                )
            }
            Order::Values(flip) => {
                let bits = must_cast(*numbers);
                let signs = _mm512_srai_epi32::<31>(bits);
                let top = _mm512_set1_epi32((flip ^ 0x8000_0000).cast_signed());
                // Without a sign: the top bit; with one: all bits, top bit included.
                let all = _mm512_and_si512(signs, _mm512_set1_epi32(i32::MAX));
                _mm512_xor_si512(_mm512_xor_si512(bits, all), top)
            }
        };
        block[1..]
            .iter()
            .fold(key(&block[0]), |lanes, numbers| _mm512_max_epu32(lanes, key(numbers)))
    };
    let (groups, rest) = blocks.as_chunks::<16>();
    let (to, _) = largest.as_chunks_mut::<16>();
    let whole = groups.len().min(to.len());
    for (group, to) in groups.iter().zip(to) {
        let each = largest_of_each(&core::array::from_fn(|i| of_lanes(&group[i])));
        *to = must_cast(_mm512_max_epu32(each, must_cast(*to)));
    }
    // Fewer than 16 whole blocks are left, and perhaps a shorter one, which its first number fills.
    let ends = &src[16 * V * blocks.len()..];
    let mut filled = [[ends.first().copied().unwrap_or_default(); 16]; V];
    filled.as_flattened_mut()[..ends.len()].copy_from_slice(ends);
    let to_rest = &mut largest[16 * whole..];
    let count = (rest.len() + usize::from(!ends.is_empty())).min(to_rest.len());
    if count > 0 {
        let lanes = core::array::from_fn(|i| of_lanes(rest.get(i).unwrap_or(&filled)));
        let each: [u32; 16] = must_cast(largest_of_each(&lanes));
        for (to, each) in to_rest.iter_mut().zip(each).take(count) {
            *to = each.max(*to);
        }
    }
    16 * whole + count
}

/// Returns numbers times their factor, every NaN the positive quiet one. `USUAL` says that factors
/// are finite and not zero: the product then makes no NaN, and keeps the numbers' NaN, which is
/// that one.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn product<const USUAL: bool>(numbers: __m512, factor: __m512) -> __m512 {
    let product = _mm512_mul_ps(numbers, factor);
    if USUAL { product } else { with_own_nan(product) }
}

/// The sign bit of an f32.
const MINUS: i32 = i32::MIN;

/// Returns numbers with every NaN replaced by the positive quiet one.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn with_own_nan(numbers: __m512) -> __m512 {
    let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(numbers, numbers);
    _mm512_mask_blend_ps(nan, numbers, _mm512_set1_ps(F32_NAN))
}

/// Restores numbers from packed codes of 4 bits, in blocks of a multiple of 16, by a rule, and
/// returns how many whole blocks it did. The numbers of all 16 codes are computed once for a block.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn restore_4<R: Restoring>(
    rule: R,
    table: &[f32; 16],
    blocks: PackedBlocks<'_>,
    dst: &mut [f32],
) -> usize {
    let PackedBlocks { length, scales, offsets, bytes, .. } = blocks;
    let shifts = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
    let upper = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    // 8 bytes hold 16 codes: the low 4 bytes go to lanes 0 to 7, the high ones to 8 to 15, and each
    // lane shifts its code to the bottom.
    let look_up = |products: __m512, codes: &[u8; 8], numbers: &mut [f32; 16]| {
        let pair = _mm512_castsi128_si512(_mm_cvtsi64_si128(i64::from_le_bytes(*codes)));
        // The permute reads the low four bits of an index, so nothing is masked off.
        let codes = _mm512_srlv_epi32(_mm512_permutexvar_epi32(upper, pair), shifts);
        *numbers = must_cast(_mm512_permutexvar_ps(codes, products));
    };
    // Plain arithmetic on 16 entries, which the compiler makes one vector of.
    let numbers_of_all = |scale: f32, offset: f32| {
        let mut all = [0.0; 16];
        all.iter_mut().zip(table).for_each(|(number, q)| *number = rule.number(*q, scale, offset));
        with_own_nan(must_cast(all))
    };
    let (codes, _) = bytes.as_chunks::<8>();
    let (numbers, _) = dst.as_chunks_mut::<16>();
    let values = scales.iter().zip(offsets);
    // The upper half of the table is the lower with a minus sign: E2M1, for one.
    let mirrored = (0..8).all(|i| table[8 + i].to_bits() == table[i].to_bits() ^ 0x8000_0000);
    // Lengths 16 and 32 have loops without an inner loop.
    match length {
        // A slow rule that keeps signs apart: the magnitudes of two blocks are one register.
        16 if R::IS_ODD_QUOTIENT && mirrored => {
            let signs = _mm512_setr_epi32(
                0, 0, 0, 0, 0, 0, 0, 0, MINUS, MINUS, MINUS, MINUS, MINUS, MINUS, MINUS, MINUS,
            );
            let twice = |pair: __m512, half: __m512i| {
                let magnitudes: __m512i = must_cast(_mm512_permutexvar_ps(half, pair));
                with_own_nan(must_cast(_mm512_xor_si512(magnitudes, signs)))
            };
            let low = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7);
            let high = _mm512_xor_si512(low, _mm512_set1_epi32(8));
            let count = scales.len().min(offsets.len());
            let pairs = numbers.chunks_mut(2).zip(codes.chunks(2)).enumerate();
            for (index, (numbers, codes)) in pairs.take_while(|(index, _)| 2 * index < count) {
                let blocks = [2 * index, (2 * index + 1).min(count - 1)];
                let mut pair = [0.0; 16];
                for (lane, number) in pair.iter_mut().enumerate() {
                    let block = blocks[lane / 8];
                    *number = rule.number(table[lane % 8], scales[block], offsets[block]);
                }
                let pair: __m512 = must_cast(pair);
                let both = codes.iter().zip(numbers).take(count - 2 * index);
                for ((codes, numbers), half) in both.zip([low, high]) {
                    look_up(twice(pair, half), codes, numbers);
                }
            }
        }
        16 => {
            for ((codes, numbers), (scale, offset)) in codes.iter().zip(&mut *numbers).zip(values) {
                look_up(numbers_of_all(*scale, *offset), codes, numbers);
            }
        }
        32 => {
            let (codes, numbers) = (codes.as_chunks::<2>().0, numbers.as_chunks_mut::<2>().0);
            for ((codes, numbers), (scale, offset)) in codes.iter().zip(numbers).zip(values) {
                let all = numbers_of_all(*scale, *offset);
                look_up(all, &codes[0], &mut numbers[0]);
                look_up(all, &codes[1], &mut numbers[1]);
            }
        }
        _ if length.is_multiple_of(16) => {
            let (codes, numbers) =
                (codes.chunks_exact(length / 16), numbers.chunks_exact_mut(length / 16));
            for ((codes, numbers), (scale, offset)) in codes.zip(numbers).zip(values) {
                let all = numbers_of_all(*scale, *offset);
                for (codes, numbers) in codes.iter().zip(numbers) {
                    look_up(all, codes, numbers);
                }
            }
        }
        _ => return 0,
    }
    (dst.len().min(2 * bytes.len()) / length).min(scales.len()).min(offsets.len())
}

/// Restores numbers from packed codes of 5 bits, in blocks of 32 or a multiple of 64, by a rule,
/// and returns how many blocks it did: those in whole chunks of 64 codes. The numbers of all 32
/// codes are computed once for a block.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn restore_5<R: Restoring>(
    rule: R,
    table: &[[f32; 16]; 2],
    blocks: PackedBlocks<'_>,
    dst: &mut [f32],
) -> usize {
    let PackedBlocks { length, scales, offsets, bytes, .. } = blocks;
    if length != 32 && !length.is_multiple_of(64) {
        return 0;
    }
    // Plain arithmetic on 32 entries, which the compiler makes two vectors of.
    let numbers_of = |half: &[f32; 16], scale: f32, offset: f32| {
        let mut all = [0.0; 16];
        all.iter_mut().zip(half).for_each(|(number, q)| *number = rule.number(*q, scale, offset));
        with_own_nan(must_cast(all))
    };
    let numbers_of_all = |scale: f32, offset: f32| {
        [numbers_of(&table[0], scale, offset), numbers_of(&table[1], scale, offset)]
    };
    let look_up = |[low, high]: [__m512; 2], codes: &[u8; 16], numbers: &mut [f32; 16]| {
        let codes = _mm512_cvtepu8_epi32(must_cast(*codes));
        *numbers = must_cast(_mm512_permutex2var_ps(low, codes, high));
    };
    let chunks = bytes.chunks_exact(40).zip(dst.as_chunks_mut::<64>().0);
    let mut chunks = chunks.map(|(bytes, numbers)| {
        (spread::<5>(bytes), numbers.as_chunks_mut::<16>().0.as_chunks_mut::<4>().0)
    });
    let mut done = 0;
    if length == 32 {
        for ((codes, numbers), pair) in
            chunks.zip(scales.as_chunks::<2>().0.iter().zip(offsets.as_chunks::<2>().0))
        {
            let (codes, _) = codes.as_chunks::<16>();
            let all = [numbers_of_all(pair.0[0], pair.1[0]), numbers_of_all(pair.0[1], pair.1[1])];
            for (i, (codes, numbers)) in codes.iter().zip(numbers.as_flattened_mut()).enumerate() {
                look_up(all[i / 2], codes, numbers);
            }
            done += 2;
        }
        return done;
    }
    for (scale, offset) in scales.iter().zip(offsets) {
        let all = numbers_of_all(*scale, *offset);
        for _ in 0..length / 64 {
            let Some((codes, numbers)) = chunks.next() else { return done };
            for (codes, numbers) in codes.as_chunks::<16>().0.iter().zip(numbers.as_flattened_mut())
            {
                look_up(all, codes, numbers);
            }
        }
        done += 1;
    }
    done
}

/// Restores numbers from packed codes of 6 or 8 bits as products with their blocks' factors, in
/// blocks of 1, 16, 32 or a multiple of 64, and returns how many blocks it did: those in whole
/// chunks of 64 codes.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
pub(super) fn restore_looked_up(
    table: &RegisterTable,
    blocks: PackedBlocks<'_>,
    dst: &mut [f32],
) -> usize {
    let PackedBlocks { bits, length, scales: factors, .. } = blocks;
    if !(matches!(length, 1 | 16 | 32) || length.is_multiple_of(64)) {
        return 0;
    }
    // The width is a constant of the loop: 6 bits are spread to bytes first.
    match (table, bits) {
        (RegisterTable::Planes(planes), 6 | 8) => {
            // One look at all factors chooses the loop: zero times infinity is the one new NaN. To
            // look at a factor for each number would take longer than to look at products.
            let usual = length > 1
                && factors
                    .iter()
                    .fold(true, |usual, factor| usual & (factor.is_finite() & (*factor != 0.0)));
            let tables = vectors(planes);
            let decode = |codes| decode_64(&tables, codes);
            match (bits, usual) {
                (6, true) => restore_by::<6, true>(decode, blocks, dst),
                (6, false) => restore_by::<6, false>(decode, blocks, dst),
                (_, true) => restore_by::<8, true>(decode, blocks, dst),
                (_, false) => restore_by::<8, false>(decode, blocks, dst),
            }
        }
        // The numbers of a codebook may be any NaN.
        (RegisterTable::Bytes(bytes), 8) => {
            let tables = byte_vectors(bytes);
            restore_by::<8, false>(|codes| decode_64_by_bytes(&tables, codes), blocks, dst)
        }
        _ => 0,
    }
}

/// Returns 64 codes, a byte each, from 48 or 64 bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
fn codes_64<const BITS: usize>(bytes: &[u8]) -> [u8; 64] {
    if BITS == 6 { spread::<6>(bytes) } else { *bytes.first_chunk().expect("64 bytes") }
}

/// Restores numbers as [`restore_looked_up`] does by a decoder of 64 codes, for factors that are
/// all usual or not.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi")]
fn restore_by<const BITS: usize, const USUAL: bool>(
    decode: impl Fn([u8; 64]) -> [[f32; 16]; 4],
    PackedBlocks { length, scales: factors, bytes: src, .. }: PackedBlocks<'_>,
    dst: &mut [f32],
) -> usize {
    // 64 numbers are four vectors, each with a vector of factors.
    let restore = |bytes: &[u8], factors: [__m512; 4], numbers: &mut [[f32; 16]; 4]| {
        let decoded = decode(codes_64::<BITS>(bytes));
        for i in 0..4 {
            numbers[i] = must_cast(product::<USUAL>(must_cast(decoded[i]), factors[i]));
        }
    };
    // Closures of this function have its instructions: a broadcast is one of them.
    let broadcast = |factors: [f32; 4]| factors.map(|factor| _mm512_set1_ps(factor));
    let codes = src.chunks_exact(8 * BITS);
    let (numbers, _) = dst.as_chunks_mut::<16>().0.as_chunks_mut::<4>();
    match length {
        1 => {
            let factors = factors.as_chunks::<16>().0.as_chunks::<4>().0;
            let whole = codes.len().min(numbers.len()).min(factors.len());
            for ((codes, numbers), factors) in codes.zip(&mut *numbers).zip(factors) {
                restore(codes, factors.map(must_cast), numbers);
            }
            // A block is a number.
            64 * whole
        }
        16 => {
            let whole = codes.len().min(numbers.len()).min(factors.len() / 4);
            for ((codes, numbers), factors) in
                codes.zip(&mut *numbers).zip(factors.as_chunks::<4>().0)
            {
                restore(codes, broadcast(*factors), numbers);
            }
            // Four blocks of 16 in each chunk of 64 codes.
            4 * whole
        }
        32 => {
            let whole = codes.len().min(numbers.len()).min(factors.len() / 2);
            for ((codes, numbers), [a, b]) in
                codes.zip(&mut *numbers).zip(factors.as_chunks::<2>().0)
            {
                // Two blocks of 32 are two vectors each.
                restore(codes, broadcast([*a, *a, *b, *b]), numbers);
            }
            2 * whole
        }
        _ if length.is_multiple_of(64) => {
            let (blocks, numbers) =
                (src.chunks_exact(length / 8 * BITS), numbers.chunks_exact_mut(length / 64));
            let whole = blocks.len().min(numbers.len()).min(factors.len());
            for ((codes, numbers), factor) in blocks.zip(numbers).zip(factors) {
                for (codes, numbers) in codes.chunks_exact(8 * BITS).zip(numbers) {
                    restore(codes, broadcast([*factor; 4]), numbers);
                }
            }
            whole
        }
        _ => 0,
    }
}

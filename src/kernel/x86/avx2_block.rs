//! Loops over blocks in AVX2 intrinsics, where the compiler does not find the shuffles: safe
//! functions, entered after detection, whose loads and stores go through arrays.
//!
//! ```text
//! 16 numbers:  two registers of 8, both permuted by the low three bits of a code; bit 3 chooses
//! restore_4:   a block's 16 possible numbers, number(element, scale, offset), are computed once
//! by FP16:     fields of codes of a byte are moved into FP16's, whose instruction makes f32s; the
//!              difference of the biases is a power of two in the scale
//! unpack:      bytes are shuffled so that each word of 16 bits holds a code and its neighbours'
//!              bits, multiplied by a power of two, which moves the code to the top, and shifted
//!              down again
//! ```

use crate::bits::F32_NAN;
use crate::kernel::block::{PackedBlocks, Restoring};
use crate::kernel::decode::HalfFields;
use bytemuck::must_cast;
use core::arch::x86_64::{
    __m128i, __m256, __m256i, _CMP_UNORD_Q, _mm256_and_si256, _mm256_blendv_ps, _mm256_cmp_ps,
    _mm256_cmpgt_epi16, _mm256_cvtepu8_epi16, _mm256_cvtepu8_epi32, _mm256_cvtph_ps,
    _mm256_movemask_epi8, _mm256_mul_ps, _mm256_mullo_epi16, _mm256_or_si256, _mm256_packus_epi16,
    _mm256_permutevar8x32_ps, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps,
    _mm256_shuffle_epi8, _mm256_sll_epi16, _mm256_slli_epi32, _mm256_sllv_epi32, _mm256_sra_epi16,
    _mm256_srli_epi16, _mm256_srlv_epi32,
};

/// Returns numbers out of 16: `codes` has an index in the low bits of each lane, `top` its bit 3 in
/// the sign bit.
#[inline]
#[target_feature(enable = "avx2")]
fn of_16([low, high]: [__m256; 2], codes: __m256i, top: __m256i) -> __m256 {
    // Permutes read the low three bits of an index.
    let (low, high) = (_mm256_permutevar8x32_ps(low, codes), _mm256_permutevar8x32_ps(high, codes));
    _mm256_blendv_ps(low, high, must_cast(top))
}

/// Writes the numbers of codes of at most 4 bits, by a table of 16; higher bits are ignored.
#[target_feature(enable = "avx2")]
pub(super) fn decode_few(table: &[f32; 16], src: &[u8], dst: &mut [f32]) {
    let table: [__m256; 2] = must_cast(*table);
    let look_up = |codes: [u8; 8]| -> [f32; 8] {
        let codes = _mm256_cvtepu8_epi32(must_cast([codes, [0; 8]]));
        must_cast(of_16(table, codes, _mm256_slli_epi32::<28>(codes)))
    };
    let (codes, last_codes) = src.as_chunks::<8>();
    let (numbers, last_numbers) = dst.as_chunks_mut::<8>();
    for (codes, numbers) in codes.iter().zip(numbers) {
        *numbers = look_up(*codes);
    }
    // The end of the slice, as a whole vector of which a part is stored.
    let mut padded = [0; 8];
    padded[..last_codes.len()].copy_from_slice(last_codes);
    last_numbers.copy_from_slice(&look_up(padded)[..last_numbers.len()]);
}

/// Restores numbers from packed codes of 4 bits, in blocks of a multiple of 16, by a rule, and
/// returns how many whole blocks it did. The numbers of all 16 codes are computed once for a block.
#[target_feature(enable = "avx2,fma")]
pub(super) fn restore_4<R: Restoring>(
    rule: R,
    table: &[f32; 16],
    blocks: PackedBlocks<'_>,
    dst: &mut [f32],
) -> usize {
    let PackedBlocks { length, scales, offsets, bytes, .. } = blocks;
    if !length.is_multiple_of(16) {
        return 0;
    }
    // Each lane of four bytes shifts its code to the bottom, and its bit 3 to the top.
    let down: __m256i = must_cast([0, 4, 8, 12, 16, 20, 24, 28]);
    let up: __m256i = must_cast([28, 24, 20, 16, 12, 8, 4, 0]);
    let look_up = |all, codes: &[u8; 8], numbers: &mut [[f32; 8]; 2]| {
        for (codes, numbers) in codes.as_chunks::<4>().0.iter().zip(numbers) {
            let codes = _mm256_set1_epi32(i32::from_le_bytes(*codes));
            let (low, top) = (_mm256_srlv_epi32(codes, down), _mm256_sllv_epi32(codes, up));
            *numbers = must_cast(of_16(all, low, top));
        }
    };
    // Plain arithmetic on 16 entries, which the compiler makes two vectors of.
    let numbers_of_all = |scale: f32, offset: f32| -> [__m256; 2] {
        let mut all = [0.0f32; 16];
        for (to, q) in all.iter_mut().zip(table) {
            let number = rule.number(*q, scale, offset);
            *to = if number.is_nan() { F32_NAN } else { number };
        }
        must_cast(all)
    };
    let (codes, _) = bytes.as_chunks::<8>();
    let (numbers, _) = dst.as_chunks_mut::<8>().0.as_chunks_mut::<2>();
    let values = scales.iter().zip(offsets);
    // Lengths 16 and 32 have loops without an inner loop.
    match length {
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
        _ => {
            let (codes, numbers) =
                (codes.chunks_exact(length / 16), numbers.chunks_exact_mut(length / 16));
            for ((codes, numbers), (scale, offset)) in codes.zip(numbers).zip(values) {
                let all = numbers_of_all(*scale, *offset);
                for (codes, numbers) in codes.iter().zip(numbers) {
                    look_up(all, codes, numbers);
                }
            }
        }
    }
    (dst.len().min(2 * bytes.len()) / length).min(scales.len()).min(offsets.len())
}

/// [`HalfFields`] in registers.
struct HalfVectors {
    left: __m128i,
    right: __m128i,
    mask: __m256i,
    max: __m256i,
    unit: __m256,
}

/// Writes the numbers of 16 codes times a scale. `factor` is the scale times the unit of the
/// fields; if that is not finite, the scale is a second factor.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn by_f16(
    HalfVectors { left, right, mask, max, unit }: &HalfVectors,
    codes: &[u8; 16],
    [scale, factor]: [f32; 2],
    numbers: &mut [[f32; 8]; 2],
) {
    // The sign bit goes to the top and stays there, the magnitude comes down again.
    let words = _mm256_sll_epi16(_mm256_cvtepu8_epi16(must_cast(*codes)), *left);
    let fields = _mm256_and_si256(_mm256_sra_epi16(words, *right), *mask);
    let magnitudes = _mm256_and_si256(fields, _mm256_set1_epi16(i16::MAX));
    let special = _mm256_cmpgt_epi16(magnitudes, *max);
    // All bits of the exponent: infinity or NaN.
    let fields = _mm256_or_si256(fields, _mm256_and_si256(special, _mm256_set1_epi16(0x7C00)));
    let halves: [__m128i; 2] = must_cast(fields);
    let elements = halves.map(|half| _mm256_cvtph_ps(half));
    let usual = factor.is_finite() && _mm256_movemask_epi8(special) == 0;
    for (element, to) in elements.into_iter().zip(numbers) {
        // A power of two moves between the factors of a product and changes no bit of it.
        let product = if usual {
            _mm256_mul_ps(element, _mm256_set1_ps(factor))
        } else {
            let product = _mm256_mul_ps(_mm256_mul_ps(element, *unit), _mm256_set1_ps(scale));
            let nan = _mm256_cmp_ps::<_CMP_UNORD_Q>(product, product);
            _mm256_blendv_ps(product, _mm256_set1_ps(F32_NAN), nan)
        };
        *to = must_cast(product);
    }
}

/// Restores numbers from codes of a byte, whose fields have a place in FP16, as products with their
/// blocks' scales, in blocks of a multiple of 16, and returns how many whole blocks it did.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn restore_by_f16(
    HalfFields { left, right, mask, max, unit }: HalfFields,
    blocks: PackedBlocks<'_>,
    dst: &mut [f32],
) -> usize {
    let PackedBlocks { length, scales, bytes, .. } = blocks;
    if !length.is_multiple_of(16) {
        return 0;
    }
    let vectors = HalfVectors {
        left: must_cast([u64::from(left), 0]),
        right: must_cast([u64::from(right), 0]),
        mask: _mm256_set1_epi16(mask.cast_signed()),
        max: _mm256_set1_epi16(max.cast_signed()),
        unit: _mm256_set1_ps(unit),
    };
    let (codes, numbers) =
        (bytes.as_chunks::<16>().0, dst.as_chunks_mut::<8>().0.as_chunks_mut::<2>().0);
    match length {
        // Two vectors of codes, without an inner loop.
        32 => {
            let (codes, numbers) = (codes.as_chunks::<2>().0, numbers.as_chunks_mut::<2>().0);
            for ((codes, numbers), scale) in codes.iter().zip(numbers).zip(scales) {
                let factors = [*scale, *scale * unit];
                by_f16(&vectors, &codes[0], factors, &mut numbers[0]);
                by_f16(&vectors, &codes[1], factors, &mut numbers[1]);
            }
        }
        _ => {
            let (codes, numbers) =
                (codes.chunks_exact(length / 16), numbers.chunks_exact_mut(length / 16));
            for ((codes, numbers), scale) in codes.zip(numbers).zip(scales) {
                for (codes, numbers) in codes.iter().zip(numbers) {
                    by_f16(&vectors, codes, [*scale, *scale * unit], numbers);
                }
            }
        }
    }
    (dst.len().min(bytes.len()) / length).min(scales.len())
}

/// Unpacks codes of fewer than 8 bits, 32 at a time, and returns how many codes it did.
#[target_feature(enable = "avx2")]
pub(super) fn unpack<const BITS: usize>(bytes: &[u8], codes: &mut [u8]) -> usize {
    // 16 codes are 2 · BITS bytes, at the front of a half of 16 bytes. Words of the first eight
    // codes, and of the other eight: both bytes that a code may lie in.
    const fn shuffle(bits: usize, first: usize) -> [u8; 32] {
        let mut table = [0; 32];
        let mut i = 0;
        while i < 32 {
            table[i] = ((first + i % 16 / 2) * bits / 8 + i % 2) as u8;
            i += 1;
        }
        table
    }
    // A code begins at bit (i · BITS) mod 8 of its word; the product moves its end to bit 16.
    const fn powers(bits: usize) -> [u16; 16] {
        let mut table = [0; 16];
        let mut i = 0;
        while i < 16 {
            table[i] = 1 << (16 - bits - i * bits % 8);
            i += 1;
        }
        table
    }
    let shuffles = const { [shuffle(BITS, 0), shuffle(BITS, 8)] }.map(must_cast::<_, __m256i>);
    let powers: __m256i = must_cast(const { powers(BITS) });
    let (groups, _) = codes.as_chunks_mut::<32>();
    let mut done = 0;
    for (codes, start) in groups.iter_mut().zip((0..).step_by(4 * BITS)) {
        // Whole halves of 16 bytes: a few bytes behind the codes are read too.
        let Some(window) = bytes.get(start..start + 2 * BITS + 16) else { break };
        let (first, second) = (window.first_chunk::<16>(), window.last_chunk::<16>());
        let (Some(first), Some(second)) = (first, second) else { break };
        let halves: __m256i = must_cast([*first, *second]);
        let [low, high] = shuffles.map(|shuffle| {
            let words = _mm256_mullo_epi16(_mm256_shuffle_epi8(halves, shuffle), powers);
            match BITS {
                1 => _mm256_srli_epi16::<15>(words),
                2 => _mm256_srli_epi16::<14>(words),
                3 => _mm256_srli_epi16::<13>(words),
                5 => _mm256_srli_epi16::<11>(words),
                6 => _mm256_srli_epi16::<10>(words),
                _ => _mm256_srli_epi16::<9>(words),
            }
        });
        // Packing works within halves, each of which has its 16 codes.
        *codes = must_cast(_mm256_packus_epi16(low, high));
        done += 32;
    }
    done
}

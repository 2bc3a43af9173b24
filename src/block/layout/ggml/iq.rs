//! ggml's IQ types, which are read only: how the bytes of one block become scales and codes. Eight
//! or four elements have one index, of a point of a grid, which gives their magnitudes; signs are
//! bits beside it. Owns no lengths: slices are those of one block of 256 elements.
//!
//! A code here is an element's digit in the point, with its sign as the uppermost bit: the
//! codebooks of [`preset::ggml`](crate::preset::ggml) are made that way. Scales are F32 products of
//! the F16 `d` and an odd multiple of 1, 1/4 or 1/8, which are exact.

use super::grids;
use super::unpack::{half, multiply, nibble};
use crate::block::pack::{get_bits, stored};

/// A digit of a point: that of coordinate `j` in this base.
fn digit(point: u16, base: u16, j: usize) -> u8 {
    (point / base.pow(j as u32) % base) as u8
}

/// The eight signs that seven bits stand for: the last makes their number even.
const fn even_signs(bits: u32) -> u8 {
    let seven = bits as u8 & 0x7F;
    seven | (seven.count_ones() as u8 & 1) << 7
}

/// Eight codes of a point of eight digits in base 3.
fn eight(point: u16, signs: u8, codes: &mut [u8]) {
    for (j, code) in codes.iter_mut().enumerate() {
        *code = digit(point, 3, j) | (signs >> j & 1) << 2;
    }
}

/// Eight codes of two points of four digits in base 8.
fn twice_four(points: [u16; 2], signs: u8, codes: &mut [u8]) {
    for (j, code) in codes.iter_mut().enumerate() {
        *code = digit(points[j / 4], 8, j % 4) | (signs >> j & 1) << 3;
    }
}

/// Scales `d · (n + 1/2) / divisor` of 4-bit integers `n`.
fn halves(d: f32, integers: impl Iterator<Item = u8>, divisor: f32, scales: &mut [u8]) {
    // (2n + 1) / 2 / divisor: 31 at most, so an i8 holds it.
    multiply(d / (2.0 * divisor), integers.map(|n| (2 * n + 1) as i8), scales);
}

/// `IQ2_XXS`: `d`, and for each 32 elements four bytes of indices and a word with four times seven
/// bits of signs below a 4-bit scale.
pub(super) fn iq2_xxs(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    let word = |run: usize| stored(&block[2 + 8 * run + 4..], 4, 0);
    halves(half(block), (0..8).map(|run| (word(run) >> 28) as u8), 4.0, scales);
    for (i, codes) in codes.chunks_exact_mut(8).enumerate() {
        let (run, l) = (i / 4, i % 4);
        let point = grids::IQ2_XXS[usize::from(block[2 + 8 * run + l])];
        eight(point, even_signs(word(run) >> (7 * l)), codes);
    }
}

/// `IQ2_XS`: `d`, for each 8 elements a word of 9 bits of index and 7 of signs, then 4-bit scales
/// of 16 elements each.
pub(super) fn iq2_xs(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    let packed = &block[66..];
    halves(half(block), (0..16).map(|j| nibble(packed[j / 2], j % 2)), 4.0, scales);
    for (i, codes) in codes.chunks_exact_mut(8).enumerate() {
        let word = stored(&block[2..], 2, i);
        eight(grids::IQ2_XS[word as usize & 511], even_signs(word >> 9), codes);
    }
}

/// `IQ2_S`: `d`, for each 8 elements the lower byte of an index, for each 8 a byte of signs, the
/// upper two bits of indices, then 4-bit scales of 16 elements each.
pub(super) fn iq2_s(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    let (low, signs, high, packed) = (&block[2..34], &block[34..66], &block[66..74], &block[74..]);
    halves(half(block), (0..16).map(|j| nibble(packed[j / 2], j % 2)), 4.0, scales);
    for (i, codes) in codes.chunks_exact_mut(8).enumerate() {
        let upper = get_bits(high, 2, 2 * i) as usize;
        eight(grids::IQ2_S[usize::from(low[i]) | upper << 8], signs[i], codes);
    }
}

/// `IQ3_XXS`: `d`, an index for each 4 elements, then for each 32 a word with four times seven bits
/// of signs below a 4-bit scale.
pub(super) fn iq3_xxs(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    let word = |run: usize| stored(&block[66..], 4, run);
    halves(half(block), (0..8).map(|run| (word(run) >> 28) as u8), 2.0, scales);
    for (i, codes) in codes.chunks_exact_mut(8).enumerate() {
        let points = [0, 1].map(|n| grids::IQ3_XXS[usize::from(block[2 + 2 * i + n])]);
        twice_four(points, even_signs(word(i / 4) >> (7 * (i % 4))), codes);
    }
}

/// `IQ3_S`: `d`, for each 4 elements the lower byte of an index, then the ninth bits, a byte of
/// signs for each 8 elements, and 4-bit scales of 32 each, which stand for odd numbers.
pub(super) fn iq3_s(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    let (low, ninth, signs, packed) =
        (&block[2..66], &block[66..74], &block[74..106], &block[106..]);
    halves(half(block), (0..8).map(|j| nibble(packed[j / 2], j % 2)), 0.5, scales);
    for (i, codes) in codes.chunks_exact_mut(8).enumerate() {
        let points = [2 * i, 2 * i + 1].map(|place| {
            let upper = get_bits(ninth, 1, place) as usize;
            grids::IQ3_S[usize::from(low[place]) | upper << 8]
        });
        twice_four(points, signs[i], codes);
    }
}

/// `IQ1_S`: `d`, for each 8 elements the lower byte of an index, then for each 32 a word of four
/// times three upper bits, a 3-bit scale that stands for an odd number, and the sign of the eighth
/// that is added to all of them.
pub(super) fn iq1_s(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    let word = |run: usize| stored(&block[34..], 2, run);
    halves(half(block), (0..8).map(|run| (word(run) >> 12 & 7) as u8), 0.5, scales);
    for (i, codes) in codes.chunks_exact_mut(8).enumerate() {
        let (word, l) = (word(i / 4), i % 4);
        let upper = (word >> (3 * l) & 7) as usize;
        let minus = if word >> 15 == 1 { 0xFF } else { 0 };
        eight(grids::IQ1[usize::from(block[2 + i]) | upper << 8], minus, codes);
    }
}

/// `IQ1_M`: for each 8 elements the lower byte of an index, then a nibble of three upper bits and
/// the sign of the eighth that is added; four words of four 3-bit scales of 16 elements each, and
/// of four bits of `d`, the first the lowest.
pub(super) fn iq1_m(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    let (low, high, packed) = (&block[..32], &block[32..48], &block[48..]);
    let word = |index: usize| stored(packed, 2, index);
    let d = (0..4).fold(0u16, |d, index| d | (word(index) as u16 >> 12) << (4 * index));
    let integer = |j: usize| (word(j / 4) >> (3 * (j % 4)) & 7) as u8;
    halves(half(&d.to_le_bytes()), (0..16).map(integer), 0.5, scales);
    for (i, codes) in codes.chunks_exact_mut(8).enumerate() {
        let nibble = nibble(high[i / 2], i % 2);
        let minus = if nibble >> 3 == 1 { 0xFF } else { 0 };
        eight(grids::IQ1[usize::from(low[i]) | usize::from(nibble & 7) << 8], minus, codes);
    }
}

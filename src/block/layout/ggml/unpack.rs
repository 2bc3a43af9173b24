//! Types of ggml that are read only: how the bytes of one block become scales, minima and codes.
//! Owns no lengths: slices are those of one block.
//!
//! A superblock has F16 factors `d` (and `dmin`) and small integers `sc` (and `m`) for each run of
//! its elements. A scale here is the f32 product `d · sc`, which is exact: 11 bits times at most 8.
//! A minimum is `-(dmin · m)`. The number is then `q · s + m` in ggml's own order of operations.

use crate::block::pack::{get, store, stored};
use crate::spec::FormatSpec;

/// Fills scales, offsets and codes (one a byte) of one block from its bytes.
pub(super) type Unpack = fn(block: &[u8], scales: &mut [u8], offsets: &mut [u8], codes: &mut [u8]);

pub(super) fn half(bytes: &[u8]) -> f32 {
    FormatSpec::F16.decode_f32(stored(bytes, 2, 0))
}

/// Stores `d` times each of the small integers.
pub(super) fn multiply(d: f32, factors: impl Iterator<Item = i8>, scales: &mut [u8]) {
    for (j, factor) in factors.enumerate() {
        store(scales, 4, j, (d * f32::from(factor)).to_bits());
    }
}

/// A field of two bits of a byte.
const fn pair(byte: u8, index: usize) -> u8 {
    byte >> (index * 2) & 3
}

/// A nibble of a byte, the low one first.
pub(super) const fn nibble(byte: u8, index: usize) -> u8 {
    byte >> (index * 4) & 0xF
}

/// The code at a place of bytes whose fields of two bits lie 32 elements apart: byte `l` of each 32
/// has elements `l`, `l + 32`, `l + 64` and `l + 96` of 128.
const fn spread_pair(bytes: &[u8], i: usize) -> u8 {
    pair(bytes[i / 128 * 32 + i % 32], i % 128 / 32)
}

/// `Q8_1`: F16 scale, F16 sum of all elements, int8s. The sum serves products only.
pub(super) fn q8_1(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    scales.copy_from_slice(&block[..2]);
    codes.copy_from_slice(&block[4..]);
}

/// `Q8_K`: F32 scale, int8s, sums of each 16 elements for products.
pub(super) fn q8_k(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    scales.copy_from_slice(&block[..4]);
    codes.copy_from_slice(&block[4..260]);
}

/// `Q2_K`: for each 16 elements a byte with the scale in its low nibble and the minimum in the high
/// one, then 64 bytes of codes, `d`, `dmin`.
pub(super) fn q2_k(block: &[u8], scales: &mut [u8], minima: &mut [u8], codes: &mut [u8]) {
    let (packed, d, dmin) = (&block[..16], half(&block[80..]), half(&block[82..]));
    multiply(d, packed.iter().map(|&byte| nibble(byte, 0) as i8), scales);
    multiply(-dmin, packed.iter().map(|&byte| nibble(byte, 1) as i8), minima);
    for (i, code) in codes.iter_mut().enumerate() {
        *code = spread_pair(&block[16..80], i);
    }
}

/// `Q3_K`: 32 bytes of third bits, bit `i / 32` of byte `i mod 32` for element `i`, 64 bytes of
/// lower bits, sixteen 6-bit scales in 12 bytes, `d`. Scales are stored plus 32; a third bit that
/// is 0 takes 4 away, so that inverted it is the sign bit of a two's complement.
pub(super) fn q3_k(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    let (third, low, packed) = (&block[..32], &block[32..96], &block[96..108]);
    let factor = |j: usize| {
        // Low nibbles of bytes 0 to 7 for scales 0 to 7, high ones for 8 to 15; then two bits each
        // in bytes 8 to 11.
        let upper = pair(packed[8 + j % 4], j / 4);
        (nibble(packed[j % 8], j / 8) | upper << 4) as i8 - 32
    };
    multiply(half(&block[108..]), (0..16).map(factor), scales);
    for (i, code) in codes.iter_mut().enumerate() {
        let sign = third[i % 32] >> (i / 32) & 1 ^ 1;
        *code = spread_pair(low, i) | sign << 2;
    }
}

/// The eight 6-bit scales and minima of `Q4_K` and `Q5_K` from their 12 bytes.
fn six_bits(packed: &[u8], j: usize) -> [i8; 2] {
    // Scales and minima 4 to 7 have four bits of their own; the upper two lie above the six bits
    // of 0 to 3.
    let [scale, minimum] = match j {
        0..4 => [packed[j] & 63, packed[j + 4] & 63],
        _ => {
            [packed[j + 4] & 15 | packed[j - 4] >> 6 << 4, packed[j + 4] >> 4 | packed[j] >> 6 << 4]
        }
    };
    [scale as i8, minimum as i8]
}

/// `d`, `dmin` and 12 bytes of 6-bit scales and minima, the head of `Q4_K` and `Q5_K`.
fn head(block: &[u8], scales: &mut [u8], minima: &mut [u8]) {
    let packed = &block[4..16];
    multiply(half(block), (0..8).map(|j| six_bits(packed, j)[0]), scales);
    multiply(-half(&block[2..]), (0..8).map(|j| six_bits(packed, j)[1]), minima);
}

/// `Q4_K`: the head, and for each 64 elements 32 bytes of nibbles in split halves.
pub(super) fn q4_k(block: &[u8], scales: &mut [u8], minima: &mut [u8], codes: &mut [u8]) {
    head(block, scales, minima);
    for (i, code) in codes.iter_mut().enumerate() {
        *code = nibble(block[16 + i / 64 * 32 + i % 32], i % 64 / 32);
    }
}

/// `Q5_K`: the head, 32 bytes of fifth bits, bit `i / 32` of byte `i mod 32` for element `i`, and
/// nibbles as in `Q4_K`.
pub(super) fn q5_k(block: &[u8], scales: &mut [u8], minima: &mut [u8], codes: &mut [u8]) {
    head(block, scales, minima);
    for (i, code) in codes.iter_mut().enumerate() {
        let fifth = block[16 + i % 32] >> (i / 32) & 1;
        *code = nibble(block[48 + i / 64 * 32 + i % 32], i % 64 / 32) | fifth << 4;
    }
}

/// `Q6_K`: each half of 128 elements has 64 bytes of nibbles, byte `l` for elements `l` and
/// `l + 64`, and 32 bytes of upper bits, byte `l` for elements `l`, `l + 32`, `l + 64`, `l + 96`;
/// then the int8 scales of 16 elements each, and `d`.
pub(super) fn q6_k(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    let (low, high) = (&block[..128], &block[128..192]);
    multiply(half(&block[208..]), block[192..208].iter().map(|&scale| scale as i8), scales);
    for (i, code) in codes.iter_mut().enumerate() {
        let lower = nibble(low[i / 128 * 64 + i % 64], i % 128 / 64);
        // ggml stores q + 32.
        *code = (lower | spread_pair(high, i) << 4) ^ 1 << 5;
    }
}

/// `IQ4_NL`: F16 scale, nibbles in split halves of 16.
pub(super) fn iq4_nl(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    scales.copy_from_slice(&block[..2]);
    halves_of_16(&block[2..], codes);
}

/// `IQ4_XS`: `d`, the upper two bits of eight 6-bit scales, their lower nibbles, and for each 32
/// elements nibbles in split halves. Scales are stored plus 32.
pub(super) fn iq4_xs(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    let factor = |j: usize| {
        let upper = pair(block[2 + j / 4], j % 4);
        (nibble(block[4 + j / 2], j % 2) | upper << 4) as i8 - 32
    };
    multiply(half(block), (0..8).map(factor), scales);
    halves_of_16(&block[8..], codes);
}

fn halves_of_16(packed: &[u8], codes: &mut [u8]) {
    for (i, code) in codes.iter_mut().enumerate() {
        *code = nibble(packed[i / 32 * 16 + i % 16], i % 32 / 16);
    }
}

/// `TQ1_0`: 52 bytes of base-3 digits, five a byte (the last four bytes have four), then `d`. A
/// byte is the fraction `digits / 243` in 256ths, rounded up: times `3^n` modulo 256 it begins with
/// digit `n`, the first of which is the most significant.
pub(super) fn tq1_0(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    scales.copy_from_slice(&block[52..54]);
    for (i, code) in codes.iter_mut().enumerate() {
        // Digit n of byte m is element n · 32 + m, n · 16 + m or n · 4 + m of its run.
        let (first, width, place) = match i {
            0..160 => (0, 32, i),
            160..240 => (32, 16, i - 160),
            _ => (48, 4, i - 240),
        };
        let power = [1u8, 3, 9, 27, 81][place / width];
        let fraction = block[first + place % width].wrapping_mul(power);
        *code = ((u16::from(fraction) * 3) >> 8) as u8;
    }
}

/// `TQ2_0`: 64 bytes of codes, then `d`.
pub(super) fn tq2_0(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    scales.copy_from_slice(&block[64..66]);
    for (i, code) in codes.iter_mut().enumerate() {
        *code = spread_pair(block, i);
    }
}

/// `Q1_0`: F16 scale, a bit for each element, from the low one.
pub(super) fn q1_0(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    dense(block, 1, scales, codes);
}

/// `Q2_0`: F16 scale, two bits for each element, from the low ones.
pub(super) fn q2_0(block: &[u8], scales: &mut [u8], _: &mut [u8], codes: &mut [u8]) {
    dense(block, 2, scales, codes);
}

fn dense(block: &[u8], bits: u32, scales: &mut [u8], codes: &mut [u8]) {
    scales.copy_from_slice(&block[..2]);
    for (i, code) in codes.iter_mut().enumerate() {
        *code = get(&block[2..], bits, i) as u8;
    }
}

//! Loops over pieces of rows of block-scaled tensors: packed codes, and numbers that come back.

use super::decode::DecodeBytes;
use super::isa::{Isa, per_isa};
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::{isa::Kind, x86, x86_blocks};
use crate::bits::F32_NAN;

/// How an element becomes a number with one or two numbers of its block.
pub(crate) trait Restoring: Copy {
    fn number(self, q: f32, scale: f32, offset: f32) -> f32;
}

/// `(q + zero) · scale`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product {
    /// −0 changes nothing, +0 makes −0 plus.
    pub(crate) zero: f32,
}

/// `((q · scale) · amax) / target`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AmaxQuotient {
    pub(crate) amax: f32,
    pub(crate) target: f32,
}

/// `(q − offset) · scale`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LessZeroPoint;

/// `q · scale + offset`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlusMinimum;

impl Restoring for Product {
    #[inline(always)]
    fn number(self, q: f32, scale: f32, _: f32) -> f32 {
        (q + self.zero) * scale
    }
}

impl Restoring for AmaxQuotient {
    #[inline(always)]
    fn number(self, q: f32, scale: f32, _: f32) -> f32 {
        q * scale * self.amax / self.target
    }
}

impl Restoring for LessZeroPoint {
    #[inline(always)]
    fn number(self, q: f32, scale: f32, offset: f32) -> f32 {
        (q - offset) * scale
    }
}

impl Restoring for PlusMinimum {
    #[inline(always)]
    fn number(self, q: f32, scale: f32, offset: f32) -> f32 {
        q * scale + offset
    }
}

/// Numbers of blocks that are written out for every element: the compiler makes vectors of one long loop, but not of many short ones.
#[inline(always)]
fn restore_body<R: Restoring>(rule: R, scales: &[f32], offsets: &[f32], numbers: &mut [f32]) {
    for ((x, scale), offset) in numbers.iter_mut().zip(scales).zip(offsets) {
        let number = rule.number(*x, *scale, *offset);
        *x = if number.is_nan() { F32_NAN } else { number };
    }
}

#[inline(always)]
fn expand_body(length: usize, values: &[f32], each: &mut [f32]) {
    match length {
        16 => {
            for (block, value) in each.as_chunks_mut::<16>().0.iter_mut().zip(values) {
                *block = [*value; 16];
            }
        }
        32 => {
            for (block, value) in each.as_chunks_mut::<32>().0.iter_mut().zip(values) {
                *block = [*value; 32];
            }
        }
        _ => {
            for (block, value) in each.chunks_mut(length).zip(values) {
                block.fill(*value);
            }
            return;
        }
    }
    let whole = each.len() / length;
    if let Some(value) = values.get(whole) {
        each[whole * length..].fill(*value);
    }
}

#[inline(always)]
fn e8m0_body(codes: &[u8], scales: &mut [f32]) {
    for (code, scale) in codes.iter().zip(scales) {
        // The first, a subnormal f32, and NaN have the same bit where others have none.
        let bit = u32::from(*code == 0) | u32::from(*code == u8::MAX);
        *scale = f32::from_bits(u32::from(*code) << 23 | bit << 22);
    }
}

#[inline(always)]
fn pack_4_body(codes: &[u8], bytes: &mut [u8]) {
    let (pairs, last) = codes.as_chunks::<2>();
    // Two codes as one integer: to take elements out of pairs is to shuffle.
    for (pair, byte) in pairs.iter().zip(bytes.iter_mut()) {
        let pair = u16::from_le_bytes(*pair);
        *byte = (pair & 15 | pair >> 4 & 0xF0) as u8;
    }
    if let ([low], Some(byte)) = (last, bytes.get_mut(pairs.len())) {
        *byte = *low & 15;
    }
}

#[inline(always)]
fn unpack_4_body(bytes: &[u8], codes: &mut [u8]) {
    let (pairs, last) = codes.as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = [byte & 15, byte >> 4];
    }
    if let ([low], Some(byte)) = (last, bytes.last()) {
        *low = byte & 15;
    }
}

/// The three bytes of four codes.
#[inline(always)]
fn three([a, b, c, d]: [u8; 4]) -> [u8; 3] {
    [a & 63 | b << 6, b >> 2 & 15 | c << 4, c >> 4 & 3 | d << 2]
}

/// The four codes of three bytes.
#[inline(always)]
fn four([a, b, c]: [u8; 3]) -> [u8; 4] {
    [a & 63, (a >> 6 | b << 2) & 63, (b >> 4 | c << 4) & 63, c >> 2]
}

#[inline(always)]
fn pack_6_body(codes: &[u8], bytes: &mut [u8]) {
    let (fours, last) = codes.as_chunks::<4>();
    let (threes, rest) = bytes.split_at_mut((3 * fours.len()).min(bytes.len()));
    for (codes, bytes) in fours.iter().zip(threes.as_chunks_mut::<3>().0) {
        *bytes = three(*codes);
    }
    let mut padded = [0; 4];
    padded[..last.len()].copy_from_slice(last);
    rest.iter_mut().zip(three(padded)).take((6 * last.len()).div_ceil(8)).for_each(|(to, byte)| *to = byte);
}

#[inline(always)]
fn unpack_6_body(bytes: &[u8], codes: &mut [u8]) {
    let (fours, rest) = codes.as_chunks_mut::<4>();
    let (threes, last) = bytes.split_at((3 * fours.len()).min(bytes.len()));
    for (bytes, codes) in threes.as_chunks::<3>().0.iter().zip(fours) {
        *codes = four(*bytes);
    }
    let mut padded = [0; 3];
    padded.iter_mut().zip(last).for_each(|(to, byte)| *to = *byte);
    rest.iter_mut().zip(four(padded)).for_each(|(to, code)| *to = code);
}

/// Codes of 6 bits to bytes, the first in the low bits.
pub(crate) fn pack_6(isa: Isa, codes: &[u8], bytes: &mut [u8]) {
    let done = match isa.kind() {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        // SAFETY: an `Isa` of this kind is made only after its instructions were detected.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        Kind::Avx512Vbmi => unsafe { x86::pack_6(codes, bytes) },
        _ => 0,
    };
    pack_6_by(isa, &codes[done..], &mut bytes[done / 4 * 3..]);
}

/// Bytes to codes of 6 bits.
pub(crate) fn unpack_6(isa: Isa, bytes: &[u8], codes: &mut [u8]) {
    let done = match isa.kind() {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        // SAFETY: as above.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        Kind::Avx512Vbmi => unsafe { x86::unpack_6(bytes, codes) },
        _ => 0,
    };
    unpack_6_by(isa, &bytes[done / 4 * 3..], &mut codes[done..]);
}

/// Whether [`restore_packed`] has a way for these codes.
pub(crate) fn restores_packed(decode: &DecodeBytes, bits: u32) -> bool {
    match (decode, bits) {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        (DecodeBytes::Few(_), 4) | (DecodeBytes::Planes(_), 6 | 8) => true,
        _ => false,
    }
}

/// Packed codes of this many bits in blocks of a length, and their blocks' scales and offsets.
#[derive(Clone, Copy)]
#[cfg_attr(not(all(feature = "std", target_arch = "x86_64")), allow(dead_code, reason = "x86's kernels read it"))]
pub(crate) struct PackedBlocks<'a> {
    pub(crate) bits: u32,
    pub(crate) length: usize,
    pub(crate) scales: &'a [f32],
    pub(crate) offsets: &'a [f32],
    pub(crate) bytes: &'a [u8],
}

/// Numbers of packed codes times their blocks' scales, every NaN the positive quiet one, as far as there is a quick way; returns how many blocks it did.
pub(crate) fn restore_packed(decode: &DecodeBytes, blocks: PackedBlocks<'_>, dst: &mut [f32]) -> usize {
    match (decode, blocks.bits) {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        // SAFETY: `lower` gives these tables only for an `Isa` that has the instructions.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        (DecodeBytes::Planes(planes), 8) => unsafe { x86_blocks::restore_planes::<8>(planes, blocks, dst) },
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        // SAFETY: as above.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        (DecodeBytes::Planes(planes), 6) => unsafe { x86_blocks::restore_planes::<6>(planes, blocks, dst) },
        _ => restore_packed_by(Product { zero: -0.0 }, decode, blocks, dst),
    }
}

/// The same by another rule, of codes of 4 bits.
pub(crate) fn restore_packed_by<R: Restoring>(rule: R, decode: &DecodeBytes, blocks: PackedBlocks<'_>, dst: &mut [f32]) -> usize {
    let _ = (rule, &dst);
    match (decode, blocks.bits) {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        // SAFETY: as above.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        (DecodeBytes::Few([table, _]), 4) => unsafe { x86_blocks::restore_4(rule, table, blocks, dst) },
        _ => 0,
    }
}

per_isa! {
    /// Numbers of decoded elements, by the scales and offsets of each, every NaN the positive quiet one.
    fn restore_each[R: Restoring](rule: R, scales: &[f32], offsets: &[f32], numbers: &mut [f32]) = restore_body;
    /// The values of blocks, for each of their elements.
    fn expand[](length: usize, values: &[f32], each: &mut [f32]) = expand_body;
    /// Numbers of E8M0 codes.
    fn e8m0[](codes: &[u8], scales: &mut [f32]) = e8m0_body;
    /// Codes of 4 bits to bytes, the first in the low bits.
    fn pack_4[](codes: &[u8], bytes: &mut [u8]) = pack_4_body;
    /// Bytes to codes of 4 bits.
    fn unpack_4[](bytes: &[u8], codes: &mut [u8]) = unpack_4_body;
    fn pack_6_by[](codes: &[u8], bytes: &mut [u8]) = pack_6_body;
    fn unpack_6_by[](bytes: &[u8], codes: &mut [u8]) = unpack_6_body;
}

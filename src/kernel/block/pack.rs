//! Packing of codes of 4 and 6 bits, the first code in the low bits.
//!
//! ```text
//! 4 bits: a code pair        bbbb aaaa                          one byte for two codes
//! 6 bits: codes a, b, c, d   bbaaaaaa  ccccbbbb  ddddddcc       three bytes for four codes
//! ```
//!
//! A last group that is not full is padded with code 0, and only the bytes that hold a code are
//! written. Bits above a code's width are ignored when packing and are 0 after unpacking.

use super::intrinsics::BlockIntrinsics;
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};

#[inline(always)]
fn pack_4_body(codes: &[u8], bytes: &mut [u8]) {
    let (pairs, last) = codes.as_chunks::<2>();
    // A pair is read as one u16, so that a vector of pairs needs shifts alone: taking even and odd
    // bytes apart would be shuffles.
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
    // The compiler interleaves two vectors, low and high halves, with unpack instructions.
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = [byte & 15, byte >> 4];
    }
    if let ([low], Some(byte)) = (last, bytes.last()) {
        *low = byte & 15;
    }
}

/// Returns the three bytes of four codes.
#[inline(always)]
fn three_bytes([a, b, c, d]: [u8; 4]) -> [u8; 3] {
    // Shifts in u8 drop what does not fit the byte.
    [a & 63 | b << 6, b >> 2 & 15 | c << 4, c >> 4 & 3 | d << 2]
}

/// Returns the four codes of three bytes.
#[inline(always)]
fn four_codes([a, b, c]: [u8; 3]) -> [u8; 4] {
    // Each code joins the end of one byte with the start of the next.
    [a & 63, (a >> 6 | b << 2) & 63, (b >> 4 | c << 4) & 63, c >> 2]
}

#[inline(always)]
fn pack_6_body(codes: &[u8], bytes: &mut [u8]) {
    let (fours, last) = codes.as_chunks::<4>();
    let (threes, rest) = bytes.split_at_mut((3 * fours.len()).min(bytes.len()));
    for (codes, bytes) in fours.iter().zip(threes.as_chunks_mut::<3>().0) {
        *bytes = three_bytes(*codes);
    }
    // One to three codes are left: 6, 12 or 18 bits, in one, two or three bytes.
    let mut padded = [0; 4];
    padded[..last.len()].copy_from_slice(last);
    rest.iter_mut()
        .zip(three_bytes(padded))
        .take((6 * last.len()).div_ceil(8))
        .for_each(|(to, byte)| *to = byte);
}

#[inline(always)]
fn unpack_6_body(bytes: &[u8], codes: &mut [u8]) {
    let (fours, rest) = codes.as_chunks_mut::<4>();
    let (threes, last) = bytes.split_at((3 * fours.len()).min(bytes.len()));
    for (bytes, codes) in threes.as_chunks::<3>().0.iter().zip(fours) {
        *codes = four_codes(*bytes);
    }
    // The last group has one to three codes, in as many bytes.
    let mut padded = [0; 3];
    padded.iter_mut().zip(last).for_each(|(to, byte)| *to = *byte);
    rest.iter_mut().zip(four_codes(padded)).for_each(|(to, code)| *to = code);
}

/// Packs codes of 6 bits, four in three bytes, the first in the low bits.
pub(crate) fn pack_6(isa: Isa, codes: &[u8], bytes: &mut [u8]) {
    // Whole groups of 64 codes in registers; a multiple of 4, so the rest begins at a byte.
    let done = Native::pack_6(isa, codes, bytes);
    pack_6_by(isa, &codes[done..], &mut bytes[done / 4 * 3..]);
}

/// Unpacks codes of 6 bits, one a byte.
pub(crate) fn unpack_6(isa: Isa, bytes: &[u8], codes: &mut [u8]) {
    let done = Native::unpack_6(isa, bytes, codes);
    unpack_6_by(isa, &bytes[done / 4 * 3..], &mut codes[done..]);
}

per_isa! {
    /// Packs codes of 4 bits, two a byte, the first in the low bits.
    fn pack_4[](codes: &[u8], bytes: &mut [u8]) = pack_4_body;
    /// Unpacks codes of 4 bits, one a byte.
    fn unpack_4[](bytes: &[u8], codes: &mut [u8]) = unpack_4_body;
    /// Packs codes of 6 bits by a plain loop.
    fn pack_6_by[](codes: &[u8], bytes: &mut [u8]) = pack_6_body;
    /// Unpacks codes of 6 bits by a plain loop.
    fn unpack_6_by[](bytes: &[u8], codes: &mut [u8]) = unpack_6_body;
}

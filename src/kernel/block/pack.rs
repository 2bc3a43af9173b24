//! Codes of 4 and 6 bits, packed.

use super::intrinsics::BlockIntrinsics;
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};

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
    rest.iter_mut()
        .zip(three(padded))
        .take((6 * last.len()).div_ceil(8))
        .for_each(|(to, byte)| *to = byte);
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
    let done = Native::pack_6(isa, codes, bytes);
    pack_6_by(isa, &codes[done..], &mut bytes[done / 4 * 3..]);
}

/// Bytes to codes of 6 bits.
pub(crate) fn unpack_6(isa: Isa, bytes: &[u8], codes: &mut [u8]) {
    let done = Native::unpack_6(isa, bytes, codes);
    unpack_6_by(isa, &bytes[done / 4 * 3..], &mut codes[done..]);
}

per_isa! {
    /// Codes of 4 bits to bytes, the first in the low bits.
    fn pack_4[](codes: &[u8], bytes: &mut [u8]) = pack_4_body;
    /// Bytes to codes of 4 bits.
    fn unpack_4[](bytes: &[u8], codes: &mut [u8]) = unpack_4_body;
    fn pack_6_by[](codes: &[u8], bytes: &mut [u8]) = pack_6_body;
    fn unpack_6_by[](bytes: &[u8], codes: &mut [u8]) = unpack_6_body;
}

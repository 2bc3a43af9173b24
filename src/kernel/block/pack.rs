//! Packing of codes of fewer than 8 bits, the first code in the low bits. Codes of 4 and 6 bits,
//! the most common, have loops of their own.
//!
//! ```text
//! 4 bits: a code pair        bbbb aaaa                          one byte for two codes
//! 6 bits: codes a, b, c, d   bbaaaaaa  ccccbbbb  ddddddcc       three bytes for four codes
//! other widths b: eight codes are one u64, whose neighbours are joined in three steps, to 2b bits
//!         in 16, to 4b in 32, to 8b in 64: b bytes. Unpacking takes the steps back.
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
fn pack_6(isa: Isa, codes: &[u8], bytes: &mut [u8]) {
    // Whole groups of 64 codes in registers; a multiple of 4, so the rest begins at a byte.
    let done = Native::pack_6(isa, codes, bytes);
    pack_6_by(isa, &codes[done..], &mut bytes[done / 4 * 3..]);
}

/// Unpacks codes of fewer than 8 bits other than 4, one a byte.
fn unpack(isa: Isa, bits: u32, bytes: &[u8], codes: &mut [u8]) {
    // Whole groups in registers, which end at a byte.
    let done = match bits {
        1 => Native::unpack::<1>(isa, bytes, codes),
        2 => Native::unpack::<2>(isa, bytes, codes),
        3 => Native::unpack::<3>(isa, bytes, codes),
        5 => Native::unpack::<5>(isa, bytes, codes),
        6 => Native::unpack::<6>(isa, bytes, codes),
        7 => Native::unpack::<7>(isa, bytes, codes),
        _ => 0,
    };
    let (bytes, codes) = (&bytes[done * bits as usize / 8..], &mut codes[done..]);
    match bits {
        6 => unpack_6(isa, bytes, codes),
        _ => unpack_odd(isa, bits, bytes, codes),
    }
}

/// Joins the low `bits` bits of eight bytes to as many bits in a row.
#[inline(always)]
const fn join(codes: u64, bits: u32) -> u64 {
    const LOW_8: u64 = 0x00FF_00FF_00FF_00FF;
    const LOW_16: u64 = 0x0000_FFFF_0000_FFFF;
    let codes = codes & (0x0101_0101_0101_0101 * ((1 << bits) - 1));
    let pairs = codes & LOW_8 | (codes >> 8 & LOW_8) << bits;
    let fours = pairs & LOW_16 | (pairs >> 16 & LOW_16) << (2 * bits);
    fours & 0xFFFF_FFFF | fours >> 32 << (4 * bits)
}

/// Spreads eight codes of `bits` bits in a row to eight bytes.
#[inline(always)]
const fn spread(row: u64, bits: u32) -> u64 {
    let four = (1 << (4 * bits)) - 1;
    let fours = row & four | (row >> (4 * bits) & four) << 32;
    let two = 0x0000_0001_0000_0001 * ((1 << (2 * bits)) - 1);
    let pairs = fours & two | (fours >> (2 * bits) & two) << 16;
    let one = 0x0001_0001_0001_0001 * ((1 << bits) - 1);
    pairs & one | (pairs >> bits & one) << 8
}

#[inline(always)]
fn pack_odd_body(bits: u32, codes: &[u8], bytes: &mut [u8]) {
    /// `BITS` bytes for eight codes, with a width that shifts have as a constant.
    #[inline(always)]
    fn pack<const BITS: usize>(codes: &[u8], bytes: &mut [u8]) {
        let (eights, last) = codes.as_chunks::<8>();
        let (groups, rest) = bytes.split_at_mut((BITS * eights.len()).min(bytes.len()));
        for (codes, group) in eights.iter().zip(groups.as_chunks_mut::<BITS>().0) {
            let row = join(u64::from_le_bytes(*codes), BITS as u32).to_le_bytes();
            group.copy_from_slice(&row[..BITS]);
        }
        let mut padded = [0; 8];
        padded[..last.len()].copy_from_slice(last);
        let row = join(u64::from_le_bytes(padded), BITS as u32).to_le_bytes();
        let own = (BITS * last.len()).div_ceil(8);
        rest.iter_mut().zip(row).take(own).for_each(|(to, byte)| *to = byte);
    }
    match bits {
        1 => pack::<1>(codes, bytes),
        2 => pack::<2>(codes, bytes),
        3 => pack::<3>(codes, bytes),
        5 => pack::<5>(codes, bytes),
        7 => pack::<7>(codes, bytes),
        _ => debug_assert!(false, "4, 6 and 8 bits have loops of their own"),
    }
}

#[inline(always)]
fn unpack_odd_body(bits: u32, bytes: &[u8], codes: &mut [u8]) {
    #[inline(always)]
    fn unpack<const BITS: usize>(bytes: &[u8], codes: &mut [u8]) {
        let (eights, rest) = codes.as_chunks_mut::<8>();
        let (groups, last) = bytes.split_at((BITS * eights.len()).min(bytes.len()));
        let row = |group: &[u8]| {
            let mut padded = [0; 8];
            padded[..group.len()].copy_from_slice(group);
            u64::from_le_bytes(padded)
        };
        for (group, codes) in groups.as_chunks::<BITS>().0.iter().zip(eights) {
            *codes = spread(row(group), BITS as u32).to_le_bytes();
        }
        let last = spread(row(&last[..last.len().min(BITS)]), BITS as u32).to_le_bytes();
        rest.iter_mut().zip(last).for_each(|(to, code)| *to = code);
    }
    match bits {
        1 => unpack::<1>(bytes, codes),
        2 => unpack::<2>(bytes, codes),
        3 => unpack::<3>(bytes, codes),
        5 => unpack::<5>(bytes, codes),
        7 => unpack::<7>(bytes, codes),
        _ => debug_assert!(false, "4, 6 and 8 bits have loops of their own"),
    }
}

/// Packs codes of fewer than 8 bits, the first in the low bits.
pub(crate) fn pack_codes(isa: Isa, bits: u32, codes: &[u8], bytes: &mut [u8]) {
    match bits {
        4 => pack_4(isa, codes, bytes),
        6 => pack_6(isa, codes, bytes),
        _ => pack_odd(isa, bits, codes, bytes),
    }
}

/// Unpacks codes of up to 8 bits of a dense stream, one a byte, from a bit of it on. Bytes behind
/// the end of the stream read as 0.
pub(crate) fn unpack_codes(isa: Isa, bits: u32, stream: &[u8], first_bit: usize, codes: &mut [u8]) {
    // Loops of a width take exactly the bytes of their codes.
    let bytes = (codes.len() * bits as usize).div_ceil(8);
    let exact = stream.get(first_bit / 8..first_bit / 8 + bytes);
    match (bits, exact.filter(|_| first_bit.is_multiple_of(8))) {
        (8, Some(bytes)) => codes.copy_from_slice(bytes),
        (4, Some(bytes)) => unpack_4(isa, bytes, codes),
        (_, Some(bytes)) => unpack(isa, bits, bytes, codes),
        (_, None) => unpack_any(stream, bits, first_bit, codes),
    }
}

/// Does what [`unpack_codes`] does, from any bit on.
fn unpack_any(bytes: &[u8], bits: u32, first_bit: usize, codes: &mut [u8]) {
    let mask = (1u64 << bits) - 1;
    for (i, codes) in codes.chunks_mut(8).enumerate() {
        let bit = first_bit + 8 * i * bits as usize;
        let (byte, shift) = (bit / 8, bit % 8);
        // Eight codes of up to 7 bits begin within a byte and end within eight; codes of 8 bits
        // begin at a byte.
        let mut window = [0u8; 8];
        if let Some(whole) = bytes.get(byte..byte + 8) {
            window.copy_from_slice(whole);
        } else {
            let rest = bytes.get(byte..).unwrap_or_default();
            window[..rest.len()].copy_from_slice(rest);
        }
        let mut window = u64::from_le_bytes(window) >> shift;
        for code in codes {
            *code = (window & mask) as u8;
            // At most 7 shifts of 8 bits before the last code.
            window >>= bits;
        }
    }
}

per_isa! {
    /// Packs codes of 4 bits, two a byte, the first in the low bits.
    fn pack_4[](codes: &[u8], bytes: &mut [u8]) = pack_4_body;
    /// Unpacks codes of 4 bits, one a byte.
    fn unpack_4[](bytes: &[u8], codes: &mut [u8]) = unpack_4_body;
    /// Packs codes of 6 bits by a plain loop.
    fn pack_6_by[](codes: &[u8], bytes: &mut [u8]) = pack_6_body;
    /// Packs codes of 1, 2, 3, 5 or 7 bits.
    fn pack_odd[](bits: u32, codes: &[u8], bytes: &mut [u8]) = pack_odd_body;
    /// Unpacks codes of 1, 2, 3, 5 or 7 bits.
    fn unpack_odd[](bits: u32, bytes: &[u8], codes: &mut [u8]) = unpack_odd_body;
    /// Unpacks codes of 6 bits by a plain loop.
    fn unpack_6[](bytes: &[u8], codes: &mut [u8]) = unpack_6_body;
}

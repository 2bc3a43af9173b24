//! Looks at stored codes of 1, 2 or 4 bytes: which bits occur in any of them, and the largest part
//! of any. A check that finds nothing wrong, which is nearly every one, reads memory once at the
//! speed of memory, without a branch for each code; one that does finds the place by another pass.

use crate::kernel::native::per_isa;

#[inline(always)]
fn any_1_body(codes: &[u8], bits: &mut u32) {
    // In bytes, 64 of them in a register; widened once.
    *bits |= u32::from(codes.iter().fold(0, |bits, code| bits | code));
}

#[inline(always)]
fn any_2_body(codes: &[[u8; 2]], bits: &mut u32) {
    let any = codes.iter().fold(0, |bits, code| bits | u16::from_le_bytes(*code));
    *bits |= u32::from(any);
}

#[inline(always)]
fn any_4_body(codes: &[[u8; 4]], bits: &mut u32) {
    *bits |= codes.iter().fold(0, |bits, code| bits | u32::from_le_bytes(*code));
}

#[inline(always)]
fn largest_2_body(codes: &[[u8; 2]], mask: u32, largest: &mut u32) {
    // In 16 bits, twice as many in a register; widened once.
    let part = |code: &[u8; 2]| u16::from_le_bytes(*code) & mask as u16;
    *largest = codes.iter().fold(0, |largest, code| part(code).max(largest)).into();
}

#[inline(always)]
fn largest_4_body(codes: &[[u8; 4]], mask: u32, largest: &mut u32) {
    let part = |code: &[u8; 4]| u32::from_le_bytes(*code) & mask;
    *largest = codes.iter().fold(0, |largest, code| part(code).max(largest));
}

per_isa! {
    /// Adds the bits that any of some codes has.
    fn any_bits_1[](codes: &[u8], bits: &mut u32) = any_1_body;
    /// Adds the bits that any of some codes of two bytes has.
    fn any_bits_2[](codes: &[[u8; 2]], bits: &mut u32) = any_2_body;
    /// Adds the bits that any of some codes of four bytes has.
    fn any_bits_4[](codes: &[[u8; 4]], bits: &mut u32) = any_4_body;
    /// Finds the largest number that the bits of a mask are, in any of some codes of two bytes.
    fn largest_part_2[](codes: &[[u8; 2]], mask: u32, largest: &mut u32) = largest_2_body;
    /// Finds the largest number that the bits of a mask are, in any of some codes of four bytes.
    fn largest_part_4[](codes: &[[u8; 4]], mask: u32, largest: &mut u32) = largest_4_body;
}

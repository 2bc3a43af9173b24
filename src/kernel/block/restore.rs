//! Elements of blocks back to numbers: dequantization. [`restore`] takes the first of three ways
//! that there is.
//!
//! Packed codes to numbers in registers, where an instruction set has a table look-up in registers:
//!
//! ```text
//! for each block: table = number(all 16 elements, scale)   // 4 bits
//!     for each vector of codes: numbers = permute(table, codes)   // no arithmetic per element
//! ```
//!
//! Codes of a byte, unpacked in L1 if they are shorter, decoded and scaled in one loop: integers
//! and most floating-point formats.
//!
//! Last, a pass over numbers that are decoded already. The chunk, its scales and its offsets stay
//! in L1.
//!
//! In blocks that are no whole vectors scales and offsets are [expanded](expand) to one per
//! element: the compiler makes vectors of one long loop, but not of many short ones.

use super::intrinsics::BlockIntrinsics;
use super::operands::{PackedBlocks, Restoring};
use super::pack::unpack_codes;
use crate::bits::F32_NAN;
use crate::kernel::decode::{DecodeBytes, DecodeEach, EachDecode, HalfFields, RegisterTable};
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};
use alloc::vec::Vec;
use core::hint::black_box;

/// Returns a number by a rule; every NaN is the positive quiet one, so that all instruction sets
/// agree.
#[inline(always)]
fn own_number<R: Restoring>(rule: R, q: f32, scale: f32, offset: f32) -> f32 {
    let number = rule.number(q, scale, offset);
    if number.is_nan() { F32_NAN } else { number }
}

/// Applies a rule to every number, in blocks that have scales and offsets.
#[inline(always)]
fn restore_blocks_body<R: Restoring>(
    rule: R,
    length: usize,
    scales: &[f32],
    offsets: &[f32],
    numbers: &mut [f32],
) {
    let number = |x: &mut f32, (scale, offset): (&f32, &f32)| {
        *x = own_number(rule, *x, *scale, *offset);
    };
    let mut values = scales.iter().zip(offsets);
    match length {
        1 => numbers.iter_mut().zip(values).for_each(|(x, values)| number(x, values)),
        // One vector of 16 numbers or two of 8.
        16 => {
            let (blocks, rest) = numbers.as_chunks_mut::<16>();
            for (block, values) in blocks.iter_mut().zip(&mut values) {
                // Opaque numbers keep the compiler from gathering one of each of several blocks.
                black_box(block).iter_mut().for_each(|x| number(x, values));
            }
            if let Some(values) = values.next() {
                rest.iter_mut().for_each(|x| number(x, values));
            }
        }
        _ => {
            for (block, values) in numbers.chunks_mut(length).zip(values) {
                block.iter_mut().for_each(|x| number(x, values));
            }
        }
    }
}

/// Decodes and restores codes of a byte by a rule, in blocks that have scales and offsets.
#[inline(always)]
fn restore_codes_body<R: Restoring, D: DecodeEach>(
    rule: R,
    decode: &D,
    blocks: PackedBlocks<'_>,
    dst: &mut [f32],
) {
    /// Blocks of a length that is known when compiling: a whole number of vectors.
    #[inline(always)]
    fn fixed<const N: usize>(
        blocks: PackedBlocks<'_>,
        dst: &mut [f32],
        number: impl Fn(u8, f32, f32) -> f32,
    ) {
        let (codes, rest) = blocks.bytes.as_chunks::<N>();
        let (out, rest_out) = dst.as_chunks_mut::<N>();
        let mut values = blocks.scales.iter().zip(blocks.offsets);
        for ((codes, out), (scale, offset)) in codes.iter().zip(out).zip(&mut values) {
            // Opaque codes keep the compiler from gathering a code of each of several blocks.
            for (code, x) in black_box(codes).iter().zip(out) {
                *x = number(*code, *scale, *offset);
            }
        }
        // A last block that is shorter.
        if let Some((scale, offset)) = values.next() {
            rest.iter().zip(rest_out).for_each(|(code, x)| *x = number(*code, *scale, *offset));
        }
    }
    // A copy that nothing points at: its fields stay in registers for the whole loop.
    let decode = *decode;
    let number = |code, scale, offset| own_number(rule, decode.number(code), scale, offset);
    let PackedBlocks { length, scales, offsets, bytes, .. } = blocks;
    match length {
        1 => {
            for (((code, x), scale), offset) in bytes.iter().zip(dst).zip(scales).zip(offsets) {
                *x = number(*code, *scale, *offset);
            }
        }
        16 => fixed::<16>(blocks, dst, number),
        32 => fixed::<32>(blocks, dst, number),
        _ => {
            let values = scales.iter().zip(offsets);
            for ((codes, out), (scale, offset)) in
                bytes.chunks(length).zip(dst.chunks_mut(length)).zip(values)
            {
                for (code, x) in codes.iter().zip(out) {
                    *x = number(*code, *scale, *offset);
                }
            }
        }
    }
}

#[inline(always)]
fn expand_body(length: usize, values: &[f32], each: &mut [f32]) {
    // A store of a broadcast register for each block, where the length is known when compiling.
    // Opaque values keep the compiler from scattering those of several blocks.
    match length {
        1 => {
            each.copy_from_slice(&values[..each.len()]);
            return;
        }
        16 => {
            for (block, value) in each.as_chunks_mut::<16>().0.iter_mut().zip(values) {
                *block = [*black_box(value); 16];
            }
        }
        32 => {
            for (block, value) in each.as_chunks_mut::<32>().0.iter_mut().zip(values) {
                *block = [*black_box(value); 32];
            }
        }
        _ => {
            for (block, value) in each.chunks_mut(length).zip(values) {
                block.fill(*value);
            }
            return;
        }
    }
    // A last block that is shorter.
    let whole = each.len() / length;
    if let Some(value) = values.get(whole) {
        each[whole * length..].fill(*value);
    }
}

#[inline(always)]
fn e8m0_body(codes: &[u8], scales: &mut [f32]) {
    for (code, scale) in codes.iter().zip(scales) {
        // A code is an f32's exponent field: 2^(code − 127). Code 0 is 2^-127, the subnormal f32
        // with the top mantissa bit; code 255 is NaN, whose quiet bit is the same bit.
        let bit = u32::from(*code == 0) | u32::from(*code == u8::MAX);
        *scale = f32::from_bits(u32::from(*code) << 23 | bit << 22);
    }
}

/// Returns whether codes of this width, in blocks of this length, become numbers in registers.
pub(crate) fn restores_packed(decode: &DecodeBytes, bits: u32, length: usize) -> bool {
    if length < 16 {
        return false;
    }
    // 32 entries serve codes of 4 and 5 bits; tables of bytes serve 8 bits, two of them also 6.
    let table = decode.registers().map(|(_, table)| table);
    matches!(
        (table, bits),
        (Some(RegisterTable::Few(_)), 4 | 5)
            | (Some(RegisterTable::Planes(_)), 6 | 8)
            | (Some(RegisterTable::Bytes(_)), 8)
    )
}

/// Restores numbers from packed codes by a rule in registers, and returns how many blocks it did: 0
/// without a kernel. Every NaN is the positive quiet one.
pub(crate) fn restore_packed<R: Restoring>(
    rule: R,
    decode: &DecodeBytes,
    blocks: PackedBlocks<'_>,
    dst: &mut [f32],
) -> usize {
    match (decode.registers(), blocks.bits) {
        (Some((isa, RegisterTable::Few([table, _]))), 4) => {
            Native::restore_4(isa, rule, table, blocks, dst)
        }
        (Some((isa, RegisterTable::Few(table))), 5) => {
            Native::restore_5(isa, rule, table, blocks, dst)
        }
        (Some((isa, table)), _) if rule.is_product() => {
            Native::restore_looked_up(isa, table, blocks, dst)
        }
        _ => 0,
    }
}

/// Restores numbers from codes of a byte in one loop, and returns whether there is one for the
/// format and the rule.
fn restore_bytes<R: Restoring>(
    rule: R,
    decode: &DecodeBytes,
    blocks: PackedBlocks<'_>,
    dst: &mut [f32],
) -> bool {
    let isa = decode.isa();
    match decode.each() {
        Some(EachDecode::Integer(decode)) => restore_codes(isa, rule, decode, blocks, dst),
        // Offsets come with integers; with other formats they take the passes.
        _ if R::HAS_OFFSET => return false,
        Some(EachDecode::Finite(decode)) => {
            let (blocks, dst) = behind_f16(isa, rule, decode.half_fields(), blocks, dst);
            restore_codes(isa, rule, decode, blocks, dst);
        }
        Some(EachDecode::Special(decode)) => {
            let (blocks, dst) = behind_f16(isa, rule, decode.half_fields(), blocks, dst);
            restore_codes(isa, rule, decode, blocks, dst);
        }
        None => return false,
    }
    true
}

/// Restores numbers from codes of a byte by FP16's instructions as far as they go, and returns what
/// is left.
fn behind_f16<'a, 'b, R: Restoring>(
    isa: Isa,
    rule: R,
    fields: Option<HalfFields>,
    blocks: PackedBlocks<'a>,
    dst: &'b mut [f32],
) -> (PackedBlocks<'a>, &'b mut [f32]) {
    let Some(fields) = fields.filter(|_| rule.is_product()) else { return (blocks, dst) };
    let done = Native::restore_by_f16(isa, fields, blocks, dst);
    let PackedBlocks { length, scales, offsets, bytes, .. } = blocks;
    let (scales, offsets) = (&scales[done..], &offsets[done..]);
    let bytes = &bytes[done * length..];
    (PackedBlocks { scales, offsets, bytes, ..blocks }, &mut dst[done * length..])
}

/// Buffers of [`restore`] that are kept from call to call.
#[derive(Default)]
pub(crate) struct RestoreBuffers {
    codes: Vec<u8>,
    /// The factor of each element.
    scales: Vec<f32>,
    /// The zero point or minimum of each element.
    offsets: Vec<f32>,
}

/// Restores numbers from packed codes by a rule, from a bit of the bytes on. The last block may be
/// shorter. Every NaN is the positive quiet one.
pub(crate) fn restore<R: Restoring>(
    rule: R,
    decode: &DecodeBytes,
    blocks: PackedBlocks<'_>,
    first_bit: usize,
    dst: &mut [f32],
    buffers: &mut RestoreBuffers,
) {
    let (isa, PackedBlocks { bits, length, bytes, .. }) = (decode.isa(), blocks);
    let width = bits as usize;
    let mut done = 0;
    if first_bit.is_multiple_of(8) {
        let blocks = PackedBlocks { bytes: &bytes[first_bit / 8..], ..blocks };
        done = restore_packed(rule, decode, blocks, dst);
    }
    let first = (done * length).min(dst.len());
    let dst = &mut dst[first..];
    if dst.is_empty() {
        return;
    }
    // What is left after the first blocks, which end at a byte.
    let first_bit = first_bit + first * width;
    // Codes of 8 bits need no unpacking.
    let codes = if bits == 8 {
        &bytes[first_bit / 8..][..dst.len()]
    } else {
        // One code a byte, in L1.
        buffers.codes.resize(dst.len(), 0);
        unpack_codes(isa, bits, bytes, first_bit, &mut buffers.codes);
        &buffers.codes
    };
    let (mut scales, mut offsets) = (&blocks.scales[done..], &blocks.offsets[done..]);
    // Loops take blocks of whole vectors, or a block an element.
    let mut length = length;
    if length < 64 && !length.is_multiple_of(16) {
        scales = each(isa, length, scales, &mut buffers.scales, dst.len());
        offsets = match R::HAS_OFFSET {
            true => each(isa, length, offsets, &mut buffers.offsets, dst.len()),
            false => scales,
        };
        length = 1;
    }
    // Codes of a byte, a factor a number: a look-up in registers may take these.
    let blocks = PackedBlocks { bits: 8, length, scales, offsets, bytes: codes };
    let done = restore_packed(rule, decode, blocks, dst);
    let first = (done * length).min(dst.len());
    let dst = &mut dst[first..];
    let (codes, scales, offsets) = (&codes[first..], &scales[done..], &offsets[done..]);
    let blocks = PackedBlocks { scales, offsets, bytes: codes, ..blocks };
    if !restore_bytes(rule, decode, blocks, dst) {
        decode.decode(codes, dst);
        restore_blocks(isa, rule, length, scales, offsets, dst);
    }
}

/// Returns the values of blocks, each once for every element.
fn each<'a>(
    isa: Isa,
    length: usize,
    values: &'a [f32],
    buffer: &'a mut Vec<f32>,
    elements: usize,
) -> &'a [f32] {
    if length == 1 {
        return values;
    }
    buffer.resize(elements, 0.0);
    expand(isa, length, values, buffer);
    buffer
}

per_isa! {
    /// Replaces element values by numbers, by a rule; the last block may be shorter. Every NaN
    /// becomes the positive quiet one.
    fn restore_blocks[R: Restoring](
        rule: R,
        length: usize,
        scales: &[f32],
        offsets: &[f32],
        numbers: &mut [f32],
    ) = restore_blocks_body;
    /// Restores codes of a byte by a rule; the last block may be shorter. Every NaN is the positive
    /// quiet one.
    fn restore_codes[R: Restoring, D: DecodeEach](
        rule: R,
        decode: &D,
        blocks: PackedBlocks<'_>,
        dst: &mut [f32],
    ) = restore_codes_body;
    /// Writes the value of each block once for every element of it; the last block may be shorter.
    fn expand[](length: usize, values: &[f32], each: &mut [f32]) = expand_body;
    /// Decodes E8M0 codes: 2^(code − 127), and NaN for 255.
    fn e8m0[](codes: &[u8], scales: &mut [f32]) = e8m0_body;
}

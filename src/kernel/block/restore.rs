//! Elements of blocks back to numbers: dequantization.
//!
//! Two ways. [`restore_packed`] and [`restore_packed_by`] go from packed codes to numbers in
//! registers, where an instruction set has a table look-up in registers:
//!
//! ```text
//! for each block: table = number(all 16 elements, scale)   // 4 bits: one register
//!     for each 16 codes: numbers = permute(table, codes)   // no arithmetic per element
//! ```
//!
//! [`restore_bytes`] does the same for integers of 8 bits, which need no table.
//!
//! [`restore_each`] is a pass over numbers that are decoded already, with the scales and offsets
//! [expanded](expand) to one per element: the compiler makes vectors of one long loop, but not of
//! many short ones. The chunk, its scales and its offsets stay in L1.

use super::encode::map_blocks;
use super::intrinsics::BlockIntrinsics;
use super::operands::{PackedBlocks, Product, Restoring};
use crate::bits::F32_NAN;
use crate::kernel::decode::{DecodeBytes, RegisterTable};
use crate::kernel::native::{Native, per_isa};
use crate::kernel::negative_zero::NegativeZero;
use core::hint::black_box;

/// Applies a rule to every number, with a scale and an offset for each element.
#[inline(always)]
fn restore_body<R: Restoring>(rule: R, scales: &[f32], offsets: &[f32], numbers: &mut [f32]) {
    for ((x, scale), offset) in numbers.iter_mut().zip(scales).zip(offsets) {
        let number = rule.number(*x, *scale, *offset);
        // Every NaN becomes the positive quiet one, so that all instruction sets agree.
        *x = if number.is_nan() { F32_NAN } else { number };
    }
}

/// Restores integers of 8 bits by a rule, with the scale and the offset of each block.
#[inline(always)]
fn restore_bytes_body<R: Restoring>(
    rule: R,
    signed: bool,
    codes: &[u8],
    length: usize,
    blocks: &[[f32; 2]],
    dst: &mut [f32],
) {
    let own = |number: f32| if number.is_nan() { F32_NAN } else { number };
    // Asked outside of the loops: a conversion of bytes is one instruction, but another for each.
    if signed {
        map_blocks::<true, _, _, _>(codes, length, blocks, dst, |code, [scale, offset]| {
            own(rule.number(f32::from(code.cast_signed()), scale, offset))
        });
    } else {
        map_blocks::<true, _, _, _>(codes, length, blocks, dst, |code, [scale, offset]| {
            own(rule.number(f32::from(code), scale, offset))
        });
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

/// Returns whether [`restore_packed`] has a kernel for these codes.
pub(crate) fn restores_packed(decode: &DecodeBytes, bits: u32) -> bool {
    // 16 entries serve 4-bit codes; byte planes serve 6 bits, spread to bytes, and 8.
    let table = decode.registers().map(|(_, table)| table);
    matches!(
        (table, bits),
        (Some(RegisterTable::Few(_)), 4) | (Some(RegisterTable::Planes(_)), 6 | 8)
    )
}

/// Restores numbers from packed codes as products with their blocks' scales, and returns how many
/// blocks it did: 0 without a kernel. Every NaN is the positive quiet one.
pub(crate) fn restore_packed(
    decode: &DecodeBytes,
    blocks: PackedBlocks<'_>,
    dst: &mut [f32],
) -> usize {
    match (decode.registers(), blocks.bits) {
        (Some((isa, RegisterTable::Planes(planes))), 6 | 8) => {
            Native::restore_planes(isa, planes, blocks, dst)
        }
        _ => restore_packed_by(Product::new(NegativeZero::Keep), decode, blocks, dst),
    }
}

/// Restores numbers from packed codes of 4 bits by a rule, and returns how many blocks it did: 0
/// without a kernel. Every NaN is the positive quiet one.
pub(crate) fn restore_packed_by<R: Restoring>(
    rule: R,
    decode: &DecodeBytes,
    blocks: PackedBlocks<'_>,
    dst: &mut [f32],
) -> usize {
    match (decode.registers(), blocks.bits) {
        (Some((isa, RegisterTable::Few([table, _]))), 4) => {
            Native::restore_4(isa, rule, table, blocks, dst)
        }
        _ => 0,
    }
}

per_isa! {
    /// Replaces element values by numbers, by a rule with a scale and an offset for each element.
    /// Every NaN becomes the positive quiet one.
    fn restore_each[R: Restoring](
        rule: R,
        scales: &[f32],
        offsets: &[f32],
        numbers: &mut [f32],
    ) = restore_body;
    /// Restores two's complement or unsigned integers of 8 bits by a rule, with the scale and the
    /// offset of each block; the last block may be shorter. Every NaN is the positive quiet one.
    fn restore_bytes[R: Restoring](
        rule: R,
        signed: bool,
        codes: &[u8],
        length: usize,
        blocks: &[[f32; 2]],
        dst: &mut [f32],
    ) = restore_bytes_body;
    /// Writes the value of each block once for every element of it; the last block may be shorter.
    fn expand[](length: usize, values: &[f32], each: &mut [f32]) = expand_body;
    /// Decodes E8M0 codes: 2^(code − 127), and NaN for 255.
    fn e8m0[](codes: &[u8], scales: &mut [f32]) = e8m0_body;
}

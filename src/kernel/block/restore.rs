//! Elements of blocks back to numbers.

use super::intrinsics::BlockIntrinsics;
use super::operands::{PackedBlocks, Product, Restoring};
use crate::bits::F32_NAN;
use crate::kernel::decode::{DecodeBytes, RegisterTable};
use crate::kernel::native::{Native, per_isa};
use crate::kernel::negative_zero::NegativeZero;

/// Numbers of blocks that are written out for every element: the compiler makes vectors of one long
/// loop, but not of many short ones.
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

/// Whether [`restore_packed`] has a kernel for these codes.
pub(crate) fn restores_packed(decode: &DecodeBytes, bits: u32) -> bool {
    let table = decode.registers().map(|(_, table)| table);
    matches!(
        (table, bits),
        (Some(RegisterTable::Few(_)), 4) | (Some(RegisterTable::Planes(_)), 6 | 8)
    )
}

/// Numbers of packed codes times their blocks' scales, every NaN the positive quiet one, as far as
/// there is a kernel; returns how many blocks it did.
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

/// Numbers of packed codes of 4 bits by a rule, as far as there is a kernel; returns how many
/// blocks it did.
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
    /// Numbers of decoded elements, by the scales and offsets of each, every NaN the positive quiet
    /// one.
    fn restore_each[R: Restoring](rule: R, scales: &[f32], offsets: &[f32], numbers: &mut [f32]) = restore_body;
    /// The values of blocks, for each of their elements.
    fn expand[](length: usize, values: &[f32], each: &mut [f32]) = expand_body;
    /// Numbers of E8M0 codes.
    fn e8m0[](codes: &[u8], scales: &mut [f32]) = e8m0_body;
}

//! Block kernels that an instruction set may bring, as a trait with defaults that decline.
//!
//! A default returns `false` or 0 blocks, and the plain loop of this folder does the work. A kernel
//! may also stop early: it returns how much it did, and the plain loop does the rest. So a kernel
//! need handle neither every block length nor the end of a row.

use super::divide::Scaling;
use super::few_near::FewNear;
use super::operands::{FloatBlocks, Fold, PackedBlocks, Restoring, Selected};
use crate::kernel::decode::{HalfFields, RegisterTable};
use crate::kernel::encode::Finite;
use crate::kernel::isa::Isa;

/// Loops over blocks in intrinsics, implemented by [`Native`](crate::kernel::native::Native).
pub(in crate::kernel) trait BlockIntrinsics {
    /// Folds the terms of each block into its result, one after another, and returns how many
    /// blocks it did.
    fn fold_blocks(_: Isa, _: Fold, _terms: &[f32], _length: usize, _results: &mut [f32]) -> usize {
        0
    }

    /// Raises each entry of `_largest` to the largest selected magnitude of its block, as bits, and
    /// returns how many blocks it did.
    fn block_largest<S: Selected>(
        _: Isa,
        _src: &[f32],
        _length: usize,
        _largest: &mut [u32],
    ) -> usize {
        // No block done: the plain loop starts at the first.
        0
    }

    /// Writes the codes of finite numbers, scaled by their blocks' factors and with `_addend`
    /// added, and returns whether it did. `Finite` covers all of them.
    ///
    /// Every 64 codes take `BYTES` bytes: 64 for a code a byte, 32 for two a byte, the first in the
    /// low bits. It declines blocks that are not 16, 32 or a multiple of 64 numbers long, and
    /// slices that are no multiple of 64.
    fn encode_chunk<S: Scaling, const BYTES: usize>(
        _: Isa,
        _: &Finite,
        _addend: f32,
        _: S,
        _: FloatBlocks<'_, S::Factor>,
        _dst: &mut [u8],
    ) -> bool {
        // Nothing written: the caller encodes a code a byte, then packs.
        false
    }

    /// Writes the codes of the least errors of finite numbers under the scales of blocks, and
    /// returns how many whole blocks it did: up to the first that is out of range.
    fn least_of_few(_: Isa, _: &FewNear, _: FloatBlocks<'_, f32>, _codes: &mut [u8]) -> usize {
        0
    }

    /// Packs codes of 6 bits, four in three bytes; returns how many codes it did, a multiple of 4.
    fn pack_6(_: Isa, _codes: &[u8], _bytes: &mut [u8]) -> usize {
        0
    }

    /// Unpacks codes of fewer than 8 bits, one a byte; returns how many codes it did, a multiple of
    /// 8.
    fn unpack<const BITS: usize>(_: Isa, _bytes: &[u8], _codes: &mut [u8]) -> usize {
        0
    }

    /// Restores numbers from packed codes of 4 bits by a rule; returns how many blocks it did.
    fn restore_4<R: Restoring>(
        _: Isa,
        _: R,
        _table: &[f32; 16],
        _: PackedBlocks<'_>,
        _dst: &mut [f32],
    ) -> usize {
        // No block done: the caller unpacks, looks up and multiplies in three passes.
        0
    }

    /// Restores numbers from packed codes of 5 bits by a rule; returns how many blocks it did.
    fn restore_5<R: Restoring>(
        _: Isa,
        _: R,
        _table: &[[f32; 16]; 2],
        _: PackedBlocks<'_>,
        _dst: &mut [f32],
    ) -> usize {
        0
    }

    /// Restores numbers from packed codes of 6 or 8 bits, looked up in registers, as products with
    /// their blocks' scales; returns how many blocks it did.
    fn restore_looked_up(
        _: Isa,
        _: &RegisterTable,
        _: PackedBlocks<'_>,
        _dst: &mut [f32],
    ) -> usize {
        0
    }

    /// Restores numbers from codes of a byte, whose fields have a place in FP16, as products with
    /// their blocks' scales; returns how many blocks it did.
    fn restore_by_f16(_: Isa, _: HalfFields, _: PackedBlocks<'_>, _dst: &mut [f32]) -> usize {
        0
    }
}

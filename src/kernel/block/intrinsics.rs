//! What an instruction set may bring to blocks. A kernel that it does not have declines, or does no
//! blocks, and the plain loop runs.

use super::divide::Scaling;
use super::operands::{FloatBlocks, PackedBlocks, Restoring, Selected};
use crate::kernel::decode::Planes;
use crate::kernel::encode::Finite;
use crate::kernel::isa::Isa;

/// Loops over blocks in intrinsics: see [`Native`](crate::kernel::native::Native).
pub(in crate::kernel) trait BlockIntrinsics {
    /// For each block the largest magnitude of a side, as its bits, of its numbers and one before;
    /// returns how many blocks it did.
    fn block_largest<S: Selected>(
        _: Isa,
        _src: &[f32],
        _length: usize,
        _largest: &mut [u32],
    ) -> usize {
        0
    }

    /// Codes of finite numbers, which are all covered, scaled by their blocks' factors, plus a
    /// zero: 64 in so many bytes, one a byte in 64, two, the first in the low bits, in 32. Whether
    /// it made them: `false` too for blocks that are not of 16, 32 or a multiple of 64 numbers, or
    /// all together no multiple of 64.
    fn encode_chunk<S: Scaling, const BYTES: usize>(
        _: Isa,
        _: &Finite,
        _addend: f32,
        _: S,
        _: FloatBlocks<'_, S::Factor>,
        _dst: &mut [u8],
    ) -> bool {
        false
    }

    /// Codes of 6 bits to bytes; returns how many codes it did, a multiple of 4.
    fn pack_6(_: Isa, _codes: &[u8], _bytes: &mut [u8]) -> usize {
        0
    }

    /// Bytes to codes of 6 bits; returns how many codes it did, a multiple of 4.
    fn unpack_6(_: Isa, _bytes: &[u8], _codes: &mut [u8]) -> usize {
        0
    }

    /// Numbers of packed codes of 4 bits by a rule; returns how many blocks it did.
    fn restore_4<R: Restoring>(
        _: Isa,
        _: R,
        _table: &[f32; 16],
        _: PackedBlocks<'_>,
        _dst: &mut [f32],
    ) -> usize {
        0
    }

    /// Numbers of packed codes of 6 or 8 bits times their blocks' scales; returns how many blocks
    /// it did.
    fn restore_planes(_: Isa, _: &Planes, _: PackedBlocks<'_>, _dst: &mut [f32]) -> usize {
        0
    }
}

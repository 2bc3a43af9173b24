//! Kernels of matrix units that an instruction set may bring, as a trait with defaults.

use super::aligned_operands::{AlignedSide, AlignedUnit, ROWS, ScaleRanks, SixteenSide};
use super::tile::{Lanes, NR};
use crate::kernel::isa::Isa;
use core::ops::Range;

/// A dot-product instruction, or a few that always go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WordInstruction {
    /// `VDPBF16PS`.
    Bf16,
    /// `VPDPBUSD`.
    Bytes,
    /// `VPDPBUSDS`.
    ClampedBytes,
    /// `VPMADDUBSW`, `VPMADDWD` by ones and `VPADDD`.
    BytePairs,
}

/// Kernels of matrix units in intrinsics, implemented by
/// [`Native`](crate::kernel::native::Native).
pub(in crate::kernel) trait UnitIntrinsics {
    /// Returns whether the machine has an instruction with the bits of its unit.
    fn has_words(_: Isa, _: WordInstruction) -> bool {
        false
    }

    /// Continues the sums of R rows by an instruction that [`has_words`](Self::has_words) offers.
    /// The flag says that A has the signed bytes.
    fn words<const R: usize>(
        _: Isa,
        _: (WordInstruction, bool),
        _a: &[Lanes<u32>],
        _b: &[Lanes<u32>],
        _acc: &mut [Lanes<u32>; R],
    ) {
        unreachable!("no such instruction was offered");
    }

    /// Goes on with the sums of four rows in the columns of a panel, over a range of groups, and
    /// returns whether it did. C joins every group where scales move products.
    fn aligned(
        _: Isa,
        _: &AlignedUnit,
        _: (&AlignedSide<ROWS>, &AlignedSide<NR>, ScaleRanks<'_>),
        _: Range<usize>,
        _sums: &mut [Lanes<f32>; ROWS],
    ) -> bool {
        false
    }

    /// Goes on with sums of sixteen products under scales, over a range of steps, and returns
    /// whether it did.
    fn sixteens(
        _: Isa,
        _: &AlignedUnit,
        _: (SixteenSide<'_, ROWS>, SixteenSide<'_, NR>),
        _: Range<usize>,
        _sums: &mut [Lanes<f32>; ROWS],
    ) -> bool {
        false
    }
}

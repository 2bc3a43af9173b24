//! GEMV kernels: a few rows of A by four panels of B (64 columns), whose codes become numbers in
//! registers.
//!
//! With few rows every code is used a few times only, so the product is bound by reading B. A code
//! goes from memory to a register, is looked up there and multiplied; it is never written as a
//! number.
//!
//! ```text
//! for each block of K:
//!     for each chunk of codes, 4 or 8 along k, in each of four panels:
//!         numbers = permute(table, codes)               // registers
//!         for each row: acc[row][panel] += a[k][row] · numbers
//!     acc += partial · (scale_a · scale_b), or numbers are scaled first; offsets meet numbers
//! ```
//!
//! Four panels are four independent chains for each row: the latency of a fused multiply-add is
//! hidden by the others. Kernels are intrinsics only; without them products use the micro-kernels.

use super::gemv_operands::{Factors, GEMV_MR, GemvPanel, MAX_ROWS, NibbleTable, PANELS};
use super::intrinsics::GemmIntrinsics;
use super::tile::{Lanes, Quad};
use crate::kernel::decode::{DecodeBytes, Planes, RegisterTable};
use crate::kernel::isa::Isa;
use crate::kernel::native::Native;

/// A look-up table for 4-bit codes in registers, with the instruction set that it is for.
#[derive(Clone, Debug)]
pub(crate) struct Nibbles {
    isa: Isa,
    table: NibbleTable,
}

/// A GEMV kernel, by the layout of the codes of B.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a product")]
pub(crate) enum Gemv {
    /// Codes of 4 bits, two a byte.
    Nibbles(Nibbles),
    /// Codes of up to 8 bits, one a byte.
    Bytes(BytePlanes),
}

/// A look-up table for bytes in registers, with the instruction set that it is for.
#[derive(Clone, Debug)]
pub(crate) struct BytePlanes {
    isa: Isa,
    // Half a KiB on the stack of one call, which then allocates nothing.
    planes: Planes,
}

impl Nibbles {
    /// Returns the table of sixteen numbers, or `None` if the instruction set cannot hold it: it
    /// needs permutes of 16 f32s, or permutes of 16 bytes and numbers that are all exact in bf16.
    pub(crate) fn new(isa: Isa, numbers: Lanes<f32>) -> Option<Self> {
        Native::nibble_table(isa, numbers).map(|table| Self { isa, table })
    }

    /// Writes the numbers of packed codes, k by k: each quad holds eight k of 16 columns.
    pub(crate) fn decode(&self, quads: &[Quad], numbers: &mut [Lanes<f32>]) {
        Native::decode_nibbles(self.isa, &self.table, quads, numbers);
    }
}

impl Gemv {
    /// Returns the kernel for codes of one byte, or `None` if they are not decoded by byte
    /// permutes.
    pub(crate) fn bytes(decode: &DecodeBytes) -> Option<Self> {
        match decode.registers() {
            // The table moves to every worker thread with the kernel, hence the copy.
            Some((isa, RegisterTable::Planes(planes))) => {
                Some(Self::Bytes(BytePlanes { isa, planes: planes.clone() }))
            }
            _ => None,
        }
    }

    /// Returns the kernel for codes of 4 bits, two a byte.
    pub(crate) const fn nibbles(nibbles: Nibbles) -> Self {
        Self::Nibbles(nibbles)
    }

    /// Returns whether the kernel takes one row of A at a time: AVX2 has registers for no more.
    const fn goes_row_by_row(&self) -> bool {
        matches!(self, Self::Nibbles(Nibbles { table: NibbleTable::Bytes(_), .. }))
    }

    /// Returns how many rows the kernel takes together at most.
    pub(crate) const fn height(&self) -> usize {
        if self.goes_row_by_row() { 1 } else { GEMV_MR }
    }

    /// Returns up to how many rows the kernel is faster than the micro-kernels; `has_offsets` if
    /// blocks have.
    pub(crate) const fn max_rows(&self, has_offsets: bool) -> usize {
        // With one row at a time the codes are read again for every row.
        if self.goes_row_by_row() || has_offsets { 1 } else { MAX_ROWS }
    }

    /// Writes the sums of `sums.len()` rows by four panels over all of K. The number of rows is 1
    /// or, up to [`height`](Self::height) and without offsets, 2, 4 or 8. `a` has the rows' numbers
    /// for each k, and `factors` says what the scales of blocks of `block_k` multiply. Blocks are
    /// whole chunks of codes: a multiple of 4 codes of a byte, or of 8 codes of 4 bits.
    pub(crate) fn sums(
        &self,
        block_k: usize,
        factors: Factors<'_>,
        a: &[f32],
        panels: &[GemvPanel<'_>; PANELS],
        sums: &mut [[Lanes<f32>; PANELS]],
    ) {
        // Matched once for all of K: the loops are behind the call.
        match self {
            Self::Nibbles(Nibbles { isa, table }) => {
                Native::gemv_nibbles(*isa, table, block_k, factors, a, panels, sums);
            }
            Self::Bytes(BytePlanes { isa, planes }) => {
                Native::gemv_bytes(*isa, planes, block_k, factors, a, panels, sums);
            }
        }
    }
}

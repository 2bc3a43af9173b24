//! Sums of one row, or a few, by the columns of four panels, whose codes become numbers in
//! registers: the memory is read once, and four chains hide each other's waiting.

use super::gemv_operands::{Factors, GEMV_MR, GemvPanel, MAX_ROWS, NibbleTable, PANELS};
use super::intrinsics::GemmIntrinsics;
use super::tile::{Lanes, Quad};
use crate::kernel::decode::{DecodeBytes, Planes, RegisterTable};
use crate::kernel::isa::Isa;
use crate::kernel::native::Native;
use alloc::boxed::Box;

/// Look-ups of 4-bit codes in registers of an instruction set that has them.
#[derive(Clone, Debug)]
pub(crate) struct Nibbles {
    isa: Isa,
    table: NibbleTable,
}

/// How codes become numbers.
#[derive(Clone, Debug)]
pub(crate) enum Gemv {
    /// Codes of 4 bits, in pairs.
    Nibbles(Nibbles),
    /// One a byte.
    Bytes(BytePlanes),
}

/// Numbers of bytes by permutes of an instruction set that has them.
#[derive(Clone, Debug)]
pub(crate) struct BytePlanes {
    isa: Isa,
    planes: Box<Planes>,
}

impl Nibbles {
    /// A table of sixteen numbers, if the instruction set has look-ups in registers of 16 numbers
    /// or, if two are enough, of 16 bytes.
    pub(crate) fn new(isa: Isa, numbers: Lanes<f32>) -> Option<Self> {
        Native::nibble_table(isa, numbers).map(|table| Self { isa, table })
    }

    /// Quads of pairs to numbers, position by position.
    pub(crate) fn decode(&self, quads: &[Quad], numbers: &mut [Lanes<f32>]) {
        Native::decode_nibbles(self.isa, &self.table, quads, numbers);
    }
}

impl Gemv {
    /// Numbers of bytes, if they are decoded by byte permutes.
    pub(crate) fn bytes(decode: &DecodeBytes) -> Option<Self> {
        match decode.registers() {
            Some((isa, RegisterTable::Planes(planes))) => {
                Some(Self::Bytes(BytePlanes { isa, planes: Box::new(planes.clone()) }))
            }
            _ => None,
        }
    }

    /// The kernel for codes of 4 bits, in pairs.
    pub(crate) const fn nibbles(nibbles: Nibbles) -> Self {
        Self::Nibbles(nibbles)
    }

    const fn goes_row_by_row(&self) -> bool {
        matches!(self, Self::Nibbles(Nibbles { table: NibbleTable::Bytes(_), .. }))
    }

    /// Rows that are worked on together.
    pub(crate) const fn height(&self) -> usize {
        if self.goes_row_by_row() { 1 } else { GEMV_MR }
    }

    /// Rows up to which it is quicker than tiles.
    pub(crate) const fn max_rows(&self) -> usize {
        if self.goes_row_by_row() { 1 } else { MAX_ROWS }
    }

    /// The sums, from zero, of `sums.len()` rows, 1 or, if it takes them together, 2, 4 or 8; `a`
    /// has their numbers for each position, `factors` their scales for each block of `block_k`
    /// positions. Blocks are whole chunks of codes: 4 positions of bytes, 8 of pairs.
    pub(crate) fn sums(
        &self,
        block_k: usize,
        factors: Factors<'_>,
        a: &[f32],
        panels: &[GemvPanel<'_>; PANELS],
        sums: &mut [[Lanes<f32>; PANELS]],
    ) {
        match self {
            Self::Nibbles(Nibbles { isa, table }) => {
                Native::gemv_nibbles(*isa, table, block_k, factors, a, panels, sums)
            }
            Self::Bytes(BytePlanes { isa, planes }) => {
                Native::gemv_bytes(*isa, planes, block_k, factors, a, panels, sums)
            }
        }
    }
}

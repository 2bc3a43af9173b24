//! Sums by dot-product instructions that the processor has itself: those of the units
//! `VDPBF16PS`, `VPDPBUSD`, `VPDPBUSDS` and `VPMADDUBSW`, which return the bits of these units
//! because they are them.
//!
//! ```text
//! word of a row or column = two BF16 numbers or four bytes, successive in K
//! for each word:  acc[row] = instruction(acc[row], broadcast(a[word][row]), b[word])
//! ```
//!
//! Sixteen columns are the lanes of an AVX-512 register, the sums of a tile its 16 registers.

use super::tile::{Lanes, MR, MicroTile, NR, height};
use super::unit_intrinsics::{UnitIntrinsics, WordInstruction};
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};
use alloc::vec::Vec;

/// Sums by an instruction that the machine has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WordDots {
    isa: Isa,
    instruction: WordInstruction,
    /// Whether A has the signed bytes; the instructions want the unsigned ones first.
    a_is_signed: bool,
}

/// Packs numbers into words of `32 / BITS` positions each; `height` numbers a position.
#[inline(always)]
fn words_body<const BITS: usize>(numbers: &[f32], height: usize, words: &mut [Lanes<u32>]) {
    let part = |x: f32| {
        if BITS == 16 {
            x.to_bits() >> 16
        } else {
            // 1.5 · 2^23 + x has the integer x in its low bits.
            (x + 12_582_912.0).to_bits() & 0xFF
        }
    };
    for (word, numbers) in words.iter_mut().zip(numbers.chunks(32 / BITS * height)) {
        *word = [0; NR];
        for (place, numbers) in numbers.chunks_exact(height).enumerate() {
            // All lanes of a full position at once.
            if let Some(numbers) = numbers.first_chunk::<NR>() {
                for lane in 0..NR {
                    word[lane] |= part(numbers[lane]) << (place * BITS);
                }
            } else {
                for (word, x) in word.iter_mut().zip(numbers) {
                    *word |= part(*x) << (place * BITS);
                }
            }
        }
    }
}

per_isa! {
    /// Packs the upper halves of f32s in pairs.
    fn pack_bf16[](numbers: &[f32], height: usize, words: &mut [Lanes<u32>]) = words_body::<16>;
    /// Packs integers of a byte in fours.
    fn pack_bytes[](numbers: &[f32], height: usize, words: &mut [Lanes<u32>]) = words_body::<8>;
}

impl WordDots {
    /// Sums by an instruction, or `None` if the machine does not have it, or has one that does
    /// something else than its unit.
    pub(crate) fn new(isa: Isa, instruction: WordInstruction, a_is_signed: bool) -> Option<Self> {
        Native::has_words(isa, instruction).then_some(Self { isa, instruction, a_is_signed })
    }

    /// Positions of K in a word.
    pub(crate) const fn positions(&self) -> usize {
        match self.instruction {
            WordInstruction::Bf16 => 2,
            WordInstruction::Bytes | WordInstruction::ClampedBytes | WordInstruction::BytePairs => {
                4
            }
        }
    }

    /// Whether sums are f32s; else they are i32s.
    pub(crate) const fn are_f32s(&self) -> bool {
        matches!(self.instruction, WordInstruction::Bf16)
    }

    /// Packs numbers of `height` rows or columns, position after position, into words; zeros fill
    /// the last.
    pub(crate) fn pack(&self, numbers: &[f32], height: usize, words: &mut Vec<Lanes<u32>>) {
        words.resize(numbers.len().div_ceil(self.positions() * height), [0; NR]);
        match self.instruction {
            WordInstruction::Bf16 => pack_bf16(self.isa, numbers, height, words),
            _ => pack_bytes(self.isa, numbers, height, words),
        }
    }

    /// Goes on with the sums of a tile's `rows` rows in the columns of a panel. Sums are the bits
    /// of f32s or i32s.
    pub(crate) fn go_on(
        &self,
        rows: usize,
        a: &[Lanes<u32>],
        b: &[Lanes<u32>],
        sums: &mut MicroTile<u32>,
    ) {
        match height(rows) {
            1 => self.tile::<1>(a, b, sums),
            2 => self.tile::<2>(a, b, sums),
            4 => self.tile::<4>(a, b, sums),
            8 => self.tile::<8>(a, b, sums),
            _ => self.tile::<MR>(a, b, sums),
        }
    }

    fn tile<const R: usize>(&self, a: &[Lanes<u32>], b: &[Lanes<u32>], sums: &mut MicroTile<u32>) {
        if let Some(sums) = sums.first_chunk_mut::<R>() {
            Native::words(self.isa, (self.instruction, self.a_is_signed), a, b, sums);
        }
    }
}

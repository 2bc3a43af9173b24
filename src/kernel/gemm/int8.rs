//! Products of small integers by dot products of bytes, four k at a time, exact in i32.
//!
//! ```text
//! for each block of K:
//!     acc_i32[row] = compensation[row]                     // −offset · Σ a
//!     for each four k: acc_i32[row] += dot4(b_i8x4 (unsigned), a_i8x4[row] (signed))
//!     acc_f32[row] += f32(acc_i32[row]) · (scale_a · scale_b)     // one fused multiply-add
//! ```
//!
//! `vpdpbusd` (AVX512-VNNI) adds up four products in i32. AVX2's `vpmaddubsw` adds up two in i16,
//! which must not overflow, so i16 sums are widened after a number of quads that the formats allow.
//!
//! Both multiply unsigned by signed bytes. B's integers are raised by an offset, their largest
//! magnitude, so that none is negative. That adds `offset · Σ a` to the sum of a block, so the
//! sum starts at the negative of it: the compensation, one i32 for each row and block (oneDNN's
//! term).
//!
//! Words of A (`a_i8x4`) lie in L2 and are broadcast; quads of B (`b_i8x4`), 64 bytes for 16
//! columns, lie in L1 and are one register; sums stay in registers for the length of a block.

use super::gemv_operands::{GEMV_MR, GemvPanel, MAX_ROWS, PANELS};
use super::int8_operands::{AInt8, AInt8Rows, AInt8Words, BInt8, ByteDots, SmallIntegers};
use super::intrinsics::GemmIntrinsics;
use super::tile::{CodeRows, Lanes, MR, MicroTile, Quad, height};
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};

/// Makes the words and compensations of a tile of A, given as f32s, `height` for each k, in blocks
/// of `block_k`, in the memory of others. `unit` times a number is its integer; B is raised by
/// `offset`.
pub(crate) fn a_int8_words(
    isa: Isa,
    unit: f32,
    offset: u32,
    height: usize,
    block_k: usize,
    numbers: &[f32],
    AInt8Words { words, compensation }: &mut AInt8Words,
) {
    words.clear();
    compensation.clear();
    for block in numbers.chunks(block_k * height) {
        let first = words.len();
        words.resize(first + block.len().div_ceil(4 * height) * height, 0);
        // Σ a for each row of the block.
        let mut sums = [0; MR];
        let sums = &mut sums[..height];
        match height {
            1 => words_of_1(isa, unit, block, &mut words[first..], sums),
            2 => words_of_2(isa, unit, block, &mut words[first..], sums),
            4 => words_of_4(isa, unit, block, &mut words[first..], sums),
            8 => words_of_8(isa, unit, block, &mut words[first..], sums),
            _ => words_of_all(isa, unit, block, &mut words[first..], sums),
        }
        // It may wrap, as the instructions' sums may on the way: the final sum fits.
        compensation.extend(sums.iter().map(|sum| sum.wrapping_mul(-(offset as i32))));
    }
}

/// Packs the integers of H rows, four k in a word for each row, and adds them up row by row.
#[inline(always)]
fn words_body<const H: usize>(unit: f32, numbers: &[f32], words: &mut [u32], sums: &mut [i32]) {
    let Some(sums) = sums.first_chunk_mut::<H>() else { return };
    // Each word takes four k; bytes of a last word that is not full stay 0.
    for (positions, word) in numbers.as_chunks::<H>().0.chunks(4).zip(words.as_chunks_mut::<H>().0)
    {
        for (place, position) in positions.iter().enumerate() {
            for lane in 0..H {
                // Exact: numbers are integers of at most 8 bits times 1 / unit.
                let integer = (position[lane] * unit) as i32;
                sums[lane] += integer;
                word[lane] |= (integer as u32 & 0xFF) << (8 * place);
            }
        }
    }
}

// One function for each height: the rows of a word are a constant count.
per_isa! {
    fn words_of_1[](
        unit: f32,
        numbers: &[f32],
        words: &mut [u32],
        sums: &mut [i32],
    ) = words_body::<1>;
    fn words_of_2[](
        unit: f32,
        numbers: &[f32],
        words: &mut [u32],
        sums: &mut [i32],
    ) = words_body::<2>;
    fn words_of_4[](
        unit: f32,
        numbers: &[f32],
        words: &mut [u32],
        sums: &mut [i32],
    ) = words_body::<4>;
    fn words_of_8[](
        unit: f32,
        numbers: &[f32],
        words: &mut [u32],
        sums: &mut [i32],
    ) = words_body::<8>;
    fn words_of_all[](
        unit: f32,
        numbers: &[f32],
        words: &mut [u32],
        sums: &mut [i32],
    ) = words_body::<MR>;
}

/// The dot products of bytes of an instruction set, for two formats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dots {
    isa: Isa,
    kernel: ByteDots,
}

/// Dot products whose operands are made from rows of codes directly, by byte permutes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DotsOfRows(Isa);

impl Dots {
    /// Returns the dot products for two formats, or `None` if the instruction set has none or sums
    /// of f32s are as fast.
    pub(crate) fn new(isa: Isa, a: &SmallIntegers, b: &SmallIntegers) -> Option<Self> {
        // How many quads an i16 holds: each adds two products of at most twice B's largest
        // magnitude, because it is raised, by A's.
        let quads = i16::MAX as usize / (4 * b.largest * a.largest).max(1) as usize;
        Native::byte_dots(isa, quads).map(|kernel| Self { isa, kernel })
    }

    /// Returns the variant that takes rows of codes, or `None` if the instruction set has none.
    pub(crate) const fn of_rows(self) -> Option<DotsOfRows> {
        if let ByteDots::FoursOfRows = self.kernel { Some(DotsOfRows(self.isa)) } else { None }
    }

    /// Writes quads of raised integers from codes given k by k, in blocks of `block_k`.
    pub(crate) fn quads(
        self,
        integers: &SmallIntegers,
        codes: &[Lanes<u8>],
        block_k: usize,
        quads: &mut [Quad],
    ) {
        Native::integer_quads(self.isa, integers, codes, block_k, quads);
    }

    /// Writes quads of raised integers from quads of 4-bit codes, two quads for each; the last may
    /// give one. Only formats with a table have such codes.
    pub(crate) fn quads_of_nibbles(
        self,
        integers: &SmallIntegers,
        pairs: &[Quad],
        quads: &mut [Quad],
    ) {
        Native::integer_quads_of_nibbles(self.isa, integers, pairs, quads);
    }

    /// Adds the sums of all blocks, `acc + sum · (scale_a · scale_b)`, fused, for one panel or
    /// two.
    pub(crate) fn chain(
        self,
        rows: usize,
        a: &AInt8<'_>,
        b: &[BInt8<'_>],
        acc: &mut [MicroTile<f32>],
    ) {
        // Two panels of a full tile have a kernel of their own; others go one by one.
        if let (Some(b), Some(acc), MR) = (b.first_chunk(), acc.first_chunk_mut(), height(rows))
            && Native::dot_x2(self.isa, a, b, acc)
        {
            return;
        }
        b.iter().zip(acc).for_each(|(b, acc)| match height(rows) {
            1 => self.tile::<1>(a, b, acc),
            2 => self.tile::<2>(a, b, acc),
            4 => self.tile::<4>(a, b, acc),
            8 => self.tile::<8>(a, b, acc),
            _ => self.tile::<MR>(a, b, acc),
        });
    }

    /// Runs the micro-kernel of R rows for one panel.
    fn tile<const R: usize>(self, a: &AInt8<'_>, b: &BInt8<'_>, acc: &mut [Lanes<f32>]) {
        if let Some(acc) = acc.first_chunk_mut::<R>() {
            Native::dot_tile(self.isa, self.kernel, a, b, acc);
        }
    }

    /// Returns up to how many rows of A [`rows`](Self::rows) is faster than the micro-kernels, for
    /// codes two a byte (`paired`) or one a byte. 0 says that it must not be called.
    pub(crate) const fn max_rows(self, paired: bool) -> usize {
        match self.kernel {
            ByteDots::FoursOfRows => MAX_ROWS,
            // A byte with two codes is two quads, which an i16 must hold.
            ByteDots::Twos { quads } | ByteDots::Fours { quads } if quads <= paired as usize => 0,
            // Half as many bytes to read for the same arithmetic: more rows pay.
            _ if paired => 3,
            _ => 1,
        }
    }

    /// Returns how many rows [`rows`](Self::rows) takes together at most.
    pub(crate) const fn height(self) -> usize {
        if let ByteDots::FoursOfRows = self.kernel { GEMV_MR } else { 1 }
    }

    /// Writes the sums of `sums.len()` rows by four panels of codes: 1 row or, up to
    /// [`height`](Self::height), 2, 4 or 8. [`max_rows`](Self::max_rows) must not be 0.
    pub(crate) fn rows(
        self,
        integers: &SmallIntegers,
        a: &AInt8Rows<'_>,
        panels: &[GemvPanel<'_>; PANELS],
        sums: &mut [[Lanes<f32>; PANELS]],
    ) {
        Native::dot_rows(self.isa, self.kernel, integers, a, panels, sums);
    }
}

impl DotsOfRows {
    /// Writes quads of raised integers from rows of codes, `length` codes each.
    pub(crate) fn quads(
        self,
        integers: &SmallIntegers,
        rows: &CodeRows<'_>,
        length: usize,
        quads: &mut [Quad],
    ) {
        Native::integer_quads_of_rows(self.0, integers, rows, length, quads);
    }

    /// Makes the words and compensations of [`MR`] rows of A from their codes, `length` each, in
    /// the memory of others. Blocks are a multiple of four codes; B is raised by `offset`.
    pub(crate) fn words(
        self,
        integers: &SmallIntegers,
        offset: u32,
        rows: &CodeRows<'_>,
        length: usize,
        block_k: usize,
        to: &mut AInt8Words,
    ) {
        Native::integer_words_of_rows(self.0, integers, offset, rows, length, block_k, to);
    }
}

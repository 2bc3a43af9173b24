//! Sums of products of small integers by dot products of bytes: four positions at a time, exact in
//! i32. AVX512-VNNI adds up all four; AVX2 (`maddubs`) two, in i16, where they must not overflow.
//!
//! The instructions multiply unsigned by signed bytes. B's integers are taken higher by an offset,
//! their largest magnitude, so that none is negative. That adds `offset · Σ a` to the sum of a
//! block, which therefore starts at the negative of it: one number for a row and a block.

use super::gemv_operands::{GEMV_MR, GemvPanel, MAX_ROWS, PANELS};
use super::int8_operands::{AInt8, AInt8Rows, AInt8Words, BInt8, ByteDots, SmallIntegers};
use super::intrinsics::GemmIntrinsics;
use super::tile::{CodeRows, Lanes, MR, MicroTile, Quad, height};
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};

/// The words and compensations of a tile's numbers, `height` of them for each position, in blocks
/// of `block_k` positions; B is `offset` higher.
pub(crate) fn a_int8_words(
    isa: Isa,
    unit: f32,
    offset: u32,
    height: usize,
    block_k: usize,
    numbers: &[f32],
) -> AInt8Words {
    let AInt8Words { mut words, mut compensation } = AInt8Words::default();
    for block in numbers.chunks(block_k * height) {
        let first = words.len();
        words.resize(first + block.len().div_ceil(4 * height) * height, 0);
        let mut sums = [0; MR];
        let sums = &mut sums[..height];
        match height {
            1 => words_of_1(isa, unit, block, &mut words[first..], sums),
            2 => words_of_2(isa, unit, block, &mut words[first..], sums),
            4 => words_of_4(isa, unit, block, &mut words[first..], sums),
            8 => words_of_8(isa, unit, block, &mut words[first..], sums),
            _ => words_of_all(isa, unit, block, &mut words[first..], sums),
        }
        // As the instructions' sums do, it may wrap on the way to a sum that fits.
        compensation.extend(sums.iter().map(|sum| sum.wrapping_mul(-(offset as i32))));
    }
    AInt8Words { words, compensation }
}

#[inline(always)]
fn words_body<const H: usize>(unit: f32, numbers: &[f32], words: &mut [u32], sums: &mut [i32]) {
    let Some(sums) = sums.first_chunk_mut::<H>() else { return };
    for (positions, word) in numbers.as_chunks::<H>().0.chunks(4).zip(words.as_chunks_mut::<H>().0)
    {
        for (place, position) in positions.iter().enumerate() {
            for lane in 0..H {
                let integer = (position[lane] * unit) as i32;
                sums[lane] += integer;
                word[lane] |= (integer as u32 & 0xFF) << (8 * place);
            }
        }
    }
}

per_isa! {
    fn words_of_1[](unit: f32, numbers: &[f32], words: &mut [u32], sums: &mut [i32]) = words_body::<1>;
    fn words_of_2[](unit: f32, numbers: &[f32], words: &mut [u32], sums: &mut [i32]) = words_body::<2>;
    fn words_of_4[](unit: f32, numbers: &[f32], words: &mut [u32], sums: &mut [i32]) = words_body::<4>;
    fn words_of_8[](unit: f32, numbers: &[f32], words: &mut [u32], sums: &mut [i32]) = words_body::<8>;
    fn words_of_all[](unit: f32, numbers: &[f32], words: &mut [u32], sums: &mut [i32]) = words_body::<MR>;
}

/// Dot products of bytes under an instruction set that has them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dots {
    isa: Isa,
    kernel: ByteDots,
}

/// [`Dots`] that take rows of codes as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DotsOfRows(Isa);

impl Dots {
    /// The dot products of an instruction set for two formats; `None` if it has none, or where sums
    /// of f32s are as fast.
    pub(crate) fn new(isa: Isa, a: &SmallIntegers, b: &SmallIntegers) -> Option<Self> {
        // Two products of twice B's largest magnitude by A's.
        let quads = i16::MAX as usize / (4 * b.largest * a.largest).max(1) as usize;
        Native::byte_dots(isa, quads).map(|kernel| Self { isa, kernel })
    }

    /// Dot products that take rows of codes, if the instruction set has them.
    pub(crate) const fn of_rows(self) -> Option<DotsOfRows> {
        if let ByteDots::FoursOfRows = self.kernel { Some(DotsOfRows(self.isa)) } else { None }
    }

    /// Codes, position by position in blocks of `block_k`, to quads of integers.
    pub(crate) fn quads(
        self,
        integers: &SmallIntegers,
        codes: &[Lanes<u8>],
        block_k: usize,
        quads: &mut [Quad],
    ) {
        Native::integer_quads(self.isa, integers, codes, block_k, quads);
    }

    /// Quads of pairs of codes, which only formats with a table have, to twice as many quads of
    /// integers, or one less.
    pub(crate) fn quads_of_nibbles(
        self,
        integers: &SmallIntegers,
        pairs: &[Quad],
        quads: &mut [Quad],
    ) {
        Native::integer_quads_of_nibbles(self.isa, integers, pairs, quads);
    }

    /// `acc + sum · (scale · scale)`, fused, for each block in turn, for one panel or two.
    pub(crate) fn chain(
        self,
        rows: usize,
        a: &AInt8<'_>,
        b: &[BInt8<'_>],
        acc: &mut [MicroTile<f32>],
    ) {
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

    fn tile<const R: usize>(self, a: &AInt8<'_>, b: &BInt8<'_>, acc: &mut [Lanes<f32>]) {
        if let Some(acc) = acc.first_chunk_mut::<R>() {
            Native::dot_tile(self.isa, self.kernel, a, b, acc);
        }
    }

    /// Rows of codes, in pairs or one a byte, up to which there is [`Self::rows`] and it is quicker
    /// than tiles.
    pub(crate) const fn max_rows(self, paired: bool) -> usize {
        match self.kernel {
            ByteDots::FoursOfRows => MAX_ROWS,
            ByteDots::Twos { quads } | ByteDots::Fours { quads } if quads <= paired as usize => 0,
            _ if paired => 3,
            _ => 1,
        }
    }

    /// Rows that are worked on together.
    pub(crate) const fn height(self) -> usize {
        if let ByteDots::FoursOfRows = self.kernel { GEMV_MR } else { 1 }
    }

    /// The sums of `sums.len()` rows, 1 or, if it takes them together, 2, 4 or 8, by four panels of
    /// codes. Only if [`max_rows`](Self::max_rows) is not 0.
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
    /// Codes of `length` positions row by row to quads of integers; positions of no row have any.
    pub(crate) fn quads(
        self,
        integers: &SmallIntegers,
        rows: &CodeRows<'_>,
        length: usize,
        quads: &mut [Quad],
    ) {
        Native::integer_quads_of_rows(self.0, integers, rows, length, quads);
    }

    /// Codes of [`MR`] rows of A to words and compensations; a block is whole words, B `offset`
    /// higher.
    pub(crate) fn words(
        self,
        integers: &SmallIntegers,
        offset: u32,
        rows: &CodeRows<'_>,
        length: usize,
        block_k: usize,
    ) -> AInt8Words {
        Native::integer_words_of_rows(self.0, integers, offset, rows, length, block_k)
    }
}

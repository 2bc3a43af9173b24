//! Sums of products of small integers by dot products of bytes: four positions at a time, exact in i32. AVX512-VNNI adds up all four; AVX2 (`maddubs`) two, in i16,
//! where they must not overflow.
//!
//! The instructions multiply unsigned by signed bytes. The right side's integers are taken higher by an offset, their largest magnitude, so that none is negative.
//! That adds `offset · Σ left` to the sum of a block, which therefore starts at the negative of it: one number for a row and a block.

use super::columns::{CodeRows, Quad};
use super::gemm::{Block, Lanes, ROWS};
use super::isa::{Isa, per_isa};
use super::thin::{PANELS, ThinPanel};
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::{
    gemm::{LANES, height},
    isa::Kind,
    thin::{PAYS, THIN},
    x86_dots, x86_lanes, x86_maddubs,
};
use crate::codec::Unpacked;
use crate::spec::{Encoding, FormatSpec};
use alloc::vec::Vec;

/// A format whose numbers are integers of 8 bits times a power of two.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(all(feature = "std", target_arch = "x86_64")), allow(dead_code, reason = "x86's kernels read it"))]
pub(crate) struct SmallIntegers {
    /// The integers of codes of at most 6 bits, whatever is above those, higher by `largest`. None if codes are 8-bit integers in two's complement; those are
    /// higher by `largest` with their top bit flipped, for it is 128.
    pub(super) table: Option<[u8; 64]>,
    /// The exponent of the last place.
    pub(crate) exponent: i32,
    /// The largest magnitude in units of it.
    pub(crate) largest: u32,
}

impl SmallIntegers {
    /// Of floats and integers; a codebook's numbers have no common unit that it would tell.
    pub(crate) fn lower(spec: &FormatSpec) -> Option<Self> {
        if spec.bits() > 8 || matches!(spec.encoding(), Encoding::Codebook(_)) {
            return None;
        }
        let exponent = spec.min_positive().exponent();
        let unit = Unpacked::new(false, 1, -exponent).to_f32();
        let numbers: Vec<f32> = spec.codes().map(|code| spec.decode_f32(code) * unit).collect();
        if !numbers.iter().all(|x| *x >= -128.0 && *x <= 127.0 && *x as i8 as f32 == *x) {
            return None;
        }
        let own = spec.bits() == 8 && numbers.iter().enumerate().all(|(code, x)| code as u8 as i8 == *x as i8);
        if !own && spec.bits() > 6 {
            return None;
        }
        let largest = numbers.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
        let table = (!own).then(|| core::array::from_fn(|code| (numbers[code % numbers.len()] + largest) as u8));
        Some(Self { table, exponent, largest: largest as u32 })
    }
}

/// Makes quads of codes, position by position in blocks of `run`; behind the last position of a block they are those of code 0.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[inline(always)]
pub(super) fn by_fours(codes: &[Lanes<u8>], run: usize, quads: &mut [Quad], quad: impl Fn(&[Lanes<u8>; 4]) -> Quad) {
    for (block, quads) in codes.chunks(run).zip(quads.chunks_mut(run.div_ceil(4))) {
        for (four, to) in block.chunks(4).zip(quads) {
            *to = quad(&four.first_chunk().copied().unwrap_or_else(|| {
                let mut last = [[0; LANES]; 4];
                last[..four.len()].copy_from_slice(four);
                last
            }));
        }
    }
}

/// The left side's integers of a tile.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeftWords {
    /// See [`Left::words`].
    pub(crate) words: Vec<u32>,
    /// See [`Left::starts`].
    pub(crate) starts: Vec<i32>,
}

/// The left side's part in the sums of a tile: `height(rows)` words, starts and scales at a time.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(all(feature = "std", target_arch = "x86_64")), allow(dead_code, reason = "x86's kernels read it"))]
pub(crate) struct Left<'a> {
    /// Four positions of a block, the last with zeros where it has fewer.
    pub(crate) words: &'a [u32],
    /// For each block the sum to start from.
    pub(crate) starts: &'a [i32],
    /// For each block the scales.
    pub(crate) scales: &'a [f32],
}

/// Some rows of the left side by codes as they are.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(all(feature = "std", target_arch = "x86_64")), allow(dead_code, reason = "x86's kernels read it"))]
pub(crate) struct LeftRows<'a> {
    /// Of codes one a byte words are positions 0 to 3, 4 to 7 and so on. Of pairs, which only formats with a table have, they are 0, 2, 4, 6, then 1, 3, 5, 7:
    /// the low and the high halves of a quad.
    pub(crate) paired: bool,
    /// Words, of four positions, of a block; of pairs an even number, for a quad of them is two words.
    pub(crate) run: usize,
    /// The unit of the products, for the right side's scales.
    pub(crate) unit: f32,
    pub(crate) left: Left<'a>,
}

/// The right side's.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(all(feature = "std", target_arch = "x86_64")), allow(dead_code, reason = "x86's kernels read it"))]
pub(crate) struct Right<'a> {
    /// Quads of a block.
    pub(crate) run: usize,
    pub(crate) quads: &'a [Quad],
    /// For each block the scales of the columns.
    pub(crate) scales: &'a [Lanes<f32>],
}

/// The words and starts of a tile's numbers, `height` of them for each position, in blocks of `run` positions; the right side is `offset` higher.
pub(crate) fn left_words(isa: Isa, unit: f32, offset: u32, height: usize, run: usize, numbers: &[f32]) -> LeftWords {
    let LeftWords { mut words, mut starts } = LeftWords::default();
    for block in numbers.chunks(run * height) {
        let first = words.len();
        words.resize(first + block.len().div_ceil(4 * height) * height, 0);
        let mut sums = [0; ROWS];
        let sums = &mut sums[..height];
        match height {
            1 => words_of_1(isa, unit, block, &mut words[first..], sums),
            2 => words_of_2(isa, unit, block, &mut words[first..], sums),
            4 => words_of_4(isa, unit, block, &mut words[first..], sums),
            8 => words_of_8(isa, unit, block, &mut words[first..], sums),
            _ => words_of_all(isa, unit, block, &mut words[first..], sums),
        }
        // As the instructions' sums do, it may wrap on the way to a sum that fits.
        starts.extend(sums.iter().map(|sum| sum.wrapping_mul(-(offset as i32))));
    }
    LeftWords { words, starts }
}

#[inline(always)]
fn words_body<const H: usize>(unit: f32, numbers: &[f32], words: &mut [u32], sums: &mut [i32]) {
    let Some(sums) = sums.first_chunk_mut::<H>() else { return };
    for (positions, word) in numbers.as_chunks::<H>().0.chunks(4).zip(words.as_chunks_mut::<H>().0) {
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
    fn words_of_all[](unit: f32, numbers: &[f32], words: &mut [u32], sums: &mut [i32]) = words_body::<ROWS>;
}

/// Dot products of bytes. One in hand proves that the machine has them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dots(Way);

#[derive(Clone, Copy, Debug)]
enum Way {
    /// AVX2's; `quads` of them, at least one, add up in i16s without overflow.
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Twos { quads: usize },
    /// AVX-512's; for single rows AVX2's, unless `quads` is zero.
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Fours { quads: usize },
    /// AVX-512's beside permutes of bytes.
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    FoursOfRows(DotsOfRows),
}

/// Dot products of bytes that take rows of codes as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DotsOfRows {
    #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
    none: core::convert::Infallible,
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    _detected: (),
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
impl Dots {
    /// Those of an instruction set for these sides. Without AVX512-VNNI, sums of f32s in its registers are as fast.
    pub(crate) fn new(isa: Isa, left: &SmallIntegers, right: &SmallIntegers) -> Option<Self> {
        // Two products of twice the right side's largest magnitude by the left side's.
        let quads = i16::MAX as usize / (4 * right.largest * left.largest).max(1) as usize;
        let way = match isa.kind() {
            Kind::Portable => return None,
            Kind::Avx2 => Way::Twos { quads },
            Kind::Avx512 if !std::arch::is_x86_feature_detected!("avx512vnni") => return None,
            Kind::Avx512 => Way::Fours { quads },
            Kind::Avx512Vbmi => Way::FoursOfRows(DotsOfRows { _detected: () }),
        };
        (!matches!(way, Way::Twos { quads: 0 })).then_some(Self(way))
    }

    /// Those that take rows of codes.
    pub(crate) const fn of_rows(self) -> Option<DotsOfRows> {
        if let Way::FoursOfRows(dots) = self.0 { Some(dots) } else { None }
    }

    /// Codes, position by position in blocks of `run`, to quads of integers.
    pub(crate) fn quads(self, integers: &SmallIntegers, codes: &[Lanes<u8>], run: usize, quads: &mut [Quad]) {
        match self.0 {
            // SAFETY: a `Dots` is made only after its instructions were detected, AVX2 with all others.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            Way::Twos { .. } | Way::Fours { .. } => unsafe { x86_maddubs::quads(integers, codes, run, quads) },
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            Way::FoursOfRows(_) => unsafe { x86_dots::quads(integers, codes, run, quads) },
        }
    }

    /// Quads of pairs of codes, which only formats with a table have, to twice as many quads of integers, or one less.
    pub(crate) fn quads_of_pairs(self, integers: &SmallIntegers, pairs: &[Quad], quads: &mut [Quad]) {
        match self.0 {
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            Way::Twos { .. } | Way::Fours { .. } => unsafe { x86_maddubs::quads_of_pairs(integers, pairs, quads) },
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            Way::FoursOfRows(_) => unsafe { x86_dots::quads_of_pairs(integers, pairs, quads) },
        }
    }

    /// `acc + sum · (scale · scale)`, fused, for each block in turn, for one panel or two.
    pub(crate) fn chain(self, rows: usize, left: &Left<'_>, right: &[Right<'_>], acc: &mut [Block<f32>]) {
        if let (Some(right), Some(acc), ROWS, Way::Fours { .. } | Way::FoursOfRows(_)) =
            (right.first_chunk(), acc.first_chunk_mut(), height(rows), self.0)
        {
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            return unsafe { x86_dots::chain_pair(left, right, acc) };
        }
        right.iter().zip(acc).for_each(|(right, acc)| self.chain_one(rows, left, right, acc));
    }

    /// Rows of codes, in pairs or one a byte, up to which there is [`Self::rows`] and it is quicker than tiles.
    pub(crate) const fn pays(self, paired: bool) -> usize {
        match self.0 {
            Way::FoursOfRows(_) => PAYS,
            Way::Twos { quads } | Way::Fours { quads } if quads <= paired as usize => 0,
            _ if paired => 3,
            _ => 1,
        }
    }

    /// Rows that are worked on together.
    pub(crate) const fn height(self) -> usize {
        if let Way::FoursOfRows(_) = self.0 { THIN } else { 1 }
    }

    /// The sums of `sums.len()` rows, 1 or, if it takes them together, 2, 4 or 8, by four panels of codes. Only if it [pays](Self::pays) for one.
    pub(crate) fn rows(
        self,
        integers: &SmallIntegers,
        left: &LeftRows<'_>,
        panels: &[ThinPanel<'_>; PANELS],
        sums: &mut [[Lanes<f32>; PANELS]],
    ) {
        match self.0 {
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            Way::Twos { quads } | Way::Fours { quads } => unsafe {
                x86_lanes::dots(quads, integers, left, panels, sums);
            },
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            Way::FoursOfRows(_) => unsafe { x86_dots::rows(integers, left, panels, sums) },
        }
    }

    fn chain_one(self, rows: usize, left: &Left<'_>, right: &Right<'_>, acc: &mut [Lanes<f32>]) {
        fn tile<const R: usize>(way: Way, left: &Left<'_>, right: &Right<'_>, acc: &mut [Lanes<f32>]) {
            let Some(acc) = acc.first_chunk_mut::<R>() else { return };
            match way {
                // SAFETY: only that of a `Dots` comes here, which is made after its instructions were detected.
                #[expect(unsafe_code, reason = "entry into instructions that were detected")]
                Way::Twos { quads } => unsafe { x86_maddubs::chain(quads, left, right, acc) },
                // SAFETY: as above.
                #[expect(unsafe_code, reason = "entry into instructions that were detected")]
                Way::Fours { .. } | Way::FoursOfRows(_) => unsafe { x86_dots::chain(left, right, acc) },
            }
        }
        match height(rows) {
            1 => tile::<1>(self.0, left, right, acc),
            2 => tile::<2>(self.0, left, right, acc),
            4 => tile::<4>(self.0, left, right, acc),
            8 => tile::<8>(self.0, left, right, acc),
            _ => tile::<ROWS>(self.0, left, right, acc),
        }
    }
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
impl DotsOfRows {
    /// Codes of `length` positions row by row to quads of integers; positions of no row have any.
    pub(crate) fn quads(self, integers: &SmallIntegers, rows: &CodeRows<'_>, length: usize, quads: &mut [Quad]) {
        // SAFETY: made only after its instructions were detected.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        unsafe {
            x86_dots::quads_of_rows(integers, rows, length, quads);
        }
    }

    /// Codes of [`ROWS`] rows of the left side to words and starts; a block is whole words, the right side `offset` higher.
    pub(crate) fn words(self, integers: &SmallIntegers, offset: u32, rows: &CodeRows<'_>, length: usize, run: usize) -> LeftWords {
        const { assert!(ROWS == LANES) };
        // SAFETY: as above.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        unsafe {
            x86_dots::words_of_rows(integers, offset, rows, length, run)
        }
    }
}

#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
impl Dots {
    /// There are none.
    pub(crate) fn new(_: Isa, _: &SmallIntegers, _: &SmallIntegers) -> Option<Self> {
        None
    }

    pub(crate) fn of_rows(self) -> Option<DotsOfRows> {
        match self.0 {}
    }

    pub(crate) fn quads(self, _: &SmallIntegers, _: &[Lanes<u8>], _: usize, _: &mut [Quad]) {
        match self.0 {}
    }

    pub(crate) fn quads_of_pairs(self, _: &SmallIntegers, _: &[Quad], _: &mut [Quad]) {
        match self.0 {}
    }

    pub(crate) fn chain(self, _: usize, _: &Left<'_>, _: &[Right<'_>], _: &mut [Block<f32>]) {
        match self.0 {}
    }

    pub(crate) fn pays(self, _: bool) -> usize {
        match self.0 {}
    }

    pub(crate) fn height(self) -> usize {
        match self.0 {}
    }

    pub(crate) fn rows(self, _: &SmallIntegers, _: &LeftRows<'_>, _: &[ThinPanel<'_>; PANELS], _: &mut [[Lanes<f32>; PANELS]]) {
        match self.0 {}
    }
}

#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
impl DotsOfRows {
    pub(crate) fn quads(self, _: &SmallIntegers, _: &CodeRows<'_>, _: usize, _: &mut [Quad]) {
        match self.none {}
    }

    pub(crate) fn words(self, _: &SmallIntegers, _: u32, _: &CodeRows<'_>, _: usize, _: usize) -> LeftWords {
        match self.none {}
    }
}

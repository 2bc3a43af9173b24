//! Sums of products of small integers by dot products of bytes (AVX512-VNNI): four positions at a time, exact in i32.
//!
//! The instruction multiplies unsigned by signed bytes. The right side's integers are taken 128 higher; 128 times the sum of the left side's, one number for a row
//! and a block, is where a sum starts below zero.

use super::columns::CodeRows;
use super::gemm::{Block, Lanes, ROWS};
use super::isa::{Isa, per_isa};
use super::thin::{PANELS, ThinPanel};
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use super::{gemm::height, isa::Kind, x86_dots};
use crate::codec::Unpacked;
use crate::spec::FormatSpec;
use alloc::vec::Vec;

/// Four positions of 16 columns, the four of a column together.
pub(crate) type Quad = [u8; 64];

/// A format whose numbers are integers of 8 bits times a power of two.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(all(feature = "std", target_arch = "x86_64")), allow(dead_code, reason = "x86's kernels read it"))]
pub(crate) struct SmallIntegers {
    /// The numbers of codes of at most 6 bits, whatever is above those, 128 higher; none for codes that are their numbers.
    pub(super) table: Option<[u8; 64]>,
    /// The exponent of the last place.
    pub(crate) exponent: i32,
    /// The largest magnitude in units of it.
    pub(crate) largest: u32,
}

impl SmallIntegers {
    pub(crate) fn lower(spec: &FormatSpec) -> Option<Self> {
        if spec.bits() > 8 {
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
        let table = (!own).then(|| core::array::from_fn(|code| (numbers[code % numbers.len()] as i8 as u8) ^ 0x80));
        let largest = numbers.iter().fold(0.0f32, |largest, x| largest.max(x.abs())) as u32;
        Some(Self { table, exponent, largest })
    }
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

/// Makes the words and starts of a tile's numbers, `height` of them for each position, in blocks of `run` positions.
pub(crate) fn left_words(
    isa: Isa,
    unit: f32,
    height: usize,
    run: usize,
    numbers: &[f32],
    words: &mut Vec<u32>,
    starts: &mut Vec<i32>,
) {
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
        // As the instruction's sums do, it may wrap on the way to a sum that fits.
        starts.extend(sums.iter().map(|sum| sum.wrapping_mul(-128)));
    }
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
pub(crate) struct Dots {
    #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
    none: core::convert::Infallible,
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    _detected: (),
}

#[cfg(all(feature = "std", target_arch = "x86_64"))]
impl Dots {
    /// If the machine has them, and the instruction set is at least that wide.
    pub(crate) fn new(isa: Isa) -> Option<Self> {
        (matches!(isa.kind(), Kind::Avx512Vbmi) && std::arch::is_x86_feature_detected!("avx512vnni"))
            .then_some(Self { _detected: () })
    }

    /// Codes, position by position in blocks of `run`, to quads of integers.
    pub(crate) fn quads(self, integers: &SmallIntegers, codes: &[Lanes<u8>], run: usize, quads: &mut Vec<Quad>) {
        // SAFETY: a `Dots` is made only after its instructions were detected.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        unsafe {
            x86_dots::quads(integers, codes, run, quads);
        }
    }

    /// Codes of `length` positions row by row to quads of integers; positions of no row have any.
    pub(crate) fn quads_of_rows(self, integers: &SmallIntegers, rows: &CodeRows<'_>, length: usize, quads: &mut Vec<Quad>) {
        // SAFETY: as above.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        unsafe {
            x86_dots::quads_of_rows(integers, rows, length, quads);
        }
    }

    /// Codes of [`ROWS`] rows of the left side to words and starts; a block is whole words.
    pub(crate) fn words_of_rows(
        self,
        integers: &SmallIntegers,
        rows: &CodeRows<'_>,
        length: usize,
        run: usize,
        words: &mut Vec<u32>,
        starts: &mut Vec<i32>,
    ) {
        const { assert!(ROWS == super::gemm::LANES) };
        // SAFETY: as above.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        unsafe {
            x86_dots::words_of_rows(integers, rows, length, run, words, starts);
        }
    }

    /// `acc + sum · (scale · scale)`, fused, for each block in turn, for one panel or two.
    pub(crate) fn chain(self, rows: usize, left: &Left<'_>, right: &[Right<'_>], acc: &mut [Block<f32>]) {
        if let (Some(right), Some(acc), true) = (right.first_chunk(), acc.first_chunk_mut(), height(rows) == ROWS) {
            // SAFETY: as above.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            return unsafe { x86_dots::chain_pair(left, right, acc) };
        }
        right.iter().zip(acc).for_each(|(right, acc)| self.chain_one(rows, left, right, acc));
    }

    /// The sums of one row by four panels of codes in blocks of `run` words: positions 0 to 3, 4 to 7 and so on of codes one a byte. Of pairs, which only
    /// formats with a table have, they are positions 0, 2, 4, 6, then 1, 3, 5, 7: the low and the high halves of four bytes. Blocks are whole registers of
    /// codes: four positions, or four pairs.
    pub(crate) fn row(
        self,
        integers: &SmallIntegers,
        paired: bool,
        unit: f32,
        run: usize,
        left: &Left<'_>,
        panels: [ThinPanel<'_>; PANELS],
    ) -> [Lanes<f32>; PANELS] {
        // SAFETY: as above.
        #[expect(unsafe_code, reason = "entry into instructions that were detected")]
        unsafe {
            x86_dots::row(integers, paired, unit, run, left, panels)
        }
    }

    fn chain_one(self, rows: usize, left: &Left<'_>, right: &Right<'_>, acc: &mut [Lanes<f32>]) {
        fn tile<const R: usize>(left: &Left<'_>, right: &Right<'_>, acc: &mut [Lanes<f32>]) {
            let Some(acc) = acc.first_chunk_mut::<R>() else { return };
            // SAFETY: only a `Dots` comes here, which is made after its instructions were detected.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            unsafe {
                x86_dots::chain(left, right, acc);
            }
        }
        match height(rows) {
            1 => tile::<1>(left, right, acc),
            2 => tile::<2>(left, right, acc),
            4 => tile::<4>(left, right, acc),
            8 => tile::<8>(left, right, acc),
            _ => tile::<ROWS>(left, right, acc),
        }
    }
}

#[cfg(not(all(feature = "std", target_arch = "x86_64")))]
impl Dots {
    /// There are none.
    pub(crate) fn new(_: Isa) -> Option<Self> {
        None
    }

    pub(crate) fn quads(self, _: &SmallIntegers, _: &[Lanes<u8>], _: usize, _: &mut Vec<Quad>) {
        match self.none {}
    }

    pub(crate) fn quads_of_rows(self, _: &SmallIntegers, _: &CodeRows<'_>, _: usize, _: &mut Vec<Quad>) {
        match self.none {}
    }

    pub(crate) fn words_of_rows(self, _: &SmallIntegers, _: &CodeRows<'_>, _: usize, _: usize, _: &mut Vec<u32>, _: &mut Vec<i32>) {
        match self.none {}
    }

    pub(crate) fn chain(self, _: usize, _: &Left<'_>, _: &[Right<'_>], _: &mut [Block<f32>]) {
        match self.none {}
    }

    pub(crate) fn row(
        self,
        _: &SmallIntegers,
        _: bool,
        _: f32,
        _: usize,
        _: &Left<'_>,
        _: [ThinPanel<'_>; PANELS],
    ) -> [Lanes<f32>; PANELS] {
        match self.none {}
    }
}

//! Operands of the byte dot products: the formats, and the packed integers of A and B.

use super::tile::{Lanes, NR, Quad};
use crate::codec::Unpacked;
use crate::spec::{Encoding, FormatSpec};
use alloc::vec::Vec;

/// A format whose numbers are 8-bit integers times a power of two, with the map from codes to
/// integers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SmallIntegers {
    /// The integers, raised by `largest`, of codes of at most 6 bits, repeated over 64 entries so
    /// that bits above the code do not matter. `None` if codes are 8-bit integers in two's
    /// complement: `largest` is 128 then, and flipping the top bit raises them.
    pub(in crate::kernel) table: Option<[u8; 64]>,
    /// The exponent of the unit: an integer i stands for i · 2^exponent.
    pub(crate) exponent: i32,
    /// The largest magnitude of the integers.
    pub(crate) largest: u32,
}

impl SmallIntegers {
    /// Returns the map of a floating-point or integer format, or `None` if its numbers are not
    /// 8-bit integers in a common unit. Codebooks are not tried.
    pub(crate) fn lower(spec: &FormatSpec) -> Option<Self> {
        if spec.bits() > 8 || matches!(spec.encoding(), Encoding::Codebook(_)) {
            return None;
        }
        let exponent = spec.smallest_positive().exponent();
        // One over the smallest number: a power of two, so the products are exact.
        let unit = Unpacked::new(false, 1, -exponent).to_f32();
        let mut numbers = [0.0f32; 256];
        let numbers = &mut numbers[..spec.code_count() as usize];
        numbers
            .iter_mut()
            .zip(spec.codes())
            .for_each(|(x, code)| *x = spec.decode_f32(code) * unit);
        // Not all formats have a common unit this small: E4M3 does not.
        if !numbers.iter().all(|x| *x >= -128.0 && *x <= 127.0 && *x as i8 as f32 == *x) {
            return None;
        }
        // Codes that are their integers need no table.
        let is_int8 = spec.bits() == 8
            && numbers.iter().enumerate().all(|(code, x)| code as u8 as i8 == *x as i8);
        // A table of 64 entries is one register; formats of 7 and 8 bits have too many codes.
        if !is_int8 && spec.bits() > 6 {
            return None;
        }
        let largest = numbers.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
        let table = (!is_int8)
            .then(|| core::array::from_fn(|code| (numbers[code % numbers.len()] + largest) as u8));
        Some(Self { table, exponent, largest: largest as u32 })
    }
}

/// Makes quads from codes given k by k, in blocks of `block_k`. A block whose length is not a
/// multiple of four ends with code 0.
#[inline(always)]
pub(in crate::kernel) fn by_fours(
    codes: &[Lanes<u8>],
    block_k: usize,
    quads: &mut [Quad],
    quad: impl Fn(&[Lanes<u8>; 4]) -> Quad,
) {
    for (block, quads) in codes.chunks(block_k).zip(quads.chunks_mut(block_k.div_ceil(4))) {
        for (group, to) in block.chunks(4).zip(quads) {
            // Four k of 16 columns are 64 bytes: one register of AVX-512.
            *to = quad(&group.first_chunk().copied().unwrap_or_else(|| {
                let mut last = [[0; NR]; 4];
                last[..group.len()].copy_from_slice(group);
                last
            }));
        }
    }
}

/// The packed integers of a tile of A, owned.
#[derive(Clone, Debug, Default)]
pub(crate) struct AInt8Words {
    /// Words of four integers, in the order of [`AInt8::words`].
    pub(crate) words: Vec<u32>,
    /// Compensations, in the order of [`AInt8::compensation`].
    pub(crate) compensation: Vec<i32>,
}

/// The packed integers of a tile of A, with `height(rows)` entries for each step along k.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AInt8<'a> {
    /// Words of four k of a row, signed, the first k in the low byte; a block ends with zeros where
    /// it is not a multiple of four.
    pub(crate) words: &'a [u32],
    /// The i32 that the sum of each block starts from: −offset · Σ a.
    pub(crate) compensation: &'a [i32],
    /// The scales of the rows, for each block.
    pub(crate) scales: &'a [f32],
}

/// A few rows of A, packed to be multiplied by panels of codes that are not packed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AInt8Rows<'a> {
    /// Whether B has two codes a byte, which only formats with a table may have. One a byte, words
    /// are k = 0 to 3, 4 to 7 and so on. Two a byte, they are k = 0, 2, 4, 6, then 1, 3, 5, 7: the
    /// low and the high halves of the bytes of a quad.
    pub(crate) paired: bool,
    /// Words of a block; an even number with two codes a byte, since a quad is two words then.
    pub(crate) block_words: usize,
    /// The unit of the products, a power of two, which multiplies B's scales.
    pub(crate) unit: f32,
    /// The packed rows.
    pub(crate) a: AInt8<'a>,
}

/// A packed panel of B: raised integers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BInt8<'a> {
    /// Quads of a block.
    pub(crate) block_quads: usize,
    /// Four k of 16 columns each, the four of a column together.
    pub(crate) quads: &'a [Quad],
    /// The scales of the columns, for each block.
    pub(crate) scales: &'a [Lanes<f32>],
}

/// The dot products of bytes that an instruction set has.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) enum ByteDots {
    /// Two products at a time, in i16, which holds the sums of `quads` quads, at least one.
    Twos { quads: usize },
    /// Four products at a time, in i32. Single rows use two at a time, if `quads` is not 0.
    Fours { quads: usize },
    /// Four products at a time, and permutes of bytes, which take rows of codes.
    FoursOfRows,
}

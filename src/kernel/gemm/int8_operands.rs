//! What sums of products of small integers are given: the formats, and both operands' integers.

use super::tile::{Lanes, NR, Quad};
use crate::codec::Unpacked;
use crate::spec::{Encoding, FormatSpec};
use alloc::vec::Vec;

/// A format whose numbers are integers of 8 bits times a power of two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SmallIntegers {
    /// The integers of codes of at most 6 bits, whatever is above those, higher by `largest`. None
    /// if codes are 8-bit integers in two's complement; those are higher by `largest` with their
    /// top bit flipped, for it is 128.
    pub(in crate::kernel) table: Option<[u8; 64]>,
    /// The exponent of the last place.
    pub(crate) exponent: i32,
    /// The largest magnitude in units of it.
    pub(crate) largest: u32,
}

impl SmallIntegers {
    /// The integers of a floating-point or integer format, if they fit; a codebook tells no common
    /// unit.
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
        let own = spec.bits() == 8
            && numbers.iter().enumerate().all(|(code, x)| code as u8 as i8 == *x as i8);
        if !own && spec.bits() > 6 {
            return None;
        }
        let largest = numbers.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
        let table = (!own)
            .then(|| core::array::from_fn(|code| (numbers[code % numbers.len()] + largest) as u8));
        Some(Self { table, exponent, largest: largest as u32 })
    }
}

/// Makes quads of codes, position by position in blocks of `block_k`; behind the last position of a
/// block they are those of code 0.
#[inline(always)]
pub(in crate::kernel) fn by_fours(
    codes: &[Lanes<u8>],
    block_k: usize,
    quads: &mut [Quad],
    quad: impl Fn(&[Lanes<u8>; 4]) -> Quad,
) {
    for (block, quads) in codes.chunks(block_k).zip(quads.chunks_mut(block_k.div_ceil(4))) {
        for (four, to) in block.chunks(4).zip(quads) {
            *to = quad(&four.first_chunk().copied().unwrap_or_else(|| {
                let mut last = [[0; NR]; 4];
                last[..four.len()].copy_from_slice(four);
                last
            }));
        }
    }
}

/// A's integers of a tile.
#[derive(Clone, Debug, Default)]
pub(crate) struct AInt8Words {
    /// Words of four integers each, as [`AInt8::words`] takes them.
    pub(crate) words: Vec<u32>,
    /// For each block the sum to start from, as [`AInt8::compensation`] takes it.
    pub(crate) compensation: Vec<i32>,
}

/// A's part in the sums of a tile: `height(rows)` words, compensations and scales at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AInt8<'a> {
    /// Four positions of a block, the last with zeros where it has fewer.
    pub(crate) words: &'a [u32],
    /// For each block the sum to start from.
    pub(crate) compensation: &'a [i32],
    /// For each block the scales.
    pub(crate) scales: &'a [f32],
}

/// Some rows of A by codes as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AInt8Rows<'a> {
    /// Whether two codes share a byte, in formats with a table alone. One a byte, words are
    /// positions 0 to 3, 4 to 7 and so on; in pairs they are 0, 2, 4, 6, then 1, 3, 5, 7: the low
    /// and the high halves of a quad.
    pub(crate) paired: bool,
    /// Words, of four positions, of a block; of pairs an even number, for a quad of them is two
    /// words.
    pub(crate) block_words: usize,
    /// The unit of the products, for B's scales.
    pub(crate) unit: f32,
    pub(crate) a: AInt8<'a>,
}

/// B's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BInt8<'a> {
    /// Quads of a block.
    pub(crate) block_quads: usize,
    pub(crate) quads: &'a [Quad],
    /// For each block the scales of the columns.
    pub(crate) scales: &'a [Lanes<f32>],
}

/// Which dot products of bytes an instruction set has.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) enum ByteDots {
    /// Two products at a time; `quads` of them, at least one, add up in i16s without overflow.
    Twos { quads: usize },
    /// Four; for single rows two, unless `quads` is zero.
    Fours { quads: usize },
    /// Four, beside permutes of bytes.
    FoursOfRows,
}

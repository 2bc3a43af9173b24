//! Exact sums by f64 kernels: numbers are cut into slices of so few bits that sums of products of two slices are exact in f64; those of all pairs of slices are
//! added in fixed point.

use super::engine::Sums;
use super::left::Tile;
use super::plan::{Sink, State};
use super::{Job, Sum};
use crate::codec::Unpacked;
use crate::kernel::gemm::{LANES, Lanes, chain_f64};
use crate::mma::Fixed;
use alloc::vec::Vec;

/// Slices of one side beyond which sums in fixed point are quicker.
const MOST: usize = 4;

/// The slices of the left side.
#[derive(Debug)]
pub(super) struct Split {
    range: Range,
    width: i32,
}

/// The exponents of the last and behind the first bit of some numbers.
#[derive(Clone, Copy, Debug)]
struct Range {
    last: i32,
    end: i32,
    finite: bool,
}

impl Range {
    fn of(numbers: &[f32]) -> Self {
        let none = Self { last: i32::MAX, end: i32::MIN, finite: true };
        numbers.iter().fold(none, |range, x| {
            let bits = x.to_bits() & 0x7FFF_FFFF;
            if bits == 0 {
                return range;
            }
            let (field, mantissa) = ((bits >> 23) as i32, bits & 0x007F_FFFF);
            let significand = if field == 0 { mantissa } else { mantissa | 0x0080_0000 };
            let unit = field.max(1) - 150;
            Self {
                last: range.last.min(unit + significand.trailing_zeros() as i32),
                end: range.end.max(unit + 32 - significand.leading_zeros() as i32),
                finite: range.finite && field < 255,
            }
        })
    }

    fn join(self, other: Self) -> Self {
        Self { last: self.last.min(other.last), end: self.end.max(other.end), finite: self.finite && other.finite }
    }

    /// How many slices of a width there are.
    fn slices(self, width: i32) -> usize {
        if self.end <= self.last { 1 } else { ((self.end - self.last) as usize).div_ceil(width as usize) }
    }
}

/// A number without the bits below `2^last`.
fn cut(x: f32, last: i32) -> f32 {
    let bits = x.to_bits();
    let unit = ((bits >> 23 & 0xFF) as i32).max(1) - 150;
    match last - unit {
        ..=0 => x,
        drop @ 1..=23 => f32::from_bits(bits & !((1 << drop) - 1)),
        _ => 0.0,
    }
}

/// The bits of a number in a slice. Of a subnormal number, or one whose hidden bit goes, the subtraction does it.
fn slice(x: f32, from: i32, to: i32) -> f32 {
    cut(x, from) - cut(x, to)
}

impl Split {
    /// How the left side is cut, if in few slices.
    pub(super) fn new(left: &[Vec<Tile>], depth: usize) -> Option<Self> {
        let none = Range { last: i32::MAX, end: i32::MIN, finite: true };
        let range = left.iter().flatten().fold(none, |range, tile| range.join(Range::of(&tile.numbers)));
        // A sum of `depth` products of two slices has this many bits.
        let width = (53 - (usize::BITS - depth.leading_zeros()) as i32) / 2;
        (range.finite && width > 0 && range.slices(width) <= MOST).then_some(Self { range, width })
    }

    /// Makes the sums of some tiles, unless the panel needs too many slices.
    pub(super) fn run(&self, job: &Job<'_>, tiles: &[Tile], b: &[Lanes<f32>], sink: &mut Sink<'_>) -> bool {
        let range = Range::of(b.as_flattened());
        if !range.finite || range.slices(self.width) > MOST {
            return false;
        }
        let cut_all = |numbers: &[f32], range: Range, index: usize| -> Vec<f32> {
            let from = range.last.saturating_add(index as i32 * self.width);
            numbers.iter().map(|x| slice(*x, from, from.saturating_add(self.width))).collect()
        };
        let (mine, theirs) = (self.range.slices(self.width), range.slices(self.width));
        let panels: Vec<Vec<f32>> =
            if theirs == 1 { Vec::new() } else { (0..theirs).map(|index| cut_all(b.as_flattened(), range, index)).collect() };
        for tile in tiles {
            let slices: Vec<Vec<f32>> =
                if mine == 1 { Vec::new() } else { (0..mine).map(|index| cut_all(&tile.numbers, self.range, index)).collect() };
            let mut states = Vec::with_capacity(mine * theirs);
            for i in 0..mine {
                let a = slices.get(i).map_or(&tile.numbers[..], |slice| &slice[..]);
                for j in 0..theirs {
                    let b = panels.get(j).map_or(b, |slice| slice.as_chunks::<LANES>().0);
                    let mut state = State::ZERO;
                    chain_f64(job.exec.isa(), tile.rows.len(), a, b, &mut state.doubles);
                    states.push(state);
                }
            }
            for (i, row) in tile.rows.clone().enumerate() {
                let sums = (0..LANES).map(|lane| {
                    let mut sum = Fixed::ZERO;
                    states.iter().for_each(|state| sum.add(Unpacked::from_f64(state.doubles[i][lane])));
                    Sum::Exact(sum)
                });
                sink(row, Sums::Any(sums.collect()));
            }
        }
        true
    }
}

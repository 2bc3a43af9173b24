//! Exact sums by f64 kernels: numbers are cut into slices of so few bits that sums of products of two slices are exact in f64; those of all pairs of slices are
//! added in fixed point.

use super::left::Tile;
use super::sums::Sums;
use super::{Job, Sum};
use crate::codec::Unpacked;
use crate::kernel::Isa;
use crate::kernel::gemm::{Block, LANES, Lanes, ROWS, chain_f64, cut_bits};
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

impl Split {
    /// How the left side is cut, if in few slices.
    pub(super) fn new(left: &[Vec<Tile>], depth: usize) -> Option<Self> {
        let none = Range { last: i32::MAX, end: i32::MIN, finite: true };
        let range = left.iter().flatten().fold(none, |range, tile| range.join(Range::of(&tile.numbers)));
        // A sum of `depth` products of two slices has this many bits.
        let width = (53 - (usize::BITS - depth.leading_zeros()) as i32) / 2;
        (range.finite && width > 0 && range.slices(width) <= MOST).then_some(Self { range, width })
    }

    /// Some numbers' bits in a slice.
    fn slice(&self, isa: Isa, range: Range, index: usize, numbers: &[f32]) -> Vec<f32> {
        let from = range.last.saturating_add(index as i32 * self.width);
        let mut slice = numbers.to_vec();
        cut_bits(isa, from, from.saturating_add(self.width), &mut slice);
        slice
    }

    /// Cuts a tile's numbers, if there is anything to cut.
    pub(super) fn prepare(&self, tile: &mut Tile, isa: Isa) {
        let count = self.range.slices(self.width);
        if count > 1 {
            tile.slices = (0..count).map(|index| self.slice(isa, self.range, index, &tile.numbers)).collect();
        }
    }

    /// Makes the sums of some tiles, unless the panel needs too many slices.
    pub(super) fn run(&self, job: &Job<'_>, tiles: &[Tile], b: &[Lanes<f32>], sink: &mut dyn FnMut(usize, Sums<'_>)) -> bool {
        let range = Range::of(b.as_flattened());
        if !range.finite || range.slices(self.width) > MOST {
            return false;
        }
        let isa = job.exec.isa();
        let (mine, theirs) = (self.range.slices(self.width), range.slices(self.width));
        let panels: Vec<Vec<f32>> = match theirs {
            1 => Vec::new(),
            _ => (0..theirs).map(|index| self.slice(isa, range, index, b.as_flattened())).collect(),
        };
        for tile in tiles {
            let mut states = Vec::with_capacity(mine * theirs);
            for i in 0..mine {
                let a = tile.slices.get(i).map_or(&tile.numbers[..], |slice| &slice[..]);
                for j in 0..theirs {
                    let b = panels.get(j).map_or(b, |slice| slice.as_chunks::<LANES>().0);
                    let mut state: Block<f64> = [[0.0; LANES]; ROWS];
                    chain_f64(isa, tile.rows.len(), a, b, &mut state);
                    states.push(state);
                }
            }
            for (i, row) in tile.rows.clone().enumerate() {
                let sums = (0..LANES).map(|lane| {
                    let mut sum = Fixed::ZERO;
                    states.iter().for_each(|state| sum.add(Unpacked::from_f64(state[i][lane])));
                    Sum::Exact(sum)
                });
                sink(row, Sums::Any(sums.collect()));
            }
        }
        true
    }
}

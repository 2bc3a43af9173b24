//! Units that align, as parameters of kernels, and their operands: numbers of a few rows or columns
//! with their ranks, and for FP4 under scales what sums of sixteen know of them. The sums are in
//! `aligned` and `sixteens`.

use super::tile::{Lanes, NR};
use crate::kernel::native::per_isa;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

/// Rows of A whose sums advance side by side.
pub(crate) const ROWS: usize = 4;

/// The rank of a zero: below every other sum of ranks.
pub(in crate::kernel) const NO_RANK: i32 = -8192;

/// The exponents of operands that the kernel takes.
pub(crate) const RANKS: RangeInclusive<i32> = -50..=62;

/// How a sum is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AlignedResult {
    /// Toward zero to f32, whose low mantissa bits are then cleared by this mask.
    CutF32(u32),
    /// To the nearest f32, ties to even.
    NearestF32,
    /// To the nearest f16, ties to even.
    NearestF16,
}

impl AlignedResult {
    /// The bits of C that a group without products leaves: C is on the grid of the other results.
    #[inline(always)]
    pub(crate) fn kept_of_c(self) -> u32 {
        match self {
            Self::CutF32(mask) => mask,
            Self::NearestF32 | Self::NearestF16 => !0,
        }
    }
}

/// A matrix unit as parameters of the kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AlignedUnit {
    /// Products of a group.
    pub(crate) fan_in: usize,
    /// Fraction bits kept below the largest exponent.
    pub(crate) keep: i32,
    /// The least exponent that terms are aligned to.
    pub(crate) floor: i32,
    /// The least exponent of a sum: that of the smallest normal number of its format.
    pub(crate) least: i32,
    pub(crate) result: AlignedResult,
    /// Groups that start from zero, after which the sum before them is added to the nearest; 0 for
    /// sums that are terms of every group.
    pub(crate) late: usize,
}

/// Numbers of one side of some positions, with their ranks: `LEN` rows or columns each.
#[derive(Clone, Debug)]
pub(crate) struct AlignedSide<const LEN: usize> {
    values: Vec<[f32; LEN]>,
    ranks: Vec<[i32; LEN]>,
    /// Not zero for a row with numbers that the kernel does not take.
    marked: [u32; LEN],
}

impl<const LEN: usize> Default for AlignedSide<LEN> {
    fn default() -> Self {
        Self { values: Default::default(), ranks: Default::default(), marked: [0; LEN] }
    }
}

impl<const LEN: usize> AlignedSide<LEN> {
    /// Forgets all positions and marks.
    pub(crate) fn clear(&mut self, positions: usize) {
        self.values.clear();
        self.values.resize(positions, [0.0; LEN]);
        self.ranks.resize(positions, [NO_RANK; LEN]);
        self.marked = [0; LEN];
    }

    /// The numbers, position by position.
    pub(in crate::kernel) fn values(&self) -> &[[f32; LEN]] {
        &self.values
    }

    /// Their ranks, position by position.
    pub(in crate::kernel) fn ranks(&self) -> &[[i32; LEN]] {
        &self.ranks
    }

    /// Which rows have numbers that the kernel does not take.
    pub(crate) fn marked(&self) -> &[u32; LEN] {
        &self.marked
    }
}

/// Fills a side with `height` numbers a position, of which those from `first` on are its own.
/// `format` is the least exponent of their format and the bits of an f32 that the unit looks at.
#[inline(always)]
fn fill_body<const LEN: usize>(
    numbers: &[f32],
    height: usize,
    first: usize,
    (least, cut): (i32, u32),
    pairs_of_four: bool,
    side: &mut AlignedSide<LEN>,
) {
    let count = LEN.min(height - first);
    for (k, numbers) in numbers.chunks_exact(height).enumerate() {
        let place = if pairs_of_four {
            // Of 32 positions, those that are 0 or 1 modulo 4 come first.
            let (group, k) = (k / 32 * 32, k % 32);
            group + (k >> 1 & 1) * 16 + (k >> 2) * 2 + (k & 1)
        } else {
            k
        };
        side.values[place][..count].copy_from_slice(&numbers[first..first + count]);
    }
    // All numbers alike, whatever row they are of: registers are full.
    let mut any = 0;
    let (values, ranks) = (side.values.as_flattened_mut(), side.ranks.as_flattened_mut());
    for (value, rank) in values.iter_mut().zip(ranks) {
        let (bits, of) = rank_of(*value, least, cut);
        let fits = (of >= *RANKS.start()) & (of <= *RANKS.end());
        let zero = bits & 0x7FFF_FFFF == 0;
        any |= u32::from(!zero & !fits);
        *rank = if zero | !fits { NO_RANK } else { of };
        *value = f32::from_bits(bits);
    }
    if any != 0 {
        replace_marked(side, least);
    }
}

/// Returns the bits of a number that a unit looks at, and its exponent.
#[inline(always)]
fn rank_of(x: f32, least: i32, cut: u32) -> (u32, i32) {
    let bits = x.to_bits() & cut;
    (bits, ((bits >> 23 & 0xFF) as i32 - 127).max(least))
}

/// Replaces numbers that the kernel does not take by zeros, and marks their rows.
#[inline(never)]
fn replace_marked<const LEN: usize>(side: &mut AlignedSide<LEN>, least: i32) {
    for values in &mut side.values {
        for (value, marked) in values.iter_mut().zip(&mut side.marked) {
            let (bits, rank) = rank_of(*value, least, !0);
            if bits & 0x7FFF_FFFF != 0 && !RANKS.contains(&rank) {
                (*value, *marked) = (0.0, 1);
            }
        }
    }
}

#[inline(always)]
fn fill_rows_body(
    numbers: &[f32],
    height: usize,
    first: usize,
    format: (i32, u32),
    pairs_of_four: bool,
    side: &mut AlignedSide<ROWS>,
) {
    fill_body(numbers, height, first, format, pairs_of_four, side);
}

#[inline(always)]
fn fill_lanes_body(
    numbers: &[Lanes<f32>],
    format: (i32, u32),
    pairs_of_four: bool,
    side: &mut AlignedSide<NR>,
) {
    fill_body(numbers.as_flattened(), NR, 0, format, pairs_of_four, side);
}

per_isa! {
    /// Fills four rows of A from packed numbers, `height` a position, from row `first` on.
    fn fill_rows[](
        numbers: &[f32],
        height: usize,
        first: usize,
        format: (i32, u32),
        pairs_of_four: bool,
        side: &mut AlignedSide<ROWS>,
    ) = fill_rows_body;

    /// Fills the columns of a panel.
    fn fill_lanes[](
        numbers: &[Lanes<f32>],
        format: (i32, u32),
        pairs_of_four: bool,
        side: &mut AlignedSide<NR>,
    ) = fill_lanes_body;
}

/// The exponents of the scales of a group: of the rows and of the columns.
pub(crate) type ScaleRanks<'a> = Option<(&'a [[i32; ROWS]], &'a [Lanes<i32>])>;

/// Products of a term.
pub(crate) const SIXTEEN: usize = 16;

/// The exponent of a term without products.
pub(in crate::kernel) const NO_PRODUCTS: i32 = -139;

/// What sums of sixteen know of one side, group by group.
#[derive(Clone, Debug)]
pub(crate) struct Sixteens<const LEN: usize> {
    /// A bit for each position whose number is not zero; none where the scale is zero.
    bits: Vec<[i32; LEN]>,
    scales: Vec<[f32; LEN]>,
    ranks: Vec<[i32; LEN]>,
    /// Not zero for a row with a scale that is NaN.
    marked: [u32; LEN],
}

impl<const LEN: usize> Default for Sixteens<LEN> {
    fn default() -> Self {
        let (bits, scales, ranks) = Default::default();
        Self { bits, scales, ranks, marked: [0; LEN] }
    }
}

impl<const LEN: usize> Sixteens<LEN> {
    /// Takes the numbers of a side and the scale of each group and row; `least` is the least
    /// exponent of the scales' format.
    pub(crate) fn set(
        &mut self,
        side: &AlignedSide<LEN>,
        least: i32,
        scale: impl Fn(usize, usize) -> f32,
    ) {
        self.bits.clear();
        self.scales.clear();
        self.ranks.clear();
        self.marked = [0; LEN];
        for (group, numbers) in side.values().chunks(SIXTEEN).enumerate() {
            let mut bits = [0; LEN];
            for (k, numbers) in numbers.iter().enumerate() {
                for (bits, x) in bits.iter_mut().zip(numbers) {
                    *bits |= i32::from(*x != 0.0) << k;
                }
            }
            let scales: [f32; LEN] = core::array::from_fn(|row| scale(group, row).abs());
            for (row, scale) in scales.iter().enumerate() {
                self.marked[row] |= u32::from(scale.is_nan());
                bits[row] = if *scale == 0.0 { 0 } else { bits[row] };
            }
            let finite = scales.map(|scale| if scale.is_nan() { 0.0 } else { scale });
            let rank = |scale: f32| ((scale.to_bits() >> 23) as i32 - 127).max(least);
            self.bits.push(bits);
            self.ranks.push(finite.map(rank));
            self.scales.push(finite);
        }
    }

    /// A bit for each position of a group whose number is not zero.
    pub(in crate::kernel) fn bits(&self) -> &[[i32; LEN]] {
        &self.bits
    }

    /// The scale of each group and row.
    pub(in crate::kernel) fn scales(&self) -> &[[f32; LEN]] {
        &self.scales
    }

    /// The ranks of these scales.
    pub(in crate::kernel) fn ranks(&self) -> &[[i32; LEN]] {
        &self.ranks
    }

    /// Which rows have a scale that is NaN.
    pub(crate) fn marked(&self) -> &[u32; LEN] {
        &self.marked
    }
}

/// Numbers of a side and what sums of sixteen know of them.
pub(crate) type SixteenSide<'a, const LEN: usize> = (&'a AlignedSide<LEN>, &'a Sixteens<LEN>);

//! Sums of matrix units: groups of products that are aligned to the largest exponent, cut toward
//! zero, added exactly and rounded once.
//!
//! ```text
//! for a group of `fan_in` products of a sum        sums: ROWS rows by NR columns, lanes are columns
//!     top  = max of rank_a + rank_b                pass 1, i32: an addition and a maximum a product
//!     top  = max(top, floor, exponent of the sum)
//!     S    = Σ int(a · b · 2^(keep − top))         pass 2, f32 and i32: the conversion cuts
//!     S   += int(sum · 2^(keep − top))
//!     sum  = round(S · 2^(top − keep))             f64: S has fewer than 53 bits
//! ```
//!
//! Why this is exact. A product of two numbers of at most 11 bits is an f32, and multiplying it by
//! a power of two is exact while the result is normal; below that it is less than 1, and the
//! conversion to an integer, which cuts toward zero, makes 0 of it whatever was rounded. Ranks are
//! those of hardware: the exponent of an operand, not below the least of its format; a product is
//! below `4 · 2^rank`, so that an integer is below `2^(keep + 2)`, and sixteen of them fit an i32.
//!
//! Limits. Ranks of operands that are not zero lie between −50 and 62, so that neither products nor
//! powers of two leave f32; [`AlignedSide`] marks rows that have others, and NaN and infinities.
//! Sums that become infinite stay so.

use super::tile::{Lanes, NR};
use crate::kernel::native::per_isa;
use alloc::vec::Vec;
use core::ops::{Range, RangeInclusive};

/// Rows of A whose sums advance side by side.
pub(crate) const ROWS: usize = 4;

/// The rank of a zero: below every other sum of ranks.
const NO_RANK: i32 = -8192;

/// Products whose integers an i32 adds up.
const I32_PRODUCTS: usize = 16;

/// The exponents of operands that the kernel takes.
const RANKS: RangeInclusive<i32> = -50..=62;

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
        self.ranks.clear();
        self.values.resize(positions, [0.0; LEN]);
        self.ranks.resize(positions, [NO_RANK; LEN]);
        self.marked = [0; LEN];
    }

    /// Takes the numbers of a position; `least` is the least exponent of their format, `cut` the
    /// bits of an f32 that the unit looks at.
    #[inline(always)]
    fn set(&mut self, position: usize, numbers: &[f32; LEN], least: i32, cut: u32) {
        let (values, ranks) = (&mut self.values[position], &mut self.ranks[position]);
        for lane in 0..LEN {
            let bits = numbers[lane].to_bits() & cut;
            let (magnitude, field) = (bits & 0x7FFF_FFFF, (bits >> 23 & 0xFF) as i32);
            let rank = (field - 127).max(least);
            let fits = rank >= *RANKS.start() && rank <= *RANKS.end();
            let zero = magnitude == 0;
            values[lane] = if fits { f32::from_bits(bits) } else { 0.0 };
            ranks[lane] = if zero || !fits { NO_RANK } else { rank };
            self.marked[lane] |= u32::from(!zero && !fits);
        }
    }

    /// Which rows have numbers that the kernel does not take.
    pub(crate) fn marked(&self) -> &[u32; LEN] {
        &self.marked
    }
}

/// Fills a side with `height` numbers a position, of which those from `first` on are its own.
/// Position *k* goes to `place(k)`.
#[inline(always)]
fn fill_body<const LEN: usize>(
    numbers: &[f32],
    height: usize,
    first: usize,
    (least, cut): (i32, u32),
    pairs_of_four: bool,
    side: &mut AlignedSide<LEN>,
) {
    for (k, numbers) in numbers.chunks_exact(height).enumerate() {
        let mut own = [0.0; LEN];
        let count = LEN.min(height - first);
        own[..count].copy_from_slice(&numbers[first..first + count]);
        let place = if pairs_of_four {
            // Of 32 positions, those that are 0 or 1 modulo 4 come first.
            let (group, k) = (k / 32 * 32, k % 32);
            group + (k >> 1 & 1) * 16 + (k >> 2) * 2 + (k & 1)
        } else {
            k
        };
        side.set(place, &own, least, cut);
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

/// The exponents of the scales of a group: of the rows and of the columns.
pub(crate) type ScaleRanks<'a> = Option<(&'a [[i32; ROWS]], &'a [Lanes<i32>])>;

/// Returns `2^exponent` for exponents of normal f64s.
#[inline(always)]
fn power(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

impl AlignedResult {
    /// Returns a sum, rounded; the number is exact.
    #[inline(always)]
    fn round(self, x: f64) -> f32 {
        match self {
            Self::CutF32(mask) => {
                let nearest = x as f32;
                // Rounded away from zero: one step back, which of an infinity is the largest number.
                let away = f64::from(nearest).abs() > x.abs() && x.abs() < power(128);
                f32::from_bits((nearest.to_bits() - u32::from(away)) & mask)
            }
            Self::NearestF32 => x as f32,
            Self::NearestF16 => {
                // Adding 1.5 · 2^52 units leaves whole units, ties to even.
                let field = ((x.to_bits() >> 52 & 0x7FF) as i32 - 1023).max(-14);
                let magic = power(field - 10) * 6_755_399_441_055_744.0;
                let even = (x + magic) - magic;
                // An infinite sum has become NaN here.
                let fits = even.abs() <= 65504.0;
                let bound = if fits { even } else { f64::INFINITY.copysign(x) };
                (if x.is_nan() { x } else { bound }) as f32
            }
        }
    }
}

/// Goes on with the sums of four rows in the columns of a panel, over a range of groups.
#[inline(always)]
fn sums_body(
    unit: &AlignedUnit,
    a: &AlignedSide<ROWS>,
    b: &AlignedSide<NR>,
    scales: ScaleRanks<'_>,
    range: Range<usize>,
    sums: &mut [Lanes<f32>; ROWS],
) {
    // The rounding is known to each copy of the loop.
    match unit.result {
        AlignedResult::CutF32(mask) => {
            groups(unit, AlignedResult::CutF32(mask), a, b, scales, range, sums);
        }
        AlignedResult::NearestF32 => {
            groups(unit, AlignedResult::NearestF32, a, b, scales, range, sums);
        }
        AlignedResult::NearestF16 => {
            groups(unit, AlignedResult::NearestF16, a, b, scales, range, sums);
        }
    }
}

#[inline(always)]
fn groups(
    unit: &AlignedUnit,
    result: AlignedResult,
    a: &AlignedSide<ROWS>,
    b: &AlignedSide<NR>,
    scales: ScaleRanks<'_>,
    range: Range<usize>,
    sums: &mut [Lanes<f32>; ROWS],
) {
    let mut before = *sums;
    for group in range {
        let range = group * unit.fan_in..(group + 1) * unit.fan_in;
        let starts = unit.late > 0 && group % unit.late == 0;
        if starts {
            before = *sums;
            *sums = [[0.0; NR]; ROWS];
        }
        let mut tops = [[2 * NO_RANK; NR]; ROWS];
        for (a, b) in a.ranks[range.clone()].iter().zip(&b.ranks[range.clone()]) {
            for row in 0..ROWS {
                for lane in 0..NR {
                    tops[row][lane] = tops[row][lane].max(a[row] + b[lane]);
                }
            }
        }
        // Scales move products, not C: the exponents of both are added to every rank.
        let mut moved = [[0; NR]; ROWS];
        if let Some((of_rows, of_lanes)) = scales {
            for row in 0..ROWS {
                for lane in 0..NR {
                    moved[row][lane] = of_rows[group][row] + of_lanes[group][lane];
                }
            }
        }
        let (mut ups, mut factors) = ([[0; NR]; ROWS], [[0.0f32; NR]; ROWS]);
        for row in 0..ROWS {
            for lane in 0..NR {
                let bits = sums[row][lane].to_bits();
                let field = ((bits >> 23 & 0xFF) as i32 - 127).max(unit.least);
                let of_sum = if bits << 1 == 0 { 2 * NO_RANK } else { field };
                let top = (tops[row][lane] + moved[row][lane]).max(of_sum).max(unit.floor);
                let up = unit.keep - top;
                ups[row][lane] = up;
                // Far below the top a product is cut to nothing: any small factor will do.
                let up = (up + moved[row][lane]).clamp(-126, 127);
                factors[row][lane] = f32::from_bits(((127 + up) as u32) << 23);
            }
        }
        let mut exact = [[0.0f64; NR]; ROWS];
        for range in range
            .clone()
            .step_by(I32_PRODUCTS)
            .map(|start| start..(start + I32_PRODUCTS).min(range.end))
        {
            let mut integers = [[0i32; NR]; ROWS];
            for (a, b) in a.values[range.clone()].iter().zip(&b.values[range]) {
                for row in 0..ROWS {
                    for lane in 0..NR {
                        let product = a[row] * b[lane] * factors[row][lane];
                        integers[row][lane] += cut(product);
                    }
                }
            }
            for row in 0..ROWS {
                for lane in 0..NR {
                    exact[row][lane] += f64::from(integers[row][lane]);
                }
            }
        }
        for row in 0..ROWS {
            for lane in 0..NR {
                let (c, up) = (sums[row][lane], ups[row][lane]);
                // A sum that is not finite stays; it saturates here, and what comes of it is not looked at.
                let term = f64::from((f64::from(c) * power(up)) as i32);
                let d = result.round((exact[row][lane] + term) * power(-up));
                // -0 + 0 is +0: a unit has no -0.
                let d = d + 0.0;
                // Without products C is all there is, on a grid that has it.
                let none = tops[row][lane] < NO_RANK / 2;
                sums[row][lane] = if none || !c.is_finite() { c + 0.0 } else { d };
            }
        }
        if unit.late > 0 && group % unit.late == unit.late - 1 {
            for (sums, before) in sums.iter_mut().zip(&before) {
                for (sum, before) in sums.iter_mut().zip(before) {
                    let added = f64::from(*sum) + f64::from(*before);
                    *sum = match result {
                        // Both are f16s: their sum is an f64, rounded once.
                        AlignedResult::NearestF16 => result.round(added),
                        AlignedResult::CutF32(_) | AlignedResult::NearestF32 => *sum + *before,
                    };
                }
            }
        }
    }
}

/// Returns the integer part of a product on its grid.
#[inline(always)]
fn cut(x: f32) -> i32 {
    // SAFETY: operands are finite, since `AlignedSide::set` replaces others by zero, and of ranks
    // whose sum is at most the top of the group: |x| < 4 · 2^keep < 2^31.
    #[expect(unsafe_code, reason = "the checked conversion costs as much as all the rest")]
    unsafe {
        x.to_int_unchecked()
    }
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

    /// Goes on with the sums of four rows of A in the columns of a panel, over a range of groups.
    fn aligned_sums[](
        unit: &AlignedUnit,
        a: &AlignedSide<ROWS>,
        b: &AlignedSide<NR>,
        scales: ScaleRanks<'_>,
        range: Range<usize>,
        sums: &mut [Lanes<f32>; ROWS],
    ) = sums_body;
}

impl AlignedUnit {
    /// Returns whether sixteen integers fit an i32 with `bits` bits behind the point of a product of
    /// significands below `largest`.
    pub(crate) fn fits(&self, largest: f64) -> bool {
        let products = self.fan_in.min(I32_PRODUCTS) as f64;
        self.keep <= 28 && largest * products * power(self.keep) < power(31)
    }
}

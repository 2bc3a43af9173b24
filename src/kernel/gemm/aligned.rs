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
use crate::kernel::isa::Isa;
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
            Self::NearestF16 => nearest_f16(x),
        }
    }
}

/// A rounding of exact sums whose magnitude is 0 or from 2^-126 on.
trait Rounds: Copy {
    fn round(self, x: f64) -> f32;
}

/// Toward zero: the bits of an f64 that stay.
#[derive(Clone, Copy)]
struct CutTo(u64);

/// To the nearest f32.
#[derive(Clone, Copy)]
struct ToF32;

/// To the nearest f16.
#[derive(Clone, Copy)]
struct ToF16;

impl Rounds for CutTo {
    #[inline(always)]
    fn round(self, x: f64) -> f32 {
        // What is left is an f32, or 2^128 and more, which becomes infinite.
        f64::from_bits(x.to_bits() & self.0) as f32
    }
}

impl Rounds for ToF32 {
    #[inline(always)]
    fn round(self, x: f64) -> f32 {
        x as f32
    }
}

impl Rounds for ToF16 {
    #[inline(always)]
    fn round(self, x: f64) -> f32 {
        nearest_f16(x)
    }
}

/// Returns the nearest f16, ties to even.
#[inline(always)]
fn nearest_f16(x: f64) -> f32 {
    // The power of two below the magnitude, or that of the smallest normal number. Adding 1.5 · 2^52
    // units leaves whole units, ties to even.
    let normal = if x.abs() > power(-14) { x.abs() } else { power(-14) };
    let binade = f64::from_bits(normal.to_bits() & 0x7FF0_0000_0000_0000);
    let magic = binade * (power(42) * 1.5);
    let even = (x + magic) - magic;
    // An infinite x has become NaN in `even`.
    let bound = if even.abs() <= 65504.0 { even } else { f64::INFINITY.copysign(x) };
    (if x.is_nan() { x } else { bound }) as f32
}

/// Returns the largest sum of two ranks in each lane.
#[inline(always)]
fn tops(a: &[[i32; ROWS]], b: &[Lanes<i32>]) -> [Lanes<i32>; ROWS] {
    let mut tops = [[2 * NO_RANK; NR]; ROWS];
    for (a, b) in a.iter().zip(b) {
        for (tops, a) in tops.iter_mut().zip(a) {
            for (top, b) in tops.iter_mut().zip(b) {
                *top = (*top).max(*a + *b);
            }
        }
    }
    tops
}

/// Returns the sums of at most sixteen products, each cut to an integer under a factor.
#[inline(always)]
fn cut_products(
    a: &[[f32; ROWS]],
    b: &[Lanes<f32>],
    factors: &[Lanes<f32>; ROWS],
) -> [Lanes<i32>; ROWS] {
    let mut sums = [[0i32; NR]; ROWS];
    for (a, b) in a.iter().zip(b) {
        for ((sums, factors), a) in sums.iter_mut().zip(factors).zip(a) {
            for ((sum, factor), b) in sums.iter_mut().zip(factors).zip(b) {
                *sum = sum.wrapping_add(cut(*a * *b * *factor));
            }
        }
    }
    sums
}

/// Returns the exponent of a sum; of zero one below all others.
#[inline(always)]
fn exponent(sum: f32, least: i32) -> i32 {
    let bits = sum.to_bits();
    let field = ((bits >> 23 & 0xFF) as i32 - 127).max(least);
    if bits << 1 == 0 { 2 * NO_RANK } else { field }
}

/// Adds the products of a group to exact sums.
#[inline(always)]
fn add_products(
    range: Range<usize>,
    a: &AlignedSide<ROWS>,
    b: &AlignedSide<NR>,
    factors: &[Lanes<f32>; ROWS],
    exact: &mut [Lanes<f64>; ROWS],
) {
    let mut start = range.start;
    while start < range.end {
        let end = (start + I32_PRODUCTS).min(range.end);
        let sums = cut_products(&a.values[start..end], &b.values[start..end], factors);
        for (exact, sums) in exact.iter_mut().zip(&sums) {
            for (exact, sum) in exact.iter_mut().zip(sums) {
                *exact += f64::from(*sum);
            }
        }
        start = end;
    }
}

/// Groups without scales. As ranks of products are −100 or more, a sum that a product joins is a
/// multiple of 2^-125 or coarser: it is 0 or no subnormal f32, and all powers of two are f32s.
#[inline(always)]
fn groups<R: Rounds>(
    unit: &AlignedUnit,
    rounding: R,
    a: &AlignedSide<ROWS>,
    b: &AlignedSide<NR>,
    range: Range<usize>,
    sums: &mut [Lanes<f32>; ROWS],
) {
    let mut before = *sums;
    for group in range {
        if unit.late > 0 && group % unit.late == 0 {
            before = *sums;
            *sums = [[0.0; NR]; ROWS];
        }
        let products = group * unit.fan_in..(group + 1) * unit.fan_in;
        let tops = tops(&a.ranks[products.clone()], &b.ranks[products.clone()]);
        let mut factors = [[0.0f32; NR]; ROWS];
        let mut backs = [[0.0f32; NR]; ROWS];
        let mut exact = [[0.0f64; NR]; ROWS];
        for row in 0..ROWS {
            let (tops, sums) = (&tops[row], &sums[row]);
            let (factors, backs, exact) = (&mut factors[row], &mut backs[row], &mut exact[row]);
            for lane in 0..NR {
                let c = sums[lane];
                let top = tops[lane].max(exponent(c, unit.least)).max(unit.floor);
                // Without products the top may be so low that no f32 goes up to it; the sum is C.
                let up = (unit.keep - top).min(126);
                factors[lane] = f32::from_bits(((127 + up) as u32) << 23);
                backs[lane] = f32::from_bits(((127 - up) as u32) << 23);
                let finite = if c.abs() < f32::INFINITY { c } else { 0.0 };
                exact[lane] = f64::from(cut(finite * factors[lane]));
            }
        }
        add_products(products, a, b, &factors, &mut exact);
        for row in 0..ROWS {
            let (tops, exact, backs) = (&tops[row], &exact[row], &backs[row]);
            let sums = &mut sums[row];
            for lane in 0..NR {
                let c = sums[lane];
                // -0 + 0 is +0: a unit has no -0.
                let d = rounding.round(exact[lane] * f64::from(backs[lane])) + 0.0;
                // Without products C is all there is, on a grid that has it; what is not finite
                // stays.
                let kept = (tops[lane] < NO_RANK / 2) | !(c.abs() < f32::INFINITY);
                sums[lane] = if kept { c + 0.0 } else { d };
            }
        }
        if unit.late > 0 && group % unit.late == unit.late - 1 {
            for (sums, before) in sums.iter_mut().zip(&before) {
                for (sum, before) in sums.iter_mut().zip(before) {
                    // Two numbers of a format add up to an f64, or nearly: an f32's sum is rounded
                    // once, in f32.
                    let added = *sum + *before;
                    *sum = match unit.result {
                        AlignedResult::NearestF16 => nearest_f16(f64::from(added)),
                        AlignedResult::CutF32(_) | AlignedResult::NearestF32 => added,
                    };
                }
            }
        }
    }
}

/// Groups whose products are moved by the scales of their rows and columns, over the whole range of
/// f64's exponents.
#[inline(always)]
fn moved_groups(
    unit: &AlignedUnit,
    a: &AlignedSide<ROWS>,
    b: &AlignedSide<NR>,
    (of_rows, of_lanes): (&[[i32; ROWS]], &[Lanes<i32>]),
    range: Range<usize>,
    sums: &mut [Lanes<f32>; ROWS],
) {
    for group in range {
        let products = group * unit.fan_in..(group + 1) * unit.fan_in;
        let tops = tops(&a.ranks[products.clone()], &b.ranks[products.clone()]);
        let mut factors = [[0.0f32; NR]; ROWS];
        let mut ups = [[0; NR]; ROWS];
        let mut exact = [[0.0f64; NR]; ROWS];
        for row in 0..ROWS {
            for lane in 0..NR {
                // Scales move products, not C.
                let (c, moved) = (sums[row][lane], of_rows[group][row] + of_lanes[group][lane]);
                let top = (tops[row][lane] + moved).max(exponent(c, unit.least)).max(unit.floor);
                let up = unit.keep - top;
                ups[row][lane] = up;
                // Far below the top a product is cut to nothing: any small factor will do.
                let of_products = (up + moved).clamp(-126, 127);
                factors[row][lane] = f32::from_bits(((127 + of_products) as u32) << 23);
                // An infinite sum saturates here; it stays, and what comes of it is not looked at.
                exact[row][lane] = f64::from((f64::from(c) * power(up)) as i32);
            }
        }
        add_products(products, a, b, &factors, &mut exact);
        for row in 0..ROWS {
            for lane in 0..NR {
                let c = sums[row][lane];
                let d = unit.result.round(exact[row][lane] * power(-ups[row][lane])) + 0.0;
                let kept = (tops[row][lane] < NO_RANK / 2) | !(c.abs() < f32::INFINITY);
                sums[row][lane] = if kept { c + 0.0 } else { d };
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
    match (unit.result, scales) {
        (AlignedResult::CutF32(mask), None) => {
            groups(unit, CutTo(!0 << 61 | u64::from(mask) << 29), a, b, range, sums);
        }
        (AlignedResult::NearestF32, None) => groups(unit, ToF32, a, b, range, sums),
        (AlignedResult::NearestF16, None) => groups(unit, ToF16, a, b, range, sums),
        (_, Some(scales)) => moved_groups(unit, a, b, scales, range, sums),
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

    /// The loops of [`aligned_sums`].
    fn sums_of[](
        unit: &AlignedUnit,
        a: &AlignedSide<ROWS>,
        b: &AlignedSide<NR>,
        scales: ScaleRanks<'_>,
        range: Range<usize>,
        sums: &mut [Lanes<f32>; ROWS],
    ) = sums_body;
}

/// Goes on with the sums of four rows of A in the columns of a panel, over a range of groups.
pub(crate) fn aligned_sums(
    isa: Isa,
    unit: &AlignedUnit,
    a: &AlignedSide<ROWS>,
    b: &AlignedSide<NR>,
    scales: ScaleRanks<'_>,
    range: Range<usize>,
    sums: &mut [Lanes<f32>; ROWS],
) {
    // For AVX-512 the compiler leaves the loops over sixteen lanes scalar: twenty times slower.
    sums_of(isa.without_gathers(), unit, a, b, scales, range, sums);
}

impl AlignedUnit {
    /// Returns whether sixteen integers fit an i32 with `bits` bits behind the point of a product of
    /// significands below `largest`.
    pub(crate) fn fits(&self, largest: f64) -> bool {
        let products = self.fan_in.min(I32_PRODUCTS) as f64;
        self.keep <= 28 && largest * products * power(self.keep) < power(31)
    }
}

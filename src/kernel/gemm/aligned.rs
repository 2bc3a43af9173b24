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

use super::aligned_operands::{AlignedResult, AlignedSide, AlignedUnit, NO_RANK, ROWS, ScaleRanks};
use super::tile::{Lanes, NR};
use super::unit_intrinsics::UnitIntrinsics;
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};
use core::ops::Range;

/// Products of a group at most.
const LARGEST_FAN_IN: usize = 256;

/// Groups whose tops are found at once.
const TOPS: usize = 8;

/// Products whose integers an i32 adds up.
const I32_PRODUCTS: usize = 16;

/// Returns `2^exponent` for exponents of normal f64s.
#[inline(always)]
pub(super) fn power(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

impl AlignedResult {
    /// Returns a sum, rounded; the number is exact.
    #[inline(always)]
    pub(super) fn round(self, x: f64) -> f32 {
        match self {
            Self::CutF32(mask) => {
                let nearest = x as f32;
                // Rounded away from zero: one step back, which of an infinity is the largest
                // number.
                let away = f64::from(nearest).abs() > x.abs() && x.abs() < power(128);
                f32::from_bits((nearest.to_bits() - u32::from(away)) & mask)
            }
            Self::NearestF32 => x as f32,
            Self::NearestF16 => nearest_f16(x),
        }
    }
}

/// A rounding of exact sums whose magnitude is 0 or from 2^-126 on.
pub(crate) trait Rounds: Copy {
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

/// Returns the f16 nearest to a finite number, ties to even.
#[inline(always)]
fn nearest_f16(x: f64) -> f32 {
    // The power of two below the magnitude, or that of the smallest normal number. Adding 1.5 ·
    // 2^52 units leaves whole units, ties to even.
    let normal = if x.abs() > power(-14) { x.abs() } else { power(-14) };
    let binade = f64::from_bits(normal.to_bits() & 0x7FF0_0000_0000_0000);
    let magic = binade * (power(42) * 1.5);
    let even = (x + magic) - magic;
    let bound = if even.abs() <= 65504.0 { even } else { f64::INFINITY.copysign(x) };
    bound as f32
}

/// Returns the exponent of a sum; of zero one below all others.
#[inline(always)]
pub(super) fn exponent(sum: f32, least: i32) -> i32 {
    let bits = sum.to_bits();
    let field = ((bits >> 23 & 0xFF) as i32 - 127).max(least);
    if bits << 1 == 0 { 2 * NO_RANK } else { field }
}

/// Whether a sum stays what it is but for bits that the result does not have: without products C is
/// all there is, and what is not finite stays.
#[inline(always)]
pub(super) fn stays(sum: f32, top: i32) -> bool {
    (top < NO_RANK / 2) | !sum.is_finite()
}

/// What a group without products leaves of C. Below 2^-126 the bits that go are those under the last
/// that a group keeps there.
#[inline(always)]
fn alone(c: f32, kept: u32) -> f32 {
    f32::from_bits(c.to_bits() & kept)
}

/// What a group starts from, lane by lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupStart {
    /// What multiplies products: `2^(keep − top)`, and scales.
    factors: [Lanes<f32>; ROWS],
    /// The exponent `keep − top`.
    ups: [Lanes<i32>; ROWS],
    /// The integer that C is.
    terms: [Lanes<i32>; ROWS],
}

impl GroupStart {
    const NONE: Self =
        Self { factors: [[0.0; NR]; ROWS], ups: [[0; NR]; ROWS], terms: [[0; NR]; ROWS] };
}

/// Finds the largest sum of two ranks of each group, in each lane.
#[inline(always)]
fn tops_body(fan_in: usize, a: &[[i32; ROWS]], b: &[Lanes<i32>], tops: &mut [[Lanes<i32>; ROWS]]) {
    for ((a, b), found) in a.chunks_exact(fan_in).zip(b.chunks_exact(fan_in)).zip(tops) {
        let mut tops = [[2 * NO_RANK; NR]; ROWS];
        for (a, b) in a.iter().zip(b) {
            for (tops, a) in tops.iter_mut().zip(a) {
                for (top, b) in tops.iter_mut().zip(b) {
                    *top = (*top).max(*a + *b);
                }
            }
        }
        *found = tops;
    }
}

/// Aligns C. As ranks of products are −100 or more, all powers of two of a group with products are
/// f32s; one without has a `top` as low as it likes, and its sum stays.
#[inline(always)]
fn start_body(
    unit: &AlignedUnit,
    tops: &[Lanes<i32>; ROWS],
    sums: &[Lanes<f32>; ROWS],
    start: &mut GroupStart,
) {
    let (ups, terms) = (start.ups.as_flattened_mut(), start.terms.as_flattened_mut());
    let lanes = tops.as_flattened().iter().zip(sums.as_flattened());
    let made = start.factors.as_flattened_mut().iter_mut().zip(ups).zip(terms);
    for ((top, sum), ((factor, up), term)) in lanes.zip(made) {
        let top = (*top).max(exponent(*sum, unit.least)).max(unit.floor);
        *up = (unit.keep - top).min(126);
        *factor = f32::from_bits(((127 + *up) as u32) << 23);
        let finite = if sum.is_finite() { *sum } else { 0.0 };
        *term = cut(finite * *factor);
    }
}

/// Aligns C where scales move products: `moved` is the exponent that they add. The powers of two
/// are f64s.
#[inline(always)]
fn moved_start_body(
    unit: &AlignedUnit,
    moved: (&[i32; ROWS], &Lanes<i32>),
    tops: &[Lanes<i32>; ROWS],
    sums: &[Lanes<f32>; ROWS],
    start: &mut GroupStart,
) {
    for row in 0..ROWS {
        for lane in 0..NR {
            let (c, moved) = (sums[row][lane], moved.0[row] + moved.1[lane]);
            let top = (tops[row][lane] + moved).max(exponent(c, unit.least)).max(unit.floor);
            let up = unit.keep - top;
            start.ups[row][lane] = up;
            // Far below the top a product is cut to nothing: any small factor will do.
            let of_products = (up + moved).clamp(-126, 127);
            start.factors[row][lane] = f32::from_bits(((127 + of_products) as u32) << 23);
            // An infinite sum saturates here; it stays, and what comes of it is not looked at.
            start.terms[row][lane] = (f64::from(c) * power(up)) as i32;
        }
    }
}

/// Adds up at most sixteen products, each cut to an integer under its factor.
#[inline(always)]
fn products_body(
    a: &[[f32; ROWS]],
    b: &[Lanes<f32>],
    factors: &[Lanes<f32>; ROWS],
    integers: &mut [Lanes<i32>; ROWS],
) {
    let mut sums = [[0i32; NR]; ROWS];
    for (a, b) in a.iter().zip(b) {
        for ((sums, factors), a) in sums.iter_mut().zip(factors).zip(a) {
            for ((sum, factor), b) in sums.iter_mut().zip(factors).zip(b) {
                *sum = sum.wrapping_add(cut(*a * *b * *factor));
            }
        }
    }
    *integers = sums;
}

/// Adds up integers, and rounds: a sum that a product joins is a multiple of 2^-125 or coarser, so
/// that it is 0 or no subnormal f32. Beside the rounding stand the bits of C that a group without
/// products leaves.
#[inline(always)]
fn finish_body<R: Rounds>(
    rounding: (R, u32),
    tops: &[Lanes<i32>; ROWS],
    start: &GroupStart,
    integers: &[[Lanes<i32>; ROWS]],
    sums: &mut [Lanes<f32>; ROWS],
) {
    let (rounding, kept) = rounding;
    let mut exact = [[0.0f64; NR]; ROWS];
    let exact = exact.as_flattened_mut();
    for (exact, term) in exact.iter_mut().zip(start.terms.as_flattened()) {
        *exact = f64::from(*term);
    }
    for integers in integers {
        for (exact, integer) in exact.iter_mut().zip(integers.as_flattened()) {
            *exact += f64::from(*integer);
        }
    }
    let lanes = start.ups.as_flattened().iter().zip(tops.as_flattened());
    for ((sum, exact), (up, top)) in sums.as_flattened_mut().iter_mut().zip(exact).zip(lanes) {
        let back = f32::from_bits(((127 - *up) as u32) << 23);
        // -0 + 0 is +0: a unit has no -0.
        let d = rounding.round(*exact * f64::from(back)) + 0.0;
        *sum = if stays(*sum, *top) { alone(*sum, kept) + 0.0 } else { d };
    }
}

/// Adds up integers, and rounds sums of any exponent.
#[inline(always)]
fn moved_finish_body(
    result: AlignedResult,
    tops: &[Lanes<i32>; ROWS],
    start: &GroupStart,
    integers: &[[Lanes<i32>; ROWS]],
    sums: &mut [Lanes<f32>; ROWS],
) {
    let kept = result.kept_of_c();
    for row in 0..ROWS {
        for lane in 0..NR {
            let mut exact = f64::from(start.terms[row][lane]);
            for integers in integers {
                exact += f64::from(integers[row][lane]);
            }
            let d = result.round(exact * power(-start.ups[row][lane])) + 0.0;
            let sum = &mut sums[row][lane];
            *sum = if stays(*sum, tops[row][lane]) { alone(*sum, kept) + 0.0 } else { d };
        }
    }
}

/// Adds sums to those before them, rounded to the nearest.
fn add_late(unit: &AlignedUnit, before: &[Lanes<f32>; ROWS], sums: &mut [Lanes<f32>; ROWS]) {
    for (sum, before) in sums.as_flattened_mut().iter_mut().zip(before.as_flattened()) {
        let added = *sum + *before;
        *sum = match unit.result {
            // f32 has more than twice the bits of f16: rounding twice is rounding once.
            AlignedResult::NearestF16 if added.is_finite() => nearest_f16(f64::from(added)),
            _ => added,
        };
    }
}

/// Returns the integer part of a product on its grid.
#[inline(always)]
fn cut(x: f32) -> i32 {
    // SAFETY: operands are finite, since `fill_body` replaces others by zero, and of ranks
    // whose sum is at most the top of the group: |x| < 4 · 2^keep < 2^31.
    #[expect(unsafe_code, reason = "the checked conversion costs as much as all the rest")]
    unsafe {
        x.to_int_unchecked()
    }
}

per_isa! {
    // A function for each stage: one for all of a group is too much for the compiler, which leaves
    // it scalar, a tenth as fast.
    /// Finds the tops of groups.
    fn find_tops[](
        fan_in: usize,
        a: &[[i32; ROWS]],
        b: &[Lanes<i32>],
        tops: &mut [[Lanes<i32>; ROWS]],
    ) = tops_body;

    /// Aligns C.
    fn start_group[](
        unit: &AlignedUnit,
        tops: &[Lanes<i32>; ROWS],
        sums: &[Lanes<f32>; ROWS],
        start: &mut GroupStart,
    ) = start_body;

    /// Aligns C where scales move products.
    fn start_moved[](
        unit: &AlignedUnit,
        moved: (&[i32; ROWS], &Lanes<i32>),
        tops: &[Lanes<i32>; ROWS],
        sums: &[Lanes<f32>; ROWS],
        start: &mut GroupStart,
    ) = moved_start_body;

    /// Adds up products as integers.
    fn cut_products[](
        a: &[[f32; ROWS]],
        b: &[Lanes<f32>],
        factors: &[Lanes<f32>; ROWS],
        integers: &mut [Lanes<i32>; ROWS],
    ) = products_body;

    /// Rounds the sums of a group.
    fn finish_group[R: Rounds](
        rounding: (R, u32),
        tops: &[Lanes<i32>; ROWS],
        start: &GroupStart,
        integers: &[[Lanes<i32>; ROWS]],
        sums: &mut [Lanes<f32>; ROWS],
    ) = finish_body;

    /// Rounds the sums of a group that scales moved.
    fn finish_moved[](
        result: AlignedResult,
        tops: &[Lanes<i32>; ROWS],
        start: &GroupStart,
        integers: &[[Lanes<i32>; ROWS]],
        sums: &mut [Lanes<f32>; ROWS],
    ) = moved_finish_body;
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
    let late = scales.is_some() && unit.late > 0;
    if !late && Native::aligned(isa, unit, (a, b, scales), range.clone(), sums) {
        return;
    }
    // For AVX-512 the compiler leaves loops over sixteen lanes scalar: twenty times slower.
    let isa = isa.without_gathers();
    let mut tops = [[[0; NR]; ROWS]; TOPS];
    let (mut start, mut before) = (GroupStart::NONE, *sums);
    let mut integers = [[[0; NR]; ROWS]; LARGEST_FAN_IN / I32_PRODUCTS];
    for group in range.clone() {
        let place = (group - range.start) % TOPS;
        if place == 0 {
            // Tops do not depend on sums: those of several groups are found at once.
            let groups = group..(group + TOPS).min(range.end);
            let all = groups.start * unit.fan_in..groups.end * unit.fan_in;
            let ranks = (&a.ranks()[all.clone()], &b.ranks()[all]);
            find_tops(isa, unit.fan_in, ranks.0, ranks.1, &mut tops[..groups.len()]);
        }
        let tops = &tops[place];
        if unit.late > 0 && group % unit.late == 0 {
            before = *sums;
            *sums = [[0.0; NR]; ROWS];
        }
        match scales {
            None => start_group(isa, unit, tops, sums, &mut start),
            Some((of_rows, of_lanes)) => {
                let moved = (&of_rows[group], &of_lanes[group]);
                start_moved(isa, unit, moved, tops, sums, &mut start);
            }
        }
        let products = group * unit.fan_in..(group + 1) * unit.fan_in;
        let (a, b) = (&a.values()[products.clone()], &b.values()[products]);
        let mut count = 0;
        for (a, b) in a.chunks(I32_PRODUCTS).zip(b.chunks(I32_PRODUCTS)) {
            cut_products(isa, a, b, &start.factors, &mut integers[count]);
            count += 1;
        }
        let integers = &integers[..count];
        let kept = unit.result.kept_of_c();
        match (scales, unit.result) {
            (Some(_), result) => finish_moved(isa, result, tops, &start, integers, sums),
            (None, AlignedResult::CutF32(mask)) => {
                let cut = CutTo(!0 << 61 | u64::from(mask) << 29);
                finish_group(isa, (cut, kept), tops, &start, integers, sums);
            }
            (None, AlignedResult::NearestF32) => {
                finish_group(isa, (ToF32, kept), tops, &start, integers, sums);
            }
            (None, AlignedResult::NearestF16) => {
                finish_group(isa, (ToF16, kept), tops, &start, integers, sums);
            }
        }
        if unit.late > 0 && group % unit.late == unit.late - 1 {
            add_late(unit, &before, sums);
        }
    }
}

impl AlignedUnit {
    /// Returns whether sixteen integers fit an i32 with `bits` bits behind the point of a product
    /// of significands below `largest`.
    pub(crate) fn fits(&self, largest: f64) -> bool {
        let products = self.fan_in.min(I32_PRODUCTS) as f64;
        self.keep <= 28 && largest * products * power(self.keep) < power(31)
    }
}

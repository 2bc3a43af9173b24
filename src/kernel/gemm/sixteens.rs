//! Sums of matrix units for FP4 under scales: sixteen products are added exactly and multiplied by
//! the product of two scales; a few such terms and C are aligned, cut toward zero and added.
//!
//! ```text
//! P_g  = Σ a · b of sixteen products             f32, exact: few bits
//! E_g  = rank of the scale of A + that of B      the exponent of a term is that of its scales
//! top  = max(E_g, exponent of the sum, floor)    E_g of zero products is that of nothing
//! S    = Σ trunc(P_g · s_a · s_b · 2^(keep − top)) + trunc(sum · 2^(keep − top))      f64, exact
//! sum  = S · 2^(top − keep), cut toward zero to f32
//! ```
//!
//! A group whose products are all zero has no exponent, one whose products cancel has. Whether all
//! are zero is told by bits: those of positions where a is not zero, and those where b is not.

use super::aligned::{exponent, power, stays};
use super::aligned_operands::{
    AlignedResult, AlignedUnit, NO_PRODUCTS, NO_RANK, ROWS, SIXTEEN, SixteenSide,
};
use super::tile::{Lanes, NR};
use super::unit_intrinsics::UnitIntrinsics;
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};
use core::ops::Range;

/// Returns the exact sums of sixteen products.
#[inline(always)]
fn products(a: &[[f32; ROWS]], b: &[Lanes<f32>]) -> [Lanes<f32>; ROWS] {
    let mut sums = [[0.0f32; NR]; ROWS];
    for (a, b) in a.iter().zip(b) {
        for (sums, a) in sums.iter_mut().zip(a) {
            for (sum, b) in sums.iter_mut().zip(b) {
                *sum += *a * *b;
            }
        }
    }
    sums
}

/// Returns the integer part of a number below 2^51 in magnitude.
#[inline(always)]
fn trunc(x: f64) -> f64 {
    // Adding 2^52 leaves an integer, to the nearest; one too large is put right.
    let magnitude = x.abs();
    let nearest = (magnitude + power(52)) - power(52);
    let less = if nearest > magnitude { 1.0 } else { 0.0 };
    (nearest - less).copysign(x)
}

#[inline(always)]
fn sums_body(
    unit: &AlignedUnit,
    (a, of_a): SixteenSide<'_, ROWS>,
    (b, of_b): SixteenSide<'_, NR>,
    range: Range<usize>,
    sums: &mut [Lanes<f32>; ROWS],
) {
    let terms = unit.fan_in / SIXTEEN;
    for step in range {
        let groups = step * terms..((step + 1) * terms).min(of_a.bits().len());
        let mut tops = [[2 * NO_RANK; NR]; ROWS];
        for group in groups.clone() {
            let (bits_b, ranks_b) = (&of_b.bits()[group], &of_b.ranks()[group]);
            for (row, tops) in tops.iter_mut().enumerate() {
                let (bits, rank) = (of_a.bits()[group][row], of_a.ranks()[group][row]);
                for lane in 0..NR {
                    let any = bits & bits_b[lane] != 0;
                    let term = if any { rank + ranks_b[lane] } else { 2 * NO_RANK };
                    tops[lane] = tops[lane].max(term);
                }
            }
        }
        let mut ups = [[0i32; NR]; ROWS];
        let mut exact = [[0.0f64; NR]; ROWS];
        for row in 0..ROWS {
            let (ups, exact, sums) = (&mut ups[row], &mut exact[row], &sums[row]);
            for lane in 0..NR {
                let c = sums[lane];
                let top = tops[row][lane].max(exponent(c, unit.least));
                ups[lane] = unit.keep - top.max(unit.floor.max(NO_PRODUCTS));
                let finite = if c.is_finite() { c } else { 0.0 };
                exact[lane] = trunc(f64::from(finite) * power(ups[lane]));
            }
        }
        for group in groups {
            let range = group * SIXTEEN..(group + 1) * SIXTEEN;
            let products = products(&a.values()[range.clone()], &b.values()[range]);
            for row in 0..ROWS {
                let scale_a = f64::from(of_a.scales()[group][row]);
                let (ups, exact, products) = (&ups[row], &mut exact[row], &products[row]);
                for lane in 0..NR {
                    let scale = scale_a * f64::from(of_b.scales()[group][lane]);
                    let term = f64::from(products[lane]) * scale * power(ups[lane]);
                    exact[lane] += trunc(term);
                }
            }
        }
        for row in 0..ROWS {
            let (ups, exact, sums) = (&ups[row], &exact[row], &mut sums[row]);
            for lane in 0..NR {
                let c = sums[lane];
                let d = AlignedResult::CutF32(!0).round(exact[lane] * power(-ups[lane])) + 0.0;
                sums[lane] = if stays(c, tops[row][lane]) { c + 0.0 } else { d };
            }
        }
    }
}

per_isa! {
    /// The loops of [`sixteen_sums`].
    fn sums_of[](
        unit: &AlignedUnit,
        a: SixteenSide<'_, ROWS>,
        b: SixteenSide<'_, NR>,
        range: Range<usize>,
        sums: &mut [Lanes<f32>; ROWS],
    ) = sums_body;
}

/// Goes on with the sums of four rows of A in the columns of a panel, over a range of steps.
pub(crate) fn sixteen_sums(
    isa: Isa,
    unit: &AlignedUnit,
    a: SixteenSide<'_, ROWS>,
    b: SixteenSide<'_, NR>,
    range: Range<usize>,
    sums: &mut [Lanes<f32>; ROWS],
) {
    if Native::sixteens(isa, unit, (a, b), range.clone(), sums) {
        return;
    }
    // As in `aligned`: for AVX-512 the compiler leaves the loops over sixteen lanes scalar.
    sums_of(isa.without_gathers(), unit, a, b, range, sums);
}

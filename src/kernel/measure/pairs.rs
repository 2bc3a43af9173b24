//! Sums over pairs. A partial sum of 4,096 elements is added up one by one, so its additions wait
//! for each other; several partial sums do not, so they are added side by side:
//!
//! ```text
//! for each chunk of 256 elements of four partial sums:     // 16 KiB of f64s, in L1
//!     settle(x, back)                                      // any order: counts, largest error
//!     for i in 0..256: for lane in 0..4: sum[lane] += term(x[lane][i], back[lane][i])
//! ```
//!
//! Pairs that are not measured become (0, 0) first. Each of their terms is +0, which changes no sum
//! that began at +0: such a sum is never −0. So the loop that adds has no branch.

use crate::kernel::isa::Isa;
use crate::kernel::native::per_isa;

/// Partial sums that are added side by side.
pub(crate) const SIDE: usize = 4;

/// Elements of each partial sum that are in L1 at a time.
pub(crate) const CHUNK_PAIRS: usize = 256;

/// One side of the pairs of a chunk: the references, or what was stored.
pub(crate) type PairBuffer = [[f64; CHUNK_PAIRS]; SIDE];

/// The bits of an f64's magnitude, which are ordered as magnitudes are.
const MAGNITUDE: i64 = i64::MAX;

/// The bits of infinity; those of NaNs are above.
const INFINITY: i64 = 0x7FF << 52;

/// What does not depend on the order of pairs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PairCounts {
    /// Two numbers, the reference finite.
    pub(crate) measured: i64,
    /// Measured references other than 0, stored as 0.
    pub(crate) flushed: i64,
    /// References that are numbers, stored as NaN.
    pub(crate) nan: i64,
    /// References that are NaN.
    pub(crate) nan_references: i64,
    /// References that are infinite.
    pub(crate) infinite_references: i64,
    /// Infinite references that did not stay infinite.
    pub(crate) lost_infinities: i64,
    /// The bits of the largest absolute error of a measured pair.
    pub(crate) largest: i64,
}

/// Counts of pairs of two finite numbers; where `finite` comes back false, of others they are wrong.
#[inline(always)]
fn settle_finite_body(x: &[f64], back: &[f64], counts: &mut PairCounts, finite: &mut bool) {
    // Signed integers throughout: magnitudes are below 2^63, and vectors of AVX2 compare signed.
    let (mut flushed, mut largest, mut top) = (0, counts.largest, 0);
    for (x, back) in x.iter().zip(back) {
        let x_bits = x.to_bits() as i64 & MAGNITUDE;
        let back_bits = back.to_bits() as i64 & MAGNITUDE;
        flushed += i64::from((x_bits != 0) & (back_bits == 0));
        // One maximum tells whether there is anything special.
        top = top.max(x_bits).max(back_bits);
        // Bits of magnitudes are ordered as the numbers are.
        largest = largest.max((*x - *back).abs().to_bits() as i64);
    }
    *finite = top < INFINITY;
    if *finite {
        counts.measured += x.len() as i64;
        counts.flushed += flushed;
        counts.largest = largest;
    }
}

#[inline(always)]
fn settle_any_body(x: &mut [f64], back: &mut [f64], counts: &mut PairCounts) {
    let mut sums = *counts;
    for (x, back) in x.iter_mut().zip(back) {
        let x_bits = x.to_bits() as i64 & MAGNITUDE;
        let back_bits = back.to_bits() as i64 & MAGNITUDE;
        let (x_nan, back_nan) = (x_bits > INFINITY, back_bits > INFINITY);
        let x_infinite = x_bits == INFINITY;
        let measured = (x_bits < INFINITY) & !back_nan;
        sums.measured += i64::from(measured);
        sums.flushed += i64::from(measured & (x_bits != 0) & (back_bits == 0));
        sums.nan += i64::from(!x_nan & back_nan);
        sums.nan_references += i64::from(x_nan);
        sums.infinite_references += i64::from(x_infinite);
        sums.lost_infinities += i64::from(x_infinite & (back_bits != INFINITY));
        // All ones or 0: a mask, where a select might become a branch.
        let keep = i64::from(measured).wrapping_neg() as u64;
        *x = f64::from_bits(x.to_bits() & keep);
        *back = f64::from_bits(back.to_bits() & keep);
        // Never NaN: the reference is finite.
        sums.largest = sums.largest.max((*x - *back).abs().to_bits() as i64);
    }
    *counts = sums;
}

/// Counts pairs of a reference and what was stored for it, raises the largest error, and makes
/// pairs that are not measured (0, 0).
pub(crate) fn settle(isa: Isa, x: &mut [f64], back: &mut [f64], counts: &mut PairCounts) {
    let mut finite = false;
    settle_finite(isa, x, back, counts, &mut finite);
    // Read from L1 a second time, and only where there is something special.
    if !finite {
        settle_any(isa, x, back, counts);
    }
}

/// The terms of a pair: signal, noise, absolute error, stored square and product. Each product is
/// rounded before it is added: no fused operation.
#[inline(always)]
fn terms(x: f64, back: f64) -> [f64; 5] {
    let error = (x - back).abs();
    [x * x, error * error, error, back * back, x * back]
}

/// Adds pairs to the sums of the first lane, one by one, as [`add_side_by_side`] does.
pub(crate) fn add_few(x: &[f64], back: &[f64], sums: &mut [[f64; SIDE]; 5]) {
    for (x, back) in x.iter().zip(back) {
        sums.iter_mut().zip(terms(*x, *back)).for_each(|(lanes, term)| lanes[0] += term);
    }
}

#[inline(always)]
fn side_by_side_body(
    x: &PairBuffer,
    back: &PairBuffer,
    length: usize,
    sums: &mut [[f64; SIDE]; 5],
) {
    // In registers: five vectors, each with one sum of every lane.
    let [mut signal, mut noise, mut absolute, mut stored, mut product] = *sums;
    for i in 0..length.min(CHUNK_PAIRS) {
        for lane in 0..SIDE {
            let [xx, ee, e, yy, xy] = terms(x[lane][i], back[lane][i]);
            signal[lane] += xx;
            noise[lane] += ee;
            absolute[lane] += e;
            stored[lane] += yy;
            product[lane] += xy;
        }
    }
    *sums = [signal, noise, absolute, stored, product];
}

#[cfg(feature = "alloc")]
#[inline(always)]
fn squares_body(x: &[f64], back: &[f32], squares: &mut [f64]) {
    for ((x, back), square) in x.iter().zip(back).zip(squares) {
        let back = f64::from(*back);
        let error = *x - back;
        // The pairs that sums measure; others count as 0, as in `settle`.
        let measured = x.is_finite() & !back.is_nan();
        *square = if measured { error * error } else { 0.0 };
    }
}

/// What is counted of the numbers of two tensors.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Differences {
    /// Elements that differ as numbers; NaN equals NaN.
    pub(crate) differing: i64,
    /// Zeros with different signs.
    pub(crate) zero_signs: i64,
    /// The bits of the largest magnitude of a difference.
    pub(crate) largest: i64,
}

#[cfg(feature = "alloc")]
#[inline(always)]
fn differences_body(a: &[f32], b: &[f32], counts: &mut Differences) {
    let mut sums = *counts;
    for (a, b) in a.iter().zip(b) {
        let both_nan = a.is_nan() & b.is_nan();
        sums.differing += i64::from(!((*a == *b) | both_nan));
        // Equal numbers with different bits are zeros.
        sums.zero_signs += i64::from((*a == *b) & (a.to_bits() != b.to_bits()));
        let difference = (f64::from(*a) - f64::from(*b)).abs();
        // NaN, of NaN or of two infinities, is no difference.
        let difference = if difference.is_nan() { 0.0 } else { difference };
        sums.largest = sums.largest.max(difference.to_bits() as i64);
    }
    *counts = sums;
}

#[inline(always)]
fn amax_body(x: &[f64], amax: &mut f64) {
    let mut largest = amax.to_bits() as i64;
    for x in x {
        let bits = x.to_bits() as i64 & MAGNITUDE;
        // Infinity and NaN count as 0.
        largest = largest.max(if bits < INFINITY { bits } else { 0 });
    }
    *amax = f64::from_bits(largest as u64);
}

/// Adds the first `length` pairs of every lane to its sums, one after the other: x², (x − y)²,
/// |x − y|, y² and x·y.
pub(crate) fn add_side_by_side(
    isa: Isa,
    x: &PairBuffer,
    back: &PairBuffer,
    length: usize,
    sums: &mut [[f64; SIDE]; 5],
) {
    // The numbers of four lanes are four loads; as one gather they would take longer.
    add_lanes(isa.without_gathers(), x, back, length, sums);
}

per_isa! {
    /// Counts pairs and raises the largest error, if all numbers are finite, and tells whether they
    /// are.
    fn settle_finite[](
        x: &[f64],
        back: &[f64],
        counts: &mut PairCounts,
        finite: &mut bool,
    ) = settle_finite_body;
    /// Counts pairs, raises the largest error, and makes pairs that are not measured (0, 0).
    fn settle_any[](x: &mut [f64], back: &mut [f64], counts: &mut PairCounts) = settle_any_body;
    /// Adds pairs of every lane to its sums: [`add_side_by_side`].
    fn add_lanes[](
        x: &PairBuffer,
        back: &PairBuffer,
        length: usize,
        sums: &mut [[f64; SIDE]; 5],
    ) = side_by_side_body;
    /// Raises `amax`, which is not negative, to the largest finite magnitude.
    fn finite_amax_f64[](x: &[f64], amax: &mut f64) = amax_body;
}

#[cfg(feature = "alloc")]
#[inline(always)]
fn largest_body(sums: &[f64], largest: &mut f64) {
    let mut bits = largest.to_bits() as i64;
    for sum in sums {
        // Sums of squares have no sign, so their bits are ordered as they are. NaN counts as 0.
        let here = sum.to_bits() as i64 & MAGNITUDE;
        bits = bits.max(if here <= INFINITY { here } else { 0 });
    }
    *largest = f64::from_bits(bits as u64);
}

#[cfg(feature = "alloc")]
per_isa! {
    /// Raises `largest` to the largest of sums, none of them below 0.
    fn raise_to_largest[](sums: &[f64], largest: &mut f64) = largest_body;
    /// Writes the squares of errors; 0 where the reference is not finite or NaN was stored.
    fn squares[](x: &[f64], back: &[f32], squares: &mut [f64]) = squares_body;
    /// Counts numbers that differ and raises the largest difference. Two infinities of different
    /// signs differ by infinity.
    fn differences[](a: &[f32], b: &[f32], counts: &mut Differences) = differences_body;
}

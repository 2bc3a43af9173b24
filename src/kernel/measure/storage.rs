//! The steps around a rounding whose error is measured: quotients by a scale before it, products
//! with the scale behind it, and which quotients overflowed.

use crate::kernel::isa::Isa;
use crate::kernel::native::per_isa;

/// Quotients that raise the flag of overflow. `high` and `low` are its bounds on either side,
/// infinite where there is none: quotients from `high` to `end_high` raise it, and from `low` down to
/// `end_low`; the ends are infinite, or the largest f64 where infinity stays infinite.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) high: f64,
    pub(crate) low: f64,
    /// The bounds under the random word that is best for overflow. Between these and `high` or
    /// `low` the word decides; they are equal for roundings without random bits.
    pub(crate) possible_high: f64,
    pub(crate) possible_low: f64,
    pub(crate) end_high: f64,
    pub(crate) end_low: f64,
}

impl Bounds {
    /// Returns whether a quotient raises the flag, whatever the random word.
    #[inline(always)]
    fn passed(&self, q: f64) -> bool {
        // Comparisons with NaN are false. No short circuits, which would be branches.
        ((q >= self.high) & (q <= self.end_high)) | ((q <= self.low) & (q >= self.end_low))
    }

    /// Returns whether a quotient raises the flag under some random words only.
    #[inline(always)]
    pub(crate) fn is_doubtful(&self, q: f64) -> bool {
        let possible = ((q >= self.possible_high) & (q <= self.end_high))
            | ((q <= self.possible_low) & (q >= self.end_low));
        possible & !self.passed(q)
    }
}

#[inline(always)]
fn beyond_body(bounds: &Bounds, x: &[f64], q: &[f64], back: &[f64], counts: &mut [i64; 2]) {
    let (bounds, [mut beyond, mut doubtful]) = (*bounds, *counts);
    for ((x, q), back) in x.iter().zip(q).zip(back) {
        let (infinite, q_infinite) = (x.abs() == f64::INFINITY, q.abs() == f64::INFINITY);
        // An infinity that is lost is counted with the other infinities.
        let lost = infinite & (back.abs() != f64::INFINITY);
        // A finite number whose quotient leaves f64; NaN has no infinite quotient.
        let left = !infinite & q_infinite;
        beyond += i64::from((bounds.passed(*q) & !lost) | left);
        doubtful += i64::from(bounds.is_doubtful(*q));
    }
    *counts = [beyond, doubtful];
}

#[inline(always)]
fn within_body(bounds: &Bounds, q: &[f64], all: &mut bool) {
    let (high, low) = (bounds.possible_high, bounds.possible_low);
    let mut outside = 0;
    for q in q {
        // NaN, and anything beside a bound that is NaN, is not within.
        outside |= u64::from(!((*q < high) & (*q > low)));
    }
    *all = outside == 0;
}

/// Counts references whose quotients raise the flag of overflow, and those for which the random
/// word decides. Infinite references that did not stay infinite are not among them.
pub(crate) fn beyond(
    isa: Isa,
    bounds: &Bounds,
    x: &[f64],
    q: &[f64],
    back: &[f64],
    counts: &mut [i64; 2],
) {
    let mut all = false;
    within(isa, bounds, q, &mut all);
    // Most chunks hold nothing beyond: two comparisons a number.
    if !all {
        count_beyond(isa, bounds, x, q, back, counts);
    }
}

#[inline(always)]
fn quotients_body(x: &[f64], scale: f64, quotients: &mut [f64]) {
    for (x, q) in x.iter().zip(quotients) {
        *q = *x / scale;
    }
}

#[inline(always)]
fn products_body(numbers: &[f32], scale: f64, products: &mut [f64]) {
    for (x, product) in numbers.iter().zip(products) {
        *product = f64::from(*x) * scale;
    }
}

#[inline(always)]
fn rescale_body(scale: f64, numbers: &mut [f64]) {
    for x in numbers {
        *x *= scale;
    }
}

#[inline(always)]
fn narrow_body(src: &[f64], dst: &mut [f32], lost: &mut bool) {
    let mut differing = 0;
    for (x, y) in src.iter().zip(dst) {
        *y = *x as f32;
        // NaN differs from itself, so a chunk with NaN counts as inexact.
        differing |= u64::from(f64::from(*y) != *x);
    }
    *lost = differing != 0;
}

per_isa! {
    /// Tells whether no quotient is beyond a bound.
    fn within[](bounds: &Bounds, q: &[f64], all: &mut bool) = within_body;
    /// Counts what is beyond the bounds: [`beyond`].
    fn count_beyond[](
        bounds: &Bounds,
        x: &[f64],
        q: &[f64],
        back: &[f64],
        counts: &mut [i64; 2],
    ) = beyond_body;
    /// Writes x / scale.
    fn quotients[](x: &[f64], scale: f64, quotients: &mut [f64]) = quotients_body;
    /// Writes numbers times the scale.
    fn products[](numbers: &[f32], scale: f64, products: &mut [f64]) = products_body;
    /// Multiplies numbers by the scale.
    fn rescale[](scale: f64, numbers: &mut [f64]) = rescale_body;
    /// Writes the nearest f32s and whether any differs from its f64, as NaN does.
    fn narrow[](src: &[f64], dst: &mut [f32], lost: &mut bool) = narrow_body;
}

//! Codes of a tensor: counted, and which of them are an end of their format that
//! the reference lies beyond.

use crate::kernel::native::per_isa;

/// Counts codes of a byte. Four tables take turns, since a counter that was just written is slow to
/// read again: equal codes often follow each other.
pub(crate) fn count_codes(codes: &[u8], counts: &mut [[u32; 256]; 4]) {
    let [a, b, c, d] = counts;
    let (fours, rest) = codes.as_chunks::<4>();
    for [w, x, y, z] in fours {
        // An index of a byte is below 256: no bounds to check.
        a[usize::from(*w)] += 1;
        b[usize::from(*x)] += 1;
        c[usize::from(*y)] += 1;
        d[usize::from(*z)] += 1;
    }
    for code in rest {
        a[usize::from(*code)] += 1;
    }
}

#[inline(always)]
fn outside_body(x: &[f64], back: &[f64], ends: &[u8], count: &mut i64) {
    let mut sum = 0;
    for ((x, back), end) in x.iter().zip(back).zip(ends) {
        let above = (end & 1 != 0) & (*x > *back);
        let below = (end & 2 != 0) & (*x < *back);
        // NaN is beyond nothing, as comparisons with it are false, but may come back infinite.
        let finite = x.abs() < f64::INFINITY;
        sum += i64::from(finite & (above | below | (back.abs() == f64::INFINITY)));
    }
    *count += sum;
}

per_isa! {
    /// Adds to `count` how many finite references lie beyond what they come back as, or come back
    /// infinite. `ends` is 1 where an element is the largest that its block can express, 2 where it
    /// is the smallest, else 0.
    fn outside[](x: &[f64], back: &[f64], ends: &[u8], count: &mut i64) = outside_body;
}

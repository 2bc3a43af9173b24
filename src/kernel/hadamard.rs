//! Hadamard transforms of successive blocks, in place.
//!
//! A block of n = 2^k numbers goes through k stages, strides n/2, n/4, … 1. A stage replaces each
//! pair (a, b) of that distance by (a + b, a − b). This order of the stages is the definition:
//! every instruction set adds the same pairs, so all give the same bits.
//!
//! ```text
//! for each block:
//!     while a part is longer than 128: up to three stages, by columns of 8 numbers in registers
//!     for each part of 16 to 128:      all its stages in registers, the last four in each 16
//!     (32 are a part of one stage, then two of 16)
//!         before the first stage times `before`, behind the last times `after`
//! ```
//!
//! The last four stages shuffle within 16 numbers: `y[i] = x[i ^ h] ± x[i]`, a shuffle, a flip of
//! signs and an addition for whatever registers there are. Where the instruction set has gathers
//! the compiler takes one number of each of 16 blocks instead, five times slower, so the loops are
//! compiled for one without ([`Isa::without_gathers`]).

use super::isa::Isa;
use super::native::per_isa;

/// Numbers that the last four stages combine.
const SIXTEEN: usize = 16;

/// Parts of blocks whose stages are done in one pass.
const LONGEST_PART: usize = 128;

/// One stage within 16 numbers.
#[inline(always)]
fn stage<const STRIDE: usize>(x: &[f32; SIXTEEN]) -> [f32; SIXTEEN] {
    let mut y = [0.0; SIXTEEN];
    for (i, to) in y.iter_mut().enumerate() {
        // a + b at the place of a, b's negative plus a at the place of b: the bits of a − b.
        let own = f32::from_bits(x[i].to_bits() ^ (u32::from(i & STRIDE != 0) << 31));
        *to = x[i ^ STRIDE] + own;
    }
    y
}

/// The stages with strides R/2, … 1 between R rows of numbers.
#[inline(always)]
fn between_rows<const R: usize, const LANES: usize>(v: &mut [[f32; LANES]; R]) {
    let mut stride = R / 2;
    while stride > 0 {
        for k in 0..R {
            if k & stride == 0 {
                let (above, below) = v.split_at_mut(k + stride);
                for (a, b) in above[k].iter_mut().zip(&mut below[0]) {
                    (*a, *b) = (*a + *b, *a - *b);
                }
            }
        }
        stride /= 2;
    }
}

/// The first log2(R) stages of a part that is longer than [`LONGEST_PART`].
#[inline(always)]
fn first_stages<const R: usize>(part: &mut [f32]) {
    let stride = part.len() / R;
    // Columns of 8: eight rows of them are eight registers of AVX2.
    for at in (0..stride).step_by(8) {
        let mut v = [[0.0; 8]; R];
        for (k, row) in v.iter_mut().enumerate() {
            row.copy_from_slice(&part[at + k * stride..][..8]);
        }
        between_rows(&mut v);
        for (k, row) in v.iter().enumerate() {
            part[at + k * stride..][..8].copy_from_slice(row);
        }
    }
}

/// All stages of parts of 16·R numbers. `before` and `after` are as long as a block, and are used
/// again for the next.
#[inline(always)]
fn all_stages<const R: usize>(x: &mut [f32], before: Option<&[f32]>, after: &[f32]) {
    let before = before.map_or(&[][..], |factors| factors.as_chunks::<SIXTEEN>().0);
    let before = before.as_chunks::<R>().0;
    let after = after.as_chunks::<SIXTEEN>().0.as_chunks::<R>().0;
    // Which part of a block: counted, as a remainder would take as long as a part of 16.
    let mut place = 0;
    for part in x.as_chunks_mut::<SIXTEEN>().0.as_chunks_mut::<R>().0 {
        let mut v = *part;
        if let Some(rows) = before.get(place) {
            for (row, factors) in v.iter_mut().zip(rows) {
                for (x, factor) in row.iter_mut().zip(factors) {
                    *x *= factor;
                }
            }
        }
        between_rows(&mut v);
        for ((row, factors), to) in v.iter().zip(&after[place]).zip(part) {
            let sums = stage::<1>(&stage::<2>(&stage::<4>(&stage::<8>(row))));
            for ((sum, factor), to) in sums.iter().zip(factors).zip(to) {
                let y = sum * factor;
                // Infinities of two signs give a NaN whose sign differs between machines.
                *to = if y.is_nan() { f32::NAN } else { y };
            }
        }
        place = if place + 1 == after.len() { 0 } else { place + 1 };
    }
}

#[inline(always)]
fn transform_body(x: &mut [f32], before: &[f32], after: &[f32]) {
    let length = after.len();
    match length {
        // A pass over the whole slice.
        16 => return all_stages::<1>(x, Some(before), after),
        64 => return all_stages::<4>(x, Some(before), after),
        128 => return all_stages::<8>(x, Some(before), after),
        _ => {}
    }
    for block in x.chunks_exact_mut(length) {
        for (x, factor) in block.iter_mut().zip(before) {
            *x *= factor;
        }
        if length == 32 {
            // The compiler makes a poor loop of two rows of 16 in registers.
            first_stages::<2>(block);
            all_stages::<1>(block, None, after);
            continue;
        }
        let mut span = length;
        while span > LONGEST_PART {
            // As many stages at a time as leave parts of 128 in the end.
            let radix = (span / LONGEST_PART).min(8);
            for part in block.chunks_exact_mut(span) {
                match radix {
                    8 => first_stages::<8>(part),
                    4 => first_stages::<4>(part),
                    _ => first_stages::<2>(part),
                }
            }
            span /= radix;
        }
        all_stages::<8>(block, None, after);
    }
}

per_isa! {
    fn transform[](x: &mut [f32], before: &[f32], after: &[f32]) = transform_body;
}

/// Replaces each block of `after.len()` numbers, a power of two from 16 on, by its Hadamard
/// transform, `y[j] = after[j] · Σ_i (−1)^popcount(i & j) · before[i] · x[i]`; `before` is as long.
/// A product with a factor is rounded to f32, and so is each sum of two. A NaN is 0x7FC00000.
pub(crate) fn hadamard_blocks(isa: Isa, x: &mut [f32], before: &[f32], after: &[f32]) {
    transform(isa.without_gathers(), x, before, after);
}

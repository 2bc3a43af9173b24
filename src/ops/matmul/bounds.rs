//! Bounds that say which arithmetic is exact for the sums of a product.

use super::job::Job;
use super::operand::Operand;
use crate::codec::Unpacked;

/// The length of the blocks of a sum, if it is the shorter one of both sides and divides the longer up to the end of a row.
pub(super) fn shared_block_k(job: &Job<'_>) -> Option<usize> {
    let (a, b, depth) = (job.a.block_k(), job.b.block_k(), job.shape.k);
    let (short, long) = (a.min(b), a.max(b));
    (short >= depth || long >= depth || long.is_multiple_of(short)).then_some(short.max(1))
}

/// A bound for the magnitude of a sum of `count` products of integer elements, in units of the last place; infinity for other elements.
pub(super) fn largest_sum(job: &Job<'_>, count: usize) -> f64 {
    let largest = |operand: &Operand<'_>| operand.largest_integer().unwrap_or(f64::INFINITY);
    largest(&job.a) * largest(&job.b) * count.min(job.shape.k) as f64
}

/// Whether all integers up to `largest`, in units of `2^exponent`, are f32s.
pub(super) fn f32s_hold(largest: f64, exponent: i32) -> bool {
    let unit = Unpacked::new(false, 1, exponent).to_f64();
    largest <= (1u64 << 24) as f64 && exponent >= -149 && largest * unit <= f32::MAX.into()
}

/// Whether all integers up to `largest` are f64s.
pub(super) fn f64s_hold(largest: f64) -> bool {
    largest <= (1u64 << 53) as f64
}

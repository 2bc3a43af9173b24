//! Largest magnitudes of blocks, as bits.

use super::intrinsics::BlockIntrinsics;
use super::operands::Selected;
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};

/// The largest bits that `f` makes of numbers, and of one number before. Independent lanes, so that
/// no maximum waits for the one before, and the compiler does not take a number of each of several
/// blocks instead.
#[inline(always)]
fn largest<const LANES: usize>(src: &[f32], before: u32, f: impl Fn(u32) -> u32) -> u32 {
    let (runs, rest) = src.as_chunks::<LANES>();
    let mut lanes = [0; LANES];
    for run in runs {
        for (lane, x) in lanes.iter_mut().zip(run) {
            *lane = f(x.to_bits()).max(*lane);
        }
    }
    let mut largest = before;
    for lane in lanes {
        largest = largest.max(lane);
    }
    for x in rest {
        largest = largest.max(f(x.to_bits()));
    }
    largest
}

#[inline(always)]
fn block_largest_body<S: Selected>(_side: S, src: &[f32], length: usize, largest_of: &mut [u32]) {
    for (block, to) in src.chunks(length).zip(largest_of) {
        *to = if length < 64 {
            largest::<8>(block, *to, S::magnitude)
        } else {
            largest::<64>(block, *to, S::magnitude)
        };
    }
}

/// For each block the largest magnitude of a side, as its bits, of its numbers and one before: NaN
/// is above infinity, infinity above all others.
pub(crate) fn block_largest<S: Selected>(
    side: S,
    isa: Isa,
    src: &[f32],
    length: usize,
    largest: &mut [u32],
) {
    let done = Native::block_largest::<S>(isa, src, length, largest);
    block_largest_plain(
        isa,
        side,
        &src[(done * length).min(src.len())..],
        length,
        &mut largest[done..],
    );
}

#[inline(always)]
fn amax_body(src: &[f32], amax_bits: &mut u32) {
    *amax_bits = largest::<64>(src, *amax_bits, |bits| bits & 0x7FFF_FFFF);
}

#[inline(always)]
fn finite_amax_body(src: &[f32], amax_bits: &mut u32) {
    *amax_bits = largest::<64>(src, *amax_bits, |bits| {
        let magnitude = bits & 0x7FFF_FFFF;
        magnitude & u32::from(magnitude < 0x7F80_0000).wrapping_neg()
    });
}

per_isa! {
    /// [`block_largest`] by a plain loop.
    fn block_largest_plain[S: Selected](side: S, src: &[f32], length: usize, largest: &mut [u32]) = block_largest_body;
    /// The largest magnitude, as its bits, of the numbers and one before: NaN is above infinity,
    /// infinity above all others.
    fn amax[](src: &[f32], amax_bits: &mut u32) = amax_body;
    /// The largest magnitude, as its bits, of the finite numbers and one before.
    fn finite_amax[](src: &[f32], amax_bits: &mut u32) = finite_amax_body;
}

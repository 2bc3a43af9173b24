//! Largest magnitudes of blocks, as bits.
//!
//! The bits of an f32 without its sign are ordered as its magnitude, infinity above every finite
//! number and NaN above infinity. So a maximum of unsigned integers is a maximum of magnitudes, and
//! one comparison with infinity later says whether a block holds anything not finite.
//!
//! ```text
//! lanes[0..L] = 0                           // L independent maxima, in registers
//! for each L numbers: lanes = max(lanes, f(bits))
//! result = max over lanes, and over the rest one by one
//! ```
//!
//! L is 64 for long blocks, four AVX-512 registers, so that a maximum does not wait for the one
//! before it, and 8 for short blocks, where the reduction at the end counts.

use super::intrinsics::BlockIntrinsics;
use super::operands::Selected;
use crate::kernel::isa::Isa;
use crate::kernel::native::{Native, per_isa};

/// Returns the maximum of `before` and of `f(bits)` of all numbers, in `LANES` independent maxima.
/// Written with lanes, since the compiler would otherwise take one number of each of several blocks
/// into a vector, by gathers.
#[inline(always)]
fn largest<const LANES: usize>(src: &[f32], before: u32, f: impl Fn(u32) -> u32) -> u32 {
    let (vectors, rest) = src.as_chunks::<LANES>();
    let mut lanes = [0; LANES];
    for vector in vectors {
        for (lane, x) in lanes.iter_mut().zip(vector) {
            *lane = f(x.to_bits()).max(*lane);
        }
    }
    // Once for a block: log2(LANES) shuffles where the compiler makes a tree of it.
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
fn block_largest_body<S: Selected>(
    _selected: S,
    src: &[f32],
    length: usize,
    largest_of: &mut [u32],
) {
    if length == 1 {
        for (x, to) in src.iter().zip(largest_of) {
            *to = S::key(x.to_bits()).max(*to);
        }
        return;
    }
    for (block, to) in src.chunks(length).zip(largest_of) {
        // 8 lanes leave blocks of 16 and 32 with two and four vectors of AVX2, and a short
        // reduction.
        *to = if length < 64 {
            largest::<8>(block, *to, S::key)
        } else {
            largest::<64>(block, *to, S::key)
        };
    }
}

/// Raises each entry of `largest` to the largest key of its block. Keys are in most selections
/// magnitudes as f32 bits: NaN is above infinity, infinity above every finite number, and a value
/// that is not selected counts as zero. Entries start at 0, or at a maximum from before.
pub(crate) fn block_largest<S: Selected>(
    selected: S,
    isa: Isa,
    src: &[f32],
    length: usize,
    largest: &mut [u32],
) {
    // Intrinsics do groups of 16 blocks; the plain loop does what is left.
    let done = Native::block_largest::<S>(isa, src, length, largest);
    block_largest_plain(
        isa,
        selected,
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
        // Infinity and NaN count as zero, by a mask of all ones or none.
        magnitude & u32::from(magnitude < 0x7F80_0000).wrapping_neg()
    });
}

per_isa! {
    /// Does what [`block_largest`] does, by a plain loop.
    fn block_largest_plain[S: Selected](
        selected: S,
        src: &[f32],
        length: usize,
        largest: &mut [u32],
    ) = block_largest_body;
    /// Raises `amax_bits` to the largest magnitude, as f32 bits: NaN is above infinity, infinity
    /// above every finite number.
    fn amax[](src: &[f32], amax_bits: &mut u32) = amax_body;
    /// Raises `amax_bits` to the largest finite magnitude, as f32 bits; infinities and NaN count as
    /// zero.
    fn finite_amax[](src: &[f32], amax_bits: &mut u32) = finite_amax_body;
}

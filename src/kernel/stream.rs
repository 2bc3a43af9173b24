//! Slices larger than the caches: inputs are prefetched, and outputs stored past the caches.
//!
//! ```text
//! for each 2 KiB of outputs:
//!     for each 1 KiB of inputs: prefetch 8 KiB ahead; work into a buffer in L1
//!     copy the buffer to the outputs by non-temporal stores, whole cache lines
//! sfence
//! ```
//!
//! An ordinary store first reads the line that it writes from memory; a non-temporal store does
//! not, which saves up to a third of the traffic. The hardware prefetcher stops at the end of every
//! 4 KiB page; the software prefetch does not. On targets other than x86-64 both are plain copies.

use bytemuck::Pod;

/// Bytes of outputs that are stored at once. Longer stretches of non-temporal stores suit memory,
/// shorter ones delay the reads between them less.
const TILE: usize = 2 << 10;

/// Bytes of inputs between prefetches: more requests at once would wait for each other.
const STEP: usize = 1 << 10;

/// Bytes of a cache line.
pub(super) const LINE: usize = 64;

/// Distance of the prefetch in bytes: measured best between 4 and 16 KiB.
const AHEAD: usize = 8 << 10;

/// Bytes, read and written together, above which data does not stay in a cache anyway.
const CACHED: usize = 16 << 20;

/// Returns whether `bytes`, read and written together, are enough for streaming to pay.
pub(crate) const fn is_large(bytes: usize) -> bool {
    bytes > CACHED
}

/// The outputs of one stretch, in L1 until they are stored.
#[repr(align(64))]
struct StagingBuffer([u8; TILE]);

/// Runs `work(index of the first element, inputs, outputs)` over parts of two slices of equal
/// length, with prefetched inputs and streamed outputs. Every element is worked on once, in order.
pub(crate) fn tiles<S, D: Pod>(
    src: &[S],
    dst: &mut [D],
    mut work: impl FnMut(u64, &[S], &mut [D]),
) {
    // The outputs before the first whole line are stored in the ordinary way.
    let head = dst.as_ptr().align_offset(LINE).min(dst.len());
    let (first, src) = src.split_at(head);
    let (first_out, dst) = dst.split_at_mut(head);
    work(0, first, first_out);
    let mut tile = StagingBuffer([0; TILE]);
    let tile: &mut [D] = bytemuck::cast_slice_mut(&mut tile.0);
    let (mut inputs, mut outputs) =
        (src.chunks_exact(tile.len()), dst.chunks_exact_mut(tile.len()));
    let mut index = head as u64;
    let step = STEP / size_of::<S>();
    for (input, output) in inputs.by_ref().zip(outputs.by_ref()) {
        for (input, output) in input.chunks(step).zip(tile.chunks_mut(step)) {
            prefetch(input);
            work(index, input, output);
            index += input.len() as u64;
        }
        store_past_caches(tile, output);
    }
    fence();
    work(index, inputs.remainder(), outputs.into_remainder());
}

/// Copies numbers to memory past the caches, whole cache lines by non-temporal stores. Other
/// threads may not see them before [`fence`].
#[cfg(feature = "alloc")]
pub(crate) fn copy_past_caches(from: &[f32], to: &mut [f32]) {
    let head = to.as_ptr().align_offset(LINE).min(to.len());
    let ((first, from), (first_out, to)) = (from.split_at(head), to.split_at_mut(head));
    first_out.copy_from_slice(first);
    let lines = to.len() - to.len() % (LINE / size_of::<f32>());
    let ((lines, last), (lines_out, last_out)) = (from.split_at(lines), to.split_at_mut(lines));
    store_past_caches(lines, lines_out);
    last_out.copy_from_slice(last);
}

/// Prefetches as many bytes as `input` has, from [`AHEAD`] bytes behind its start.
#[inline]
pub(crate) fn prefetch<S>(input: &[S]) {
    #[cfg(target_arch = "x86_64")]
    for offset in (0..size_of_val(input)).step_by(LINE) {
        fetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(
            input.as_ptr().cast::<i8>().wrapping_add(AHEAD + offset),
        );
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = input;
}

/// Prefetches the cache line at an address, valid or not.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(super) fn fetch<const HINT: i32>(at: *const i8) {
    // SAFETY: a prefetch touches no memory that the program could see, whatever the address, and
    // never faults.
    #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
    unsafe {
        core::arch::x86_64::_mm_prefetch::<HINT>(at);
    }
}

/// Copies whole cache lines by non-temporal stores; `to` starts at a multiple of 16 bytes.
#[inline]
pub(super) fn store_past_caches<D: Pod>(from: &[D], to: &mut [D]) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{__m128i, _mm_stream_si128};
        let (from, to) = (
            bytemuck::cast_slice::<D, [u8; 16]>(from),
            bytemuck::cast_slice_mut::<D, [u8; 16]>(to),
        );
        // Nothing may be left of a slice that ends before its first cache line.
        assert!(
            to.is_empty() || to.as_ptr().align_offset(16) == 0,
            "outputs are cut at cache lines"
        );
        for (from, to) in from.iter().zip(to) {
            // SAFETY: the 16 bytes are exclusively borrowed, and lie at a multiple of 16: the first
            // do, as was asserted.
            #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
            unsafe {
                _mm_stream_si128(to.as_mut_ptr().cast::<__m128i>(), bytemuck::must_cast(*from));
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    to.copy_from_slice(from);
}

/// Orders all non-temporal stores before whatever follows, for other threads too.
#[inline]
pub(crate) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the instruction.
    #[expect(unsafe_code, reason = "the intrinsic is marked with a feature that every target has")]
    unsafe {
        core::arch::x86_64::_mm_sfence();
    }
}

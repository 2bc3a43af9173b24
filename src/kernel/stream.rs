//! Slices larger than the caches, worked on by tiles that fit the first level: what comes next is fetched ahead, and what was made goes past the
//! caches straight to memory.
//!
//! Memory would else be read before it is written, and the processor's own fetching stops at the end of every page.

use bytemuck::Pod;

/// Elements of a tile.
const TILE: usize = 1024;

/// Cache lines.
const LINE: usize = 64;

/// How far ahead inputs are fetched, in bytes: measured best between 4 and 16 KiB.
const AHEAD: usize = 8 << 10;

/// Where the bytes read and written are more than this, they do not stay in a cache anyway.
const LARGE: usize = 16 << 20;

/// Whether so many bytes, read and written, are worth it.
pub(crate) const fn is_large(bytes: usize) -> bool {
    bytes > LARGE
}

/// The outputs of a tile.
#[repr(align(64))]
struct Tile<D>([D; TILE]);

/// Runs `work(index of the first, inputs, outputs)` over pieces of two slices of equal length, past the caches.
pub(crate) fn tiles<S, D: Pod>(src: &[S], dst: &mut [D], mut work: impl FnMut(u64, &[S], &mut [D])) {
    let head = dst.as_ptr().align_offset(LINE).min(dst.len());
    let (first, src) = src.split_at(head);
    let (first_out, dst) = dst.split_at_mut(head);
    work(0, first, first_out);
    let mut tile = Tile([D::zeroed(); TILE]);
    let (whole, rest) = dst.as_chunks_mut::<TILE>();
    let (inputs, last) = src.as_chunks::<TILE>();
    let mut index = head as u64;
    for (input, output) in inputs.iter().zip(whole) {
        prefetch(input);
        work(index, input, &mut tile.0);
        index += TILE as u64;
        store_past_caches(&tile.0, output);
    }
    fence();
    work(index, last, rest);
}

/// Copies numbers that fit a cache to where they do not, whole cache lines past the caches. Until [`fence`] other threads may not see them.
#[cfg(feature = "alloc")]
pub(crate) fn copy_past_caches(from: &[f32], to: &mut [f32]) {
    const FLOATS: usize = LINE / size_of::<f32>();
    let head = to.as_ptr().align_offset(LINE).min(to.len());
    let (first, to) = to.split_at_mut(head);
    let (first_numbers, from) = from.split_at(head);
    first.copy_from_slice(first_numbers);
    let ((lines, rest), (inputs, last)) = (to.as_chunks_mut::<FLOATS>(), from.as_chunks::<FLOATS>());
    for (from, to) in inputs.iter().zip(lines) {
        store_line(from, to);
    }
    rest.copy_from_slice(last);
}

/// Copies a cache line past the caches, to the start of one.
#[cfg(feature = "alloc")]
#[inline]
fn store_line(from: &[f32; 16], to: &mut [f32; 16]) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{__m128i, _mm_stream_si128};
        let (from, to) = (bytemuck::must_cast_ref::<_, [[f32; 4]; 4]>(from), bytemuck::must_cast_mut::<_, [[f32; 4]; 4]>(to));
        for (from, to) in from.iter().zip(to) {
            debug_assert!(to.as_ptr().align_offset(16) == 0);
            // SAFETY: the 16 bytes are exclusively borrowed, and aligned: `copy_past_caches` cuts outputs at cache lines.
            #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
            unsafe {
                _mm_stream_si128(to.as_mut_ptr().cast::<__m128i>(), bytemuck::must_cast(*from));
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    to.copy_from_slice(from);
}

/// Asks for the cache lines that lie ahead of these elements.
#[inline]
pub(crate) fn prefetch<S>(input: &[S]) {
    #[cfg(target_arch = "x86_64")]
    for offset in (0..size_of_val(input)).step_by(LINE) {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let ahead = input.as_ptr().cast::<i8>().wrapping_add(AHEAD + offset);
        // SAFETY: a prefetch touches no memory that the program could see, whatever the address, and never faults.
        #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(ahead);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = input;
}

/// Copies a tile to a slice that starts at a cache line.
#[inline]
fn store_past_caches<D: Pod>(tile: &[D; TILE], output: &mut [D; TILE]) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{__m128i, _mm_stream_si128};
        let (from, to) = (bytemuck::cast_slice::<D, [u8; 16]>(tile), bytemuck::cast_slice_mut::<D, [u8; 16]>(output));
        for (from, to) in from.iter().zip(to) {
            debug_assert!(to.as_ptr().align_offset(16) == 0);
            // SAFETY: the 16 bytes are exclusively borrowed, and aligned: `tiles` cuts outputs at cache lines, and a tile is a multiple of
            // lines long.
            #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
            unsafe {
                _mm_stream_si128(to.as_mut_ptr().cast::<__m128i>(), bytemuck::must_cast(*from));
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    output.copy_from_slice(tile);
}

/// Makes what was stored past the caches visible before anything that follows.
#[inline]
pub(crate) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the instruction.
    #[expect(unsafe_code, reason = "the intrinsic is marked with a feature that every target has")]
    unsafe {
        core::arch::x86_64::_mm_sfence();
    }
}

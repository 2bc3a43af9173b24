//! Rounding by groups of 64 or 128 numbers that stay in registers, where they lie or past the
//! caches, and encoding past the caches.
//!
//! ```text
//! for each group:                        64 are 4 registers of AVX-512, 8 of AVX2
//!     round; largest magnitude
//!     not covered: stop before it        the caller takes the chunk from here by way of codes
//!     store                              over the inputs, or by non-temporal stores
//! ```
//!
//! A kernel over two slices needs a buffer where results are to replace inputs, since a chunk that
//! is not covered is read again; the buffer's copy takes as long as the rounding. A group is tested
//! before it is stored, so nothing has to be read again.

use super::float::{self, Finite};
use super::hif8::{self, HiF8Encode};
use super::integer::{self, Integer};
use crate::kernel::native::per_isa;
use crate::kernel::stream::{prefetch, store_past_caches};

/// Numbers of a group that goes past the caches: as many as hide the latency of the arithmetic and
/// stay in registers.
const PAST_CACHES: usize = 64;

/// Numbers of a group in place: a test takes as long as two registers of numbers, so that a longer
/// group is a tenth faster in L2.
const IN_PLACE: usize = 128;

/// Kernels that round groups.
pub(crate) trait RoundGroup: Copy {
    /// Returns the representable numbers nearest to those of a group, or `None` if a number is not
    /// covered.
    fn group<const N: usize>(&self, x: &[f32; N]) -> Option<[f32; N]>;
}

/// Kernels that encode groups to bytes.
pub(crate) trait EncodeGroup: Copy {
    /// Returns the codes of the numbers of a group, or `None` if a number is not covered.
    fn codes<const N: usize>(&self, x: &[f32; N]) -> Option<[u8; N]>;
}

impl EncodeGroup for Finite {
    #[inline(always)]
    fn codes<const N: usize>(&self, x: &[f32; N]) -> Option<[u8; N]> {
        let (mut codes, mut largest) = ([0; N], 0);
        float::codes_body(self, x, &mut codes, &mut largest);
        self.covers(largest).then_some(codes)
    }
}

impl EncodeGroup for Integer {
    #[inline(always)]
    fn codes<const N: usize>(&self, x: &[f32; N]) -> Option<[u8; N]> {
        let (mut codes, mut largest) = ([0; N], 0);
        integer::codes_body(self, x, &mut codes, &mut largest);
        self.covers(largest).then_some(codes)
    }
}

impl RoundGroup for Finite {
    #[inline(always)]
    fn group<const N: usize>(&self, x: &[f32; N]) -> Option<[f32; N]> {
        let (mut y, mut largest) = ([0.0; N], 0);
        float::numbers_body(self, x, &mut y, &mut largest);
        self.covers_numbers(largest).then_some(y)
    }
}

impl RoundGroup for Integer {
    #[inline(always)]
    fn group<const N: usize>(&self, x: &[f32; N]) -> Option<[f32; N]> {
        let (mut y, mut largest) = ([0.0; N], 0);
        integer::numbers_body(self, x, &mut y, &mut largest);
        self.covers(largest).then_some(y)
    }
}

impl RoundGroup for HiF8Encode {
    #[inline(always)]
    fn group<const N: usize>(&self, x: &[f32; N]) -> Option<[f32; N]> {
        let (mut y, mut largest) = ([0.0; N], 0);
        hif8::numbers_body(self.cap(), x, &mut y, &mut largest);
        self.covers_numbers(largest).then_some(y)
    }
}

#[inline(always)]
fn in_place_body<R: RoundGroup>(kernel: &R, x: &mut [f32], done: &mut usize) {
    // A copy that nothing points at stays in registers.
    let kernel = *kernel;
    let (groups, rest) = x.as_chunks_mut::<IN_PLACE>();
    for group in groups {
        let Some(rounded) = kernel.group(group) else { return };
        *group = rounded;
        *done += IN_PLACE;
    }
    if !rest.is_empty() {
        // Zeros are covered by every kernel, so padding decides nothing.
        let mut padded = [0.0; IN_PLACE];
        padded[..rest.len()].copy_from_slice(rest);
        let Some(rounded) = kernel.group(&padded) else { return };
        rest.copy_from_slice(&rounded[..rest.len()]);
        *done += rest.len();
    }
}

#[inline(always)]
fn past_caches_body<R: RoundGroup>(kernel: &R, src: &[f32], dst: &mut [f32], done: &mut usize) {
    let kernel = *kernel;
    for (x, y) in src.as_chunks::<PAST_CACHES>().0.iter().zip(dst.as_chunks_mut::<PAST_CACHES>().0)
    {
        // Four cache lines in, four out: reads and writes alternate as finely as lines allow.
        prefetch(x);
        let Some(rounded) = kernel.group(x) else { return };
        store_past_caches(&rounded, y);
        *done += PAST_CACHES;
    }
}

#[inline(always)]
fn codes_past_caches_body<E: EncodeGroup>(
    kernel: &E,
    src: &[f32],
    dst: &mut [u8],
    done: &mut usize,
) {
    let kernel = *kernel;
    for (x, y) in src.as_chunks::<PAST_CACHES>().0.iter().zip(dst.as_chunks_mut::<PAST_CACHES>().0)
    {
        // Four cache lines in, one out.
        prefetch(x);
        let Some(codes) = kernel.codes::<PAST_CACHES>(x) else { return };
        store_past_caches(&codes, y);
        *done += PAST_CACHES;
    }
}

per_isa! {
    /// Writes the codes of whole groups past the caches, up to a group that is not covered, and
    /// adds how many are written to `done`. `dst` begins at a cache line.
    fn encode_past_caches[E: EncodeGroup](
        kernel: &E,
        src: &[f32],
        dst: &mut [u8],
        done: &mut usize,
    ) = codes_past_caches_body;
    /// Replaces numbers by the representable numbers nearest to them, up to a group that is not
    /// covered, and adds how many are replaced to `done`.
    fn round_in_place[R: RoundGroup](kernel: &R, x: &mut [f32], done: &mut usize)
        = in_place_body;
    /// Writes the representable numbers nearest to those of whole groups past the caches, up to a
    /// group that is not covered, and adds how many are written to `done`. `dst` begins at a cache
    /// line.
    fn round_past_caches[R: RoundGroup](
        kernel: &R,
        src: &[f32],
        dst: &mut [f32],
        done: &mut usize,
    ) = past_caches_body;
}

//! Bytes on cache lines: what tensors keep their codes in, so that a kernel's stores can be aligned.

use alloc::vec;
use alloc::vec::Vec;

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; LINE]);

const LINE: usize = 64;

const _: () = assert!(size_of::<Line>() == LINE);

// SAFETY: an array of bytes without padding (the size is asserted above): all zeros is a value.
#[expect(unsafe_code, reason = "a marker trait; the derive would bring a procedural macro")]
unsafe impl bytemuck::Zeroable for Line {}
// SAFETY: as above: every pattern is a value, there is no padding and no pointer, and it is `Copy + 'static`.
#[expect(unsafe_code, reason = "a marker trait; the derive would bring a procedural macro")]
unsafe impl bytemuck::Pod for Line {}

/// Bytes that start at a multiple of 64.
#[derive(Clone, Default)]
pub(crate) struct Bytes {
    lines: Vec<Line>,
    len: usize,
}

impl Bytes {
    /// This many zeros.
    pub(crate) fn zeroed(len: usize) -> Self {
        Self { lines: vec![Line([0; LINE]); len.div_ceil(LINE)], len }
    }

    /// A copy.
    pub(crate) fn copied(bytes: &[u8]) -> Self {
        let mut out = Self::zeroed(bytes.len());
        out.as_mut_slice().copy_from_slice(bytes);
        out
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

impl core::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} bytes", self.len)
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

//! Memory that begins at a cache line, for codes of tensors and panels of kernels: a 64-byte
//! register is then loaded with one access, never across two lines.

use alloc::vec;
use alloc::vec::Vec;
use bytemuck::{Pod, Zeroable, must_cast_slice, must_cast_slice_mut};
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

/// One cache line of bytes, at an address that is a multiple of 64.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; LINE]);

const LINE: usize = 64;

const _: () = assert!(size_of::<Line>() == LINE);

// SAFETY: an array of bytes without padding (the size is asserted above): all zeros is a value.
#[expect(unsafe_code, reason = "a marker trait; the derive would bring a procedural macro")]
unsafe impl Zeroable for Line {}
// SAFETY: as above: every pattern is a value, there is no padding and no pointer, and it is
// `Copy + 'static`.
#[expect(unsafe_code, reason = "a marker trait; the derive would bring a procedural macro")]
unsafe impl Pod for Line {}

/// An owned slice whose first element lies at a multiple of 64 bytes.
///
/// It is a vector of cache lines, seen as a slice of T by a checked cast: no unsafe allocation. T
/// needs an alignment and a size that divide 64.
#[derive(Clone)]
pub(crate) struct Aligned<T> {
    /// At least as many lines as `len` elements need.
    lines: Vec<Line>,
    /// Elements in use.
    len: usize,
    /// The element type; the memory itself is lines.
    of: PhantomData<T>,
}

impl<T> Default for Aligned<T> {
    fn default() -> Self {
        Self { lines: Vec::new(), len: 0, of: PhantomData }
    }
}

impl<T: Pod> Aligned<T> {
    /// Returns how many lines hold `len` elements.
    const fn lines(len: usize) -> usize {
        (len * size_of::<T>()).div_ceil(LINE)
    }

    /// Returns `len` zeros.
    pub(crate) fn zeroed(len: usize) -> Self {
        Self { lines: vec![Line([0; LINE]); Self::lines(len)], len, of: PhantomData }
    }

    /// Returns a copy of a slice.
    pub(crate) fn copied(all: &[T]) -> Self {
        let mut out = Self::zeroed(all.len());
        out.copy_from_slice(all);
        out
    }

    /// Sets the length. The contents are unspecified afterwards, and the caller writes all of them;
    /// memory is kept and grows only.
    #[cfg(feature = "matmul")]
    pub(crate) fn resize(&mut self, len: usize) {
        // Never shorter: a buffer that is used again and again is zeroed once.
        let lines = Self::lines(len).max(self.lines.len());
        self.lines.resize(lines, Line([0; LINE]));
        self.len = len;
    }

    /// Returns the elements.
    pub(crate) fn as_slice(&self) -> &[T] {
        // The cast checks size and alignment when compiling; the last line may be longer than
        // needed.
        &must_cast_slice(&self.lines)[..self.len]
    }

    /// Returns the elements, to be written.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut must_cast_slice_mut(&mut self.lines)[..self.len]
    }
}

impl<T: Pod> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T: Pod> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.as_mut_slice()
    }
}

impl<T> core::fmt::Debug for Aligned<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} of {} bytes", self.len, size_of::<T>())
    }
}

impl<T: Pod + PartialEq> PartialEq for Aligned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

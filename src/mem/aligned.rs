//! Memory that begins at a cache line: what tensors keep their codes in and kernels their numbers,
//! so that a register as wide as a line is one access.

use alloc::vec;
use alloc::vec::Vec;
use bytemuck::{Pod, Zeroable, must_cast_slice, must_cast_slice_mut};
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

/// One cache line.
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

/// A slice, of numbers or groups of them that fill a line, that begins at a multiple of 64 bytes.
#[derive(Clone)]
pub(crate) struct Aligned<T> {
    lines: Vec<Line>,
    len: usize,
    of: PhantomData<T>,
}

impl<T> Default for Aligned<T> {
    fn default() -> Self {
        Self { lines: Vec::new(), len: 0, of: PhantomData }
    }
}

impl<T: Pod> Aligned<T> {
    const fn lines(len: usize) -> usize {
        (len * size_of::<T>()).div_ceil(LINE)
    }

    /// This many zeros.
    pub(crate) fn zeroed(len: usize) -> Self {
        Self { lines: vec![Line([0; LINE]); Self::lines(len)], len, of: PhantomData }
    }

    /// A copy.
    pub(crate) fn copied(all: &[T]) -> Self {
        let mut out = Self::zeroed(all.len());
        out.copy_from_slice(all);
        out
    }

    /// Makes it so long. What is in it then is not said: whoever calls this writes all of it.
    pub(crate) fn resize(&mut self, len: usize) {
        let lines = Self::lines(len).max(self.lines.len());
        self.lines.resize(lines, Line([0; LINE]));
        self.len = len;
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        &must_cast_slice(&self.lines)[..self.len]
    }

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

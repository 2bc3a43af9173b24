//! Memory that begins at a cache line: registers as wide as one would be read from two.

use super::pod::Line;
use alloc::vec::Vec;
use bytemuck::{Pod, Zeroable, must_cast_slice, must_cast_slice_mut};
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

/// A vector of numbers, or groups of them, that begins at a cache line.
#[derive(Clone, Debug)]
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
    /// Makes it so long. What was there stays or not; the rest is any numbers.
    pub(crate) fn resize(&mut self, len: usize) {
        self.lines.resize((len * size_of::<T>()).div_ceil(size_of::<Line>()), Line::zeroed());
        self.len = len;
    }
}

impl<T: Pod> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &must_cast_slice(&self.lines)[..self.len]
    }
}

impl<T: Pod> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut must_cast_slice_mut(&mut self.lines)[..self.len]
    }
}

//! Codes that are made while scales are searched, and kept until all blocks have theirs.

use crate::kernel::{self, Isa};
use alloc::vec::Vec;
use core::ops::Range;

/// The codes of all elements that are settled together, row by row, under some candidate or under
/// the best of each block.
#[derive(Default)]
pub(super) struct CandidateCodes {
    /// A code a byte, or two; empty if none are kept.
    bytes: Vec<u8>,
    /// Whether two codes share a byte, the first in the low bits; `None` before any is written.
    packed: Option<bool>,
    /// Whether some were written in one way and some in the other, so that none can be read.
    mixed: bool,
}

/// The bytes of successive elements.
const fn place(first: usize, count: usize, packed: bool) -> Range<usize> {
    if packed { first / 2..first / 2 + count.div_ceil(2) } else { first..first + count }
}

impl CandidateCodes {
    /// Forgets all codes.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Whether so little memory is held that a thread may keep it.
    #[cfg(feature = "std")]
    pub(super) const fn is_short(&self) -> bool {
        self.bytes.capacity() <= 1 << 16
    }

    /// Makes room for the codes of this many elements.
    pub(super) fn start(&mut self, elements: usize) {
        self.bytes.resize(elements, 0);
        (self.packed, self.mixed) = (None, false);
    }

    /// Memory for the codes of successive elements, to be written in this way or not at all. Those
    /// that share bytes begin at a whole one.
    pub(super) fn write(&mut self, first: usize, count: usize, packed: bool) -> &mut [u8] {
        &mut self.bytes[place(first, count, packed)]
    }

    /// The codes of successive elements that were just written in this way.
    pub(super) fn written(&mut self, first: usize, count: usize, packed: bool) -> &[u8] {
        self.mixed |= self.packed.is_some_and(|before| before != packed);
        self.packed = Some(packed);
        &self.bytes[place(first, count, packed)]
    }

    /// The codes of successive elements, and whether two share a byte; `None` if they are not kept.
    pub(super) fn get(&self, first: usize, count: usize) -> Option<(&[u8], bool)> {
        let packed = self.packed.filter(|_| !self.mixed && !self.bytes.is_empty())?;
        Some((&self.bytes[place(first, count, packed)], packed))
    }

    /// Takes over the codes of the blocks whose flag is set; `flags` has those of each row, which
    /// are as long as `cols` and their blocks as `block_cols`.
    pub(super) fn take_blocks_where<'f>(
        &mut self,
        isa: Isa,
        flags: impl ExactSizeIterator<Item = &'f [bool]>,
        [cols, block_cols]: [usize; 2],
        from: &Self,
    ) {
        let count = flags.len() * cols;
        let (Some((_, packed)), Some((from, same))) = (self.get(0, 0), from.get(0, count)) else {
            return self.clear();
        };
        // Blocks and rows that end within a byte are encoded once more.
        let elements = if packed { 2 } else { 1 };
        let whole = [cols, block_cols].iter().all(|length| length.is_multiple_of(elements));
        if packed != same || !whole {
            return self.clear();
        }
        let (cols, length) = (cols / elements, block_cols / elements);
        let rows = from.chunks(cols).zip(self.bytes.chunks_mut(cols));
        for ((from, to), flags) in rows.zip(flags) {
            kernel::take_blocks_where(isa, flags, length, from, to);
        }
    }
}

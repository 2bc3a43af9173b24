//! [`Bytes`]: the bytes of one part of a tensor, its own or a range of what somebody shares.

use crate::mem::Aligned;
use alloc::sync::Arc;
use core::ops::Range;

/// Memory that several tensors may hold a part of: a mapped file, a buffer of a network.
pub type SharedMemory = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// The bytes of one part of a tensor.
#[derive(Clone)]
pub(crate) enum Bytes {
    Own(Aligned<u8>),
    /// A range of shared memory, which is never written to.
    Shared(SharedMemory, Range<usize>),
}

impl Bytes {
    /// Returns `len` zeros in a buffer of their own.
    pub(crate) fn zeroed(len: usize) -> Self {
        Self::Own(Aligned::zeroed(len))
    }

    /// Returns a copy in a buffer of its own.
    pub(crate) fn copied(bytes: &[u8]) -> Self {
        Self::Own(Aligned::copied(bytes))
    }

    /// The range of the memory that these bytes are, or a copy of bytes that are not within it.
    pub(crate) fn within(memory: &SharedMemory, bytes: &[u8]) -> Self {
        let whole = (**memory).as_ref().as_ptr_range();
        let part = bytes.as_ptr_range();
        // An empty slice may point anywhere; to copy it costs nothing.
        if bytes.is_empty() || part.start < whole.start || part.end > whole.end {
            return Self::copied(bytes);
        }
        let start = part.start as usize - whole.start as usize;
        Self::Shared(memory.clone(), start..start + bytes.len())
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes.as_slice(),
            // If the memory has become shorter since the tensor was made, the part reads as empty.
            Self::Shared(memory, range) => {
                (**memory).as_ref().get(range.clone()).unwrap_or_default()
            }
        }
    }

    /// The bytes to write to; shared ones become a copy first.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        if let Self::Shared(..) = self {
            *self = Self::copied(self.as_slice());
        }
        match self {
            Self::Own(bytes) => bytes.as_mut_slice(),
            // Never reached: the bytes are the tensor's own by now.
            Self::Shared(..) => &mut [],
        }
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

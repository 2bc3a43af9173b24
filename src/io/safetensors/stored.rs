//! [`StoredTensor`]: a tensor of a checkpoint as its file has it, whether it is a weight or not.

use super::header::TensorEntry;
use super::shard::Shard;
use crate::io::error::{Problem, ReadError};
use core::fmt;
use core::ops::Range;
use safetensors::Dtype;
use std::borrow::Cow;
use std::format;
use std::string::{String, ToString};

/// A tensor of a checkpoint as its file has it: a weight, a part of one, or one that is carried
/// along.
#[derive(Clone, Copy)]
pub struct StoredTensor<'c, 'a> {
    pub(super) entry: &'c TensorEntry,
    pub(super) shard: &'c Shard<'a>,
}

impl<'c, 'a> StoredTensor<'c, 'a> {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &'c str {
        &self.entry.name
    }

    /// The name of the type of the elements, as the file has it.
    #[must_use]
    pub fn dtype(&self) -> String {
        self.entry.dtype.to_string()
    }

    pub(super) const fn known_dtype(&self) -> Option<Dtype> {
        self.entry.dtype.known()
    }

    /// The lengths of the axes, as the file has them.
    #[must_use]
    pub fn shape(&self) -> &'c [usize] {
        &self.entry.shape
    }

    /// The number of bytes.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.entry.bytes.end - self.entry.bytes.start
    }

    /// Whether there are no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of the file, as it was given or found.
    #[must_use]
    pub fn file(&self) -> &'c str {
        &self.shard.file
    }

    /// Some of the bytes, counted from the tensor's first: borrowed from memory, or read.
    ///
    /// # Errors
    /// [`ReadError`] for a range that is not within the tensor, and if reading fails.
    pub fn read(&self, range: Range<u64>) -> Result<Cow<'a, [u8]>, ReadError> {
        if range.start > range.end || range.end > self.len() {
            let what = format!("bytes of tensor '{}'", self.name());
            let expected = format!("a range within 0..{}", self.len());
            let found = format!("{}..{}", range.start, range.end);
            return Err(ReadError::new(self.file(), Problem::mismatch(what, expected, found)));
        }
        self.shard.read_part(self.entry, range)
    }
}

impl fmt::Debug for StoredTensor<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredTensor({}, {} {:?})", self.name(), self.entry.dtype, self.shape())
    }
}

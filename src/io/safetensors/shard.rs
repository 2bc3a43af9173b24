//! [`Shard`]: one `.safetensors` file, in memory or behind a reader. Its header has been read and
//! found good; bytes of tensors come when asked for. Nothing is mapped here.

use super::header::{self, Header, TensorEntry};
use crate::io::bytes::ShardBytes;
use crate::io::error::{Problem, ReadError};
use core::ops::Range;
use std::borrow::{Cow, ToOwned};
use std::format;
use std::string::String;

/// A file of a checkpoint.
pub(super) struct Shard<'a> {
    /// The file's name in errors.
    pub(super) file: String,
    bytes: ShardBytes<'a>,
    /// Where the data begins, behind the header.
    data: u64,
}

/// The header's length that the safetensors library refuses to go beyond; the format's text has no
/// limit.
pub(super) const MAX_HEADER: u64 = 100_000_000;

impl<'a> Shard<'a> {
    /// Reads the header of a file; `number` is the file's in its checkpoint.
    pub(super) fn open(
        file: &str,
        bytes: ShardBytes<'a>,
        number: usize,
    ) -> Result<(Self, Header), ReadError> {
        let mut shard = Self { file: file.to_owned(), bytes, data: 0 };
        match shard.header(number) {
            Ok(header) => Ok((shard, header)),
            Err(problem) => Err(ReadError::new(file, problem)),
        }
    }

    fn header(&mut self, number: usize) -> Result<Header, Problem> {
        let length = self.bytes.len().map_err(Problem::io)?;
        if length < 8 {
            return Err(Problem::mismatch("file length", "at least 8 bytes", length));
        }
        let first = self.bytes.read(0..8).map_err(Problem::io)?;
        let header_bytes = first.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        if header_bytes > MAX_HEADER {
            return Err(Problem::mismatch(
                "not a safetensors file: header length",
                format!("at most {MAX_HEADER} bytes"),
                header_bytes,
            ));
        }
        // Before there is memory for it.
        let Some(data_bytes) = (length - 8).checked_sub(header_bytes) else {
            let expected = format!("{header_bytes} bytes");
            return Err(Problem::mismatch("header length", expected, length - 8));
        };
        self.data = 8 + header_bytes;
        let text = self.bytes.read(8..self.data).map_err(Problem::io)?;
        header::parse(&text, data_bytes, number)
    }

    /// The bytes of a tensor of this file: borrowed from memory, or read.
    pub(super) fn read(&self, entry: &TensorEntry) -> Result<Cow<'a, [u8]>, ReadError> {
        self.read_part(entry, 0..entry.bytes.end - entry.bytes.start)
    }

    /// Some bytes of a tensor of this file, counted from its first.
    pub(super) fn read_part(
        &self,
        entry: &TensorEntry,
        part: Range<u64>,
    ) -> Result<Cow<'a, [u8]>, ReadError> {
        // The header was checked against the length of the file, so the sums exist.
        let first = self.data + entry.bytes.start;
        self.bytes.read(first + part.start..first + part.end).map_err(|error| {
            let what = format!("tensor '{}'", entry.name);
            ReadError::new(&self.file, Problem::Io { what, error })
        })
    }
}

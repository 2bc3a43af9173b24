//! [`Shard`]: one `.safetensors` file, in memory or behind a reader. Its header has been read and
//! found good; bytes of tensors come when asked for. Nothing is mapped here.

use super::error::{Problem, ReadError};
use super::header::{self, Header, TensorEntry};
use core::ops::Range;
use std::borrow::{Cow, ToOwned};
use std::boxed::Box;
use std::format;
use std::io::{Read, Seek, SeekFrom};
use std::string::String;
use std::sync::{Mutex, PoisonError};
use std::vec::Vec;

/// Where bytes come from that are not in memory.
pub(super) trait Stream: Read + Seek + Send {}
impl<T: Read + Seek + Send> Stream for T {}

/// The bytes of a file.
pub(super) enum ShardBytes<'a> {
    Memory(&'a [u8]),
    /// Behind a lock, so that weights are read through a shared reference.
    Stream(Mutex<Box<dyn Stream + 'a>>),
}

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
const MAX_HEADER: u64 = 100_000_000;

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
        let Range { start, end } = entry.bytes;
        // The header was checked against the length of the file, so the sums exist.
        self.bytes.read(self.data + start..self.data + end).map_err(|error| {
            let what = format!("tensor '{}'", entry.name);
            ReadError::new(&self.file, Problem::Io { what, error })
        })
    }
}

impl<'a> ShardBytes<'a> {
    pub(super) fn stream(reader: impl Stream + 'a) -> Self {
        Self::Stream(Mutex::new(Box::new(reader)))
    }

    fn len(&self) -> std::io::Result<u64> {
        match self {
            Self::Memory(bytes) => Ok(bytes.len() as u64),
            // A panic of a reader in another thread leaves nothing here half done.
            Self::Stream(stream) => {
                stream.lock().unwrap_or_else(PoisonError::into_inner).seek(SeekFrom::End(0))
            }
        }
    }

    fn read(&self, range: Range<u64>) -> std::io::Result<Cow<'a, [u8]>> {
        let short = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        let memory = |_| std::io::Error::from(std::io::ErrorKind::OutOfMemory);
        match self {
            Self::Memory(bytes) => {
                let place = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
                let part = place.and_then(|(start, end)| bytes.get(start..end));
                part.map(Cow::Borrowed).ok_or_else(short)
            }
            Self::Stream(stream) => {
                let length = usize::try_from(range.end - range.start).map_err(|_| short())?;
                let mut bytes = Vec::new();
                // A sparse file may be larger than all memory: that is an error, not an abort.
                bytes.try_reserve_exact(length).map_err(memory)?;
                let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
                stream.seek(SeekFrom::Start(range.start))?;
                (&mut **stream).take(length as u64).read_to_end(&mut bytes)?;
                // The file may have become shorter since its header was read.
                if bytes.len() == length { Ok(Cow::Owned(bytes)) } else { Err(short()) }
            }
        }
    }
}

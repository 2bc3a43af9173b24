//! The bytes of a file, in memory or behind a reader, and files on disk that may be read. Nothing is
//! mapped here.

use super::error::{Problem, ReadError};
use core::ops::Range;
use std::borrow::Cow;
use std::boxed::Box;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::string::ToString;
use std::sync::{Mutex, PoisonError};
use std::vec::Vec;

/// Where bytes come from that are not in memory.
pub(in crate::io) trait Stream: Read + Seek + Send {}
impl<T: Read + Seek + Send> Stream for T {}

/// The bytes of a file.
pub(in crate::io) enum ShardBytes<'a> {
    Memory(&'a [u8]),
    /// Behind a lock, so that weights are read through a shared reference.
    Stream(Mutex<Box<dyn Stream + 'a>>),
}

impl<'a> ShardBytes<'a> {
    pub(in crate::io) fn stream(reader: impl Stream + 'a) -> Self {
        Self::Stream(Mutex::new(Box::new(reader)))
    }

    pub(in crate::io) fn len(&self) -> std::io::Result<u64> {
        match self {
            Self::Memory(bytes) => Ok(bytes.len() as u64),
            // A panic of a reader in another thread leaves nothing here half done.
            Self::Stream(stream) => {
                stream.lock().unwrap_or_else(PoisonError::into_inner).seek(SeekFrom::End(0))
            }
        }
    }

    pub(in crate::io) fn read(&self, range: Range<u64>) -> std::io::Result<Cow<'a, [u8]>> {
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

/// A device could go on for ever, so only files are read.
pub(in crate::io) fn regular_file(path: &Path) -> Result<File, ReadError> {
    let name = path.display().to_string();
    let at_fault = |problem| ReadError::new(&name, problem);
    let metadata = fs::metadata(path).map_err(|error| at_fault(Problem::io(error)))?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() { "a directory" } else { "a device or pipe" };
        return Err(at_fault(Problem::mismatch("path", "a file", found)));
    }
    File::open(path).map_err(|error| at_fault(Problem::io(error)))
}

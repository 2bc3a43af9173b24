//! A position in the header of a GGUF file. Of a file behind a reader only the beginning is in
//! memory: whoever runs out of it is told to read more, and to begin again.

use super::super::error::Problem;
use core::fmt::Display;
use core::ops::Range;
use std::format;
use std::string::ToString;

/// Why reading a header stopped.
pub(super) enum Stop {
    /// Memory ends before the file does.
    More,
    Bad(Problem),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Bad(problem)
    }
}

pub(super) struct Cursor<'h> {
    /// The beginning of the file.
    pub(super) head: &'h [u8],
    pub(super) position: usize,
    /// The length of the whole file.
    pub(super) length: u64,
}

impl<'h> Cursor<'h> {
    /// Bytes from here to the end of the file.
    pub(super) const fn left(&self) -> u64 {
        self.length.saturating_sub(self.position as u64)
    }

    /// The next bytes; `what` they are is said if the file has no more of them.
    pub(super) fn take(&mut self, count: u64, what: impl Display) -> Result<&'h [u8], Stop> {
        let Range { start, end } = self.range(count, what)?;
        Ok(&self.head[start..end])
    }

    /// The place of the next bytes.
    pub(super) fn range(&mut self, count: u64, what: impl Display) -> Result<Range<usize>, Stop> {
        if count > self.left() {
            let expected = format!("{count} bytes");
            return Err(Problem::mismatch(what.to_string(), expected, self.left()).into());
        }
        let start = self.position;
        // The sum is at most the file's length, but memory may be smaller.
        let end = usize::try_from(start as u64 + count).ok();
        let end = end.filter(|&end| end <= self.head.len()).ok_or(Stop::More)?;
        self.position = end;
        Ok(start..end)
    }

    pub(super) fn array<const N: usize>(&mut self, what: impl Display) -> Result<[u8; N], Stop> {
        let bytes = self.take(N as u64, what)?;
        Ok(bytes.first_chunk().copied().unwrap_or([0; N]))
    }

    pub(super) fn byte(&mut self, what: impl Display) -> Result<u8, Stop> {
        self.array::<1>(what).map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self, what: impl Display) -> Result<u32, Stop> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, what: impl Display) -> Result<u64, Stop> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// The place of a string's bytes, behind their count.
    pub(super) fn string(&mut self, what: impl Display) -> Result<Range<usize>, Stop> {
        let count = self.u64(&what)?;
        self.range(count, what)
    }

    /// A count of things that take at least some bytes each: as many as the file has room for.
    pub(super) fn count(&mut self, least: u64, what: impl Display) -> Result<u64, Stop> {
        let count = self.u64(&what)?;
        let room = self.left() / least;
        if count > room {
            let expected = format!("at most {room} in the bytes that are left");
            return Err(Problem::mismatch(what.to_string(), expected, count).into());
        }
        Ok(count)
    }
}

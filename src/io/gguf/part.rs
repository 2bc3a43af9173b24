//! [`GgufPart`]: one file of a model. Most models are one file; of a split one each file says which
//! part it is.

use super::super::bytes::{ShardBytes, regular_file};
use super::super::error::{Problem, ReadError};
use super::cursor::{Cursor, Stop};
use super::header::{GgufHeader, GgufTensor, MetadataEntry, parse};
use super::value::{GgufValue, value};
use std::borrow::Cow;
use std::format;
use std::path::Path;
use std::string::{String, ToString};

/// The number of a part, from 0.
pub(super) const SPLIT_NO: &str = "split.no";
/// How many parts there are.
pub(super) const SPLIT_COUNT: &str = "split.count";
/// How many tensors all parts have.
pub(super) const SPLIT_TENSORS: &str = "split.tensors.count";

/// Which part of a split model a file is.
#[derive(Clone, Copy, Default)]
pub(super) struct PartOfModel {
    pub(super) no: u64,
    pub(super) count: u64,
    pub(super) tensors: Option<u64>,
}

impl PartOfModel {
    /// How the name of the file ends: `-00001-of-00003.gguf` for part 0 of 3.
    pub(super) fn ending(&self) -> String {
        format!("-{:05}-of-{:05}.gguf", self.no.saturating_add(1), self.count)
    }

    /// What all names of the parts begin with.
    pub(super) fn stem<'n>(&self, name: &'n str) -> Option<&'n str> {
        name.strip_suffix(&*self.ending())
    }
}

pub(super) struct GgufPart<'a> {
    /// The file's name in errors.
    file: String,
    bytes: ShardBytes<'a>,
    /// The beginning of the file, at least to the end of the header.
    head: Cow<'a, [u8]>,
    pub(super) header: GgufHeader,
}

impl GgufPart<'static> {
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        let file = regular_file(path)?;
        GgufPart::read(path.display().to_string(), ShardBytes::stream(file))
    }
}

impl<'a> GgufPart<'a> {
    pub(super) fn read(file: String, bytes: ShardBytes<'a>) -> Result<Self, ReadError> {
        match begin(&bytes) {
            Ok((head, header)) => Ok(Self { file, bytes, head, header }),
            Err(problem) => Err(ReadError::new(&file, problem)),
        }
    }

    pub(super) fn fault(&self, problem: Problem) -> ReadError {
        ReadError::new(&self.file, problem)
    }

    pub(super) fn metadata(&self) -> impl Iterator<Item = (&str, GgufValue<'_>)> {
        self.header.metadata.iter().filter_map(|entry| Some((self.key(entry), self.at(entry)?)))
    }

    pub(super) fn value(&self, key: &str) -> Option<GgufValue<'_>> {
        self.at(self.header.metadata.iter().find(|entry| self.key(entry) == key)?)
    }

    fn key(&self, entry: &MetadataEntry) -> &str {
        // The header was refused if it was anything else.
        core::str::from_utf8(&self.head[entry.key.clone()]).unwrap_or("")
    }

    fn at(&self, entry: &MetadataEntry) -> Option<GgufValue<'_>> {
        let length = self.head.len() as u64;
        let mut cursor = Cursor { head: &self.head, position: entry.value.start, length };
        value(&mut cursor, entry.kind, "value").ok()
    }

    /// Which part of a split model the file is; `None` for a model of one file.
    pub(super) fn split(&self) -> Result<Option<PartOfModel>, ReadError> {
        let number = |key: &str| match self.value(key) {
            None => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or_else(|| {
                let (what, found) = (format!("metadata '{key}'"), format!("{value:?}"));
                self.fault(Problem::mismatch(what, "an integer from 0 up", found))
            }),
        };
        let (no, count) = (number(SPLIT_NO)?, number(SPLIT_COUNT)?);
        // A file that is all parts is not split.
        let Some(count) = count.filter(|&count| count > 1) else { return Ok(None) };
        match no.filter(|&no| no < count) {
            Some(no) => Ok(Some(PartOfModel { no, count, tensors: number(SPLIT_TENSORS)? })),
            None => {
                let (what, expected) =
                    (format!("metadata '{SPLIT_NO}'"), format!("0 to {}", count - 1));
                Err(self.fault(Problem::mismatch(what, expected, format!("{no:?}"))))
            }
        }
    }

    /// The bytes of a tensor as they are: borrowed from memory, or read.
    pub(super) fn bytes(&self, tensor: &GgufTensor) -> Result<Cow<'a, [u8]>, ReadError> {
        if tensor.bytes.is_empty() {
            // A file may end before the place where its data would begin.
            return Ok(Cow::Borrowed(&[]));
        }
        let data = self.header.data;
        let place = data.checked_add(tensor.bytes.start).zip(data.checked_add(tensor.bytes.end));
        let short = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        let read = place.ok_or_else(short).and_then(|(start, end)| self.bytes.read(start..end));
        read.map_err(|error| {
            self.fault(Problem::Io { what: format!("tensor '{}'", tensor.name), error })
        })
    }
}

/// Reads the header, from as much of the file as it needs.
fn begin<'a>(bytes: &ShardBytes<'a>) -> Result<(Cow<'a, [u8]>, GgufHeader), Problem> {
    // Metadata without a vocabulary fits, and a file in memory is all there at once.
    const FIRST: u64 = 1 << 16;
    let length = bytes.len().map_err(Problem::io)?;
    let mut size = match bytes {
        ShardBytes::Memory(_) => length,
        ShardBytes::Stream(_) => FIRST.min(length),
    };
    loop {
        let head = bytes.read(0..size).map_err(Problem::io)?;
        match parse(&head, length) {
            Ok(header) => return Ok((head, header)),
            Err(Stop::Bad(problem)) => return Err(problem),
            // At the end of the file whatever is missing is an error, so that this comes to one.
            Err(Stop::More) => size = size.saturating_mul(4).min(length),
        }
    }
}

//! Named tensors from a `.safetensors` file, one after the other. Reads and refuses; measures
//! nothing.

use super::header::{self, Entry};
use crate::failure::escaped;
use half::{bf16, f16};
use safetensors::tensor::Dtype;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

/// A tensor, row-major.
#[derive(Debug)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Values,
}

/// The elements in the type that the file has them in.
#[derive(Debug)]
pub(crate) enum Values {
    F16(Vec<f16>),
    Bf16(Vec<bf16>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Values {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::F16(values) => values.len(),
            Self::Bf16(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
        }
    }

    /// The elements as f32, to which f64 are rounded; all others are exact.
    pub(crate) fn to_f32(&self) -> Cow<'_, [f32]> {
        match self {
            Self::F16(values) => Cow::Owned(values.iter().map(|x| x.to_f32()).collect()),
            Self::Bf16(values) => Cow::Owned(values.iter().map(|x| x.to_f32()).collect()),
            Self::F32(values) => Cow::Borrowed(values),
            Self::F64(values) => Cow::Owned(values.iter().map(|&x| x as f32).collect()),
        }
    }
}

/// A tensor that is no weight: its name, and why.
#[derive(Clone, Debug)]
pub(crate) struct LeftOut {
    pub(crate) name: Box<str>,
    pub(crate) dtype: Dtype,
    pub(crate) reason: &'static str,
}

/// Where the bytes come from.
trait Bytes: Read + Seek + Send {}
impl<T: Read + Seek + Send> Bytes for T {}

/// What a file holds: the header has been read and found good, and tensors are read when asked for.
pub(crate) struct Weights {
    /// The file's name in errors.
    file: String,
    bytes: Box<dyn Bytes>,
    /// The offset of the first tensor in the file.
    data: u64,
    /// Bytes on their way, kept from tensor to tensor.
    buffer: Vec<u8>,
    /// The weights in the order of the data.
    pub(crate) entries: Vec<Entry>,
    /// The other tensors: positions, masks, packed codes and their scales.
    pub(crate) left_out: Vec<LeftOut>,
}

/// Why a file was refused. Always one line, whatever the file says.
#[derive(Debug, thiserror::Error)]
#[error("{}", one_line(&format!("{file}: {problem}")))]
pub(crate) struct ReadError {
    file: String,
    problem: Box<Problem>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{what}: expected {expected}, found {found}")]
    Mismatch { what: String, expected: String, found: String },
    #[error("tensor '{tensor}': {problem}")]
    Entry { tensor: String, problem: serde_json::Error },
    #[error("invalid JSON in header: {0}")]
    Json(serde_json::Error),
    #[error("tensor '{tensor}': {problem}")]
    Data { tensor: String, problem: std::io::Error },
}

impl Problem {
    pub(super) fn mismatch(
        what: impl Into<String>,
        expected: impl ToString,
        found: impl ToString,
    ) -> Self {
        Self::Mismatch {
            what: what.into(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}

impl Weights {
    /// Opens a file and reads its header.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let name = path.display().to_string();
        let opened = regular_file(path)
            .and_then(|(file, length)| Self::with_header(name.clone(), Box::new(file), length));
        opened.map_err(|problem| ReadError { file: name, problem: Box::new(problem) })
    }

    /// The bytes of a file; `file` is its name in errors.
    pub(crate) fn of_bytes(file: &str, bytes: Vec<u8>) -> Result<Self, ReadError> {
        let length = bytes.len() as u64;
        Self::with_header(file.to_owned(), Box::new(Cursor::new(bytes)), length)
            .map_err(|problem| ReadError { file: file.to_owned(), problem: Box::new(problem) })
    }

    fn with_header(file: String, mut bytes: Box<dyn Bytes>, length: u64) -> Result<Self, Problem> {
        const MAX_HEADER: u64 = 100_000_000; // the format's own limit
        let mut header_bytes = [0; 8];
        if length < 8 {
            return Err(Problem::mismatch("file length", "at least 8 bytes", length));
        }
        bytes.read_exact(&mut header_bytes)?;
        let header_bytes = u64::from_le_bytes(header_bytes);
        if header_bytes > MAX_HEADER {
            return Err(Problem::mismatch(
                "not a safetensors file: header length",
                format_args!("at most {MAX_HEADER} bytes"),
                header_bytes,
            ));
        }
        // Before there is memory for it.
        let Some(data_bytes) = (length - 8).checked_sub(header_bytes) else {
            return Err(Problem::mismatch(
                "header length",
                format_args!("{header_bytes} bytes"),
                length - 8,
            ));
        };
        let mut header = vec![0; header_bytes as usize];
        bytes.read_exact(&mut header)?;
        let (entries, left_out) = sorted_out(header::parse(&header, data_bytes)?);
        Ok(Self { file, bytes, data: 8 + header_bytes, buffer: Vec::new(), entries, left_out })
    }

    /// How many weights there are.
    pub(crate) fn elements(&self) -> usize {
        self.entries.iter().map(Entry::elements).sum()
    }

    /// Reads the elements of an entry. Nothing but these is held: a tensor takes the memory of its
    /// bytes in the file.
    pub(crate) fn read(&mut self, index: usize) -> Result<Tensor, ReadError> {
        let Entry { name, dtype, shape, bytes: (start, end) } = &self.entries[index];
        let (at, length) = (self.data + *start as u64, end - start);
        let mut source = Elements { bytes: &mut self.bytes, buffer: &mut self.buffer, length };
        let values = source.bytes.seek(SeekFrom::Start(at)).and_then(|_| match dtype {
            Dtype::F64 => source.read(f64::from_le_bytes).map(Values::F64),
            Dtype::F16 => source.read(f16::from_le_bytes).map(Values::F16),
            Dtype::BF16 => source.read(bf16::from_le_bytes).map(Values::Bf16),
            // Entries are of these dtypes alone.
            _ => source.read(f32::from_le_bytes).map(Values::F32),
        });
        match values {
            Ok(values) => Ok(Tensor { name: name.to_string(), shape: shape.clone(), values }),
            Err(problem) => {
                let problem = Problem::Data { tensor: name.to_string(), problem };
                Err(ReadError { file: self.file.clone(), problem: Box::new(problem) })
            }
        }
    }
}

/// The bytes of a tensor, from where the file stands.
struct Elements<'a> {
    bytes: &'a mut Box<dyn Bytes>,
    buffer: &'a mut Vec<u8>,
    length: usize,
}

impl Elements<'_> {
    fn read<T, const N: usize>(&mut self, element: fn([u8; N]) -> T) -> std::io::Result<Vec<T>> {
        /// A multiple of every size of an element.
        const AT_A_TIME: usize = 1 << 18;
        let mut values = Vec::with_capacity(self.length / N);
        let mut left = self.length;
        while left > 0 {
            self.buffer.resize(left.min(AT_A_TIME), 0);
            self.bytes.read_exact(self.buffer)?;
            values.extend(self.buffer.as_chunks().0.iter().map(|bytes| element(*bytes)));
            left -= self.buffer.len();
        }
        Ok(values)
    }
}

/// A device could go on for ever, so only files are read.
fn regular_file(path: &Path) -> Result<(File, u64), Problem> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() { "a directory" } else { "a device or pipe" };
        return Err(Problem::mismatch("path", "a file", found));
    }
    Ok((File::open(path)?, metadata.len()))
}

/// The weights, and what is none.
fn sorted_out(entries: Vec<Entry>) -> (Vec<Entry>, Vec<LeftOut>) {
    // Modules with codes in them, whose scales would be taken for weights.
    let coded: HashSet<Box<str>> = entries
        .iter()
        .filter(|entry| not_weights(entry.dtype).is_some())
        .map(|entry| module(&entry.name).into())
        .collect();
    let (mut weights, mut left_out) = (Vec::new(), Vec::new());
    for entry in entries {
        let scales = || {
            let found = is_scale(&entry.name) && coded.contains(module(&entry.name));
            found.then_some("scales of codes beside them, not weights")
        };
        match not_weights(entry.dtype).or_else(scales) {
            None => weights.push(entry),
            Some(reason) => {
                left_out.push(LeftOut { name: entry.name, dtype: entry.dtype, reason });
            }
        }
    }
    weights.shrink_to_fit();
    (weights, left_out)
}

/// Why tensors of a dtype are not taken for weights.
fn not_weights(dtype: Dtype) -> Option<&'static str> {
    match dtype {
        Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64 => None,
        Dtype::BOOL => Some("Booleans, not weights"),
        Dtype::I8 | Dtype::I16 | Dtype::I32 | Dtype::I64 => Some("integers, not weights"),
        Dtype::U8 | Dtype::U16 | Dtype::U32 | Dtype::U64 => Some("integers, not weights"),
        Dtype::F8_E8M0 => Some("scales, not weights"),
        Dtype::F8_E4M3
        | Dtype::F8_E5M2
        | Dtype::F8_E4M3FNUZ
        | Dtype::F8_E5M2FNUZ
        | Dtype::F6_E2M3
        | Dtype::F6_E3M2
        | Dtype::F4 => Some("codes already, whose scales are not applied"),
        Dtype::C64 => Some("complex numbers, not weights"),
        _ => Some("a dtype that is not known"),
    }
}

/// The part of a name before the last dot: a module and its tensors.
fn module(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(module, _)| module)
}

/// Whether programs give such a name to the scales of codes: `weight_scale_inv`, `weight_scale_2`,
/// `input_scale`, `scale_weight`, `scales`, `weight_global_scale`.
fn is_scale(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|last| last.contains("scale"))
}

/// Text without line breaks and other control characters, and not endless.
pub(crate) fn one_line(text: &str) -> String {
    const LONGEST: usize = 400;
    escaped(text, LONGEST)
}

#[cfg(test)]
mod tests;

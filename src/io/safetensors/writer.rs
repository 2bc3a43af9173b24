//! Writes safetensors files: what they hold is said first, bytes of tensors follow in pieces of any
//! size, of several tensors in turn.

use super::header::DtypeName;
use super::shard::MAX_HEADER;
use super::stored::StoredTensor;
use crate::io::error::{Problem, ReadError};
use core::cmp::Reverse;
use serde::Serialize;
use std::borrow::ToOwned;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::format;
use std::io::{Seek, SeekFrom, Write};
use std::string::{String, ToString};
use std::vec::Vec;

/// What a safetensors file is to hold: tensors, and texts under names.
///
/// In the file, tensors lie by the size of their elements, the largest first, so that each begins
/// at a multiple of it; those of one size in the order in which they were added.
///
/// ```
/// use std::io::Cursor;
/// use subhalf::io::{Checkpoint, SafetensorsContents};
/// let mut contents = SafetensorsContents::new();
/// contents.tensor("bias", "F16", &[2])?;
/// contents.tensor("weight", "F32", &[1, 2])?;
/// let mut writer = contents.write(Cursor::new(Vec::new()))?;
/// writer.bytes("bias", &[0x00, 0x3C, 0x00, 0xC0])?;                 // 1, −2
/// writer.bytes("weight", &0.5f32.to_le_bytes())?;                   // the first of two rows
/// writer.bytes("weight", &8.0f32.to_le_bytes())?;
/// let file = writer.finish()?.into_inner();
///
/// let checkpoint = Checkpoint::from_bytes(&file)?;
/// assert_eq!(checkpoint.load(checkpoint.weight("bias")?)?.to_f32()?, [1.0, -2.0]);
/// assert_eq!(checkpoint.load(checkpoint.weight("weight")?)?.to_f32()?, [0.5, 8.0]);
/// # Ok::<(), subhalf::io::ReadError>(())
/// ```
#[derive(Debug, Default)]
pub struct SafetensorsContents {
    metadata: BTreeMap<String, String>,
    tensors: Vec<AnnouncedTensor>,
    names: HashSet<String>,
}

#[derive(Debug)]
struct AnnouncedTensor {
    name: String,
    dtype: String,
    /// Bits of an element.
    bits: usize,
    shape: Vec<usize>,
    bytes: u64,
}

fn fault(problem: Problem) -> ReadError {
    ReadError::new("", problem)
}

fn failed(error: std::io::Error) -> ReadError {
    fault(Problem::io(error))
}

fn json(value: &impl Serialize) -> Result<String, ReadError> {
    serde_json::to_string(value).map_err(|error| {
        fault(Problem::Json { what: "header".to_owned(), error: error.to_string() })
    })
}

impl SafetensorsContents {
    /// Neither tensors nor texts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text to the header's `__metadata__`, in place of one of the same name.
    pub fn metadata(&mut self, name: &str, text: &str) {
        self.metadata.insert(name.to_owned(), text.to_owned());
    }

    /// Adds a tensor. `dtype` is one of safetensors' names, `F8_E4M3` for example; the shape counts
    /// elements.
    ///
    /// # Errors
    /// [`ReadError`] for a name that there is already, a dtype that safetensors does not have, and
    /// a shape of too many elements, or of elements that end within a byte.
    pub fn tensor(&mut self, name: &str, dtype: &str, shape: &[usize]) -> Result<(), ReadError> {
        let what = |part: &str| format!("tensor '{name}': {part}");
        let Some(known) = DtypeName::of(dtype).known() else {
            return Err(fault(Problem::mismatch(what("dtype"), "one of safetensors'", dtype)));
        };
        let bits = known.bitsize();
        let all = shape.iter().try_fold(bits as u64, |all, &axis| all.checked_mul(axis as u64));
        let Some(all) = all.filter(|all| all.is_multiple_of(8)) else {
            let expected = "elements that fill bytes, less than 2^64 bits";
            let found = format!("{dtype} {shape:?}");
            return Err(fault(Problem::mismatch(what("size"), expected, found)));
        };
        self.add(AnnouncedTensor {
            name: name.to_owned(),
            dtype: dtype.to_owned(),
            bits,
            shape: shape.to_vec(),
            bytes: all / 8,
        })
    }

    /// Adds a tensor like one of a checkpoint, which may be of a dtype that is not known.
    ///
    /// # Errors
    /// [`ReadError`] for a name that there is already.
    pub fn copy_of(&mut self, tensor: &StoredTensor<'_, '_>) -> Result<(), ReadError> {
        self.add(AnnouncedTensor {
            name: tensor.name().to_owned(),
            dtype: tensor.dtype(),
            bits: tensor.known_dtype().map_or(8, |dtype| dtype.bitsize()),
            shape: tensor.shape().to_vec(),
            bytes: tensor.len(),
        })
    }

    fn add(&mut self, tensor: AnnouncedTensor) -> Result<(), ReadError> {
        if tensor.name == "__metadata__" {
            let expected = "a name other than that of the texts";
            return Err(fault(Problem::mismatch("tensor", expected, tensor.name)));
        }
        if !self.names.insert(tensor.name.clone()) {
            let what = format!("tensor '{}': entries", tensor.name);
            return Err(fault(Problem::mismatch(what, 1, 2)));
        }
        self.tensors.push(tensor);
        Ok(())
    }

    /// Writes the header at the beginning of `out`; the bytes of the tensors are to follow.
    ///
    /// # Errors
    /// [`ReadError`] if writing fails, and for a header or data too long for readers.
    pub fn write<W: Write + Seek>(mut self, mut out: W) -> Result<SafetensorsWriter<W>, ReadError> {
        // A stable sort: tensors of one size keep their order.
        self.tensors.sort_by_key(|tensor| Reverse(tensor.bits));
        let mut entries = Vec::with_capacity(self.tensors.len() + 1);
        if !self.metadata.is_empty() {
            entries.push(format!("\"__metadata__\":{}", json(&self.metadata)?));
        }
        let mut places = HashMap::with_capacity(self.tensors.len());
        let mut end = 0u64;
        for AnnouncedTensor { name, dtype, shape, bytes, .. } in self.tensors {
            let start = end;
            end = start.checked_add(bytes).filter(|&end| end <= i64::MAX as u64).ok_or_else(
                || fault(Problem::mismatch("bytes of data", "less than 2^63", "more")),
            )?;
            let (key, dtype, shape) = (json(&name)?, json(&dtype)?, json(&shape)?);
            entries.push(format!(
                "{key}:{{\"dtype\":{dtype},\"shape\":{shape},\"data_offsets\":[{start},{end}]}}"
            ));
            places.insert(name, Pending { next: start, end });
        }
        let mut header = format!("{{{}}}", entries.join(","));
        // Data begin at a multiple of 8, so that all tensors lie at multiples of their elements.
        header.extend(core::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
        let length = header.len() as u64;
        if length > MAX_HEADER {
            let expected = format!("at most {MAX_HEADER} bytes");
            return Err(fault(Problem::mismatch("header length", expected, length)));
        }
        let begin = length.to_le_bytes();
        out.seek(SeekFrom::Start(0))
            .and_then(|_| out.write_all(&begin))
            .and_then(|()| out.write_all(header.as_bytes()))
            .map_err(failed)?;
        Ok(SafetensorsWriter { out, data: 8 + length, position: 0, places })
    }
}

/// Bytes of a tensor that are not written, counted from the beginning of the data.
#[derive(Clone, Copy, Debug)]
struct Pending {
    next: u64,
    end: u64,
}

/// A safetensors file that is being written: its header is, and bytes of tensors follow, those of
/// one tensor in their order.
#[derive(Debug)]
pub struct SafetensorsWriter<W> {
    out: W,
    /// Where the data begins.
    data: u64,
    /// Where `out` is, counted from there.
    position: u64,
    places: HashMap<String, Pending>,
}

impl<W: Write + Seek> SafetensorsWriter<W> {
    /// Writes the next bytes of a tensor.
    ///
    /// # Errors
    /// [`ReadError`] for a name that was not announced, for more bytes than the tensor lacks, and
    /// if writing fails.
    pub fn bytes(&mut self, tensor: &str, bytes: &[u8]) -> Result<(), ReadError> {
        let Some(pending) = self.places.get_mut(tensor) else {
            let what = format!("tensor '{tensor}'");
            return Err(fault(Problem::mismatch(what, "one that was announced", "another")));
        };
        let missing = pending.end - pending.next;
        if bytes.len() as u64 > missing {
            let what = format!("tensor '{tensor}': bytes");
            let expected = format!("at most {missing} more");
            return Err(fault(Problem::mismatch(what, expected, bytes.len())));
        }
        if self.position != pending.next {
            self.out.seek(SeekFrom::Start(self.data + pending.next)).map_err(failed)?;
        }
        self.out.write_all(bytes).map_err(failed)?;
        pending.next += bytes.len() as u64;
        self.position = pending.next;
        Ok(())
    }

    /// Ends the file: all tensors must be complete. Gives back what was written to, flushed.
    ///
    /// # Errors
    /// [`ReadError`] that names a tensor that lacks bytes, the first of them in the file, and if
    /// writing fails.
    pub fn finish(mut self) -> Result<W, ReadError> {
        let lacking = self.places.iter().filter(|(_, pending)| pending.next < pending.end);
        if let Some((tensor, pending)) = lacking.min_by_key(|(_, pending)| pending.next) {
            let what = format!("tensor '{tensor}': bytes");
            let found = format!("{} too few", pending.end - pending.next);
            return Err(fault(Problem::mismatch(what, "all of them", found)));
        }
        self.out.flush().map_err(failed)?;
        Ok(self.out)
    }
}

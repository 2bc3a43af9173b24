//! Writes GGUF files of version 3: what they hold is said first, bytes follow in a stream, in
//! pieces of any size.

use super::super::error::{Problem, ReadError};
use super::header::stored_bytes;
use super::kind::GgufType;
use super::value::{GgufValue, put_string};
use super::{ALIGNMENT, MAGIC, MAX_AXES};
use crate::block::QuantView;
use crate::block::layout::to_ggml;
use std::borrow::ToOwned;
use std::boxed::Box;
use std::collections::{HashSet, VecDeque};
use std::format;
use std::io::Write;
use std::string::String;
use std::vec;
use std::vec::Vec;

/// What a GGUF file is to hold: metadata and tensors, in the order of the file.
///
/// [`Gguf::metadata`](super::Gguf::metadata) of another file can be passed on value by value.
#[derive(Debug)]
pub struct GgufContents {
    /// Keys, types and values, as the file has them.
    metadata: Vec<u8>,
    keys: HashSet<String>,
    tensors: VecDeque<PlannedTensor>,
    names: HashSet<String>,
    alignment: u32,
}

#[derive(Debug)]
struct PlannedTensor {
    name: String,
    kind: GgufType,
    shape: Vec<usize>,
    bytes: u64,
}

impl Default for GgufContents {
    fn default() -> Self {
        Self {
            metadata: Vec::new(),
            keys: HashSet::new(),
            tensors: VecDeque::new(),
            names: HashSet::new(),
            alignment: 32,
        }
    }
}

fn refused(problem: Problem) -> Result<(), ReadError> {
    Err(fault(problem))
}

fn fault(problem: Problem) -> ReadError {
    ReadError::new("", problem)
}

impl GgufContents {
    /// The most axes that a tensor may have, as ggml has it.
    pub const MAX_AXES: usize = MAX_AXES;

    /// Neither metadata nor tensors.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value of the metadata. That of `general.alignment` is what the places of tensors will
    /// be multiples of; without one they are of 32.
    ///
    /// # Errors
    /// [`ReadError`] for a key that there is already, and an alignment that is no power of two of
    /// type `U32`.
    pub fn value<'v>(
        &mut self,
        key: &str,
        value: impl Into<GgufValue<'v>>,
    ) -> Result<(), ReadError> {
        let (value, what) = (value.into(), || format!("metadata '{key}'"));
        if key == ALIGNMENT {
            match value {
                GgufValue::U32(alignment) if alignment.is_power_of_two() => {
                    self.alignment = alignment;
                }
                _ => {
                    let expected = "a power of two of type U32";
                    return refused(Problem::mismatch(what(), expected, format!("{value:?}")));
                }
            }
        }
        if !self.keys.insert(key.to_owned()) {
            return refused(Problem::mismatch(format!("{}: values", what()), 1, 2));
        }
        put_string(&mut self.metadata, key.as_bytes());
        value.put(&mut self.metadata);
        Ok(())
    }

    /// Adds a tensor; the lengths of its axes are outermost first. Bytes of any type that is known
    /// can be written as they are, those of a file that was read for example.
    ///
    /// # Errors
    /// [`ReadError`] for a name that there is already, a type that is not known, more than four
    /// axes, and a last axis that is not made of whole blocks.
    pub fn tensor(&mut self, name: &str, kind: GgufType, shape: &[usize]) -> Result<(), ReadError> {
        let what = |part: &str| format!("tensor '{name}': {part}");
        if shape.len() > MAX_AXES {
            let expected = format!("at most {MAX_AXES}");
            return refused(Problem::mismatch(what("number of axes"), expected, shape.len()));
        }
        let axes: Vec<u64> = shape.iter().map(|&axis| axis as u64).collect();
        let bytes = match stored_bytes(kind, &axes) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return refused(Problem::mismatch(what("type"), "one of ggml's", kind)),
            Err((part, expected, found)) => {
                return refused(Problem::mismatch(what(&part), expected, found));
            }
        };
        if !self.names.insert(name.to_owned()) {
            return refused(Problem::mismatch(what("entries"), 1, 2));
        }
        self.tensors.push_back(PlannedTensor {
            name: name.to_owned(),
            kind,
            shape: shape.to_vec(),
            bytes,
        });
        Ok(())
    }

    /// Writes the header; the bytes of the tensors are to follow.
    ///
    /// # Errors
    /// [`ReadError`] if writing fails, or the tensors have more bytes than a file can.
    pub fn write<W: Write>(self, mut out: W) -> Result<GgufWriter<W>, ReadError> {
        let Self { metadata, keys, tensors, alignment, .. } = self;
        let alignment = u64::from(alignment);
        let mut header = MAGIC.to_vec();
        header.extend(3u32.to_le_bytes());
        header.extend((tensors.len() as u64).to_le_bytes());
        header.extend((keys.len() as u64).to_le_bytes());
        header.extend(metadata);
        let mut place = Some(0u64);
        for PlannedTensor { name, kind, shape, bytes } in &tensors {
            put_string(&mut header, name.as_bytes());
            header.extend((shape.len() as u32).to_le_bytes());
            // The innermost axis first.
            header.extend(shape.iter().rev().flat_map(|&axis| (axis as u64).to_le_bytes()));
            header.extend(kind.id().to_le_bytes());
            let Some(start) = place else {
                let what = format!("tensor '{name}': first byte");
                return Err(fault(Problem::mismatch(what, "less than 2^64", "more")));
            };
            header.extend(start.to_le_bytes());
            place =
                start.checked_add(*bytes).and_then(|end| end.checked_next_multiple_of(alignment));
        }
        let padding = (header.len() as u64).next_multiple_of(alignment) - header.len() as u64;
        out.write_all(&header).and_then(|()| zeros(&mut out, padding)).map_err(failed)?;
        let left = tensors.front().map_or(0, |tensor| tensor.bytes);
        Ok(GgufWriter { out, tensors, left, alignment })
    }
}

fn failed(error: std::io::Error) -> ReadError {
    fault(Problem::io(error))
}

fn zeros(out: &mut impl Write, count: u64) -> std::io::Result<()> {
    let padding = vec![0; 4096];
    let mut left = count;
    while left > 0 {
        let now = left.min(padding.len() as u64);
        out.write_all(&padding[..now as usize])?;
        left -= now;
    }
    Ok(())
}

/// A GGUF file that is being written: its header is, and bytes of tensors follow in their order.
#[derive(Debug)]
pub struct GgufWriter<W> {
    out: W,
    /// The tensors that are not complete, the one that is being written first.
    tensors: VecDeque<PlannedTensor>,
    /// Bytes that it still needs.
    left: u64,
    alignment: u64,
}

impl<W: Write> GgufWriter<W> {
    /// The name of the tensor whose bytes are next; `None` if all are complete.
    #[must_use]
    pub fn pending(&self) -> Option<&str> {
        // Tensors without elements need none.
        let next = |(place, tensor): &(usize, &PlannedTensor)| match place {
            0 => self.left > 0,
            _ => tensor.bytes > 0,
        };
        self.tensors.iter().enumerate().find(next).map(|(_, tensor)| &*tensor.name)
    }

    /// Writes the next bytes of the tensors: a part of one, or several of them.
    ///
    /// # Errors
    /// [`ReadError`] if writing fails, and for bytes behind the last tensor.
    pub fn bytes(&mut self, mut bytes: &[u8]) -> Result<(), ReadError> {
        self.skip()?;
        while !bytes.is_empty() {
            if self.tensors.is_empty() {
                return refused(Problem::mismatch("bytes of tensors", "no more", bytes.len()));
            }
            let now = self.left.min(bytes.len() as u64);
            let (own, others) = bytes.split_at(now as usize);
            self.out.write_all(own).map_err(failed)?;
            (self.left, bytes) = (self.left - now, others);
            self.skip()?;
        }
        Ok(())
    }

    /// Goes on to the next tensor that needs bytes.
    fn skip(&mut self) -> Result<(), ReadError> {
        while self.left == 0
            && let Some(tensor) = self.tensors.pop_front()
        {
            let padding = tensor.bytes.next_multiple_of(self.alignment) - tensor.bytes;
            zeros(&mut self.out, padding).map_err(failed)?;
            self.left = self.tensors.front().map_or(0, |tensor| tensor.bytes);
        }
        Ok(())
    }

    /// Writes the next tensor whole, or some next rows of it: of codes and scales in ggml's order.
    ///
    /// # Errors
    /// [`ReadError`] that names the tensor, for one in another scheme, of rows of another length,
    /// or of more rows than are left, and if writing fails.
    pub fn quantized(&mut self, view: &QuantView<'_>) -> Result<(), ReadError> {
        self.skip()?;
        let Some(tensor) = self.tensors.front() else {
            return refused(Problem::mismatch("tensors to write", "no more", "one"));
        };
        let what = |part: &str| format!("tensor '{}': {part}", tensor.name);
        let Some(kind) = tensor.kind.ggml() else {
            return refused(Problem::mismatch(what("type"), tensor.kind, "a quantized tensor"));
        };
        let (expected, found) = (tensor.shape.last(), view.shape().last());
        if expected != found {
            let [expected, found] = [expected, found].map(|cols| format!("{cols:?}"));
            return refused(Problem::mismatch(what("last axis"), expected, found));
        }
        let bytes = to_ggml(kind, view).map_err(|error| {
            fault(Problem::Weight { weight: tensor.name.clone(), error: Box::new(error) })
        })?;
        if bytes.len() as u64 > self.left {
            let expected = format!("at most {}", self.left);
            return refused(Problem::mismatch(what("bytes"), expected, bytes.len()));
        }
        self.bytes(&bytes)
    }

    /// Ends the file: all tensors must be complete. Gives back what was written to, flushed.
    ///
    /// # Errors
    /// [`ReadError`] that names the first tensor that lacks bytes, and if writing fails.
    pub fn finish(mut self) -> Result<W, ReadError> {
        self.skip()?;
        if let Some(tensor) = self.tensors.front() {
            let what = format!("tensor '{}': bytes", tensor.name);
            let found = tensor.bytes - self.left;
            return Err(fault(Problem::mismatch(what, tensor.bytes, found)));
        }
        self.out.flush().map_err(failed)?;
        Ok(self.out)
    }
}

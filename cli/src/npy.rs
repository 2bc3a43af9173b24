//! NumPy's `.npy` files: one array each, as `numpy.save` writes it.
//!
//! A file is `\x93NUMPY`, a version, the length of a header and the header, a Python dictionary of
//! three keys, then the elements. That is read here and not by a crate: npyz, the one that is kept
//! up, brings a parser generator, big integers and a C compiler for these three keys.

mod header;

use header::{Element, Header};
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// Why a file was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NpyError {
    #[error("{file}: {error}")]
    Io { file: String, error: io::Error },
    #[error("{file}: {what}: expected {expected}, found {found}")]
    Mismatch { file: String, what: &'static str, expected: String, found: String },
}

/// What is wrong with bytes, without the name of their file.
type Mismatch = (&'static str, String, String);

fn mismatch(what: &'static str, expected: impl Display, found: impl Display) -> Mismatch {
    (what, expected.to_string(), found.to_string())
}

/// An array in a file. Its header was read and found good; elements are read when asked for.
#[derive(Debug)]
pub(crate) struct NpyFile {
    path: String,
    header: Header,
}

/// Elements of an array, row-major.
#[derive(Debug, PartialEq)]
pub(crate) enum NpyNumbers {
    /// Bits of halves.
    F16(Vec<u16>),
    /// Upper halves of the bits of f32s.
    Bf16(Vec<u16>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl NpyFile {
    /// Reads the header, and holds the shape against the length of the file.
    pub(crate) fn open(path: &Path) -> Result<Self, NpyError> {
        let name = path.display().to_string();
        let io = |error| NpyError::Io { file: name.clone(), error };
        let metadata = std::fs::metadata(path).map_err(io)?;
        let refused = |(what, expected, found)| NpyError::Mismatch {
            file: name.clone(),
            what,
            expected,
            found,
        };
        if !metadata.is_file() {
            let found = if metadata.is_dir() { "a directory" } else { "a device or pipe" };
            return Err(refused(mismatch("path", "a file", found)));
        }
        let mut head = Vec::new();
        File::open(path)
            .and_then(|file| file.take(Header::LONGEST).read_to_end(&mut head))
            .map_err(io)?;
        let header = Header::parse(&head, metadata.len()).map_err(refused)?;
        Ok(Self { path: name, header })
    }

    /// The lengths of the axes, outermost first.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// Bits of an element.
    pub(crate) const fn element_bits(&self) -> u64 {
        8 * self.header.element.bytes() as u64
    }

    /// Reads the elements.
    pub(crate) fn read(&self) -> Result<NpyNumbers, NpyError> {
        let Self { path, header } = self;
        let io = |error| NpyError::Io { file: path.clone(), error };
        let length = header.elements() * header.element.bytes();
        let mut bytes = Vec::new();
        // A sparse file may be larger than all memory: that is an error, not an abort.
        bytes.try_reserve_exact(length).map_err(|_| io(io::ErrorKind::OutOfMemory.into()))?;
        let mut file = File::open(path).map_err(io)?;
        io::Seek::seek(&mut file, io::SeekFrom::Start(header.data)).map_err(io)?;
        file.take(length as u64).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() != length {
            // The file has become shorter since its header was read.
            return Err(io(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(header.numbers(&bytes))
    }
}

impl Header {
    /// The elements, row-major, from their bytes.
    fn numbers(&self, bytes: &[u8]) -> NpyNumbers {
        match self.element {
            Element::F16 => NpyNumbers::F16(self.arranged(bytes, u16::from_le_bytes)),
            Element::Bf16 => NpyNumbers::Bf16(self.arranged(bytes, u16::from_le_bytes)),
            Element::F32 => NpyNumbers::F32(self.arranged(bytes, f32::from_le_bytes)),
            Element::F64 => NpyNumbers::F64(self.arranged(bytes, f64::from_le_bytes)),
        }
    }

    fn arranged<T: Copy, const N: usize>(&self, bytes: &[u8], number: fn([u8; N]) -> T) -> Vec<T> {
        let stored = bytes.as_chunks::<N>().0.iter().map(|bytes| {
            let mut bytes = *bytes;
            if self.big_endian {
                bytes.reverse();
            }
            number(bytes)
        });
        let stored: Vec<T> = stored.collect();
        if !self.fortran {
            return stored;
        }
        // The first axis is the fastest in the file: row-major positions are walked in order, and
        // where each lies in the file is kept along, axis by axis.
        let mut strides = Vec::new();
        let mut stride = 1;
        for &axis in &self.shape {
            strides.push(stride);
            stride *= axis;
        }
        let mut place = vec![0; self.shape.len()];
        let mut at = 0;
        let mut numbers = Vec::with_capacity(stored.len());
        for _ in 0..stored.len() {
            numbers.push(stored[at]);
            for axis in (0..self.shape.len()).rev() {
                place[axis] += 1;
                at += strides[axis];
                if place[axis] < self.shape[axis] {
                    break;
                }
                at -= strides[axis] * self.shape[axis];
                place[axis] = 0;
            }
        }
        numbers
    }
}

/// Writes an array of f32s, row-major, as `numpy.save` does.
pub(crate) fn write(shape: &[usize], numbers: &[f32], out: &mut impl Write) -> io::Result<()> {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    // A tuple of one has a comma.
    let axes = if let [one] = &*axes { format!("{one},") } else { axes.join(", ") };
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({axes}), }}");
    // Elements begin at a multiple of 64 bytes, behind a line's end.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    while header.len() + 1 < length {
        header.push(' ');
    }
    header.push('\n');
    out.write_all(b"\x93NUMPY\x01\x00")?;
    let length = u16::try_from(length).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    numbers.iter().try_for_each(|x| out.write_all(&x.to_le_bytes()))
}

#[cfg(test)]
mod tests;

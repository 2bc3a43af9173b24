//! [`Gguf`]: a file whose header was read and found good. Bytes of tensors come when asked for.

use super::super::bytes::{ShardBytes, regular_file};
use super::super::error::{Problem, ReadError};
use super::cursor::{Cursor, Stop};
use super::header::{GgufHeader, GgufTensor, MetadataEntry, Nvfp4Role, parse};
use super::value::{GgufValue, value};
use super::weight::{GgufWeight, load};
use crate::block::Accept;
use std::borrow::Cow;
use std::format;
use std::io::{Read, Seek};
use std::path::Path;
use std::string::{String, ToString};
use std::vec::Vec;

/// A GGUF file: metadata and tensors. The header was read and checked; bytes of tensors come when
/// asked for.
///
/// ```
/// use subhalf::io::{Gguf, GgufContents, GgufWeight};
/// use subhalf::layout::GgmlType;
/// use subhalf::{QuantTensor, preset};
/// let x: Vec<f32> = (0..64).map(|i| i as f32 / 8.0 - 4.0).collect();
/// let tensor = QuantTensor::quantize(&preset::ggml::Q4_0, &x, &[2, 32])?;
///
/// let mut contents = GgufContents::new();
/// contents.value("general.architecture", "llama")?;
/// contents.tensor("output.weight", GgmlType::Q4_0.into(), &[2, 32])?;
/// let mut writer = contents.write(Vec::new())?;
/// writer.quantized(&tensor.view())?;
/// let bytes = writer.finish()?;
///
/// let file = Gguf::from_bytes(&bytes)?;
/// let value = file.value("general.architecture");
/// assert_eq!(value.as_ref().and_then(|value| value.as_str()), Some("llama"));
/// let GgufWeight::Quantized(read) = file.load(file.tensor("output.weight")?)? else { panic!() };
/// assert_eq!(*read, tensor);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Gguf<'a> {
    /// The file's name in errors.
    file: String,
    bytes: ShardBytes<'a>,
    /// The beginning of the file, at least to the end of the header.
    head: Cow<'a, [u8]>,
    header: GgufHeader,
    /// The numbers of the tensors in the order of their names.
    by_name: Vec<usize>,
}

impl Gguf<'static> {
    /// Opens a file. Of a model in several files this is one of them: each is a file of its own.
    ///
    /// # Errors
    /// [`ReadError`] for a path that is no file, and those of [`from_bytes`](Gguf::from_bytes).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        let file = regular_file(path)?;
        Gguf::read(path.display().to_string(), ShardBytes::stream(file))
    }
}

impl<'a> Gguf<'a> {
    /// Reads the header of a file that is in memory, mapped for example.
    ///
    /// # Errors
    /// [`ReadError`] for bytes that are no GGUF file of version 2 or 3, a big-endian one, a file
    /// that is cut, keys or tensors of one name, and tensors that overlap, are not aligned or end
    /// behind the file. A type that is not known is no error: such a tensor says so itself
    /// ([`GgufTensor::unread`]).
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, ReadError> {
        Self::read(String::new(), ShardBytes::Memory(bytes))
    }

    /// Reads the header of a file; the bytes of its tensors are read when asked for.
    ///
    /// # Errors
    /// Those of [`from_bytes`](Self::from_bytes), and if reading fails.
    pub fn from_reader(reader: impl Read + Seek + Send + 'a) -> Result<Self, ReadError> {
        Self::read(String::new(), ShardBytes::stream(reader))
    }

    fn read(file: String, bytes: ShardBytes<'a>) -> Result<Self, ReadError> {
        match begin(&bytes) {
            Ok((head, header)) => {
                let tensors = &header.tensors;
                let mut by_name: Vec<usize> = (0..tensors.len()).collect();
                by_name.sort_by(|&a, &b| tensors[a].name.cmp(&tensors[b].name));
                Ok(Self { file, bytes, head, header, by_name })
            }
            Err(problem) => Err(ReadError::new(&file, problem)),
        }
    }

    /// The version of the format: 2 or 3, which differ in nothing here.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.header.version
    }

    /// What the places of tensors are multiples of.
    #[must_use]
    pub const fn alignment(&self) -> u64 {
        self.header.alignment
    }

    /// Keys and values of the metadata, in the order of the file.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, GgufValue<'_>)> {
        self.header.metadata.iter().filter_map(|entry| Some((self.key(entry), self.at(entry)?)))
    }

    /// The value of a key of the metadata.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<GgufValue<'_>> {
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

    /// The tensors, in the order of the file's table.
    #[must_use]
    pub fn tensors(&self) -> &[GgufTensor] {
        &self.header.tensors
    }

    /// The tensor of a name.
    ///
    /// # Errors
    /// [`ReadError`] if there is none.
    pub fn tensor(&self, name: &str) -> Result<&GgufTensor, ReadError> {
        let tensors = self.tensors();
        let found = self.by_name.binary_search_by(|&place| (*tensors[place].name).cmp(name));
        found.map(|place| &tensors[self.by_name[place]]).map_err(|_| {
            let what = format!("tensor '{name}'");
            ReadError::new(&self.file, Problem::mismatch(what, "a tensor of this name", "none"))
        })
    }

    /// The bytes that a weight of this file takes: those of the tensor, and of the tensor scales
    /// that stand beside it.
    #[must_use]
    pub fn stored_bytes(&self, tensor: &GgufTensor) -> u64 {
        let scales = match tensor.role {
            Nvfp4Role::ScaledBy(scale) => self.tensors().get(scale),
            Nvfp4Role::None | Nvfp4Role::PartOf(_) => None,
        };
        tensor.stored_bytes() + scales.map_or(0, GgufTensor::stored_bytes)
    }

    /// The bytes of a tensor of this file as they are: borrowed from memory, or read.
    ///
    /// # Errors
    /// [`ReadError`] if reading fails.
    pub fn bytes(&self, tensor: &GgufTensor) -> Result<Cow<'a, [u8]>, ReadError> {
        let data = self.header.data;
        let place = data.checked_add(tensor.bytes.start).zip(data.checked_add(tensor.bytes.end));
        let short = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        let read = place.ok_or_else(short).and_then(|(start, end)| self.bytes.read(start..end));
        read.map_err(|error| {
            let what = format!("tensor '{}'", tensor.name);
            ReadError::new(&self.file, Problem::Io { what, error })
        })
    }

    /// A tensor of this file as numbers, or as codes and scales that were put in order. An NVFP4
    /// weight has the tensor scales that stand beside it.
    ///
    /// # Errors
    /// [`ReadError`] if reading fails, for a type that is [not read](GgufTensor::unread), and for
    /// scales and minima that are NaN or infinite.
    pub fn load(&self, tensor: &GgufTensor) -> Result<GgufWeight<'a>, ReadError> {
        self.load_with(tensor, Accept::Finite)
    }

    /// A tensor of this file as numbers, or as codes and scales that were put in order; `accept`
    /// says whether scales and minima may be NaN or infinite.
    ///
    /// # Errors
    /// [`ReadError`] if reading fails, for a type that is [not read](GgufTensor::unread), and for
    /// scales and minima that `accept` excludes.
    pub fn load_with(
        &self,
        tensor: &GgufTensor,
        accept: Accept,
    ) -> Result<GgufWeight<'a>, ReadError> {
        let scales = match tensor.role {
            Nvfp4Role::ScaledBy(scale) => match self.tensors().get(scale) {
                Some(scale) => Some(self.bytes(scale)?),
                None => None,
            },
            Nvfp4Role::None | Nvfp4Role::PartOf(_) => None,
        };
        load(tensor, self.bytes(tensor)?, scales.as_deref(), accept)
            .map_err(|problem| ReadError::new(&self.file, problem))
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

impl core::fmt::Debug for Gguf<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Gguf")
            .field("version", &self.header.version)
            .field("metadata", &self.header.metadata.len())
            .field("tensors", &self.header.tensors.len())
            .finish()
    }
}

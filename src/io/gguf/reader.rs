//! [`Gguf`]: a model whose headers were read and found good. Bytes of tensors come when asked for.

use super::super::bytes::ShardBytes;
use super::super::error::{Problem, ReadError};
use super::header::{GgufTensor, Nvfp4Role, companions};
use super::part::{GgufPart, PartOfModel, SPLIT_COUNT, SPLIT_NO, SPLIT_TENSORS};
use super::value::GgufValue;
use super::weight::{GgufWeight, load};
use crate::block::Accept;
use std::borrow::Cow;
use std::format;
use std::io::{Read, Seek};
use std::path::Path;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

/// A GGUF file, or the files that a model is split into: metadata and tensors. Headers were read
/// and checked; bytes of tensors come when asked for.
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
    /// The files, most often one. The first has the metadata.
    parts: Vec<GgufPart<'a>>,
    /// The tensors of all files.
    tensors: Vec<GgufTensor>,
    /// The numbers of the tensors in the order of their names.
    by_name: Vec<usize>,
}

impl Gguf<'static> {
    /// Opens a file. Of a model that is split into several (`…-00001-of-00003.gguf`) any one may be
    /// named: all of them are opened, and read as one ([`join`](Gguf::join)).
    ///
    /// # Errors
    /// [`ReadError`] for a path that is no file, those of [`from_bytes`](Gguf::from_bytes) and of
    /// [`join`](Gguf::join), and for a split file whose name does not say what the others are
    /// called.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        let part = GgufPart::open(path)?;
        let Some(split) = part.split()? else { return Self::of_parts(vec![part]) };
        let name = path.file_name().map(|name| name.to_string_lossy());
        let stem = name.as_deref().and_then(|name| split.stem(name)).ok_or_else(|| {
            let expected = format!("NAME{}", split.ending());
            part.fault(Problem::mismatch("name of a split file", expected, format!("{name:?}")))
        })?;
        let mut parts = Vec::new();
        for no in 0..split.count {
            let name = format!("{stem}{}", PartOfModel { no, ..split }.ending());
            parts.push(GgufPart::open(&path.with_file_name(name))?);
        }
        Self::of_split(parts)
    }
}

impl<'a> Gguf<'a> {
    /// Reads the header of a file that is in memory, mapped for example. A part of a split model is
    /// a file by itself, with its own tensors.
    ///
    /// # Errors
    /// [`ReadError`] for bytes that are no GGUF file of version 2 or 3, a big-endian one, a file
    /// that is cut, keys or tensors of one name, and tensors that overlap, are not aligned or end
    /// behind the file. A type that is not known is no error: such a tensor says so itself
    /// ([`GgufTensor::unread`]).
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, ReadError> {
        Self::of_parts(vec![GgufPart::read(String::new(), ShardBytes::Memory(bytes))?])
    }

    /// Reads the header of a file; the bytes of its tensors are read when asked for.
    ///
    /// # Errors
    /// Those of [`from_bytes`](Self::from_bytes), and if reading fails.
    pub fn from_reader(reader: impl Read + Seek + Send + 'a) -> Result<Self, ReadError> {
        Self::of_parts(vec![GgufPart::read(String::new(), ShardBytes::stream(reader))?])
    }

    /// Joins the files of a split model, in any order: the metadata is the first one's, the tensors
    /// are those of all in order.
    ///
    /// # Errors
    /// [`ReadError`] unless `split.no`, `split.count` and `split.tensors.count` of the files'
    /// metadata say that these files, and no others, are the parts of one model, and if two have a
    /// tensor of one name.
    pub fn join(files: impl IntoIterator<Item = Self>) -> Result<Self, ReadError> {
        let mut parts: Vec<_> = files.into_iter().flat_map(|file| file.parts).collect();
        // Those that do not say where they belong are refused below.
        parts.sort_by_key(|part| part.split().ok().flatten().map_or(0, |split| split.no));
        Self::of_split(parts)
    }

    /// Holds the parts of a split model against each other, and against the first.
    fn of_split(parts: Vec<GgufPart<'a>>) -> Result<Self, ReadError> {
        let Some(first) = parts.first() else {
            return Err(ReadError::new("", Problem::mismatch("files to join", "at least one", 0)));
        };
        let Some(whole) = first.split()? else {
            let what = format!("metadata '{SPLIT_COUNT}'");
            return Err(first.fault(Problem::mismatch(what, "2 or more", "none, or one file")));
        };
        for (no, part) in parts.iter().enumerate() {
            let own = part.split()?;
            let rows = [
                (SPLIT_COUNT, Some(whole.count), own.map(|own| own.count)),
                (SPLIT_NO, Some(no as u64), own.map(|own| own.no)),
                (SPLIT_TENSORS, whole.tensors, own.and_then(|own| own.tensors)),
            ];
            if let Some((key, expected, found)) = rows.into_iter().find(|(_, a, b)| a != b) {
                let [expected, found] = [expected, found]
                    .map(|x| x.map_or_else(|| "none".to_string(), |x| x.to_string()));
                return Err(part.fault(Problem::mismatch(
                    format!("metadata '{key}'"),
                    expected,
                    found,
                )));
            }
        }
        if parts.len() as u64 != whole.count {
            return Err(first.fault(Problem::mismatch("files to join", whole.count, parts.len())));
        }
        let file = Self::of_parts(parts)?;
        match whole.tensors {
            Some(expected) if expected != file.tensors.len() as u64 => {
                let what = "tensors of all parts";
                Err(file.first().fault(Problem::mismatch(what, expected, file.tensors.len())))
            }
            _ => Ok(file),
        }
    }

    /// Lists the tensors of all parts.
    fn of_parts(parts: Vec<GgufPart<'a>>) -> Result<Self, ReadError> {
        let listed = |(place, part): (usize, &GgufPart<'_>)| {
            let own = part.header.tensors.clone();
            own.into_iter().map(move |tensor| GgufTensor { part: place, ..tensor })
        };
        let mut tensors: Vec<_> = parts.iter().enumerate().flat_map(listed).collect();
        companions(&mut tensors);
        let mut by_name: Vec<usize> = (0..tensors.len()).collect();
        by_name.sort_by(|&a, &b| tensors[a].name.cmp(&tensors[b].name));
        for pair in by_name.windows(2) {
            let [a, b] = [&tensors[pair[0]], &tensors[pair[1]]];
            if a.name == b.name {
                let what = format!("tensor '{}': entries", a.name);
                return Err(parts[a.part.max(b.part)].fault(Problem::mismatch(what, 1, 2)));
            }
        }
        Ok(Self { parts, tensors, by_name })
    }

    /// The number of files that the model is split into; most often 1.
    #[must_use]
    pub const fn parts(&self) -> usize {
        self.parts.len()
    }

    fn first(&self) -> &GgufPart<'a> {
        // There is one: nothing is made of no parts.
        &self.parts[0]
    }

    /// The version of the format: 2 or 3, which differ in nothing here.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.first().header.version
    }

    /// What the places of tensors are multiples of.
    #[must_use]
    pub fn alignment(&self) -> u64 {
        self.first().header.alignment
    }

    /// Keys and values of the metadata, in the order of the file. Of a split model they are those
    /// of the first file, `split.no`, `split.count` and `split.tensors.count` among them.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, GgufValue<'_>)> {
        self.first().metadata()
    }

    /// The value of a key of the metadata.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<GgufValue<'_>> {
        self.first().value(key)
    }

    /// The tensors, in the order of the file's table; of a split model those of all files.
    #[must_use]
    pub fn tensors(&self) -> &[GgufTensor] {
        &self.tensors
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
            self.first().fault(Problem::mismatch(what, "a tensor of this name", "none"))
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

    /// The tensors that stand beside an NVFP4 weight and belong to it: its tensor scale, and the
    /// scale of its inputs.
    pub fn companions<'f>(
        &'f self,
        weight: &'f GgufTensor,
    ) -> impl Iterator<Item = &'f GgufTensor> + use<'f, 'a> {
        let tensors = self.tensors();
        tensors.iter().filter(move |tensor| match tensor.role {
            Nvfp4Role::PartOf(place) => {
                tensors.get(place).is_some_and(|own| own.name() == weight.name())
            }
            Nvfp4Role::None | Nvfp4Role::ScaledBy(_) => false,
        })
    }

    /// The bytes of a tensor of this file as they are: borrowed from memory, or read.
    ///
    /// # Errors
    /// [`ReadError`] if reading fails.
    pub fn bytes(&self, tensor: &GgufTensor) -> Result<Cow<'a, [u8]>, ReadError> {
        self.part(tensor).bytes(tensor)
    }

    /// The file that has a tensor's bytes; of a tensor of another model one that has it not.
    fn part(&self, tensor: &GgufTensor) -> &GgufPart<'a> {
        self.parts.get(tensor.part).unwrap_or_else(|| self.first())
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
            .map_err(|problem| self.part(tensor).fault(problem))
    }
}

impl core::fmt::Debug for Gguf<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Gguf")
            .field("version", &self.version())
            .field("parts", &self.parts.len())
            .field("metadata", &self.metadata().count())
            .field("tensors", &self.tensors.len())
            .finish()
    }
}

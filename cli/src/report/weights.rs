//! Named weights of a checkpoint, one after the other, in the types that measures take. Which tensors
//! make up a weight is the library's to say.

use crate::failure::{Failure, escaped};
use crate::npy::{NpyFile, NpyNumbers};
use half::{bf16, f16};
use std::borrow::Cow;
use std::io::Cursor;
use std::path::Path;
use subhalf::io::{Checkpoint, CheckpointFiles, Gguf, Loaded};
use subhalf::{Accept, Quantizer};

pub(crate) use subhalf::io::ReadError;

mod gguf;

/// A tensor, row-major.
#[derive(Debug)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Values,
}

/// The elements in the type that the file has them in; of quantized weights, what they come back
/// as.
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

    /// The elements of an array.
    pub(crate) fn of_npy(numbers: NpyNumbers) -> Self {
        match numbers {
            NpyNumbers::F16(bits) => Self::F16(bits.into_iter().map(f16::from_bits).collect()),
            NpyNumbers::Bf16(bits) => Self::Bf16(bits.into_iter().map(bf16::from_bits).collect()),
            NpyNumbers::F32(numbers) => Self::F32(numbers),
            NpyNumbers::F64(numbers) => Self::F64(numbers),
        }
    }

    /// The largest finite magnitude, as tensor scales are made from it.
    pub(crate) fn amax(&self, quantizer: &Quantizer<'_>) -> f32 {
        match self {
            Self::F16(values) => quantizer.amax(values),
            Self::Bf16(values) => quantizer.amax(values),
            Self::F32(values) => quantizer.amax(values),
            Self::F64(values) => quantizer.amax(values),
        }
    }

    /// Little-endian elements of a type, of which F64, F16 and BF16 are told apart from F32.
    pub(crate) fn of(dtype: &str, bytes: &[u8]) -> Self {
        fn elements<T, const N: usize>(bytes: &[u8], element: fn([u8; N]) -> T) -> Vec<T> {
            bytes.as_chunks().0.iter().map(|bytes| element(*bytes)).collect()
        }
        match dtype {
            "F64" => Self::F64(elements(bytes, f64::from_le_bytes)),
            "F16" => Self::F16(elements(bytes, f16::from_le_bytes)),
            "BF16" => Self::Bf16(elements(bytes, bf16::from_le_bytes)),
            // Plain numbers are of these four types alone.
            _ => Self::F32(elements(bytes, f32::from_le_bytes)),
        }
    }
}

/// A weight as it is listed: a view of what the library knows of it, since there may be many.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    name: &'a str,
    shape: &'a [usize],
    stored_bits: u64,
    /// The program, and its layout.
    scheme: Option<(&'static str, Cow<'static, str>)>,
}

impl<'a> Entry<'a> {
    pub(crate) const fn name(&self) -> &'a str {
        self.name
    }

    pub(crate) const fn shape(&self) -> &'a [usize] {
        self.shape
    }

    pub(crate) fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Bits that the files store for the weight.
    pub(crate) const fn stored_bits(&self) -> u64 {
        self.stored_bits
    }

    /// How a quantized weight is stored, in words.
    pub(crate) fn scheme(&self) -> Option<String> {
        self.scheme.as_ref().map(|(program, layout)| format!("{program} ({layout})"))
    }
}

/// A tensor that is no weight.
#[derive(Debug)]
pub(crate) struct LeftOut {
    name: String,
    dtype: String,
    shape: Vec<usize>,
    reason: String,
    undecoded: bool,
}

impl LeftOut {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn dtype(&self) -> &str {
        &self.dtype
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    /// Whether it looks like a weight that could not be read.
    pub(crate) const fn is_undecoded(&self) -> bool {
        self.undecoded
    }
}

/// Where weights come from.
enum Source {
    Checkpoint(Checkpoint<'static>),
    /// A model, and the places of its weights among its tensors.
    Gguf(Box<Gguf<'static>>, Vec<usize>),
    /// An array, and its name.
    Npy(String, NpyFile),
}

/// The weights of a checkpoint: headers have been read and found good, and weights are read when
/// asked for.
pub(crate) struct Weights {
    source: Source,
    left_out: Vec<LeftOut>,
}

impl Weights {
    /// Opens a file, an index or a directory, and reads the headers.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        crate::convert::refuse_unfinished(path)?;
        match path.extension() {
            Some(ending) if ending.eq_ignore_ascii_case("gguf") => {
                Ok(Self::of_gguf(Gguf::open(path)?))
            }
            Some(ending) if ending.eq_ignore_ascii_case("npy") => {
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                let source = Source::Npy(name.into_owned(), NpyFile::open(path)?);
                Ok(Self { source, left_out: Vec::new() })
            }
            _ => Ok(Self::of_checkpoint(Checkpoint::open(path)?)),
        }
    }

    /// The bytes of a file; `file` is its name in errors.
    pub(crate) fn of_bytes(file: &str, bytes: Vec<u8>) -> Result<Self, ReadError> {
        let files = CheckpointFiles::new().reader(file, Cursor::new(bytes));
        Ok(Self::of_checkpoint(files.read()?))
    }

    fn of_checkpoint(checkpoint: Checkpoint<'static>) -> Self {
        let carried = |tensor: &subhalf::io::Carried| LeftOut {
            name: tensor.name().to_owned(),
            dtype: tensor.dtype().to_string(),
            shape: tensor.shape().to_vec(),
            reason: tensor.reason().to_owned(),
            undecoded: tensor.is_undecoded(),
        };
        let left_out = checkpoint.carried().iter().map(carried).collect();
        Self { source: Source::Checkpoint(checkpoint), left_out }
    }

    /// How many weights there are.
    pub(crate) fn len(&self) -> usize {
        match &self.source {
            Source::Checkpoint(checkpoint) => checkpoint.weights().len(),
            Source::Gguf(_, places) => places.len(),
            Source::Npy(..) => 1,
        }
    }

    /// A weight by its place in the order of the data.
    pub(crate) fn entry(&self, index: usize) -> Entry<'_> {
        match &self.source {
            Source::Checkpoint(checkpoint) => {
                let weight = &checkpoint.weights()[index];
                Entry {
                    name: weight.name(),
                    shape: weight.shape(),
                    stored_bits: 8 * checkpoint.stored_bytes(weight),
                    scheme: weight
                        .scheme()
                        .map(|scheme| (scheme.convention.name(), Cow::Borrowed(scheme.layout))),
                }
            }
            Source::Gguf(file, places) => gguf::entry(file, places[index]),
            Source::Npy(name, file) => Entry {
                name,
                shape: file.shape(),
                stored_bits: file.element_bits() * file.shape().iter().product::<usize>() as u64,
                scheme: None,
            },
        }
    }

    /// The weights in the order of the data.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        (0..self.len()).map(|index| self.entry(index))
    }

    /// The other tensors: positions, masks, scales of activations, codes that are not read.
    pub(crate) fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// How many elements there are.
    pub(crate) fn elements(&self) -> usize {
        self.entries().map(|entry| entry.elements()).sum()
    }

    /// The schemes of quantized weights, in words, with how many weights have each, in the order of
    /// the first.
    pub(crate) fn schemes(&self) -> Vec<(String, usize)> {
        let mut schemes: Vec<(Entry<'_>, usize)> = Vec::new();
        for entry in self.entries().filter(|entry| entry.scheme.is_some()) {
            match schemes.iter_mut().find(|(known, _)| known.scheme == entry.scheme) {
                Some((_, count)) => *count += 1,
                None => schemes.push((entry, 1)),
            }
        }
        schemes.iter().filter_map(|(entry, count)| Some((entry.scheme()?, *count))).collect()
    }

    /// Reads the elements of a weight. Nothing but these is held.
    pub(crate) fn read(&self, index: usize) -> Result<Tensor, Failure> {
        let values = match &self.source {
            Source::Checkpoint(checkpoint) => checkpoint_values(checkpoint, index)?,
            Source::Gguf(file, places) => gguf::values(file, places[index])?,
            Source::Npy(_, file) => Values::of_npy(file.read()?),
        };
        let Entry { name, shape, .. } = self.entry(index);
        Ok(Tensor { name: name.to_owned(), shape: shape.to_vec(), values })
    }
}

fn checkpoint_values(checkpoint: &Checkpoint<'_>, index: usize) -> Result<Values, ReadError> {
    Ok(match checkpoint.load(&checkpoint.weights()[index])? {
        Loaded::Numbers(numbers) => Values::of(&numbers.dtype(), numbers.bytes()),
        // Infinite scales are measured like infinite numbers.
        Loaded::Quantized(weight) => Values::F32(weight.view_with(Accept::Nonfinite)?.dequantize()),
        other => Values::F32(other.to_f32()?),
    })
}

/// Text without line breaks and other control characters, and not endless.
pub(crate) fn one_line(text: &str) -> String {
    const LONGEST: usize = 400;
    escaped(text, LONGEST)
}

#[cfg(test)]
mod tests;

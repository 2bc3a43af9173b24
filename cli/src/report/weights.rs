//! Named weights of a checkpoint, one after the other, in the types that measures take. Which tensors
//! make up a weight is the library's to say.

use crate::failure::escaped;
use half::{bf16, f16};
use std::borrow::Cow;
use std::io::Cursor;
use std::path::Path;
use subhalf::Accept;
use subhalf::io::{Carried, Checkpoint, CheckpointFiles, Loaded, PlainNumbers, Weight};

pub(crate) use subhalf::io::ReadError;

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

    fn of(numbers: &PlainNumbers<'_>) -> Self {
        fn elements<T, const N: usize>(bytes: &[u8], element: fn([u8; N]) -> T) -> Vec<T> {
            bytes.as_chunks().0.iter().map(|bytes| element(*bytes)).collect()
        }
        let bytes = numbers.bytes();
        match numbers.dtype().as_str() {
            "F64" => Self::F64(elements(bytes, f64::from_le_bytes)),
            "F16" => Self::F16(elements(bytes, f16::from_le_bytes)),
            "BF16" => Self::Bf16(elements(bytes, bf16::from_le_bytes)),
            // Plain numbers are of these four types alone.
            _ => Self::F32(elements(bytes, f32::from_le_bytes)),
        }
    }
}

/// The weights of a checkpoint: headers have been read and found good, and weights are read when
/// asked for.
pub(crate) struct Weights {
    checkpoint: Checkpoint<'static>,
}

impl Weights {
    /// Opens a file, an index or a directory, and reads the headers.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        Ok(Self { checkpoint: Checkpoint::open(path)? })
    }

    /// The bytes of a file; `file` is its name in errors.
    pub(crate) fn of_bytes(file: &str, bytes: Vec<u8>) -> Result<Self, ReadError> {
        let checkpoint = CheckpointFiles::new().reader(file, Cursor::new(bytes)).read()?;
        Ok(Self { checkpoint })
    }

    /// The weights in the order of the data.
    pub(crate) fn entries(&self) -> &[Weight] {
        self.checkpoint.weights()
    }

    /// The other tensors: positions, masks, scales of activations, codes that are not read.
    pub(crate) fn left_out(&self) -> &[Carried] {
        self.checkpoint.carried()
    }

    /// How many elements there are.
    pub(crate) fn elements(&self) -> usize {
        self.entries().iter().map(Weight::elements).sum()
    }

    /// Bits that the files store for a weight.
    pub(crate) fn stored_bits(&self, weight: &Weight) -> u64 {
        8 * self.checkpoint.stored_bytes(weight)
    }

    /// The schemes of quantized weights, in words, with how many weights have each, in the order of
    /// the first.
    pub(crate) fn schemes(&self) -> Vec<(String, usize)> {
        let mut schemes: Vec<(String, usize)> = Vec::new();
        for name in self.entries().iter().filter_map(scheme) {
            match schemes.iter_mut().find(|(known, _)| *known == name) {
                Some((_, count)) => *count += 1,
                None => schemes.push((name, 1)),
            }
        }
        schemes
    }

    /// Reads the elements of a weight. Nothing but these is held.
    pub(crate) fn read(&self, index: usize) -> Result<Tensor, ReadError> {
        let weight = &self.entries()[index];
        let values = match self.checkpoint.load(weight)? {
            Loaded::Numbers(numbers) => Values::of(&numbers),
            // Infinite scales are measured like infinite numbers.
            Loaded::Quantized(weight) => {
                Values::F32(weight.view_with(Accept::Nonfinite)?.dequantize())
            }
            other => Values::F32(other.to_f32()?),
        };
        let (name, shape) = (weight.name().to_owned(), weight.shape().to_vec());
        Ok(Tensor { name, shape, values })
    }
}

/// How a quantized weight is stored, in words.
pub(crate) fn scheme(weight: &Weight) -> Option<String> {
    let scheme = weight.scheme()?;
    Some(format!("{} ({})", scheme.convention.name(), scheme.layout))
}

/// Text without line breaks and other control characters, and not endless.
pub(crate) fn one_line(text: &str) -> String {
    const LONGEST: usize = 400;
    escaped(text, LONGEST)
}

#[cfg(test)]
mod tests;

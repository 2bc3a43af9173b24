//! Named tensors from a `.safetensors` file. Reads and refuses; measures nothing.

use crate::failure::escaped;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use safetensors::{SafeTensorError, SafeTensors};
use std::collections::BTreeMap;
use std::path::Path;
use subhalf::{Code, FormatSpec, Vocabulary};

/// A tensor, row-major.
#[derive(Debug)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Values,
}

/// The elements: f64 as they are, everything narrower as the f32 that holds it exactly.
#[derive(Debug)]
pub(crate) enum Values {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Values {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
        }
    }
}

/// What a file holds, in the order of the data.
#[derive(Debug, Default)]
pub(crate) struct Weights {
    pub(crate) tensors: Vec<Tensor>,
    /// Names and dtypes of integer and Boolean tensors: positions, masks or packed codes, but not
    /// weights.
    pub(crate) left_out: Vec<(String, Dtype)>,
}

/// Why a file was refused. Always one line, whatever the file says.
#[derive(Debug, thiserror::Error)]
#[error("{}", one_line(&format!("{file}: {problem}")))]
pub(crate) struct ReadError {
    file: String,
    problem: Box<Problem>,
}

impl ReadError {
    fn new(file: impl Into<String>, problem: Problem) -> Self {
        Self { file: file.into(), problem: Box::new(problem) }
    }
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{what}: expected {expected}, found {found}")]
    Mismatch { what: String, expected: String, found: String },
    #[error("tensor '{tensor}': {problem}")]
    Entry { tensor: String, problem: serde_json::Error },
    #[error("dtype {dtype} of tensor '{tensor}' is not supported")]
    Dtype { tensor: String, dtype: Dtype },
    #[error("{0}")]
    Header(SafeTensorError),
    #[error("{0}")]
    Decode(#[from] subhalf::Error),
}

impl Problem {
    fn mismatch(what: impl Into<String>, expected: impl ToString, found: impl ToString) -> Self {
        Self::Mismatch {
            what: what.into(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Weights, ReadError> {
    let file = path.display().to_string();
    let bytes = regular_file(path).map_err(|problem| ReadError::new(&file, problem))?;
    parse(&file, &bytes)
}

/// Reads the bytes of a file; `file` is its name in errors.
pub(crate) fn parse(file: &str, bytes: &[u8]) -> Result<Weights, ReadError> {
    weights(bytes).map_err(|problem| ReadError::new(file, problem))
}

/// A device could go on for ever, so only files are read.
fn regular_file(path: &Path) -> Result<Vec<u8>, Problem> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() { "a directory" } else { "a device or pipe" };
        return Err(Problem::mismatch("path", "a file", found));
    }
    Ok(std::fs::read(path)?)
}

fn weights(bytes: &[u8]) -> Result<Weights, Problem> {
    let (header, data) = split(bytes)?;
    let (_, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|error| explain(header, data, error))?;
    let mut weights = Weights::default();
    for (name, info) in by_position(&metadata) {
        let data = &data[info.data_offsets.0..info.data_offsets.1];
        let values = match info.dtype {
            Dtype::F64 => Values::F64(
                data.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect(),
            ),
            Dtype::F32 => Values::F32(decode(info.dtype, data, u32::from_le_bytes)?),
            Dtype::F16 | Dtype::BF16 => Values::F32(decode(info.dtype, data, u16::from_le_bytes)?),
            Dtype::F8_E4M3
            | Dtype::F8_E5M2
            | Dtype::F8_E8M0
            | Dtype::F8_E4M3FNUZ
            | Dtype::F8_E5M2FNUZ => Values::F32(decode(info.dtype, data, u8::from_le_bytes)?),
            Dtype::BOOL
            | Dtype::I8
            | Dtype::I16
            | Dtype::I32
            | Dtype::I64
            | Dtype::U8
            | Dtype::U16
            | Dtype::U32
            | Dtype::U64 => {
                weights.left_out.push((name, info.dtype));
                continue;
            }
            dtype => return Err(Problem::Dtype { tensor: name, dtype }),
        };
        weights.tensors.push(Tensor { name, shape: info.shape.clone(), values });
    }
    Ok(weights)
}

/// Codes of a dtype that is a format of this crate, as numbers. Every one of them fits an f32.
fn decode<C: Code, const N: usize>(
    dtype: Dtype,
    data: &[u8],
    code: fn([u8; N]) -> C,
) -> Result<Vec<f32>, subhalf::Error> {
    let spec = FormatSpec::by_name_in(Vocabulary::Safetensors, &dtype.to_string())?;
    let codes: Vec<C> = data.as_chunks().0.iter().map(|bytes| code(*bytes)).collect();
    let mut values = vec![0.0; codes.len()];
    spec.decode_slice(&codes, &mut values)?;
    Ok(values)
}

/// Header and data. The `safetensors` crate checks these lengths too, but its errors do not say
/// what was expected.
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), Problem> {
    const MAX_HEADER: u64 = 100_000_000; // the crate's own limit
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return Err(Problem::mismatch("file length", "at least 8 bytes", bytes.len()));
    };
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER {
        return Err(Problem::mismatch(
            "not a safetensors file: header length",
            format_args!("at most {MAX_HEADER} bytes"),
            length,
        ));
    }
    let too_short =
        || Problem::mismatch("header length", format_args!("{length} bytes"), rest.len());
    rest.split_at_checked(length as usize).ok_or_else(too_short)
}

/// Tensors by offset; empty ones, which may share it, by name.
fn by_position(metadata: &Metadata) -> Vec<(String, &TensorInfo)> {
    let mut tensors: Vec<_> = metadata.tensors().into_iter().collect();
    tensors.sort_by(|(a_name, a), (b_name, b)| {
        (a.data_offsets, a_name).cmp(&(b.data_offsets, b_name))
    });
    tensors
}

/// A second look at a header that the `safetensors` crate refused: which tensor, what was expected,
/// what was found.
fn explain(header: &[u8], data: &[u8], error: SafeTensorError) -> Problem {
    let Ok(entries) = serde_json::from_slice::<BTreeMap<String, serde_json::Value>>(header) else {
        return Problem::Header(error);
    };
    let mut tensors = Vec::new();
    for (tensor, entry) in entries.into_iter().filter(|(name, _)| name != "__metadata__") {
        match serde_json::from_value::<TensorInfo>(entry) {
            Ok(info) => tensors.push((info.data_offsets, tensor, info)),
            Err(problem) => return Problem::Entry { tensor, problem },
        }
    }
    tensors.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let mut position = 0;
    for ((start, end), tensor, info) in tensors {
        let what = |part: &str| format!("tensor '{tensor}': {part}");
        if start != position {
            return Problem::mismatch(what("first byte"), position, start);
        }
        let bits = info
            .shape
            .iter()
            .try_fold(info.dtype.bitsize() as u128, |bits, &size| bits.checked_mul(size as u128));
        let bytes =
            bits.map_or("more than there are".to_owned(), |bits| bits.div_ceil(8).to_string());
        let found =
            end.checked_sub(start).map_or("less than none".to_owned(), |found| found.to_string());
        if found != bytes {
            return Problem::mismatch(
                what(&format!("bytes of {} {:?}", info.dtype, info.shape)),
                bytes,
                found,
            );
        }
        position = end;
    }
    if position != data.len() {
        return Problem::mismatch("bytes of data", position, data.len());
    }
    Problem::Header(error)
}

/// Text without line breaks and other control characters, and not endless.
pub(crate) fn one_line(text: &str) -> String {
    const LONGEST: usize = 400;
    escaped(text, LONGEST)
}

#[cfg(test)]
mod tests;

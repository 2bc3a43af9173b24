//! Where weights come from: a checkpoint of safetensors or a GGUF file, read in pieces of rows, and
//! tensors as they are.

use super::statics::{FP8_MAX, NVFP4_MAX};
use super::target::Codes;
use crate::failure::Failure;
use crate::report::Values;
use std::ops::Range;
use std::path::Path;
use subhalf::io::{
    Checkpoint, Convention, Gguf, GgufTensor, GgufWeight, Loaded, QuantWeight, ReadError,
    StoredTensor, Weight,
};
use subhalf::{FormatSpec, QuantTensor, QuantView, TensorScale};

/// What is converted.
pub(super) enum Source {
    Checkpoint(Box<Checkpoint<'static>>),
    Gguf(Box<Gguf<'static>>),
}

/// A weight as it is listed.
pub(super) struct SourceWeight<'s> {
    pub(super) name: &'s str,
    pub(super) shape: &'s [usize],
    /// The type of plain numbers, by the file's name for it; `None` of a quantized weight.
    pub(super) numbers: Option<String>,
    /// How a quantized weight is stored.
    pub(super) scheme: Option<String>,
    /// The name of its file.
    pub(super) file: String,
    origin: Origin<'s>,
}

#[derive(Clone, Copy)]
enum Origin<'s> {
    Checkpoint(&'s Checkpoint<'static>, &'s Weight),
    Gguf(&'s Gguf<'static>, &'s GgufTensor),
}

/// A tensor that can be copied as it is.
#[derive(Clone, Copy)]
pub(super) enum RawTensor<'s> {
    Stored(StoredTensor<'s, 'static>),
    Gguf(&'s Gguf<'static>, &'s GgufTensor),
}

impl<'s> RawTensor<'s> {
    pub(super) fn name(&self) -> &'s str {
        match self {
            Self::Stored(tensor) => tensor.name(),
            Self::Gguf(_, tensor) => tensor.name(),
        }
    }

    /// By the file's name for it.
    pub(super) fn dtype(&self) -> String {
        match self {
            Self::Stored(tensor) => tensor.dtype(),
            Self::Gguf(_, tensor) => tensor.kind().to_string(),
        }
    }

    pub(super) fn shape(&self) -> &'s [usize] {
        match self {
            Self::Stored(tensor) => tensor.shape(),
            Self::Gguf(_, tensor) => tensor.shape(),
        }
    }

    pub(super) fn file(&self) -> String {
        match self {
            Self::Stored(tensor) => file_name(tensor.file()),
            Self::Gguf(..) => String::new(),
        }
    }

    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Stored(tensor) => tensor.len(),
            Self::Gguf(_, tensor) => tensor.stored_bytes(),
        }
    }

    /// Hands on the bytes in pieces that fit into a little memory.
    pub(super) fn pieces(
        &self,
        mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        const PIECE: u64 = 1 << 22;
        match self {
            Self::Stored(tensor) => {
                let mut first = 0;
                while first < tensor.len() {
                    let end = (first + PIECE).min(tensor.len());
                    take(&tensor.read(first..end)?)?;
                    first = end;
                }
                Ok(())
            }
            // Tensors of a GGUF file are read whole.
            Self::Gguf(file, tensor) => take(&file.bytes(tensor)?),
        }
    }
}

/// The name of a file in its directory.
pub(super) fn file_name(path: &str) -> String {
    let name = Path::new(path).file_name();
    name.map_or(String::new(), |name| name.to_string_lossy().into_owned())
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        super::refuse_unfinished(path)?;
        Ok(match path.extension() {
            Some(ending) if ending.eq_ignore_ascii_case("gguf") => {
                Self::Gguf(Box::new(Gguf::open(path)?))
            }
            _ => Self::Checkpoint(Box::new(Checkpoint::open(path)?)),
        })
    }

    /// The weights, in the order of the files.
    pub(super) fn weights(&self) -> Vec<SourceWeight<'_>> {
        match self {
            Self::Checkpoint(checkpoint) => {
                let listed = |weight| {
                    let weight: &Weight = weight;
                    let stored = checkpoint.stored_of(weight).next();
                    let scheme = weight.scheme();
                    SourceWeight {
                        name: weight.name(),
                        shape: weight.shape(),
                        numbers: match scheme {
                            None => stored.as_ref().map(StoredTensor::dtype),
                            Some(_) => None,
                        },
                        scheme: scheme
                            .map(|own| format!("{} ({})", own.convention.name(), own.layout)),
                        file: stored.map_or(String::new(), |own| file_name(own.file())),
                        origin: Origin::Checkpoint(checkpoint, weight),
                    }
                };
                checkpoint.weights().iter().map(listed).collect()
            }
            Self::Gguf(file) => {
                let tensors = file.tensors().iter();
                let weights =
                    tensors.filter(|tensor| !tensor.is_companion() && !is_carried(tensor));
                weights
                    .map(|tensor| {
                        let kind = tensor.kind();
                        SourceWeight {
                            name: tensor.name(),
                            shape: tensor.shape(),
                            numbers: kind.ggml().is_none().then(|| kind.to_string()),
                            scheme: kind.ggml().map(|_| format!("ggml ({kind})")),
                            file: String::new(),
                            origin: Origin::Gguf(file, tensor),
                        }
                    })
                    .collect()
            }
        }
    }

    /// The tensors that are no weights and belong to none, and why one that looks like a weight
    /// could not be read.
    pub(super) fn carried(&self) -> Vec<(RawTensor<'_>, Option<String>)> {
        match self {
            Self::Checkpoint(checkpoint) => {
                let carried = checkpoint.carried().iter();
                carried
                    .filter_map(|tensor| {
                        let reason = tensor.is_undecoded().then(|| tensor.reason().to_owned());
                        Some((RawTensor::Stored(checkpoint.stored_carried(tensor)?), reason))
                    })
                    .collect()
            }
            Self::Gguf(file) => {
                let tensors = file.tensors().iter().filter(|tensor| is_carried(tensor));
                tensors.map(|tensor| (RawTensor::Gguf(file, tensor), tensor.unread())).collect()
            }
        }
    }
}

/// A shape with its last two axes exchanged.
pub(super) fn turned(shape: &[usize]) -> Vec<usize> {
    let mut turned = shape.to_vec();
    if let [.., rows, cols] = &mut *turned {
        core::mem::swap(rows, cols);
    }
    turned
}

/// Whether a tensor is no weight: integers, codes of grids that are not read, scales of inputs.
fn is_carried(tensor: &GgufTensor) -> bool {
    tensor.unread().is_some() || tensor.kind().is_integer() || is_input_scale(tensor)
}

fn is_input_scale(tensor: &GgufTensor) -> bool {
    tensor.is_companion() && tensor.name().ends_with(".input_scale")
}

impl<'s> SourceWeight<'s> {
    /// The format of plain numbers; BF16 for a quantized weight.
    pub(super) fn format(&self) -> FormatSpec {
        match self.numbers.as_deref() {
            Some("F16") => FormatSpec::F16,
            Some("BF16") | None => FormatSpec::BF16,
            Some(_) => FormatSpec::F32,
        }
    }

    /// Whether its experts are matrices that the program keeps with inputs first as numbers:
    /// gpt-oss.
    pub(super) fn is_turned(&self) -> bool {
        matches!(self.origin, Origin::Checkpoint(_, weight)
            if weight.scheme().is_some_and(|own| own.convention == Convention::GptOss))
    }

    /// What the largest input becomes under a static scale of the layer: of FP8 and of NVFP4
    /// weights.
    pub(super) fn input_target(&self) -> Option<f32> {
        let Origin::Checkpoint(_, weight) = self.origin else { return None };
        let spec = &weight.scheme()?.spec;
        match self.is_nvfp4() {
            true => Some(NVFP4_MAX),
            false => (spec.element == FormatSpec::F8E4M3).then_some(FP8_MAX),
        }
    }

    /// The shape of the weight under a target.
    pub(super) fn shape_for(&self, target: &Codes) -> Vec<usize> {
        match target.turns_numbers() && self.scheme.is_none() {
            true => turned(self.shape),
            false => self.shape.to_vec(),
        }
    }

    /// Whether it is NVFP4 under a tensor scale.
    pub(super) fn is_nvfp4(&self) -> bool {
        match self.origin {
            Origin::Checkpoint(_, weight) => weight.scheme().is_some_and(|scheme| {
                let spec = &scheme.spec;
                let formats = (&spec.element, &spec.scale);
                formats == (&FormatSpec::F4E2M1, &Some(FormatSpec::UE4M3))
                    && !matches!(spec.tensor_scale, TensorScale::None)
            }),
            // The scale is a tensor of its own.
            Origin::Gguf(file, tensor) => {
                tensor.kind().name() == Some("NVFP4")
                    && file.stored_bytes(tensor) > tensor.stored_bytes()
            }
        }
    }

    /// The tensors that it consists of.
    pub(super) fn parts(&self) -> Vec<RawTensor<'s>> {
        match self.origin {
            Origin::Checkpoint(checkpoint, weight) => {
                checkpoint.stored_of(weight).map(RawTensor::Stored).collect()
            }
            // The scale of inputs is carried along, whatever becomes of the weight.
            Origin::Gguf(file, tensor) => core::iter::once(tensor)
                .chain(file.companions(tensor).filter(|own| !is_input_scale(own)))
                .map(|tensor| RawTensor::Gguf(file, tensor))
                .collect(),
        }
    }

    /// Rows of all matrices together, and their length.
    pub(super) fn rows(&self) -> [usize; 2] {
        let cols = self.shape.last().copied().unwrap_or(1);
        let elements: usize = self.shape.iter().product();
        [elements.checked_div(cols).unwrap_or(0), cols]
    }

    /// Reads what the rows are made from: nothing yet of plain numbers in a checkpoint.
    pub(super) fn open(&self) -> Result<Opened<'s>, ReadError> {
        let [_, cols] = self.rows();
        let whole = |numbers: Vec<f32>| Opened::Bytes {
            dtype: "F32".to_owned(),
            bytes: bytemuck::cast_slice(&numbers).to_vec(),
            cols,
        };
        match self.origin {
            Origin::Checkpoint(checkpoint, weight) => {
                let stored = checkpoint.stored_of(weight).next();
                if let (None, Some(tensor)) = (weight.scheme(), stored) {
                    return Ok(Opened::Stored { tensor, cols });
                }
                match checkpoint.load(weight)? {
                    Loaded::Quantized(weight) => Ok(Opened::Weight(weight)),
                    other => Ok(whole(other.to_f32()?)),
                }
            }
            Origin::Gguf(file, tensor) => match file.load(tensor)? {
                GgufWeight::Numbers(numbers) => Ok(Opened::Bytes {
                    dtype: numbers.kind().to_string(),
                    bytes: numbers.bytes().to_vec(),
                    cols,
                }),
                GgufWeight::Quantized(tensor) => Ok(Opened::Tensor(tensor)),
                other => Ok(whole(other.to_f32())),
            },
        }
    }
}

/// A weight whose rows can be read.
pub(super) enum Opened<'s> {
    /// Plain numbers that stay in their file.
    Stored {
        tensor: StoredTensor<'s, 'static>,
        cols: usize,
    },
    /// Plain numbers.
    Bytes {
        dtype: String,
        bytes: Vec<u8>,
        cols: usize,
    },
    Weight(Box<QuantWeight<'static>>),
    Tensor(Box<QuantTensor>),
}

impl Opened<'_> {
    /// The quantized weight; `None` of plain numbers.
    pub(super) fn view(&self) -> Option<Result<QuantView<'_>, ReadError>> {
        match self {
            Self::Stored { .. } | Self::Bytes { .. } => None,
            Self::Weight(weight) => Some(weight.view()),
            Self::Tensor(tensor) => Some(Ok(tensor.view())),
        }
    }

    /// The numbers of some rows.
    pub(super) fn rows(&self, rows: Range<usize>) -> Result<Values, Failure> {
        match self {
            Self::Stored { tensor, cols } => {
                let elements: usize = tensor.shape().iter().product();
                let width = tensor.len() / elements.max(1) as u64;
                let place = |row: usize| (row * cols) as u64 * width;
                let bytes = tensor.read(place(rows.start)..place(rows.end))?;
                Ok(Values::of(&tensor.dtype(), &bytes))
            }
            Self::Bytes { dtype, bytes, cols } => {
                let width = match dtype.as_str() {
                    "F64" => 8,
                    "F32" => 4,
                    _ => 2,
                };
                let place = |row: usize| row * cols * width;
                Ok(Values::of(dtype, &bytes[place(rows.start)..place(rows.end)]))
            }
            Self::Weight(weight) => numbers_of(&weight.view()?, rows),
            Self::Tensor(tensor) => numbers_of(&tensor.view(), rows),
        }
    }
}

fn numbers_of(view: &QuantView<'_>, rows: Range<usize>) -> Result<Values, Failure> {
    // A tensor of one axis has a single row.
    let numbers = match view.shape().len() {
        0 | 1 => view.dequantize(),
        _ => view.rows(rows)?.dequantize(),
    };
    Ok(Values::F32(numbers))
}

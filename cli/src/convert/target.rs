//! What weights are converted to: a layout of a checkpoint, a type of ggml, or plain numbers.

use crate::failure::Failure;
use std::borrow::Cow;
use subhalf::io::{CheckpointLayout, Convention, GgufContents, GgufType};
use subhalf::layout::{GgmlType, to_ggml};
use subhalf::{BlockSpec, FormatSpec, QuantView, TensorScale, nearest_name};

/// The kind of numbers that weights become.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    Codes(Codes),
    /// F32, F16 or BF16.
    Numbers(FormatSpec),
}

/// What quantized weights are stored as.
#[derive(Clone, Debug)]
pub(crate) enum Codes {
    Layout(Box<CheckpointLayout>),
    Ggml(GgmlType),
}

/// A tensor that is written.
#[derive(Clone, Debug)]
pub(super) struct OutTensor {
    pub(super) name: String,
    /// By the name that safetensors or ggml has for it.
    pub(super) dtype: String,
    pub(super) shape: Vec<usize>,
    /// Whether pieces of rows have the same bytes.
    pub(super) is_constant: bool,
}

const NUMBERS: [(&str, FormatSpec); 3] =
    [("F32", FormatSpec::F32), ("F16", FormatSpec::F16), ("BF16", FormatSpec::BF16)];

/// The types of ggml that are quantized to.
fn ggml_types() -> impl Iterator<Item = (String, GgmlType)> {
    let types = GgmlType::ALL.into_iter().filter(|kind| kind.is_written());
    types.map(|kind| (format!("ggml::{}", GgufType::from(kind)), kind))
}

/// The target of a name.
pub(crate) fn target(name: &str) -> Result<Target, String> {
    if let Some((_, format)) = NUMBERS.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
        return Ok(Target::Numbers(*format));
    }
    if let Some((_, kind)) = ggml_types().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
        return Ok(Target::Codes(Codes::Ggml(kind)));
    }
    if let Ok(layout) = CheckpointLayout::by_name(name) {
        return Ok(Target::Codes(Codes::Layout(Box::new(layout))));
    }
    let names: Vec<String> = NUMBERS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .chain(ggml_types().map(|(name, _)| name))
        .chain(CheckpointLayout::all().iter().map(|layout| layout.name().to_owned()))
        .collect();
    let count = names.len();
    let nearest = nearest_name(name, names.iter().map(String::as_str));
    let perhaps = nearest.map_or_else(String::new, |nearest| format!(", perhaps {nearest}"));
    Err(format!("expected one of {count} names (docs/schemes.md lists them){perhaps}"))
}

impl Target {
    /// The name, as it is given on the command line.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Codes(codes) => codes.name(),
            Self::Numbers(format) => format.name().to_owned(),
        }
    }
}

impl Codes {
    fn name(&self) -> String {
        match self {
            Self::Layout(layout) => layout.name().to_owned(),
            Self::Ggml(kind) => format!("ggml::{}", GgufType::from(*kind)),
        }
    }

    /// The scheme that a weight is quantized in, whose numbers are of this format.
    pub(super) fn spec(&self, numbers: &FormatSpec) -> BlockSpec {
        match self {
            Self::Layout(layout) => layout.as_ref().clone().for_numbers(numbers).spec(),
            Self::Ggml(kind) => kind.spec(),
        }
    }

    /// Whether plain numbers of its weights have inputs first: gpt-oss' experts, `[E, K, N]`, whose
    /// codes are `[E, N, K]`.
    pub(super) fn turns_numbers(&self) -> bool {
        matches!(self, Self::Layout(layout) if layout.convention() == Convention::GptOss)
    }

    /// The rows that pieces of a weight are multiples of; `None` if it is written whole.
    pub(super) fn row_step(&self) -> Option<usize> {
        match self {
            Self::Layout(layout) => layout.is_by_rows().then(|| layout.row_step()),
            Self::Ggml(_) => Some(1),
        }
    }

    /// The tensors that a weight becomes, or why it cannot. `is_scaled` is whether it keeps a tensor
    /// scale that ggml has a tensor of its own for.
    pub(super) fn tensors(
        &self,
        weight: &str,
        shape: &[usize],
        numbers: &FormatSpec,
        is_scaled: bool,
    ) -> Result<Vec<OutTensor>, String> {
        let own = |dtype: String| OutTensor {
            name: weight.to_owned(),
            dtype,
            shape: shape.to_vec(),
            is_constant: false,
        };
        match self {
            Self::Layout(layout) => {
                let layout = layout.as_ref().clone().for_numbers(numbers);
                let parts = layout.tensors(weight, shape).map_err(|error| error.to_string())?;
                Ok(parts
                    .iter()
                    .map(|part| OutTensor {
                        name: part.name().to_owned(),
                        dtype: part.dtype(),
                        shape: part.shape().to_vec(),
                        is_constant: part.is_constant(),
                    })
                    .collect())
            }
            Self::Ggml(kind) => {
                let block = kind.block_len();
                if shape.len() < 2 || shape.len() > GgufContents::MAX_AXES || shape.contains(&0) {
                    return Err(format!(
                        "expected two to four axes with elements, found {shape:?}"
                    ));
                }
                if !shape[shape.len() - 1].is_multiple_of(block) {
                    return Err(format!("expected rows of a multiple of {block}, found {shape:?}"));
                }
                let mut tensors = vec![own(GgufType::from(*kind).to_string())];
                if is_scaled && *kind == GgmlType::Nvfp4 {
                    let base = weight.strip_suffix(".weight").unwrap_or(weight);
                    tensors.push(OutTensor {
                        name: format!("{base}.scale"),
                        dtype: "F32".to_owned(),
                        shape: vec![1],
                        is_constant: true,
                    });
                }
                Ok(tensors)
            }
        }
    }

    /// The bytes of the tensors of some rows of a weight of this shape.
    pub(super) fn bytes<'v>(
        &self,
        view: &QuantView<'v>,
        shape: &[usize],
    ) -> Result<Vec<Cow<'v, [u8]>>, Failure> {
        match self {
            Self::Layout(layout) => {
                let layout = match view.spec().scale {
                    Some(scale) => &layout.as_ref().clone().for_numbers(&scale),
                    None => layout.as_ref(),
                };
                Ok(layout.bytes(view, shape)?)
            }
            Self::Ggml(kind) => {
                // The tensor scale has a tensor of its own, whatever its bytes are multiplied by.
                let plain = kind.spec();
                let scaled = !matches!(view.spec().tensor_scale, TensorScale::None);
                let scale = view.tensor_scale(0);
                let read = view.parts().map(|parts| {
                    QuantView::from_parts(&plain, view.shape(), parts.with_tensor_scale(1.0))
                });
                let bytes = match read {
                    Some(Ok(view)) => to_ggml(*kind, &view),
                    Some(Err(error)) => Err(error),
                    None => to_ggml(*kind, view),
                };
                let mut all = vec![Cow::Owned(bytes?)];
                if scaled {
                    all.push(Cow::Owned(scale.to_le_bytes().to_vec()));
                }
                Ok(all)
            }
        }
    }
}

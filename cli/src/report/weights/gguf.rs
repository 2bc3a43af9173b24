//! Weights of GGUF files: which tensors are weights, and their numbers.

use super::{Entry, LeftOut, Source, Values, Weights};
use subhalf::Accept;
use subhalf::io::{Gguf, GgufTensor, GgufWeight, ReadError};

impl Weights {
    pub(super) fn of_gguf(file: Gguf<'static>) -> Self {
        let (mut places, mut left_out) = (Vec::new(), Vec::new());
        for (place, tensor) in file.tensors().iter().enumerate() {
            if let Some((reason, undecoded)) = beside(tensor) {
                left_out.push(LeftOut {
                    name: tensor.name().to_owned(),
                    dtype: tensor.kind().to_string(),
                    shape: tensor.shape().to_vec(),
                    reason,
                    undecoded,
                });
            } else if !tensor.is_companion() {
                places.push(place);
            }
        }
        Self { source: Source::Gguf(Box::new(file), places), left_out }
    }
}

/// The weight of a place among the tensors.
pub(super) fn entry<'f>(file: &'f Gguf<'_>, place: usize) -> Entry<'f> {
    let tensor = &file.tensors()[place];
    Entry {
        name: tensor.name(),
        shape: tensor.shape(),
        stored_bits: 8 * file.stored_bytes(tensor),
        scheme: tensor.kind().ggml().map(|_| ("ggml", tensor.kind().to_string().into())),
    }
}

/// Why a tensor is no weight, if so, and whether it looks like one.
fn beside(tensor: &GgufTensor) -> Option<(String, bool)> {
    if let Some(reason) = tensor.unread() {
        return Some((reason, true));
    }
    // Tensor scales belong to their weights.
    let reason = match tensor.name().ends_with(".input_scale") {
        true if tensor.is_companion() => "scale of activations, not a weight",
        _ if tensor.kind().is_integer() => "integers, not weights",
        _ => return None,
    };
    Some((reason.to_owned(), false))
}

pub(super) fn values(file: &Gguf<'_>, place: usize) -> Result<Values, ReadError> {
    // Infinite scales are measured like infinite numbers.
    Ok(match file.load_with(&file.tensors()[place], Accept::Nonfinite)? {
        GgufWeight::Numbers(numbers) => Values::of(&numbers.kind().to_string(), numbers.bytes()),
        other => Values::F32(other.to_f32()),
    })
}

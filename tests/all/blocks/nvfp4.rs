//! The arrays of NVFP4: torchao, Model Optimizer, compressed-tensors.

use super::{Case, Known};
use crate::oracle::source::Entry;
use subhalf::TensorScale;
use subhalf::preset::nvfp4::{COMPRESSED_TENSORS, MODEL_OPTIMIZER, TORCHAO, TORCHAO_SINGLE};

pub(super) fn case(entry: &Entry, parts: &[&str]) -> Option<Known> {
    if !parts[0].starts_with("nvfp4") {
        return None;
    }
    let what = match parts[parts.len() - 2] {
        "elem" => "packed_low",
        other => other,
    };
    // A scale that was given is one, or half of that from the data: amax over twice the target.
    let half = TORCHAO.with_tensor_scale(TensorScale::Multiplier { target: 2.0 * 6.0 * 448.0 });
    let (spec, tensor_scale) = match parts[1..3] {
        ["torchao", "single"] => (TORCHAO_SINGLE, None),
        ["torchao", "amax"] => (TORCHAO, None),
        ["torchao", "half"] => (half, None),
        ["torchao", "one"] => (TORCHAO, Some(1.0)),
        ["modelopt", _] => (MODEL_OPTIMIZER, None),
        ["ct", _] => (COMPRESSED_TENSORS, None),
        _ => return None,
    };
    let mut case = Case::new(spec, entry, 16, what)?;
    case.tensor_scale = tensor_scale;
    if parts[0] != "nvfp4" {
        case.shape = vec![8, 64];
    }
    if what == "packed_low" {
        case.except = Some(|block, _| {
            let nan = block.iter().any(|x| x.is_nan());
            nan.then_some("oracle/manifest.json, nvfp4 single: NaN elements: torchao does not define them")
        });
    }
    case.known()
}

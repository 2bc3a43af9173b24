//! The arrays of NVFP4: torchao, Model Optimizer, compressed-tensors.

use super::{Case, Known};
use crate::oracle::source::{Entry, Oracle};
use subhalf::TensorScale;
use subhalf::preset::{compressed_tensors, modelopt, torchao};

pub(super) fn case(oracle: &Oracle, entry: &Entry, parts: &[&str]) -> Option<Known> {
    if !parts[0].starts_with("nvfp4") {
        return None;
    }
    let what = match parts[parts.len() - 2] {
        "elem" => "packed_low",
        other => other,
    };
    let (spec, tensor_scale) = match parts[1..3] {
        ["torchao", "single"] => (torchao::NVFP4_SINGLE, None),
        ["torchao", "amax"] => (torchao::NVFP4, None),
        // Half of the scale from the data: amax over twice the target.
        ["torchao", "half"] => (
            torchao::NVFP4.with_tensor_scale(TensorScale::Multiplier { target: 2.0 * 6.0 * 448.0 }),
            None,
        ),
        ["torchao", given] => (
            torchao::NVFP4,
            Some(oracle.floats(&format!("block/{}.torchao.{given}.gscale.f32.bin", parts[0]))[0]),
        ),
        ["modelopt", _] => (modelopt::NVFP4, None),
        ["ct", _] => (compressed_tensors::NVFP4, None),
        _ => return None,
    };
    let mut case = Case { tensor_scale, ..Case::part(spec, entry, what)? };
    if what == "packed_low" {
        case.except = Some(|block, _| {
            let nan = block.iter().any(|x| x.is_nan());
            nan.then_some(
                "oracle/manifest.json, nvfp4 single: NaN elements: torchao does not define them",
            )
        });
    }
    case.known()
}

//! The arrays of integers, ggml's blocks and codebooks: torch, compressed-tensors, ggml, gguf,
//! bitsandbytes.

use super::{Case, Known, Read, codes, scale_codes};
use crate::oracle::source::{Entry, Oracle};
use subhalf::layout::{GgmlType, to_ggml};
use subhalf::{BlockSpec, Extent, QuantTensor, preset};

pub(super) fn case(oracle: &Oracle, entry: &Entry, parts: &[&str]) -> Option<Known> {
    let what = parts[parts.len() - 2];
    if entry.file.starts_with("int/") {
        return torch(oracle, parts[0], &entry.file, what)?.known();
    }
    match *parts.get(1)? {
        "ct" if parts[0].starts_with("int") => compressed_tensors(parts[0], what)?.known(),
        "bitsandbytes" => bitsandbytes(entry, parts[0], what)?.known(),
        "ggmlc" | "gguf" => ggml(parts[0], parts[1], what)?.known(),
        _ => None,
    }
}

/// Names such as `int8.s0.03125.z3.torch2.15.0.quant`. The whole folder has scale and zero point in
/// its manifest too, the scale exact.
fn torch(oracle: &Oracle, element: &str, file: &str, what: &str) -> Option<Case> {
    let spec = match element {
        "int8" => preset::generic::INT8_ASYM_TENSOR,
        "uint8" => preset::generic::UINT8_TENSOR,
        "int4" => preset::generic::INT4_ASYM_TENSOR,
        "uint4" => preset::generic::UINT4_TENSOR,
        _ => return None,
    };
    let (scale, zero_point) = file.split_once(".s")?.1.split_once(".torch")?.0.rsplit_once(".z")?;
    let scale = match oracle.parameter(file, "scale_f32_bits") {
        Some(bits) => f32::from_bits(bits as u32),
        None => scale.parse().ok()?,
    };
    let zero_point = match oracle.parameter(file, "zero_point") {
        Some(number) => number as f32,
        None => zero_point.parse().ok()?,
    };
    let case = match what {
        "quant" => Case::new(spec, codes),
        "fakeq" => Case::restored(spec),
        _ => return None,
    };
    Some(Case { given: Some((scale, zero_point)), ..case })
}

/// The integers that codes of `bits` bits are, as bytes.
fn integers(tensor: &QuantTensor) -> Vec<u64> {
    let element = &tensor.spec().element;
    codes(tensor)
        .into_iter()
        .map(|code| u64::from(element.decode_f32(code as u32) as i8 as u8))
        .collect()
}

fn zero_points(tensor: &QuantTensor) -> Vec<u64> {
    let (view, element) = (tensor.view(), &tensor.spec().element);
    (0..view.blocks())
        .map(|block| u64::from(element.decode_f32(view.offset_code(block)).to_bits()))
        .collect()
}

/// Names such as `int4_g32_sym_0`: bits, elements in a group, with or without zero points, and a
/// number.
fn compressed_tensors(name: &str, what: &str) -> Option<Case> {
    let mut words = name.split('_');
    let (element, group, symmetry) =
        (words.next()?, words.next()?.strip_prefix('g')?, words.next()?);
    let spec = match (element, symmetry) {
        ("int4", "sym") => preset::compressed_tensors::INT4_G32,
        ("int4", "asym") => preset::compressed_tensors::INT4_G32_ASYM,
        ("int8", "sym") => preset::compressed_tensors::INT8_G32,
        ("int8", "asym") => preset::compressed_tensors::INT8_ROW_ASYM,
        _ => return None,
    };
    let spec = spec.with_extent(Extent::Block { rows: 1, cols: group.parse().ok()? });
    Some(match what {
        // Its fake quantization never leaves f32, where -0.3 is rounded to a -0 that no integer is.
        "deq" => Case {
            expected: |bits| if bits == 0x8000_0000 { 0 } else { bits },
            ..Case::restored(spec)
        },
        "q" => Case::new(spec, integers),
        "scale" => Case::new(spec, scale_codes),
        "zp" => Case::new(spec, zero_points),
        _ => return None,
    })
}

fn bitsandbytes(entry: &Entry, name: &str, what: &str) -> Option<Case> {
    let spec = match name {
        "nf4" => preset::bitsandbytes::NF4,
        "fp4" => preset::bitsandbytes::FP4,
        "dynamic8" => preset::bitsandbytes::DYNAMIC8,
        _ => return None,
    };
    let what = match what {
        "packed" => "packed_high",
        "absmax" => "scale",
        other => other,
    };
    Case::part(spec, entry, what)
}

fn raw(kind: GgmlType, tensor: &QuantTensor) -> Vec<u64> {
    to_ggml(kind, &tensor.view())
        .expect("a tensor of this type")
        .into_iter()
        .map(u64::from)
        .collect()
}

fn ggml(name: &str, source: &str, what: &str) -> Option<Case> {
    let (spec, read): (BlockSpec, Read) = match (name, source) {
        ("ggml_q4_0", "gguf") => (preset::ggml::Q4_0_GGUF, |tensor| raw(GgmlType::Q4_0, tensor)),
        ("ggml_q5_0", "gguf") => (preset::ggml::Q5_0_GGUF, |tensor| raw(GgmlType::Q5_0, tensor)),
        ("ggml_q4_1", "gguf") => (preset::ggml::Q4_1_GGUF, |tensor| raw(GgmlType::Q4_1, tensor)),
        ("ggml_q5_1", "gguf") => (preset::ggml::Q5_1_GGUF, |tensor| raw(GgmlType::Q5_1, tensor)),
        ("ggml_q4_0", _) => (preset::ggml::Q4_0, |tensor| raw(GgmlType::Q4_0, tensor)),
        ("ggml_q4_1", _) => (preset::ggml::Q4_1, |tensor| raw(GgmlType::Q4_1, tensor)),
        ("ggml_q5_0", _) => (preset::ggml::Q5_0, |tensor| raw(GgmlType::Q5_0, tensor)),
        ("ggml_q5_1", _) => (preset::ggml::Q5_1, |tensor| raw(GgmlType::Q5_1, tensor)),
        ("ggml_q8_0", _) => (preset::ggml::Q8_0, |tensor| raw(GgmlType::Q8_0, tensor)),
        ("ggml_mxfp4", _) => (preset::ggml::MXFP4, |tensor| raw(GgmlType::Mxfp4, tensor)),
        ("ggml_nvfp4", _) => (preset::ggml::NVFP4, |tensor| raw(GgmlType::Nvfp4, tensor)),
        _ => return None,
    };
    Some(match what {
        "deq" => Case::restored(spec),
        "raw" => Case::new(spec, read),
        _ => return None,
    })
}

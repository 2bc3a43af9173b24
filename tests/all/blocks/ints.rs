//! The arrays of integers, ggml's blocks and codebooks: torch, compressed-tensors, ggml, gguf, bitsandbytes.

use super::{Case, Known, Read, codes, restored, scale_codes};
use crate::oracle::source::Entry;
use subhalf::layout::{GgmlType, to_ggml};
use subhalf::{BitOrder, BlockSpec, QuantTensor, preset};

fn f32_nan(bits: u64) -> bool {
    f32::from_bits(bits as u32).is_nan()
}

fn check(spec: BlockSpec, shape: [usize; 2], read: Read) -> Case {
    Case {
        spec,
        shape: shape.to_vec(),
        tensor_scale: None,
        given: None,
        read,
        expected: |bits| bits,
        is_nan: |_| false,
        except: None,
    }
}

fn restored_as(spec: BlockSpec, shape: [usize; 2]) -> Case {
    Case { is_nan: f32_nan, ..check(spec, shape, restored) }
}

pub(super) fn case(entry: &Entry, parts: &[&str]) -> Option<Known> {
    let what = parts[parts.len() - 2];
    if entry.file.starts_with("int/") {
        return torch(parts[0], &entry.file, what)?.known();
    }
    match *parts.get(1)? {
        "ct" if parts[0].starts_with("int") => compressed_tensors(parts[0], what)?.known(),
        "bitsandbytes" => bitsandbytes(parts[0], what)?.known(),
        "ggmlc" | "gguf" => ggml(parts[0], parts[1], what)?.known(),
        _ => None,
    }
}

/// Names such as `int8.s0.03125.z3.torch2.15.0.quant`.
fn torch(element: &str, file: &str, what: &str) -> Option<Case> {
    let spec = match element {
        "int8" => preset::int::INT8_ASYM_TENSOR,
        "uint8" => preset::int::UINT8_TENSOR,
        "int4" => preset::int::INT4_ASYM_TENSOR,
        "uint4" => preset::int::UINT4_TENSOR,
        _ => return None,
    };
    let (scale, zero_point) = file.split_once(".s")?.1.split_once(".torch")?.0.split_once(".z")?;
    let given = Some((scale.parse().ok()?, zero_point.parse().ok()?));
    let case = match what {
        "quant" => check(spec, [1, 804], codes),
        "fakeq" => restored_as(spec, [1, 804]),
        _ => return None,
    };
    Some(Case { given, ..case })
}

/// The integers that codes of `bits` bits are, as bytes.
fn integers(tensor: &QuantTensor) -> Vec<u64> {
    let element = &tensor.spec().element;
    codes(tensor).into_iter().map(|code| u64::from(element.decode_f32(code as u32) as i8 as u8)).collect()
}

fn zero_points(tensor: &QuantTensor) -> Vec<u64> {
    let (view, element) = (tensor.view(), &tensor.spec().element);
    (0..view.blocks()).map(|block| u64::from(element.decode_f32(view.offset_code(block)).to_bits())).collect()
}

fn compressed_tensors(name: &str, what: &str) -> Option<Case> {
    let spec = match name {
        "int4_g32_sym_0" => preset::compressed_tensors_int::INT4_G32,
        "int4_g32_asym_0" => preset::compressed_tensors_int::INT4_G32_ASYM,
        "int8_g32_sym_0" => preset::compressed_tensors_int::INT8_G32,
        _ => return None,
    };
    let shape = [8, 64];
    Some(match what {
        // Its fake quantization never leaves f32, where -0.3 is rounded to a -0 that no integer is.
        "deq" => Case { expected: |bits| if bits == 0x8000_0000 { 0 } else { bits }, ..restored_as(spec, shape) },
        "q" => check(spec, shape, integers),
        "scale" => check(spec, shape, scale_codes),
        "zp" => check(spec, shape, zero_points),
        _ => return None,
    })
}

fn bitsandbytes(name: &str, what: &str) -> Option<Case> {
    let spec = match name {
        "nf4" => preset::bitsandbytes::NF4,
        "fp4" => preset::bitsandbytes::FP4,
        "dynamic8" => preset::bitsandbytes::DYNAMIC8,
        _ => return None,
    };
    let shape = [30, 64];
    Some(match what {
        "deq" => restored_as(spec, shape),
        "codes" => check(spec, shape, codes),
        "packed" => check(spec, shape, |tensor| super::packed(tensor, BitOrder::MsbFirst)),
        "absmax" => check(spec, shape, scale_codes),
        _ => return None,
    })
}

fn raw(kind: GgmlType, tensor: &QuantTensor) -> Vec<u64> {
    to_ggml(kind, &tensor.view()).expect("a tensor of this type").into_iter().map(u64::from).collect()
}

fn ggml(name: &str, source: &str, what: &str) -> Option<Case> {
    let (spec, read): (BlockSpec, Read) = match (name, source) {
        ("ggml_q4_0", "gguf") => (preset::ggml::GGUF_Q4_0, |tensor| raw(GgmlType::Q4_0, tensor)),
        ("ggml_q5_0", "gguf") => (preset::ggml::GGUF_Q5_0, |tensor| raw(GgmlType::Q5_0, tensor)),
        ("ggml_q4_1", "gguf") => (preset::ggml::GGUF_Q4_1, |tensor| raw(GgmlType::Q4_1, tensor)),
        ("ggml_q5_1", "gguf") => (preset::ggml::GGUF_Q5_1, |tensor| raw(GgmlType::Q5_1, tensor)),
        ("ggml_q4_0", _) => (preset::ggml::Q4_0, |tensor| raw(GgmlType::Q4_0, tensor)),
        ("ggml_q4_1", _) => (preset::ggml::Q4_1, |tensor| raw(GgmlType::Q4_1, tensor)),
        ("ggml_q5_0", _) => (preset::ggml::Q5_0, |tensor| raw(GgmlType::Q5_0, tensor)),
        ("ggml_q5_1", _) => (preset::ggml::Q5_1, |tensor| raw(GgmlType::Q5_1, tensor)),
        ("ggml_q8_0", _) => (preset::ggml::Q8_0, |tensor| raw(GgmlType::Q8_0, tensor)),
        ("ggml_mxfp4", _) => (preset::ggml::MXFP4, |tensor| raw(GgmlType::Mxfp4, tensor)),
        ("ggml_nvfp4", _) => (preset::ggml::NVFP4, |tensor| raw(GgmlType::Nvfp4, tensor)),
        _ => return None,
    };
    // NVFP4's bytes are of 64 elements.
    let shape = [31, 64];
    Some(match what {
        "deq" => restored_as(spec, shape),
        "raw" => check(spec, shape, read),
        _ => return None,
    })
}

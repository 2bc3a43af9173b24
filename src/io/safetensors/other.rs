//! Layouts that are described by JSON beside the tensors: torchao's in the file's metadata,
//! bitsandbytes' in a tensor.

use super::plan::{Form, Group, Reason, Role, WeightPlan, by_amax, mismatch, packed, scaled};
use crate::block::{Codebooks, Extent, Ratio, ScaleRule, preset};
use crate::spec::{Encoding, FormatSpec};
use safetensors::Dtype;
use serde_json::Value;
use std::borrow::Cow;
use std::format;
use std::vec::Vec;

/// torchao's subclasses whose parts are codes and scales of the usual kind.
pub(super) fn torchao(group: &Group<'_>) -> Result<WeightPlan, Reason> {
    let (codes, scale) = (group.need(Role::Codes)?, group.need(Role::Scale)?);
    let Some(text) = group.description else {
        return Err(mismatch(codes, "a description of its class in the file's metadata"));
    };
    let described: Value = serde_json::from_str(text)
        .map_err(|error| Cow::Owned(format!("description in the file's metadata: {error}")))?;
    let class = described.get("_type").and_then(Value::as_str).unwrap_or("none");
    let data = described.get("_data").unwrap_or(&Value::Null);
    let swizzled = data.get("is_swizzled_scales").and_then(Value::as_bool) == Some(true);
    let powers = matches!(scale.dtype.known(), Some(Dtype::F8_E8M0 | Dtype::U8));
    let e4m3 = scale.dtype.known() == Some(Dtype::F8_E4M3);
    match class {
        "NVFP4Tensor" if e4m3 && swizzled => swizzled_scales(group, 16),
        "NVFP4Tensor" if e4m3 => packed(group),
        "MXTensor" if powers && swizzled => swizzled_scales(group, 32),
        "MXTensor" if powers && matches!(codes.dtype.known(), Some(Dtype::U8 | Dtype::F4)) => {
            packed(group)
        }
        "MXTensor" if powers => scaled(group),
        "Float8Tensor" | "Int8Tensor" | "IntxUnpackedToInt8Tensor" if !e4m3 && !powers => {
            scaled(group)
        }
        _ => {
            let known = "NVFP4Tensor, MXTensor, Float8Tensor, Int8Tensor or \
                         IntxUnpackedToInt8Tensor, with scales of their types";
            let found = crate::io::error::one_line(class);
            Err(Cow::Owned(format!("torchao's class: expected {known}, found {found}")))
        }
    }
}

/// A matrix whose scales lie in 128×4 tiles, whatever shape these are given.
fn swizzled_scales(group: &Group<'_>, block: usize) -> Result<WeightPlan, Reason> {
    let (codes, scale) = (group.need(Role::Codes)?, group.need(Role::Scale)?);
    let &[rows, stored] = &*codes.shape else {
        return Err(mismatch(codes, "a matrix beside swizzled scales"));
    };
    let bytes = matches!(codes.dtype.known(), Some(Dtype::F8_E4M3 | Dtype::F8_E5M2));
    let cols = match codes.dtype.known() {
        Some(Dtype::U8) => stored.saturating_mul(2),
        _ => stored,
    };
    let groups = cols.div_ceil(block);
    let padded = rows.checked_next_multiple_of(128).zip(groups.checked_next_multiple_of(4));
    let expected = padded.and_then(|(rows, groups)| rows.checked_mul(groups));
    if Some(scale.shape.iter().product()) != expected {
        let expected = format!("scales of {rows} rows of {groups} in tiles of 128×4");
        return Err(mismatch(scale, expected));
    }
    let spec = match (block, bytes, group.get(Role::TensorScale).is_some()) {
        (16, _, true) => preset::torchao::NVFP4,
        (16, _, false) => preset::torchao::NVFP4_SINGLE,
        (_, true, _) if codes.dtype.known() == Some(Dtype::F8_E5M2) => preset::ocp::MXFP8_E5M2,
        (_, true, _) => preset::ocp::MXFP8_E4M3,
        _ => preset::ocp::MXFP4,
    };
    Ok(WeightPlan { spec, shape: [rows, cols].into(), form: Form::SwizzledScales })
}

/// bitsandbytes' 4 bits: flat blocks of codes, the first in the high nibble.
pub(super) fn bitsandbytes(group: &Group<'_>) -> Result<WeightPlan, Reason> {
    let (codes, absmax) = (group.need(Role::Codes)?, group.need(Role::Scale)?);
    let (map, state) = (group.need(Role::Codebook)?, group.need(Role::State)?);
    let text = (group.bytes)(state)?;
    let described: Value = serde_json::from_slice(&text).map_err(|error| {
        let name = crate::io::error::one_line(&state.name);
        Cow::Owned(format!("tensor '{name}': {error}"))
    })?;
    let number = |key: &str| described.get(key).and_then(Value::as_u64);
    let shape: Option<Vec<usize>> = described.get("shape").and_then(Value::as_array).map(|axes| {
        let axis = |axis: &Value| axis.as_u64().and_then(|axis| usize::try_from(axis).ok());
        axes.iter().filter_map(axis).collect()
    });
    let count = shape
        .as_ref()
        .and_then(|shape| shape.iter().try_fold(1usize, |all, &axis| all.checked_mul(axis)));
    let (Some(shape), Some(count)) = (shape, count) else {
        return Err(mismatch(state, "a shape in its JSON"));
    };
    let block = number("blocksize").and_then(|n| u32::try_from(n).ok()).filter(|&n| n > 0);
    let Some(block) = block else { return Err(mismatch(state, "a blocksize in its JSON")) };
    let blocks = count.div_ceil(block as usize);
    if codes.shape.iter().product::<usize>() != count.div_ceil(2) {
        return Err(mismatch(codes, format!("two codes a byte for shape {shape:?}")));
    }
    if absmax.shape.iter().product::<usize>() != blocks {
        return Err(mismatch(absmax, format!("{blocks} scales for blocks of {block}")));
    }
    if map.shape.iter().product::<usize>() != 16 {
        return Err(mismatch(map, "16 numbers"));
    }
    let nested = if absmax.dtype.known() == Some(Dtype::U8) {
        let (scales, book) = (group.get(Role::NestedScale), group.get(Role::NestedCodebook));
        let length = number("nested_blocksize").and_then(|n| usize::try_from(n).ok());
        let offset = described.get("nested_offset").and_then(Value::as_f64);
        let (Some(scales), Some(book), Some(length), Some(offset)) =
            (scales, book, length.filter(|&n| n > 0), offset)
        else {
            return Err(mismatch(
                absmax,
                "nested_absmax, nested_quant_map and their JSON beside it",
            ));
        };
        if scales.shape.iter().product::<usize>() != blocks.div_ceil(length) {
            return Err(mismatch(scales, format!("a scale for each {length} of {blocks}")));
        }
        if book.shape.iter().product::<usize>() != 256 {
            return Err(mismatch(book, "256 numbers"));
        }
        Some((offset as f32, length))
    } else {
        None
    };
    let numbers = (group.bytes)(map)?;
    // The program's own tables have kernels; another one is read through the codes.
    let own = [preset::bitsandbytes::NF4, preset::bitsandbytes::FP4];
    let spec = match own.into_iter().find(|spec| is_codebook(&spec.element, &numbers)) {
        Some(spec) => spec.with_extent(Extent::Flat(block)),
        None => by_amax(FormatSpec::UINT4, FormatSpec::F32, Extent::Flat(block))
            .with_rule(ScaleRule::Amax { target: 1.0, ratio: Ratio::Divide })
            .with_codebooks(Codebooks::Tensor(FormatSpec::F32)),
    };
    Ok(WeightPlan { spec, shape, form: Form::HighFirst { nested } })
}

/// Whether these f32s are the numbers of a codebook, bit for bit.
fn is_codebook(format: &FormatSpec, numbers: &[u8]) -> bool {
    let numbers = numbers.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes).to_bits());
    matches!(format.encoding(), Encoding::Codebook(_))
        && (0..16).map(|code| format.decode_f32(code).to_bits()).eq(numbers)
}

//! Layouts of integers with a scale for a group of inputs: GPTQ, AWQ, compressed-tensors'
//! pack-quantized, Model Optimizer's INT4. Weights are `[outputs, inputs]`, whatever axis their
//! words run along.
//!
//! GPTQ's `g_idx` names the group of each input. Blocks are then as long as inputs of one group
//! always come together: the whole group, or, if inputs were sorted by importance ("act-order"),
//! usually a single one, so that each element has a scale of its own.

use super::header::TensorEntry;
use super::plan::{
    Form, Group, Reason, Role, WeightPlan, extent_of, format_in, group_of, mismatch,
};
use crate::block::{BlockSpec, Division, Extent, Offset, Ratio, ScaleRule, preset};
use crate::spec::{Encoding, FormatSpec, IntSpec};
use std::borrow::Cow;
use std::format;
use std::vec;
use std::vec::Vec;

/// The integers of a number of bits, which is 2 to 8.
pub(super) fn integer(signed: bool, bits: u8) -> FormatSpec {
    match (signed, bits) {
        (true, 2) => FormatSpec::INT2,
        (true, 3) => FormatSpec::INT3,
        (true, 4) => FormatSpec::INT4,
        (true, 5) => FormatSpec::INT5,
        (true, 8) => FormatSpec::INT8,
        (false, 2) => FormatSpec::UINT2,
        (false, 4) => FormatSpec::UINT4,
        (false, 8) => FormatSpec::UINT8,
        _ => FormatSpec::constant(
            if signed { "INT" } else { "UINT" },
            Encoding::Int(IntSpec { signed, bits, fraction_bits: 0, symmetric: false }),
        ),
    }
}

/// Unsigned integers of 2 to 8 bits; `None` for others.
pub(super) fn unsigned(bits: i64) -> Option<FormatSpec> {
    u8::try_from(bits).ok().filter(|bits| (2..=8).contains(bits)).map(|bits| integer(false, bits))
}

/// Integers with zero points: `(q − z) · s`.
pub(super) fn with_zero_points(
    element: FormatSpec,
    scale: FormatSpec,
    extent: Extent,
) -> BlockSpec {
    let steps = element.max().to_f32() - element.min().to_f32();
    let rule = ScaleRule::Range { steps, with_zero: true };
    BlockSpec::new(element, Some(scale), extent, rule)
        .with_offset(Offset::ZeroPoint)
        .with_division(Division::Divide)
}

/// Words of 32 bits for so many codes.
pub(super) const fn words(codes: usize, bits: u8) -> usize {
    // Shapes whose products are above 2^64 were refused with the header; codes · 8 may still be.
    codes.saturating_mul(bits as usize).div_ceil(32)
}

fn matrix(entry: &TensorEntry) -> Result<[usize; 2], Reason> {
    match *entry.shape {
        [rows, cols] if rows > 0 && cols > 0 => Ok([rows, cols]),
        _ => Err(mismatch(entry, "a matrix")),
    }
}

/// compressed-tensors' `weight_packed` of 2 to 8 bits. How many follows from the shape that is
/// stored beside it; the config decides where several fit.
pub(super) fn pack_quantized(group: &Group<'_>) -> Result<WeightPlan, Reason> {
    let (codes, scale) = (group.need(Role::Codes)?, group.need(Role::Scale)?);
    let stored = group.need(Role::Shape)?;
    let [rows, stored_words] = matrix(codes)?;
    let shape: Vec<usize> =
        group.integers(stored)?.iter().filter_map(|&axis| usize::try_from(axis).ok()).collect();
    let &[own_rows, cols] = &*shape else {
        return Err(mismatch(stored, "rows and columns"));
    };
    let usual = [4, 8, 2, 3, 5, 6, 7];
    let bits = group
        .config
        .bits_of_groups()
        .chain(usual)
        .find(|&bits| (2..=8).contains(&bits) && words(cols, bits) == stored_words);
    let Some(bits) = bits.filter(|_| own_rows == rows && cols > 0) else {
        let expected = format!("words of 2 to 8 bits for a weight of shape {shape:?}");
        return Err(mismatch(codes, expected));
    };
    let element = integer(true, bits);
    let extent = match group.get(Role::GroupIndex) {
        // Where the last group is shorter, the shapes alone do not say how long the others are.
        None => {
            let own = group.config.columns_of_groups().find(|&length| {
                cols.div_ceil(length as usize) == scale.shape.last().copied().unwrap_or(0)
            });
            extent_of(&shape, scale, own.map(|cols| [1, cols]))?
        }
        Some(index) => {
            let [scale_rows, groups] = matrix(scale)?;
            if scale_rows != rows {
                return Err(mismatch(scale, format!("scales for {rows} rows")));
            }
            block_of(&group_index(group, index, cols, groups)?)
        }
    };
    let format = format_in(scale)?;
    let spec = match group.get(Role::ZeroPoint) {
        None => BlockSpec {
            element,
            element_convert: element.default_convert(),
            ..preset::compressed_tensors::INT4_G32
        }
        .with_rule(ScaleRule::Amax {
            // Half the range of the codes.
            target: 0.5 * (element.max().to_f32() - element.min().to_f32()),
            ratio: Ratio::Divide,
        })
        .with_extent(extent)
        .with_scale(format),
        Some(zeros) => {
            let [_, groups] = matrix(scale)?;
            let expected = [words(rows, bits), groups];
            if *zeros.shape != expected {
                return Err(mismatch(zeros, format!("words of zero points {expected:?}")));
            }
            with_zero_points(element, format, extent)
        }
    };
    Ok(WeightPlan { spec, shape, form: Form::SignedWords })
}

/// GPTQ of 2, 3, 4 and 8 bits. Version 1 of the format stores a zero point z as `z − 1`.
pub(super) fn gptq(group: &Group<'_>) -> Result<WeightPlan, Reason> {
    let (codes, scale) = (group.need(Role::Codes)?, group.need(Role::Scale)?);
    let zeros = group.need(Role::ZeroPoint)?;
    let ([code_words, outputs], [groups, scale_outputs]) = (matrix(codes)?, matrix(scale)?);
    if scale_outputs != outputs {
        return Err(mismatch(scale, format!("scales for {outputs} outputs")));
    }
    let [zero_groups, zero_words] = matrix(zeros)?;
    let own = group.config.number(group.layer, "bits").and_then(|bits| u8::try_from(bits).ok());
    let bits = own
        .into_iter()
        .chain([4, 8, 2, 3])
        .find(|&bits| (2..=8).contains(&bits) && words(outputs, bits) == zero_words);
    let Some(bits) = bits.filter(|_| zero_groups == groups) else {
        let expected = format!("zero points of 2 to 8 bits for {groups} groups of {outputs}");
        return Err(mismatch(zeros, expected));
    };
    let extent;
    let inputs;
    if let Some(index) = group.get(Role::GroupIndex) {
        inputs = index.shape.iter().product();
        extent = block_of(&group_index(group, index, inputs, groups)?);
    } else {
        inputs = code_words.saturating_mul(32) / usize::from(bits);
        extent = grouped(group, scale, inputs, groups)?;
    }
    if words(inputs, bits) != code_words {
        return Err(mismatch(codes, format!("words of {bits} bits for {inputs} inputs")));
    }
    let zero_offset = u8::from(group.config.word("checkpoint_format") != Some("gptq_v2"));
    Ok(WeightPlan {
        spec: with_zero_points(integer(false, bits), format_in(scale)?, extent),
        shape: vec![outputs, inputs],
        form: Form::Gptq { zero_offset },
    })
}

/// AWQ of 4 bits.
pub(super) fn awq(group: &Group<'_>) -> Result<WeightPlan, Reason> {
    let (codes, scale) = (group.need(Role::Codes)?, group.need(Role::Scale)?);
    let zeros = group.need(Role::ZeroPoint)?;
    let ([inputs, code_words], [groups, outputs]) = (matrix(codes)?, matrix(scale)?);
    if code_words.checked_mul(8) != Some(outputs) {
        return Err(mismatch(codes, format!("eight of {outputs} outputs in a word")));
    }
    if *zeros.shape != [groups, code_words] {
        return Err(mismatch(zeros, format!("zero points of shape {:?}", [groups, code_words])));
    }
    let extent = grouped(group, scale, inputs, groups)?;
    Ok(WeightPlan {
        spec: with_zero_points(FormatSpec::UINT4, format_in(scale)?, extent),
        shape: vec![outputs, inputs],
        form: Form::Awq,
    })
}

/// Model Optimizer's INT4: two outputs a byte, the first in the low nibble.
pub(super) fn paired_outputs(group: &Group<'_>) -> Result<WeightPlan, Reason> {
    let (codes, scale) = (group.need(Role::Codes)?, group.need(Role::Scale)?);
    let &[ref leading @ .., pairs, inputs] = &*codes.shape else {
        return Err(mismatch(codes, "a matrix with two outputs in a byte"));
    };
    let mut shape = leading.to_vec();
    shape.extend([pairs.saturating_mul(2), inputs]);
    let extent = extent_of(&shape, scale, None)?;
    let spec = super::plan::by_amax(FormatSpec::INT4, format_in(scale)?, extent);
    Ok(WeightPlan { spec, shape, form: Form::PairedOutputs })
}

/// Equal groups of inputs, as long as the config says if that gives so many.
fn grouped(
    group: &Group<'_>,
    scale: &TensorEntry,
    inputs: usize,
    groups: usize,
) -> Result<Extent, Reason> {
    let own = group.config.number(group.layer, "group_size").and_then(|n| u32::try_from(n).ok());
    let own = own.filter(|&n| n > 0 && inputs.div_ceil(n as usize) == groups);
    match own.or_else(|| group_of(inputs, groups)) {
        Some(length) if length as usize >= inputs => Ok(Extent::Row),
        Some(cols) => Ok(Extent::Block { rows: 1, cols }),
        None => Err(mismatch(scale, format!("scales for equal groups of {inputs} inputs"))),
    }
}

/// Reads the group of each input, of which there are `inputs`.
pub(super) fn group_index(
    group: &Group<'_>,
    index: &TensorEntry,
    inputs: usize,
    groups: usize,
) -> Result<Vec<usize>, Reason> {
    if *index.shape != [inputs] || inputs == 0 {
        return Err(mismatch(index, format!("a group for each of {inputs} inputs")));
    }
    let read = group.integers(index)?;
    let of = |(input, &found): (usize, &i64)| match usize::try_from(found) {
        Ok(number) if number < groups => Ok(number),
        _ => {
            let expected = format!("groups from 0 to {}", groups.saturating_sub(1));
            let name = crate::io::error::one_line(&index.name);
            let place = format!("tensor '{name}', input {input}: expected {expected}");
            Err(Cow::Owned(format!("{place}, found {found}")))
        }
    };
    read.iter().enumerate().map(of).collect()
}

/// The longest blocks in which all inputs have the same group: the greatest common divisor of the
/// places where it changes.
fn block_of(index: &[usize]) -> Extent {
    let changes = (1..index.len()).filter(|&input| index[input] != index[input - 1]);
    let length = changes.fold(0, greatest_common_divisor);
    match u32::try_from(length) {
        Ok(cols) if cols > 0 => Extent::Block { rows: 1, cols },
        // No change at all: one group.
        _ => Extent::Row,
    }
}

pub(super) const fn greatest_common_divisor(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

//! MLX's layouts: words of codes from the low bits along each row, which as little-endian bytes are
//! a tensor's own.

use super::groups::unsigned;
use super::header::TensorEntry;
use super::plan::{Group, Reason, Role, WeightPlan, format_in, mismatch};
use crate::block::{BlockSpec, Division, Extent, Offset, ScaleRule, preset};
use crate::spec::FormatSpec;
use std::format;
use std::vec::Vec;

/// Integers from 0 with a scale and a minimum ("bias") a group. How many bits they have is in
/// `config.json` alone; without it they are MLX's defaults, 4 bits in groups of 64, if that fits.
pub(super) fn affine(group: &Group<'_>) -> Result<WeightPlan, Reason> {
    let (codes, scale) = (group.need(Role::Codes)?, group.need(Role::Scale)?);
    let biases = group.need(Role::ZeroPoint)?;
    let bits = group.config.number(group.layer, "bits").unwrap_or(4);
    let length = group.config.number(group.layer, "group_size").unwrap_or(64);
    let Some(element) = unsigned(bits) else {
        return Err(format!("bits in config.json: expected 2 to 8, found {bits}").into());
    };
    let Some(block) = u32::try_from(length).ok().filter(|&length| length > 0) else {
        let found = format!("group_size in config.json: expected above 0, found {length}");
        return Err(found.into());
    };
    let shape = shape_of(codes, scale, element.bits() as usize, block)?;
    if biases.shape != scale.shape || biases.dtype != scale.dtype {
        let expected = format!("biases like the scales, {} {:?}", scale.dtype, scale.shape);
        return Err(mismatch(biases, expected));
    }
    let extent = Extent::Block { rows: 1, cols: block };
    Ok(WeightPlan::stored(affine_spec(element, format_in(scale)?, extent), shape))
}

/// Integers from 0 with scales and minima of one format.
pub(super) fn affine_spec(element: FormatSpec, format: FormatSpec, extent: Extent) -> BlockSpec {
    let rule = ScaleRule::Range { steps: element.max().to_f32(), with_zero: false };
    BlockSpec::new(element, Some(format), extent, rule)
        .with_offset(Offset::Minimum(format))
        .with_division(Division::Divide)
}

/// MXFP4, MXFP8 and NVFP4, which the shapes tell apart: a byte of scales for 4, 8 or 2 words.
pub(super) fn floats(group: &Group<'_>) -> Result<WeightPlan, Reason> {
    let (codes, scale) = (group.need(Role::Codes)?, group.need(Role::Scale)?);
    if let Some(global) = group.get(Role::TensorScale) {
        return Err(mismatch(global, "no global scale, whose formula is not known here"));
    }
    let words = codes.shape.last().copied().unwrap_or(0);
    let groups = scale.shape.last().copied().unwrap_or(0);
    let (spec, block) = match groups {
        0 => return Err(mismatch(scale, "scales for groups of each row")),
        _ if words == 4 * groups => (preset::mlx::MXFP4, 32),
        _ if words == 8 * groups => (preset::mlx::MXFP8_E4M3, 32),
        _ => (preset::mlx::NVFP4, 16),
    };
    let shape = shape_of(codes, scale, spec.element.bits() as usize, block)?;
    Ok(WeightPlan::stored(spec, shape))
}

/// The shape of a weight whose rows are words, if the scales are those of its groups.
fn shape_of(
    codes: &TensorEntry,
    scale: &TensorEntry,
    bits: usize,
    block: u32,
) -> Result<Vec<usize>, Reason> {
    let &[ref leading @ .., words] = &*codes.shape else {
        return Err(mismatch(codes, "rows of words"));
    };
    let cols = words.checked_mul(32).map_or(0, |all| all / bits);
    let mut expected = leading.to_vec();
    expected.push(cols / block as usize);
    if *scale.shape != *expected || !cols.is_multiple_of(block as usize) {
        let expected =
            format!("scales of shape {expected:?}, for {bits} bits in groups of {block}");
        return Err(mismatch(scale, expected));
    }
    let mut shape = leading.to_vec();
    shape.push(cols);
    Ok(shape)
}

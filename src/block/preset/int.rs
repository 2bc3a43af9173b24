//! Plain integers with f32 scales, as torch's affine quantization has them:
//! `q = clamp(round_half_even(x · (1/s)) + z)`, numbers `(q − z) · s`, every operation in f32.
//!
//! Symmetric scales are `amax` over the largest integer, so −128 and −8 do not occur. With a zero
//! point, signed and unsigned alike, the range of a block (zero included) is spread over all codes.
//! A block of zeros has the scale 1, and no scale is below 2^-126, of which the reciprocal is still
//! finite. With a scale and a zero point given, the results are those of torch 2.15, checked with
//! its own; how the scale is found from data is a formula.

use super::table::{Evidence, Preset};
use crate::block::{BlockSpec, Division, Extent, Offset, Ratio, ScaleRule};
use crate::spec::FormatSpec;

const fn group(cols: u32) -> Extent {
    Extent::Block { rows: 1, cols }
}

const fn scaled(element: FormatSpec, extent: Extent, rule: ScaleRule) -> BlockSpec {
    BlockSpec::new(element, Some(FormatSpec::F32), extent, rule)
        .with_zero_block_scale(1.0)
        .with_scale_bounds((f32::MIN_POSITIVE, f32::MAX))
        .with_division(Division::Reciprocal)
}

const fn symmetric(element: FormatSpec, extent: Extent) -> BlockSpec {
    scaled(
        element,
        extent,
        ScaleRule::Amax { target: element.max().to_f32(), ratio: Ratio::Divide },
    )
}

const fn affine(element: FormatSpec, extent: Extent) -> BlockSpec {
    let steps = (element.code_count() - 1) as f32;
    scaled(element, extent, ScaleRule::Range { steps, with_zero: true })
        .with_offset(Offset::ZeroPoint)
}

presets! { "int", "affine integers, as torch 2.15";
    /// INT8, symmetric, a scale for the whole tensor.
    INT8_TENSOR = symmetric(FormatSpec::INT8, Extent::Tensor), "amax / 127", FormulaOnly;
    /// INT8, symmetric, a scale for a row.
    INT8_ROW = symmetric(FormatSpec::INT8, Extent::Row), "amax / 127", FormulaOnly;
    /// INT8, symmetric, a scale for 32 elements of a row.
    INT8_G32 = symmetric(FormatSpec::INT8, group(32)), "amax / 127", FormulaOnly;
    /// INT8, symmetric, a scale for 64 elements of a row.
    INT8_G64 = symmetric(FormatSpec::INT8, group(64)), "amax / 127", FormulaOnly;
    /// INT8, symmetric, a scale for 128 elements of a row.
    INT8_G128 = symmetric(FormatSpec::INT8, group(128)), "amax / 127", FormulaOnly;
    /// INT4, symmetric, a scale for the whole tensor.
    INT4_TENSOR = symmetric(FormatSpec::INT4, Extent::Tensor), "amax / 7", FormulaOnly;
    /// INT4, symmetric, a scale for a row.
    INT4_ROW = symmetric(FormatSpec::INT4, Extent::Row), "amax / 7", FormulaOnly;
    /// INT4, symmetric, a scale for 32 elements of a row.
    INT4_G32 = symmetric(FormatSpec::INT4, group(32)), "amax / 7", FormulaOnly;
    /// INT4, symmetric, a scale for 64 elements of a row.
    INT4_G64 = symmetric(FormatSpec::INT4, group(64)), "amax / 7", FormulaOnly;
    /// INT4, symmetric, a scale for 128 elements of a row.
    INT4_G128 = symmetric(FormatSpec::INT4, group(128)), "amax / 7", FormulaOnly;
    /// INT8, a scale and a zero point for the whole tensor.
    INT8_ASYM_TENSOR = affine(FormatSpec::INT8, Extent::Tensor), "(max - min) / 255", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// INT8, a scale and a zero point for a row.
    INT8_ASYM_ROW = affine(FormatSpec::INT8, Extent::Row), "(max - min) / 255", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// INT8, a scale and a zero point for 32 elements of a row.
    INT8_ASYM_G32 = affine(FormatSpec::INT8, group(32)), "(max - min) / 255", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// INT8, a scale and a zero point for 64 elements of a row.
    INT8_ASYM_G64 = affine(FormatSpec::INT8, group(64)), "(max - min) / 255", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// INT8, a scale and a zero point for 128 elements of a row.
    INT8_ASYM_G128 = affine(FormatSpec::INT8, group(128)), "(max - min) / 255", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// INT4, a scale and a zero point for the whole tensor.
    INT4_ASYM_TENSOR = affine(FormatSpec::INT4, Extent::Tensor), "(max - min) / 15", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// INT4, a scale and a zero point for a row.
    INT4_ASYM_ROW = affine(FormatSpec::INT4, Extent::Row), "(max - min) / 15", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// INT4, a scale and a zero point for 32 elements of a row.
    INT4_ASYM_G32 = affine(FormatSpec::INT4, group(32)), "(max - min) / 15", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// INT4, a scale and a zero point for 64 elements of a row.
    INT4_ASYM_G64 = affine(FormatSpec::INT4, group(64)), "(max - min) / 15", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// INT4, a scale and a zero point for 128 elements of a row.
    INT4_ASYM_G128 = affine(FormatSpec::INT4, group(128)), "(max - min) / 15", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// UINT8, a scale and a zero point for the whole tensor.
    UINT8_TENSOR = affine(FormatSpec::UINT8, Extent::Tensor), "(max - min) / 255", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// UINT8, a scale and a zero point for a row.
    UINT8_ROW = affine(FormatSpec::UINT8, Extent::Row), "(max - min) / 255", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// UINT8, a scale and a zero point for 32 elements of a row.
    UINT8_G32 = affine(FormatSpec::UINT8, group(32)), "(max - min) / 255", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// UINT8, a scale and a zero point for 64 elements of a row.
    UINT8_G64 = affine(FormatSpec::UINT8, group(64)), "(max - min) / 255", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// UINT8, a scale and a zero point for 128 elements of a row.
    UINT8_G128 = affine(FormatSpec::UINT8, group(128)), "(max - min) / 255", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// UINT4, a scale and a zero point for the whole tensor.
    UINT4_TENSOR = affine(FormatSpec::UINT4, Extent::Tensor), "(max - min) / 15", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// UINT4, a scale and a zero point for a row.
    UINT4_ROW = affine(FormatSpec::UINT4, Extent::Row), "(max - min) / 15", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// UINT4, a scale and a zero point for 32 elements of a row.
    UINT4_G32 = affine(FormatSpec::UINT4, group(32)), "(max - min) / 15", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// UINT4, a scale and a zero point for 64 elements of a row.
    UINT4_G64 = affine(FormatSpec::UINT4, group(64)), "(max - min) / 15", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// UINT4, a scale and a zero point for 128 elements of a row.
    UINT4_G128 = affine(FormatSpec::UINT4, group(128)), "(max - min) / 15", FormulaOnly, changes "a rounded zero point moves the ends of the range";
}

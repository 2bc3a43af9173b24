//! Integers with f32 scales, as in torch's affine quantization.

use crate::block::preset::common::ROUNDED_ZERO_POINT;
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

presets! {
    module: "generic",
    source: "affine integers, as torch 2.15";

    /// INT8, symmetric, one scale for the tensor.
    INT8_TENSOR {
        spec: symmetric(FormatSpec::INT8, Extent::Tensor),
        rule: "amax / 127",
        evidence: FormulaOnly,
    }
    /// INT8, symmetric, one scale for each row.
    INT8_ROW {
        spec: symmetric(FormatSpec::INT8, Extent::Row),
        rule: "amax / 127",
        evidence: FormulaOnly,
    }
    /// INT8, symmetric, one scale for 32 elements of a row.
    INT8_G32 {
        spec: symmetric(FormatSpec::INT8, group(32)),
        rule: "amax / 127",
        evidence: FormulaOnly,
    }
    /// INT8, symmetric, one scale for 64 elements of a row.
    INT8_G64 {
        spec: symmetric(FormatSpec::INT8, group(64)),
        rule: "amax / 127",
        evidence: FormulaOnly,
    }
    /// INT8, symmetric, one scale for 128 elements of a row.
    INT8_G128 {
        spec: symmetric(FormatSpec::INT8, group(128)),
        rule: "amax / 127",
        evidence: FormulaOnly,
    }
    /// INT4, symmetric, one scale for the tensor.
    INT4_TENSOR {
        spec: symmetric(FormatSpec::INT4, Extent::Tensor),
        rule: "amax / 7",
        evidence: FormulaOnly,
    }
    /// INT4, symmetric, one scale for each row.
    INT4_ROW {
        spec: symmetric(FormatSpec::INT4, Extent::Row),
        rule: "amax / 7",
        evidence: FormulaOnly,
    }
    /// INT4, symmetric, one scale for 32 elements of a row.
    INT4_G32 {
        spec: symmetric(FormatSpec::INT4, group(32)),
        rule: "amax / 7",
        evidence: FormulaOnly,
    }
    /// INT4, symmetric, one scale for 64 elements of a row.
    INT4_G64 {
        spec: symmetric(FormatSpec::INT4, group(64)),
        rule: "amax / 7",
        evidence: FormulaOnly,
    }
    /// INT4, symmetric, one scale for 128 elements of a row.
    INT4_G128 {
        spec: symmetric(FormatSpec::INT4, group(128)),
        rule: "amax / 7",
        evidence: FormulaOnly,
    }
    /// INT8, one scale and one zero point for the tensor.
    INT8_ASYM_TENSOR {
        spec: affine(FormatSpec::INT8, Extent::Tensor),
        rule: "(max - min) / 255",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// INT8, one scale and one zero point for each row.
    INT8_ASYM_ROW {
        spec: affine(FormatSpec::INT8, Extent::Row),
        rule: "(max - min) / 255",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// INT8, one scale and one zero point for 32 elements of a row.
    INT8_ASYM_G32 {
        spec: affine(FormatSpec::INT8, group(32)),
        rule: "(max - min) / 255",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// INT8, one scale and one zero point for 64 elements of a row.
    INT8_ASYM_G64 {
        spec: affine(FormatSpec::INT8, group(64)),
        rule: "(max - min) / 255",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// INT8, one scale and one zero point for 128 elements of a row.
    INT8_ASYM_G128 {
        spec: affine(FormatSpec::INT8, group(128)),
        rule: "(max - min) / 255",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// INT4, one scale and one zero point for the tensor.
    INT4_ASYM_TENSOR {
        spec: affine(FormatSpec::INT4, Extent::Tensor),
        rule: "(max - min) / 15",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// INT4, one scale and one zero point for each row.
    INT4_ASYM_ROW {
        spec: affine(FormatSpec::INT4, Extent::Row),
        rule: "(max - min) / 15",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// INT4, one scale and one zero point for 32 elements of a row.
    INT4_ASYM_G32 {
        spec: affine(FormatSpec::INT4, group(32)),
        rule: "(max - min) / 15",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// INT4, one scale and one zero point for 64 elements of a row.
    INT4_ASYM_G64 {
        spec: affine(FormatSpec::INT4, group(64)),
        rule: "(max - min) / 15",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// INT4, one scale and one zero point for 128 elements of a row.
    INT4_ASYM_G128 {
        spec: affine(FormatSpec::INT4, group(128)),
        rule: "(max - min) / 15",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// UINT8, one scale and one zero point for the tensor.
    UINT8_TENSOR {
        spec: affine(FormatSpec::UINT8, Extent::Tensor),
        rule: "(max - min) / 255",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// UINT8, one scale and one zero point for each row.
    UINT8_ROW {
        spec: affine(FormatSpec::UINT8, Extent::Row),
        rule: "(max - min) / 255",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// UINT8, one scale and one zero point for 32 elements of a row.
    UINT8_G32 {
        spec: affine(FormatSpec::UINT8, group(32)),
        rule: "(max - min) / 255",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// UINT8, one scale and one zero point for 64 elements of a row.
    UINT8_G64 {
        spec: affine(FormatSpec::UINT8, group(64)),
        rule: "(max - min) / 255",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// UINT8, one scale and one zero point for 128 elements of a row.
    UINT8_G128 {
        spec: affine(FormatSpec::UINT8, group(128)),
        rule: "(max - min) / 255",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// UINT4, one scale and one zero point for the tensor.
    UINT4_TENSOR {
        spec: affine(FormatSpec::UINT4, Extent::Tensor),
        rule: "(max - min) / 15",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// UINT4, one scale and one zero point for each row.
    UINT4_ROW {
        spec: affine(FormatSpec::UINT4, Extent::Row),
        rule: "(max - min) / 15",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// UINT4, one scale and one zero point for 32 elements of a row.
    UINT4_G32 {
        spec: affine(FormatSpec::UINT4, group(32)),
        rule: "(max - min) / 15",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// UINT4, one scale and one zero point for 64 elements of a row.
    UINT4_G64 {
        spec: affine(FormatSpec::UINT4, group(64)),
        rule: "(max - min) / 15",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// UINT4, one scale and one zero point for 128 elements of a row.
    UINT4_G128 {
        spec: affine(FormatSpec::UINT4, group(128)),
        rule: "(max - min) / 15",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
}

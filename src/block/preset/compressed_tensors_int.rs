//! compressed-tensors 0.20's integers (the vLLM project). The range is that of the codes: symmetric
//! scales are `amax / 7.5` and `amax / 127.5`, so the largest element saturates or is rounded. A
//! scale of zero becomes f32's epsilon. The zero point is added before rounding.

use super::table::{Evidence, Preset};
use crate::block::{
    BlockSpec, Division, ElementRounding, Extent, Nonfinite, Offset, Ratio, ScaleRule,
};
use crate::spec::FormatSpec;

const fn scaled(element: FormatSpec, extent: Extent, rule: ScaleRule) -> BlockSpec {
    BlockSpec::new(element, Some(FormatSpec::F32), extent, rule)
        .with_nonfinite(Nonfinite::Count)
        .with_zero_block_scale(f32::EPSILON)
        .with_underflow_scale(f32::EPSILON)
        .with_element_rounding(ElementRounding::AddThenRound)
        .with_division(Division::Divide)
}

const fn symmetric(element: FormatSpec, extent: Extent, target: f32) -> BlockSpec {
    scaled(element, extent, ScaleRule::Amax { target, ratio: Ratio::Divide })
}

const fn asymmetric(element: FormatSpec, extent: Extent, steps: f32) -> BlockSpec {
    scaled(element, extent, ScaleRule::Range { steps, with_zero: true })
        .with_offset(Offset::ZeroPoint)
}

const G32: Extent = Extent::Block { rows: 1, cols: 32 };
const G128: Extent = Extent::Block { rows: 1, cols: 128 };

presets! { "compressed_tensors_int", "compressed-tensors 0.20.0";
    /// INT4 in groups of 32, symmetric.
    INT4_G32 = symmetric(FormatSpec::INT4, G32, 7.5), "amax / 7.5", Checked, changes "the largest element saturates";
    /// INT4 in groups of 128, symmetric: the rule of [`INT4_G32`].
    INT4_G128 = symmetric(FormatSpec::INT4, G128, 7.5), "amax / 7.5", FormulaOnly, changes "the largest element saturates";
    /// INT4 in groups of 32, with zero points.
    INT4_G32_ASYM = asymmetric(FormatSpec::INT4, G32, 15.0), "(max - min) / 15", Checked, changes "a rounded zero point moves the ends of the range";
    /// INT4 in groups of 128, with zero points: the rule of [`INT4_G32_ASYM`].
    INT4_G128_ASYM = asymmetric(FormatSpec::INT4, G128, 15.0), "(max - min) / 15", FormulaOnly, changes "a rounded zero point moves the ends of the range";
    /// INT8 in groups of 32, symmetric.
    INT8_G32 = symmetric(FormatSpec::INT8, G32, 127.5), "amax / 127.5", Checked, changes "the largest element saturates";
    /// INT8 per row, symmetric: the rule of [`INT8_G32`].
    INT8_ROW = symmetric(FormatSpec::INT8, Extent::Row, 127.5), "amax / 127.5", FormulaOnly, changes "the largest element saturates";
    /// INT8 per row, with zero points.
    INT8_ROW_ASYM = asymmetric(FormatSpec::INT8, Extent::Row, 255.0), "(max - min) / 255", FormulaOnly, changes "a rounded zero point moves the ends of the range";
}

//! torchao's FP8.

use crate::block::preset::common::{E4M3, E5M2, SUBNORMAL_SCALE, fp8};
use crate::block::{BlockSpec, Division, Extent, Nonfinite};
use crate::policy::Convert;
use crate::spec::FormatSpec;

const fn scaled_mm(element: FormatSpec, extent: Extent) -> BlockSpec {
    fp8(element, extent)
        .with_element_convert(Convert::TORCH_2_15_E4M3FN)
        .with_nonfinite(Nonfinite::Count)
        .with_division(Division::DivideIeee)
}

presets! {
    module: "torchao",
    source: "torchao 0.18";

    /// FP8 E4M3 with one scale for the tensor: `s = amax / 448`, elements `clamp(x / s)`, in f32;
    /// `torch._scaled_mm` multiplies by `s`.
    ///
    /// There is no floor: a tensor of zeros becomes NaN. NaN makes all numbers NaN; infinity makes
    /// zeros and NaN.
    FP8_E4M3_TENSOR {
        spec: scaled_mm(E4M3, Extent::Tensor),
        rule: "amax / 448",
        evidence: FormulaOnly,
        changes: SUBNORMAL_SCALE,
    }
    /// FP8 E4M3 with one scale for each row: `s = amax / 448`, elements `clamp(x / s)`, in f32;
    /// `torch._scaled_mm` multiplies by `s`.
    ///
    /// There is no floor: a row of zeros becomes NaN. NaN makes all numbers of its row NaN;
    /// infinity makes zeros and NaN of the row.
    FP8_E4M3_ROW {
        spec: scaled_mm(E4M3, Extent::Row),
        rule: "amax / 448",
        evidence: FormulaOnly,
        changes: SUBNORMAL_SCALE,
    }
    /// FP8 E5M2 with one scale for the tensor: `s = amax / 57344`, elements `clamp(x / s)`, in f32;
    /// `torch._scaled_mm` multiplies by `s`.
    ///
    /// There is no floor: a tensor of zeros becomes NaN. NaN makes all numbers NaN; infinity makes
    /// zeros and NaN.
    FP8_E5M2_TENSOR {
        spec: scaled_mm(E5M2, Extent::Tensor),
        rule: "amax / 57344",
        evidence: FormulaOnly,
        changes: SUBNORMAL_SCALE,
    }
    /// FP8 E5M2 with one scale for each row: `s = amax / 57344`, elements `clamp(x / s)`, in f32;
    /// `torch._scaled_mm` multiplies by `s`.
    ///
    /// There is no floor: a row of zeros becomes NaN. NaN makes all numbers of its row NaN;
    /// infinity makes zeros and NaN of the row.
    FP8_E5M2_ROW {
        spec: scaled_mm(E5M2, Extent::Row),
        rule: "amax / 57344",
        evidence: FormulaOnly,
        changes: SUBNORMAL_SCALE,
    }
}

//! compressed-tensors 0.20's MX formats, NVFP4 and integers (the vLLM project).
//!
//! *MX.* An `amax` that rounds to 2^128 makes the scale infinite and all elements zero in the
//! program; here the scale is clamped to the largest E8M0 number. NaN makes the scale code 0 in the
//! program; here it makes the block NaN.
//!
//! *NVFP4.* The symbols of its formulas are explained in [`preset`](super#nvfp4).
//!
//! *Integers.* Symmetric scales are `amax / 7.5` and `amax / 127.5`, half the range of the codes,
//! so the largest element saturates or is rounded. A scale of zero becomes f32's epsilon. The zero
//! point is added before rounding.

use super::common::{E2M1_MAX, ROUNDED_PRODUCTS, ROUNDED_ZERO_POINT, UE4M3_MAX, block16};
use crate::block::{
    BlockSpec, Dequantization, Division, ElementRounding, Extent, Nonfinite, Offset, Ratio,
    ScaleRule, TensorScale, ZeroSign,
};
use crate::spec::FormatSpec;

/// MX blocks whose `amax` is rounded to this number of mantissa bits: 1 for FP4, and for E4M3 too
/// (448 has the scale 2); 3 for FP6 E2M3.
const fn mx(element: FormatSpec, mantissa_bits: u8) -> BlockSpec {
    let rule = ScaleRule::Even { mantissa_bits };
    BlockSpec::new(element, Some(FormatSpec::E8M0), Extent::MX, rule)
        .with_division(Division::Divide)
}

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

/// Why symmetric scales change a dequantized tensor.
const SATURATES: &str = "the largest element saturates";

presets! {
    module: "compressed_tensors",
    source: "compressed-tensors 0.20.0";

    /// MXFP4 with the scale rule of compressed-tensors. −0 becomes +0.
    MXFP4 {
        spec: mx(FormatSpec::F4E2M1, 1).with_zero_sign(ZeroSign::MinusBelowZero),
        rule: "2^(floor(log2 of amax rounded to 1 bit) - 2)",
        evidence: Checked,
    }
    /// MXFP6 E2M3 with the scale rule of compressed-tensors, `amax` rounded to 3 mantissa bits.
    MXFP6_E2M3 {
        spec: mx(FormatSpec::F6E2M3, 3),
        rule: "2^(floor(log2 of amax rounded to 3 bits) - 2)",
        evidence: Checked,
    }
    /// MXFP8 E4M3 with the scale rule of compressed-tensors, `amax` rounded to 1 mantissa bit as
    /// for FP4. −0 becomes +0, since the default zero point of 0 is added.
    MXFP8_E4M3 {
        spec: mx(FormatSpec::F8E4M3, 1).with_zero_sign(ZeroSign::MinusBelowZero),
        rule: "2^(floor(log2 of amax rounded to 1 bit) - 8)",
        evidence: Checked,
    }
    /// NVFP4 in compressed-tensors, and so in vLLM's checkpoints: the tensor keeps
    /// `T = 2688 · (1 / amax)`, `s = e4m3(T · (amax_b / 6))`, elements `x / (s / T)`, dequantized
    /// `q · (s / T)`.
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a block. A scale that rounds
    /// to zero becomes 0.125, the machine epsilon of E4M3; a block of zeros has this scale too. `T`
    /// is 1 for a tensor of zeros and where it would be infinite. −0 becomes +0.
    NVFP4 {
        spec: block16(FormatSpec::F4E2M1, E2M1_MAX, Ratio::MultiplyQuotient)
            .with_tensor_scale(TensorScale::Divisor { target: UE4M3_MAX * E2M1_MAX })
            .with_underflow_scale(FormatSpec::F8E4M3.epsilon().expect("E4M3 has a 1").to_f32())
            .with_division(Division::DivideQuotient)
            .with_zero_sign(ZeroSign::MinusBelowZero)
            .with_dequantization(Dequantization::Quotient),
        rule: "e4m3(2688 * (1 / amax) * (amax_b / 6))",
        evidence: Checked,
        changes: ROUNDED_PRODUCTS,
    }
    /// NVFP4 of compressed-tensors in tiles of 16×16: the tensor keeps `T = 2688 · (1 / amax)`,
    /// `s = e4m3(T · (amax_b / 6))`, elements `x / (s / T)`, dequantized `q · (s / T)`.
    ///
    /// `amax` is the largest magnitude of the tensor, `amax_b` that of a tile. A scale that rounds
    /// to zero becomes 0.125, the machine epsilon of E4M3; a tile of zeros has this scale too. `T`
    /// is 1 for a tensor of zeros and where it would be infinite. −0 becomes +0.
    NVFP4_16X16 {
        spec: NVFP4.with_extent(Extent::TILE_16X16),
        rule: "e4m3(2688 * (1 / amax) * (amax_b / 6))",
        evidence: FormulaOnly,
        changes: ROUNDED_PRODUCTS,
    }
    /// INT4 in groups of 32 elements of a row, symmetric: `s = amax / 7.5` in f32, elements
    /// `x / s`. The divisor is half the range of the codes, so the largest element saturates or is
    /// rounded. A scale of zero becomes f32's epsilon.
    INT4_G32 {
        spec: symmetric(FormatSpec::INT4, G32, 7.5),
        rule: "amax / 7.5",
        evidence: Checked,
        changes: SATURATES,
    }
    /// INT4 in groups of 128 elements of a row, symmetric: `s = amax / 7.5` in f32, elements
    /// `x / s`. The divisor is half the range of the codes, so the largest element saturates or is
    /// rounded. A scale of zero becomes f32's epsilon.
    INT4_G128 {
        spec: symmetric(FormatSpec::INT4, G128, 7.5),
        rule: "amax / 7.5",
        evidence: FormulaOnly,
        changes: SATURATES,
    }
    /// INT4 in groups of 32 elements of a row, with zero points `z`: `s = (max - min) / 15` in f32
    /// over a range that includes zero, elements `x / s + z`, rounded after the sum, dequantized
    /// `(q − z) · s`. A scale of zero becomes f32's epsilon.
    INT4_G32_ASYM {
        spec: asymmetric(FormatSpec::INT4, G32, 15.0),
        rule: "(max - min) / 15",
        evidence: Checked,
        changes: ROUNDED_ZERO_POINT,
    }
    /// INT4 in groups of 128 elements of a row, with zero points `z`: `s = (max - min) / 15` in f32
    /// over a range that includes zero, elements `x / s + z`, rounded after the sum, dequantized
    /// `(q − z) · s`. A scale of zero becomes f32's epsilon.
    INT4_G128_ASYM {
        spec: asymmetric(FormatSpec::INT4, G128, 15.0),
        rule: "(max - min) / 15",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
    /// INT8 in groups of 32 elements of a row, symmetric: `s = amax / 127.5` in f32, elements
    /// `x / s`. The divisor is half the range of the codes, so the largest element saturates or is
    /// rounded. A scale of zero becomes f32's epsilon.
    INT8_G32 {
        spec: symmetric(FormatSpec::INT8, G32, 127.5),
        rule: "amax / 127.5",
        evidence: Checked,
        changes: SATURATES,
    }
    /// INT8 with one scale for each row, symmetric: `s = amax / 127.5` in f32, elements `x / s`.
    /// The divisor is half the range of the codes, so the largest element saturates or is rounded.
    /// A scale of zero becomes f32's epsilon.
    INT8_ROW {
        spec: symmetric(FormatSpec::INT8, Extent::Row, 127.5),
        rule: "amax / 127.5",
        evidence: FormulaOnly,
        changes: SATURATES,
    }
    /// INT8 with one scale and one zero point `z` for each row: `s = (max - min) / 255` in f32 over
    /// a range that includes zero, elements `x / s + z`, rounded after the sum, dequantized
    /// `(q − z) · s`. A scale of zero becomes f32's epsilon.
    INT8_ROW_ASYM {
        spec: asymmetric(FormatSpec::INT8, Extent::Row, 255.0),
        rule: "(max - min) / 255",
        evidence: FormulaOnly,
        changes: ROUNDED_ZERO_POINT,
    }
}

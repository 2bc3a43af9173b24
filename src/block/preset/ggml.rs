//! ggml's block types (C reference, `d99724f2`), and those of gguf (Python) where its NumPy code
//! differs. [`layout::from_ggml`](crate::layout::from_ggml) reads their interleaved bytes.
//!
//! Every operation is in f32. Elements are computed from the numbers and from the scale before it
//! is rounded to F16. Integers are `x · (1/d)` plus one half (and the distance of the smallest
//! integer from zero), truncated. FP4 elements are the first code of the smallest f32 error: ties
//! go toward zero, and −0 and numbers far beyond 6 become +0.
//!
//! ggml has no rule for NaN and infinity. Here the scale ignores them, and NaN, infinity and
//! elements that are infinite after scaling (under an f32 scale below 2^-128) become the smallest
//! integer, as on x86-64. In these cases `Q8_0` saturates here, where ggml makes zeros; its numbers
//! are dequantized to zeros either way.
//!
//! In bytes that ggml did not write, FP4's code 8 is dequantized to −0 (ggml: +0), and the E8M0
//! code 0xFF to NaN (ggml: 2^128).

use crate::block::{
    BlockSpec, CustomRule, Division, ElementRounding, Extent, Nonfinite, Offset, Ratio, ScaleRule,
    ZeroMinimum,
};
use crate::policy::{Convert, MissingNan};
use crate::round::Round;
use crate::spec::{Encoding, FormatSpec, IntSpec, Table};

const F16: FormatSpec = FormatSpec::F16;
const UINT5: FormatSpec = FormatSpec::constant(
    "UINT5",
    Encoding::Int(IntSpec { signed: false, bits: 5, fraction_bits: 0, symmetric: false }),
);

const fn blocks(element: FormatSpec, scale: FormatSpec, rule: ScaleRule) -> BlockSpec {
    BlockSpec::new(element, Some(scale), Extent::MX, rule)
        .with_division(Division::UnroundedReciprocal)
        .with_nonfinite(Nonfinite::Ignore)
        .with_element_convert(Convert::SATURATING.with_missing_nan(MissingNan::Zero))
}

const fn signed(element: FormatSpec, target: f32) -> BlockSpec {
    blocks(element, F16, ScaleRule::SignedMax { target })
        .with_element_rounding(ElementRounding::AddHalfTruncate)
}

const fn with_minimum(element: FormatSpec, steps: f32) -> BlockSpec {
    blocks(element, F16, ScaleRule::Range { steps, with_zero: false })
        .with_element_rounding(ElementRounding::AddHalfTruncate)
        .with_offset(Offset::Minimum(F16))
}

const fn fp4(spec: BlockSpec) -> BlockSpec {
    spec.with_division(Division::Divide).with_element_rounding(ElementRounding::LeastError)
}

/// ggml's UE4M3, as it decodes all 256 bytes: E4M3 without NaN, the top bit ignored, but 0x7F is 0
/// and 0xFF is 480.
pub const UE4M3: FormatSpec =
    FormatSpec::constant("ggml UE4M3", Encoding::Codebook(Table::of(&UE4M3_VALUES)));

static UE4M3_VALUES: [u32; 256] = {
    let mut values = [0; 256];
    let mut code = 1;
    while code < 256 {
        // Below 2^-6 multiples of 2^-9, else the exponent and mantissa fields moved into an f32's.
        let value = match code & 0x7F {
            small @ 0..8 => small as f32 / 512.0,
            normal => f32::from_bits((normal as u32 + (120 << 3)) << 20),
        };
        values[code] = if code == 0x7F { 0 } else { value.to_bits() };
        code += 1;
    }
    values
};

/// Returns `amax / 6` rounded to [`UE4M3`] as in ggml: half up, subnormals to at most 7 units, and
/// 448 for everything from 248 on.
fn nvfp4_scale(amax: f32) -> f32 {
    let x = amax / 6.0;
    if x < 1.0 / 64.0 {
        return ((x * 512.0 + 0.5) as u32).min(7) as f32 / 512.0;
    }
    // Half a unit of the third mantissa bit is added, the rest cut off; the sum carries into the
    // exponent.
    let rounded = f32::from_bits((x.to_bits() + (1 << 19)) & !0xF_FFFF);
    if rounded < 256.0 { rounded } else { 448.0 }
}

/// A type that is read only: elements with F16 scales, in blocks of so many.
const fn read(element: FormatSpec, cols: u32) -> BlockSpec {
    let extent = Extent::Block { rows: 1, cols };
    BlockSpec::new(element, Some(F16), extent, ScaleRule::Given).with_division(Division::Divide)
}

/// A type whose scales are products of two stored numbers: F32s here.
const fn multiplied(element: FormatSpec, cols: u32) -> BlockSpec {
    let extent = Extent::Block { rows: 1, cols };
    BlockSpec::new(element, Some(FormatSpec::F32), extent, ScaleRule::Given)
        .with_division(Division::Divide)
}

const fn multiplied_with_minimum(element: FormatSpec, cols: u32) -> BlockSpec {
    multiplied(element, cols).with_offset(Offset::Minimum(FormatSpec::F32))
}

/// The numbers of `Q2_K` superblocks: 2-bit integers in blocks of 16, with scale and minimum
/// multiplied out to F32s. Cannot be quantized to.
pub const Q2_K: BlockSpec = multiplied_with_minimum(FormatSpec::UINT2, 16);

/// The numbers of `Q3_K` superblocks: 3-bit integers in blocks of 16, with the scales multiplied
/// out to F32s. Cannot be quantized to.
pub const Q3_K: BlockSpec = multiplied(FormatSpec::INT3, 16);

/// The numbers of `Q4_K` superblocks: 4-bit integers in blocks of 32, with scale and minimum
/// multiplied out to F32s. [`QuantTensor::quantize_ggml`](crate::QuantTensor::quantize_ggml)
/// finds them.
pub const Q4_K: BlockSpec = multiplied_with_minimum(FormatSpec::UINT4, 32);

/// The numbers of `Q5_K` superblocks: 5-bit integers in blocks of 32, with scale and minimum
/// multiplied out to F32s. Cannot be quantized to.
pub const Q5_K: BlockSpec = multiplied_with_minimum(UINT5, 32);

/// The numbers of `Q6_K` superblocks: 6-bit integers in blocks of 16, with the scales multiplied
/// out to F32s. [`QuantTensor::quantize_ggml`](crate::QuantTensor::quantize_ggml)
/// finds them.
pub const Q6_K: BlockSpec = multiplied(FormatSpec::INT6, 16);

/// The numbers of `Q8_K` superblocks: int8s times an F32 for each 256. Cannot be quantized to.
pub const Q8_K: BlockSpec = multiplied(FormatSpec::INT8, 256);

/// The 16 numbers of `IQ4_NL` and `IQ4_XS`, closer to each other around zero (`kvalues_iq4nl`).
pub const IQ4: FormatSpec =
    FormatSpec::constant("ggml IQ4", Encoding::Codebook(Table::of(&IQ4_VALUES)));

static IQ4_VALUES: [u32; 16] =
    bits_of(1.0, [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]);

/// The four numbers of `TQ1_0`, `TQ2_0` and `Q2_0`: −1, 0, 1 and 2.
pub const TERNARY: FormatSpec =
    FormatSpec::constant("ggml ternary", Encoding::Codebook(Table::of(&TERNARY_VALUES)));

static TERNARY_VALUES: [u32; 4] = bits_of(1.0, [-1, 0, 1, 2]);

/// The two numbers of `Q1_0`: −1 and 1.
pub const SIGN: FormatSpec =
    FormatSpec::constant("ggml sign", Encoding::Codebook(Table::of(&SIGN_VALUES)));

static SIGN_VALUES: [u32; 2] = bits_of(1.0, [-1, 1]);

/// Small integers over a power of two, as the bits of f32s.
const fn bits_of<const N: usize>(divisor: f32, values: [i32; N]) -> [u32; N] {
    let mut bits = [0; N];
    let mut i = 0;
    while i < N {
        bits[i] = (values[i] as f32 / divisor).to_bits();
        i += 1;
    }
    bits
}

/// The numbers of `IQ4_NL`: [`IQ4`] times an F16 scale for each 32. Cannot be quantized to.
pub const IQ4_NL: BlockSpec = read(IQ4, 32);

/// The numbers of `IQ4_XS` superblocks: [`IQ4`] in blocks of 32, with the scales multiplied out to
/// F32s. Cannot be quantized to.
pub const IQ4_XS: BlockSpec = multiplied(IQ4, 32);

/// The numbers of `TQ1_0` and `TQ2_0`: [`TERNARY`] times an F16 scale for each 256. Cannot be
/// quantized to.
pub const TQ: BlockSpec = read(TERNARY, 256);

/// The numbers of `Q1_0`: [`SIGN`] times an F16 scale for each 128. Cannot be quantized to.
pub const Q1_0: BlockSpec = read(SIGN, 128);

/// The numbers of `Q2_0`: [`TERNARY`] times an F16 scale for each 64. Cannot be quantized to.
pub const Q2_0: BlockSpec = read(TERNARY, 64);

/// The six numbers of `IQ2_XXS`, `IQ2_XS` and `IQ2_S`, 8, 25 and 43 with a sign, which is the upper
/// bit of a code. Codes 3 and 7 are not used.
pub const IQ2: FormatSpec =
    FormatSpec::constant("ggml IQ2", Encoding::Codebook(Table::of(&IQ2_VALUES)));

static IQ2_VALUES: [u32; 8] = bits_of(1.0, [8, 25, 43, 0, -8, -25, -43, 0]);

/// The 16 numbers of `IQ3_XXS`, multiples of 8 less 4, and 62, with a sign, which is the upper bit
/// of a code.
pub const IQ3: FormatSpec =
    FormatSpec::constant("ggml IQ3", Encoding::Codebook(Table::of(&IQ3_VALUES)));

static IQ3_VALUES: [u32; 16] =
    bits_of(1.0, [4, 12, 20, 28, 36, 44, 52, 62, -4, -12, -20, -28, -36, -44, -52, -62]);

/// The 16 numbers of `IQ3_S`, the odd ones up to 15 with a sign, which is the upper bit of a code.
pub const ODD4: FormatSpec =
    FormatSpec::constant("ggml odd", Encoding::Codebook(Table::of(&ODD4_VALUES)));

static ODD4_VALUES: [u32; 16] =
    bits_of(1.0, [1, 3, 5, 7, 9, 11, 13, 15, -1, -3, -5, -7, -9, -11, -13, -15]);

/// The six numbers of `IQ1_S` and `IQ1_M`: −1, 0 and 1 plus an eighth, and, with the upper bit of a
/// code, less an eighth. Codes 3 and 7 are not used.
pub const IQ1: FormatSpec =
    FormatSpec::constant("ggml IQ1", Encoding::Codebook(Table::of(&IQ1_VALUES)));

static IQ1_VALUES: [u32; 8] = bits_of(8.0, [-7, 1, 9, 0, -9, -1, 7, 0]);

/// The numbers of `IQ2_XXS` superblocks: [`IQ2`] in blocks of 32, with the scales multiplied out to
/// F32s. Cannot be quantized to.
pub const IQ2_XXS: BlockSpec = multiplied(IQ2, 32);

/// The numbers of `IQ2_XS` and `IQ2_S` superblocks: [`IQ2`] in blocks of 16, with the scales
/// multiplied out to F32s. Cannot be quantized to.
pub const IQ2_XS: BlockSpec = multiplied(IQ2, 16);

/// The numbers of `IQ3_XXS` superblocks: [`IQ3`] in blocks of 32, with the scales multiplied out to
/// F32s. Cannot be quantized to.
pub const IQ3_XXS: BlockSpec = multiplied(IQ3, 32);

/// The numbers of `IQ3_S` superblocks: [`ODD4`] in blocks of 32, with the scales multiplied out to
/// F32s. Cannot be quantized to.
pub const IQ3_S: BlockSpec = multiplied(ODD4, 32);

/// The numbers of `IQ1_S` superblocks: [`IQ1`] in blocks of 32, with the scales multiplied out to
/// F32s. Cannot be quantized to.
pub const IQ1_S: BlockSpec = multiplied(IQ1, 32);

/// The numbers of `IQ1_M` superblocks: [`IQ1`] in blocks of 16, with the scales multiplied out to
/// F32s. Cannot be quantized to.
pub const IQ1_M: BlockSpec = multiplied(IQ1, 16);

presets! {
    module: "ggml",
    source: "ggml d99724f2";

    /// `Q4_0`: −8 to 7 times an F16 scale. Its sign is the opposite of the largest element's; the
    /// scale of a block of zeros is −0.
    Q4_0 {
        spec: signed(FormatSpec::INT4, -8.0).with_zero_block_scale(-0.0),
        rule: "signed max / -8",
        evidence: Checked,
    }
    /// `Q4_1`: 0 to 15 times an F16 scale, plus an F16 minimum.
    Q4_1 {
        spec: with_minimum(FormatSpec::UINT4, 15.0),
        rule: "(max - min) / 15",
        evidence: Checked,
    }
    /// `Q5_0`: −16 to 15 times an F16 scale. Its sign is the opposite of the largest element's; the
    /// scale of a block of zeros is −0.
    Q5_0 {
        spec: signed(FormatSpec::INT5, -16.0).with_zero_block_scale(-0.0),
        rule: "signed max / -16",
        evidence: Checked,
    }
    /// `Q5_1`: 0 to 31 times an F16 scale, plus an F16 minimum.
    Q5_1 {
        spec: with_minimum(UINT5, 31.0),
        rule: "(max - min) / 31",
        evidence: Checked,
    }
    /// `Q8_0`: −127 to 127 times an F16 scale, ties away from zero.
    Q8_0 {
        spec: blocks(FormatSpec::INT8, F16, ScaleRule::Amax { target: 127.0, ratio: Ratio::Divide })
            .with_round(Round::NearestAway),
        rule: "amax / 127",
        evidence: Checked,
    }
    /// MXFP4 with ties toward zero. Scales below 2^-127 are clamped; ggml takes their exponent
    /// modulo 256.
    MXFP4 {
        spec: fp4(blocks(FormatSpec::F4E2M1, FormatSpec::E8M0, ScaleRule::Log2Floor)),
        rule: "2^(floor(log2 amax) - 2), log2 in f32",
        evidence: Checked,
    }
    /// NVFP4 without a tensor scale: blocks of 16 with ggml's own [`UE4M3`] scales.
    NVFP4 {
        spec: fp4(blocks(
            FormatSpec::F4E2M1,
            UE4M3,
            ScaleRule::Custom(CustomRule::of_amax(nvfp4_scale)),
        ))
            .with_extent(Extent::NVFP4)
            .with_scale_bounds((0.0, 448.0)),
        rule: "amax / 6, half up; 448 from 248",
        evidence: Checked,
        changes: "a scale from 248 up becomes 448",
    }
    /// `Q4_0` of gguf 0.19 (Python): −8 to 7 times an F16 scale. Its sign is the opposite of the
    /// largest element's; the scale of a block of zeros has the opposite sign of its first zero.
    Q4_0_GGUF {
        spec: signed(FormatSpec::INT4, -8.0),
        rule: "signed max / -8",
        evidence: Checked,
    }
    /// `Q5_0` of gguf 0.19 (Python): −16 to 15 times an F16 scale. Its sign is the opposite of the
    /// largest element's; the scale of a block of zeros has the opposite sign of its first zero.
    Q5_0_GGUF {
        spec: signed(FormatSpec::INT5, -16.0),
        rule: "signed max / -16",
        evidence: Checked,
    }
    /// `Q4_1` of gguf 0.19 (Python, NumPy 2.4 with AVX-512): 0 to 15 times an F16 scale, plus an
    /// F16 minimum. A minimum of zero has the sign that NumPy's fold leaves.
    Q4_1_GGUF {
        spec: with_minimum(FormatSpec::UINT4, 15.0).with_zero_minimum(ZeroMinimum::NumpyAvx512),
        rule: "(max - min) / 15",
        evidence: Checked,
    }
    /// `Q5_1` of gguf 0.19 (Python, NumPy 2.4 with AVX-512): 0 to 31 times an F16 scale, plus an
    /// F16 minimum. A minimum of zero has the sign that NumPy's fold leaves.
    Q5_1_GGUF {
        spec: with_minimum(UINT5, 31.0).with_zero_minimum(ZeroMinimum::NumpyAvx512),
        rule: "(max - min) / 31",
        evidence: Checked,
    }
}

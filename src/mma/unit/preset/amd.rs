//! AMD's units, CDNA1 to CDNA3.

use super::table::{MatrixUnit, units};
use crate::mma::unit::build::MmaBuilder;
use crate::mma::unit::spec::{Adder, InputFlush, Join, MmaSpec, ResultFlush, RoundedOrder};
use crate::round::Round;
use crate::spec::FormatSpec;

const F16: &[FormatSpec] = &[FormatSpec::F16];
const BF16: &[FormatSpec] = &[FormatSpec::BF16];
const TF32: &[FormatSpec] = &[FormatSpec::TF32];
const FNUZ: &[FormatSpec] = &[FormatSpec::F8E4M3FNUZ, FormatSpec::F8E5M2FNUZ];

const fn exact(inputs: &[FormatSpec], fan_in: u16) -> MmaBuilder {
    let unit = MmaSpec::fused(inputs[0], inputs[0]).fan_in(fan_in).adder(Adder::Exact);
    unit.round(Round::NearestEven, 23).nan(0x7FC0_0000)
}

const fn tree(inputs: &[FormatSpec], fan_in: u16) -> MmaBuilder {
    let unit = MmaSpec::rounded(inputs[0], inputs[0], RoundedOrder::Tree).fan_in(fan_in);
    unit.flush_inputs(InputFlush::OwnFormat).flush_results(ResultFlush::Subnormal)
}

const fn floored(inputs: &[FormatSpec], fan_in: u16, drop_below: Option<u8>) -> MmaBuilder {
    let unit = MmaSpec::fused(inputs[0], inputs[0]).fan_in(fan_in).keep(24).floor_exponent(-999);
    unit.join(Join::Floored { drop_below }).round(Round::NearestEven, 23)
}

units! { "amd", ALL: "The units of this module.";
    /// MI100, FP16: the exact sum of four products and C, rounded to nearest even.
    CDNA1_F16 {
        instruction: "V_MFMA_F32_*_F16",
        inputs: F16,
        unit: exact(F16, 4),
        grade: TwoModels,
        evidence: "MMA-Sim 2.1.1 and the models of Khattak and Mikaitis; finite operands",
    }
    /// MI100, BF16: the exact sum of two products and C.
    CDNA1_BF16 {
        instruction: "V_MFMA_F32_*_BF16",
        inputs: BF16,
        unit: exact(BF16, 2),
        grade: TwoModels,
        evidence: "MMA-Sim 2.1.1 and the models of Khattak and Mikaitis; finite operands",
    }
    /// MI200, FP16: four products in a tree of rounded operations, subnormals flushed.
    CDNA2_F16 {
        instruction: "V_MFMA_F32_*_F16",
        inputs: F16,
        unit: tree(F16, 4),
        grade: TwoModels,
        evidence: "MMA-Sim 2.1.1 and the models of Khattak and Mikaitis; finite operands",
    }
    /// MI200, BF16 by the `_1K` instructions: four products in a tree.
    CDNA2_BF16_1K {
        instruction: "V_MFMA_F32_*_BF16_1K",
        inputs: BF16,
        unit: tree(BF16, 4),
        grade: TwoModels,
        evidence: "MMA-Sim 2.1.1 and the models of Khattak and Mikaitis; finite operands",
    }
    /// MI200, BF16: two products and C.
    CDNA2_BF16 {
        instruction: "V_MFMA_F32_*_BF16",
        inputs: BF16,
        unit: tree(BF16, 2),
        grade: TwoModels,
        evidence: "MMA-Sim 2.1.1 and the models of Khattak and Mikaitis; finite operands",
    }
    /// MI300, FP16: eight products cut to 24 bits, C joined by rounding down.
    CDNA3_F16 {
        instruction: "V_MFMA_F32_*_F16",
        inputs: F16,
        unit: floored(F16, 8, None),
        grade: TwoModels,
        evidence: "MMA-Sim 2.1.1; another model differs in the last floor",
    }
    /// MI300, BF16.
    CDNA3_BF16 {
        instruction: "V_MFMA_F32_*_BF16",
        inputs: BF16,
        unit: floored(BF16, 8, None),
        grade: TwoModels,
        evidence: "MMA-Sim 2.1.1; another model differs in the last floor",
    }
    /// MI300, XF32 (19 bits as TF32): four products.
    CDNA3_XF32 {
        instruction: "V_MFMA_F32_*_XF32",
        inputs: TF32,
        unit: floored(TF32, 4, None),
        grade: TwoModels,
        evidence: "MMA-Sim 2.1.1; another model differs in the last floor",
    }
    /// MI300, FP8 and BF8 (FNUZ): sixteen products, even and odd positions apart; C is dropped
    /// more than 25 binades below.
    CDNA3_FP8 {
        instruction: "V_MFMA_F32_*_FP8_FP8",
        inputs: FNUZ,
        unit: floored(FNUZ, 16, Some(25)).adder(Adder::EvenOdd { keep: 24 }),
        grade: TwoModels,
        evidence: "MMA-Sim 2.1.1; another model differs in the last floor",
    }
}

/// The units of MI100.
pub const CDNA1: &[MatrixUnit] = &[CDNA1_F16, CDNA1_BF16];
/// The units of MI200.
pub const CDNA2: &[MatrixUnit] = &[CDNA2_F16, CDNA2_BF16_1K, CDNA2_BF16];
/// The units of MI300.
pub const CDNA3: &[MatrixUnit] = &[CDNA3_F16, CDNA3_BF16, CDNA3_XF32, CDNA3_FP8];

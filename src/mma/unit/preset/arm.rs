//! Dot-product instructions of Arm processors.

use super::table::units;
use crate::mma::unit::build::MmaBuilder;
use crate::mma::unit::spec::{Adder, InputFlush, Join, MmaSpec, ResultFlush, RoundedOrder};
use crate::round::Round;
use crate::spec::FormatSpec;

const BF16: &[FormatSpec] = &[FormatSpec::BF16];
const F16: &[FormatSpec] = &[FormatSpec::F16];
const FP8: &[FormatSpec] = &[FormatSpec::F8E5M2, FormatSpec::F8E4M3];

const fn exact(inputs: &[FormatSpec], fan_in: u16) -> MmaBuilder {
    let unit = MmaSpec::fused(inputs[0], inputs[0]).fan_in(fan_in).adder(Adder::Exact);
    unit.round(Round::NearestEven, 23).nan(0x7FC0_0000)
}

units! { "arm", ALL: "The units of this module.";
    /// Two BF16 products by separate operations, each rounded to odd, without subnormals:
    /// `FPCR.EBF` = 0.
    BFDOT_EBF0 {
        instruction: "BFDOT, BFMMLA, BFMOPA (FPCR.EBF = 0)",
        inputs: BF16,
        unit: MmaSpec::rounded(BF16[0], BF16[0], RoundedOrder::Tree)
            .round(Round::ToOdd, 23)
            .flush_inputs(InputFlush::BelowF32)
            .flush_results(ResultFlush::Subnormal),
        grade: OneModel,
        evidence: "QEMU",
    }
    /// Two BF16 products in one sum, rounded, then added to C: `FPCR.EBF` = 1, ties to even, no
    /// flushing.
    BFDOT_EBF1 {
        instruction: "BFDOT, BFMMLA, BFMOPA (FPCR.EBF = 1)",
        inputs: BF16,
        unit: exact(BF16, 2).join(Join::Rounded),
        grade: OneModel,
        evidence: "QEMU",
    }
    /// Two FP16 products in one sum, rounded, then added to C.
    FMOPA_F16 {
        instruction: "FMOPA (SME, FP16 to FP32)",
        inputs: F16,
        unit: exact(F16, 2).join(Join::Rounded),
        grade: OneModel,
        evidence: "QEMU",
    }
    /// Four FP8 products and C in one rounding. `LSCALE` is a
    /// [`shift`](crate::MmaBuilder::shift).
    FDOT_FP8 {
        instruction: "FDOT (FP8 to FP32, 4-way)",
        inputs: FP8,
        unit: exact(FP8, 4),
        grade: Document,
        evidence: "the text of the A64 instruction; ties to even and NaN from memory",
    }
    /// Eight FP8 products and C in one rounding.
    FMMLA_FP8 {
        instruction: "FMMLA (FP8 to FP32, 8-way)",
        inputs: FP8,
        unit: exact(FP8, 8),
        grade: Document,
        evidence: "the text of the A64 instruction; ties to even and NaN from memory",
    }
}

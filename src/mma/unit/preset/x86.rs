//! Dot-product instructions of x86 processors.

use super::table::units;
use crate::mma::unit::build::MmaBuilder;
use crate::mma::unit::spec::{
    Adder, InputFlush, IntegerAdder, Join, MmaSpec, ResultFlush, RoundedOrder, ScaleUse, UnitScales,
};
use crate::round::Round;
use crate::spec::FormatSpec;

const BF16: &[FormatSpec] = &[FormatSpec::BF16];
const F16: &[FormatSpec] = &[FormatSpec::F16];
const FP8: &[FormatSpec] = &[FormatSpec::F8E5M2, FormatSpec::F8E4M3];
const S8_U8: &[FormatSpec] = &[FormatSpec::INT8, FormatSpec::UINT8];
const U8_S8: &[FormatSpec] = &[FormatSpec::UINT8, FormatSpec::INT8];

/// Operations of f32 without subnormals, ties to even.
const fn flushing(inputs: &[FormatSpec], order: RoundedOrder) -> MmaBuilder {
    let unit = MmaSpec::rounded(inputs[0], inputs[0], order).flush_inputs(InputFlush::BelowF32);
    unit.flush_results(ResultFlush::Tiny).nan(0xFFC0_0000)
}

const fn bytes(adder: IntegerAdder) -> MmaBuilder {
    MmaSpec::integer(U8_S8[0], U8_S8[1], adder)
}

units! { "x86", ALL: "The units of this module.";
    /// Two BF16 products onto an f32: two fused multiply-adds, the odd position first, without
    /// subnormals. The payload of a NaN operand, which the instruction passes on, is not modelled.
    VDPBF16PS {
        instruction: "VDPBF16PS (AVX512_BF16)",
        inputs: BF16,
        unit: flushing(BF16, RoundedOrder::OddFirst),
        grade: Silicon,
        evidence: "the instruction itself on AMD Zen 4 and Zen 5; Bochs has the same rule",
    }
    /// Two FP16 products onto an f32: subnormals of f16 are kept.
    VDPPHPS {
        instruction: "VDPPHPS (AVX10.2)",
        inputs: F16,
        unit: flushing(F16, RoundedOrder::OddFirst),
        grade: OneModel,
        evidence: "Bochs",
    }
    /// A tile's row of 32 BF16 products: two lanes of fused multiply-adds from zero, then C.
    AMX_BF16 {
        instruction: "TDPBF16PS (AMX)",
        inputs: BF16,
        unit: flushing(BF16, RoundedOrder::TwoLanes).fan_in(32),
        grade: OneModel,
        evidence: "Bochs",
    }
    /// A tile's row of 32 FP16 products.
    AMX_FP16 {
        instruction: "TDPFP16PS (AMX)",
        inputs: F16,
        unit: flushing(F16, RoundedOrder::TwoLanes).fan_in(32),
        grade: OneModel,
        evidence: "Bochs",
    }
    /// A tile's row of 64 FP8 products in one exact sum, rounded, then added to C. Infinities of
    /// both signs make NaN here; the emulator forgets a pair of them inside four products.
    AMX_FP8 {
        instruction: "TDPBF8PS, TDPHF8PS, TDPBHF8PS, TDPHBF8PS (AMX-FP8)",
        inputs: FP8,
        unit: MmaSpec::fused(FP8[0], FP8[0])
            .fan_in(64)
            .adder(Adder::Exact)
            .join(Join::Rounded)
            .round(Round::NearestEven, 23)
            .flush_inputs(InputFlush::BelowF32)
            .flush_results(ResultFlush::Tiny)
            .nan(0xFFC0_0000),
        grade: OneModel,
        evidence: "Bochs of 2026, said to match Intel's SDE; Bochs before it rounded pairs",
    }
    /// Two BF16 products, each rounded, added, then added to C: the outer product of ACE.
    ACE_TOP2BF16 {
        instruction: "TOP2BF16PS (ACE)",
        inputs: BF16,
        unit: flushing(BF16, RoundedOrder::Tree).nan(0x7FC0_0000),
        grade: OneModel,
        evidence: "Bochs",
    }
    /// Four MXFP8 products under an E8M0 scale, rounded once, then added to C. TOP4MXBSSPS, whose
    /// bytes are MXINT8, is not modelled.
    ACE_TOP4MX {
        instruction: "TOP4MXBF8PS, TOP4MXHF8PS, TOP4MXBHF8PS, TOP4MXHBF8PS (ACE)",
        inputs: FP8,
        unit: MmaSpec::fused(FP8[0], FP8[0])
            .fan_in(4)
            .adder(Adder::Exact)
            .join(Join::Rounded)
            .round(Round::NearestEven, 23)
            .scales(UnitScales::E8M0 { block: 32, at: ScaleUse::Product })
            .flush_inputs(InputFlush::BelowF32)
            .flush_results(ResultFlush::Tiny)
            .nan(0x7FC0_0000),
        grade: OneModel,
        evidence: "Bochs",
    }
    /// Four products of bytes, signed or not, onto 32 bits that wrap: the outer product of ACE.
    ACE_TOP4B {
        instruction: "TOP4BSSD, TOP4BSUD, TOP4BUSD, TOP4BUUD (ACE)",
        inputs: S8_U8,
        unit: MmaSpec::integer(S8_U8[0], S8_U8[0], IntegerAdder::Wrap),
        grade: Document,
        evidence: "the text of ACE version 1 on 32-bit sums without saturation, as others quote it",
    }
    /// Four products of bytes onto 32 bits that wrap, unsigned by signed.
    VPDPBUSD {
        instruction: "VPDPBUSD (AVX512_VNNI, AMX TDPBUSD)",
        inputs: U8_S8,
        unit: bytes(IntegerAdder::Wrap),
        grade: Silicon,
        evidence: "the instruction itself on AMD Zen 4 and Zen 5",
    }
    /// Four products of bytes onto 32 bits, clamped.
    VPDPBUSDS {
        instruction: "VPDPBUSDS (AVX512_VNNI)",
        inputs: U8_S8,
        unit: bytes(IntegerAdder::Saturate),
        grade: Silicon,
        evidence: "the instruction itself on AMD Zen 4 and Zen 5",
    }
    /// Two products of bytes into 16 bits, clamped, and the sum of two such onto 32 bits: what
    /// processors without VNNI do.
    VPMADDUBSW {
        instruction: "VPMADDUBSW, VPMADDWD by ones, VPADDD",
        inputs: U8_S8,
        unit: bytes(IntegerAdder::SaturatedPairs),
        grade: Silicon,
        evidence: "the instructions themselves on AMD Zen 4",
    }
}

//! NVIDIA's units, Volta to Blackwell. Numbers: fan-in, kept bits, floor exponent and output
//! rounding as MMA-Sim 2.1.1 and Khattak and Mikaitis (2026) have them.

use crate::mma::unit::build::MmaBuilder;
use crate::mma::unit::spec::{KOrder, MmaSpec, ScaleUse, UnitAcc, UnitScales};
use crate::round::Round;
use crate::spec::FormatSpec;

const F16: &[FormatSpec] = &[FormatSpec::F16];
const BF16: &[FormatSpec] = &[FormatSpec::BF16];
const TF32: &[FormatSpec] = &[FormatSpec::TF32];
const FP8: &[FormatSpec] = &[FormatSpec::F8E4M3, FormatSpec::F8E5M2];
const FP8_6_4: &[FormatSpec] = &[
    FormatSpec::F8E4M3,
    FormatSpec::F8E5M2,
    FormatSpec::F6E3M2,
    FormatSpec::F6E2M3,
    FormatSpec::F4E2M1,
];
const FP4: &[FormatSpec] = &[FormatSpec::F4E2M1];

/// A unit with f32 results, cut toward zero.
const fn f32s(inputs: &[FormatSpec], fan_in: u16, keep: u8, floor: i32) -> MmaBuilder {
    MmaSpec::fused(inputs[0], inputs[0]).fan_in(fan_in).keep(keep).floor_exponent(floor)
}

/// A unit with f16 results, rounded to nearest even.
const fn f16s(inputs: &[FormatSpec], fan_in: u16, keep: u8, floor: i32) -> MmaBuilder {
    f32s(inputs, fan_in, keep, floor).acc(UnitAcc::F16)
}

/// Volta's unit (V100), `HMMA.884`.
pub mod volta {
    use super::{F16, f16s, f32s};
    use crate::mma::unit::preset::table::units;

    units! { "volta", ALL: "The units of this module.";
        /// FP16 with f32 results: four products a step, 23 bits kept.
        HMMA_F16 {
            instruction: "HMMA.884.F32.F32",
            inputs: F16,
            unit: f32s(F16, 4, 23, -132),
            grade: Silicon,
            evidence: "rows of a V100; numbers near zero by published models",
        }
        /// FP16 with f16 results.
        HMMA_F16_F16 {
            instruction: "HMMA.884.F16.F16",
            inputs: F16,
            unit: f16s(F16, 4, 23, -19),
            grade: Silicon,
            evidence: "rows of a V100; numbers near zero by published models",
        }
    }
}

/// Turing's unit (T4, RTX 20), `HMMA.1688`.
pub mod turing {
    use super::{F16, f16s, f32s};
    use crate::mma::unit::preset::table::units;

    units! { "turing", ALL: "The units of this module.";
        /// FP16 with f32 results: eight products a step, 24 bits kept.
        HMMA_F16 {
            instruction: "HMMA.1688.F32",
            inputs: F16,
            unit: f32s(F16, 8, 24, -132),
            grade: OneModel,
            evidence: "MMA-Sim 2.1.1",
        }
        /// FP16 with f16 results.
        HMMA_F16_F16 {
            instruction: "HMMA.1688.F16",
            inputs: F16,
            unit: f16s(F16, 8, 24, -20),
            grade: OneModel,
            evidence: "MMA-Sim 2.1.1",
        }
    }
}

/// Ampere's unit (A100, A2, RTX 30).
pub mod ampere {
    use super::{BF16, F16, TF32, f16s, f32s};
    use crate::mma::unit::preset::table::units;

    units! { "ampere", ALL: "The units of this module.";
        /// FP16 with f32 results: eight products a step, 24 bits kept.
        HMMA_F16 {
            instruction: "HMMA.16816.F32",
            inputs: F16,
            unit: f32s(F16, 8, 24, -132),
            grade: Silicon,
            evidence: "rows of an A100 and an A2",
        }
        /// FP16 with f16 results.
        HMMA_F16_F16 {
            instruction: "HMMA.16816.F16",
            inputs: F16,
            unit: f16s(F16, 8, 24, -20),
            grade: Silicon,
            evidence: "rows of an A100 and an A2",
        }
        /// BF16 with f32 results.
        HMMA_BF16 {
            instruction: "HMMA.16816.F32.BF16",
            inputs: BF16,
            unit: f32s(BF16, 8, 24, -132),
            grade: Silicon,
            evidence: "rows of an A100 and an A2",
        }
        /// TF32 with f32 results: four products a step.
        HMMA_TF32 {
            instruction: "HMMA.1684.F32.TF32",
            inputs: TF32,
            unit: f32s(TF32, 4, 24, -132),
            grade: Silicon,
            evidence: "rows of an A100 and an A2",
        }
    }
}

/// Ada's unit (L40S, RTX 40): Ampere's for 16-bit elements, and one for FP8.
pub mod ada {
    use super::{FP8, f16s, f32s};
    use crate::mma::unit::preset::ampere;
    use crate::mma::unit::preset::table::{MatrixUnit, units};
    use crate::round::Round;

    units! { "ada";
        /// FP8 with f32 results of 13 fraction bits: sixteen products a step, 13 bits kept.
        QMMA_FP8 {
            instruction: "QMMA.16832.F32",
            inputs: FP8,
            unit: f32s(FP8, 16, 13, -132).round(Round::TowardZero, 13),
            grade: Silicon,
            evidence: "rows of an RTX 1000 Ada and an L40S",
        }
        /// FP8 with f16 results.
        QMMA_FP8_F16 {
            instruction: "QMMA.16832.F16",
            inputs: FP8,
            unit: f16s(FP8, 16, 13, -20),
            grade: Silicon,
            evidence: "rows of an RTX 1000 Ada",
        }
    }

    pub use ampere::{HMMA_BF16, HMMA_F16, HMMA_F16_F16, HMMA_TF32};

    /// The units of Ada, Ampere's among them: rows of an RTX 1000 Ada and an L40S show these to be
    /// the same.
    pub const ALL: &[MatrixUnit] =
        &[HMMA_F16, HMMA_F16_F16, HMMA_BF16, HMMA_TF32, QMMA_FP8, QMMA_FP8_F16];
}

/// Hopper's units (H100, H200). FP8 has two answers: `wgmma` has a unit of 13 bits, `mma.sync`
/// unpacks to FP16.
pub mod hopper {
    use super::{BF16, F16, FP8, KOrder, Round, TF32, f16s, f32s};
    use crate::mma::unit::preset::table::units;

    units! { "hopper", ALL: "The units of this module.";
        /// FP16 with f32 results: sixteen products a step, 25 bits kept.
        HMMA_F16 {
            instruction: "HMMA.16816.F32",
            inputs: F16,
            unit: f32s(F16, 16, 25, -133),
            grade: Silicon,
            evidence: "rows of an H100, an H200 and a B200",
        }
        /// FP16 with f16 results.
        HMMA_F16_F16 {
            instruction: "HMMA.16816.F16",
            inputs: F16,
            unit: f16s(F16, 16, 25, -21),
            grade: Silicon,
            evidence: "rows of an H100, an H200 and a B200",
        }
        /// BF16 with f32 results.
        HMMA_BF16 {
            instruction: "HMMA.16816.F32.BF16",
            inputs: BF16,
            unit: f32s(BF16, 16, 25, -133),
            grade: Silicon,
            evidence: "rows of an H100, an H200 and a B200",
        }
        /// TF32 with f32 results, eight products a step: `mma.sync.m16n8k8`.
        HMMA_TF32_K8 {
            instruction: "HMMA.1688.F32.TF32",
            inputs: TF32,
            unit: f32s(TF32, 8, 25, -133),
            grade: TwoModels,
            evidence: "rows of an H100, an H200 and a B200 for the kept bits; two models for the fan-in",
        }
        /// TF32 with f32 results, four products a step: what WMMA compiles to.
        HMMA_TF32_K4 {
            instruction: "HMMA.1684.F32.TF32",
            inputs: TF32,
            unit: f32s(TF32, 4, 25, -133),
            grade: Silicon,
            evidence: "rows of an H100, an H200 and a B200, of one step each",
        }
        /// FP16 with f32 results by `wgmma`.
        WGMMA_F16 {
            instruction: "wgmma.mma_async.m64n8k16.f32.f16",
            inputs: F16,
            unit: f32s(F16, 16, 25, -133),
            grade: OneModel,
            evidence: "MMA-Sim 2.1.1: the numbers of HMMA",
        }
        /// FP16 with f16 results by `wgmma`.
        WGMMA_F16_F16 {
            instruction: "wgmma.mma_async.m64n8k16.f16.f16",
            inputs: F16,
            unit: f16s(F16, 16, 25, -21),
            grade: OneModel,
            evidence: "MMA-Sim 2.1.1: the numbers of HMMA",
        }
        /// BF16 with f32 results by `wgmma`.
        WGMMA_BF16 {
            instruction: "wgmma.mma_async.m64n8k16.f32.bf16",
            inputs: BF16,
            unit: f32s(BF16, 16, 25, -133),
            grade: OneModel,
            evidence: "MMA-Sim 2.1.1: the numbers of HMMA",
        }
        /// TF32 with f32 results by `wgmma`.
        WGMMA_TF32 {
            instruction: "wgmma.mma_async.m64n8k8.f32.tf32",
            inputs: TF32,
            unit: f32s(TF32, 8, 25, -133),
            grade: OneModel,
            evidence: "MMA-Sim 2.1.1: the numbers of HMMA.1688",
        }
        /// FP8 with f32 results of 13 fraction bits by `wgmma`: 32 products a step, 13 bits kept.
        WGMMA_FP8 {
            instruction: "wgmma.mma_async.m64n8k32.f32 (QGMMA)",
            inputs: FP8,
            unit: f32s(FP8, 32, 13, -133).round(Round::TowardZero, 13),
            grade: Silicon,
            evidence: "rows of an H100 and an H200 with C = 0; two models for other C",
        }
        /// FP8 with f16 results by `wgmma`.
        WGMMA_FP8_F16 {
            instruction: "wgmma.mma_async.m64n8k32.f16 (QGMMA)",
            inputs: FP8,
            unit: f16s(FP8, 32, 13, -21),
            grade: TwoModels,
            evidence: "MMA-Sim 2.1.1 and the models of Khattak and Mikaitis",
        }
        /// FP8 with f32 results by `mma.sync`: unpacked to FP16, two steps of sixteen from zero,
        /// positions 0 and 1 of each four first; C is added after them.
        MMA_SYNC_FP8 {
            instruction: "mma.sync.m16n8k32.f32 (2 HMMA.16816, FADD)",
            inputs: FP8,
            unit: f32s(FP8, 16, 25, -133).order(KOrder::PairsOfFour).late_c(32),
            grade: Silicon,
            evidence: "rows of a B200, which do not show the order; that is the f16 rows'",
        }
        /// FP8 with f16 results by `mma.sync`.
        MMA_SYNC_FP8_F16 {
            instruction: "mma.sync.m16n8k32.f16 (2 HMMA.16816, HADD)",
            inputs: FP8,
            unit: f16s(FP8, 16, 25, -21).order(KOrder::PairsOfFour).late_c(32),
            grade: Silicon,
            evidence: "rows of an H100, an H200 and a B200",
        }
    }
}

/// Blackwell's units: `tcgen05.mma` of B200, `mma.sync` of RTX 50. What `mma.sync` of a B200 compiles
/// to are Hopper's units.
pub mod blackwell {
    use super::{BF16, F16, FP4, FP8_6_4, ScaleUse, TF32, UnitScales, f16s, f32s};
    use crate::mma::unit::preset::hopper;
    use crate::mma::unit::preset::table::{MatrixUnit, units};

    units! { "blackwell", RTX: "The units of RTX 50, whose `mma.sync` has FP8, FP6 and FP4 natively.";
        /// FP16 with f32 results: sixteen products a step, 25 bits kept.
        F16_F32 {
            instruction: "tcgen05.mma.kind::f16; mma.sync of RTX 50",
            inputs: F16,
            unit: f32s(F16, 16, 25, -133),
            grade: OneModel,
            evidence: "MMA-Sim 2.1.1: the numbers of HMMA",
        }
        /// FP16 with f16 results.
        F16_F16 {
            instruction: "tcgen05.mma.kind::f16; mma.sync of RTX 50",
            inputs: F16,
            unit: f16s(F16, 16, 25, -21),
            grade: OneModel,
            evidence: "MMA-Sim 2.1.1: the numbers of HMMA",
        }
        /// BF16 with f32 results.
        BF16_F32 {
            instruction: "tcgen05.mma.kind::f16; mma.sync of RTX 50",
            inputs: BF16,
            unit: f32s(BF16, 16, 25, -133),
            grade: OneModel,
            evidence: "MMA-Sim 2.1.1: the numbers of HMMA",
        }
        /// TF32 with f32 results: eight products a step.
        TF32_F32 {
            instruction: "tcgen05.mma.kind::tf32; mma.sync of RTX 50",
            inputs: TF32,
            unit: f32s(TF32, 8, 25, -133),
            grade: OneModel,
            evidence: "MMA-Sim 2.1.1: the numbers of HMMA.1688",
        }
        /// FP8, FP6 and FP4 in any mix with f32 results: 32 products a step, 25 bits kept.
        F8F6F4 {
            instruction: "tcgen05.mma.kind::f8f6f4",
            inputs: FP8_6_4,
            unit: f32s(FP8_6_4, 32, 25, -133),
            grade: OneModel,
            evidence: "MMA-Sim 2.1.1; two models agree for FP8",
        }
        /// FP8, FP6 and FP4 in any mix with f16 results.
        F8F6F4_F16 {
            instruction: "tcgen05.mma.kind::f8f6f4",
            inputs: FP8_6_4,
            unit: f16s(FP8_6_4, 32, 25, -21),
            grade: OneModel,
            evidence: "MMA-Sim 2.1.1",
        }
        /// MXFP8, MXFP6 and MXFP4 in any mix: an E8M0 scale for 32 products moves them.
        MXF8F6F4 {
            instruction: "tcgen05.mma.kind::mxf8f6f4.block32",
            inputs: FP8_6_4,
            unit: f32s(FP8_6_4, 32, 25, -133)
                .scales(UnitScales::E8M0 { block: 32, at: ScaleUse::Product }),
            grade: OneModel,
            evidence: "MMA-Sim 2.1.1",
        }
        /// MXFP4: 64 products a step in exact sums of sixteen, an E8M0 scale for 32, 35 bits
        /// kept.
        MXF4 {
            instruction: "tcgen05.mma.kind::mxf4.block32",
            inputs: FP4,
            unit: f32s(FP4, 64, 35, -139)
                .scales(UnitScales::E8M0 { block: 32, at: ScaleUse::Sixteen }),
            grade: OneModel,
            evidence: "MMA-Sim 2.1.1",
        }
        /// NVFP4: 64 products a step in exact sums of sixteen, a UE4M3 scale for each.
        NVF4 {
            instruction: "tcgen05.mma.kind::mxf4nvf4.block16 (UE4M3)",
            inputs: FP4,
            unit: f32s(FP4, 64, 35, -139)
                .scales(UnitScales::UE4M3 { block: 16, at: ScaleUse::Sixteen }),
            grade: OneModel,
            evidence: "MMA-Sim 2.1.1",
        }
        /// FP4 with an E8M0 scale for each 16 products.
        NVF4_E8M0 {
            instruction: "tcgen05.mma.kind::mxf4nvf4.block16 (UE8M0)",
            inputs: FP4,
            unit: f32s(FP4, 64, 35, -139)
                .scales(UnitScales::E8M0 { block: 16, at: ScaleUse::Sixteen }),
            grade: OneModel,
            evidence: "MMA-Sim 2.1.1",
        }
    }

    pub use hopper::{
        HMMA_BF16, HMMA_F16, HMMA_F16_F16, HMMA_TF32_K4, HMMA_TF32_K8, MMA_SYNC_FP8,
        MMA_SYNC_FP8_F16,
    };

    /// The units of B200: its own by `tcgen05.mma`, Hopper's by `mma.sync`.
    pub const ALL: &[MatrixUnit] = &[
        F16_F32,
        F16_F16,
        BF16_F32,
        TF32_F32,
        F8F6F4,
        F8F6F4_F16,
        MXF8F6F4,
        MXF4,
        NVF4,
        NVF4_E8M0,
        HMMA_F16,
        HMMA_F16_F16,
        HMMA_BF16,
        HMMA_TF32_K8,
        HMMA_TF32_K4,
        MMA_SYNC_FP8,
        MMA_SYNC_FP8_F16,
    ];
}

/// Integer units of Turing and later.
pub mod imma {
    use crate::mma::unit::preset::table::units;
    use crate::mma::unit::spec::{IntegerAdder, MmaSpec};
    use crate::spec::FormatSpec;

    const INTEGERS: &[FormatSpec] =
        &[FormatSpec::INT8, FormatSpec::UINT8, FormatSpec::INT4, FormatSpec::UINT4];

    units! { "imma", ALL: "The units of this module.";
        /// Integers of 8 and 4 bits into 32 bits that wrap.
        S8 {
            instruction: "mma.sync.m16n8k32.s32.s8 (IMMA)",
            inputs: INTEGERS,
            unit: MmaSpec::integer(INTEGERS[0], INTEGERS[0], IntegerAdder::Wrap).fan_in(32),
            grade: Document,
            evidence: "the PTX manual: exact products, a sum of 32 bits that wraps",
        }
        /// Integers of 8 and 4 bits into 32 bits, clamped at the end of an instruction.
        S8_SATFINITE {
            instruction: "mma.sync.m16n8k32.s32.s8.satfinite (IMMA)",
            inputs: INTEGERS,
            unit: MmaSpec::integer(INTEGERS[0], INTEGERS[0], IntegerAdder::Saturate).fan_in(32),
            grade: Document,
            evidence: "the PTX manual; that there is one clamp for 32 products was not measured",
        }
    }
}

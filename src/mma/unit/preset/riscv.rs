//! Dot products of RISC-V's vectors.

use super::table::units;
use crate::mma::unit::build::MmaBuilder;
use crate::mma::unit::spec::{Adder, Join, MmaSpec};
use crate::round::Round;
use crate::spec::FormatSpec;

const BF16: &[FormatSpec] = &[FormatSpec::BF16];

/// Bulk normalization of `fan_in` products with as many guard bits as their number has, then a
/// rounded addition; all roundings are to odd.
const fn bulk(inputs: &[FormatSpec], fan_in: u16, guard: u8) -> MmaBuilder {
    let unit = MmaSpec::fused(inputs[0], inputs[0]).fan_in(fan_in);
    let unit = unit.adder(Adder::ToOdd { keep: 23 + guard }).join(Join::Rounded);
    unit.floor_exponent(-254).round(Round::ToOdd, 23).nan(0x7FC0_0000)
}

units! { "riscv", ALL: "The units of this module.";
    /// Eight BF16 products, a register of 128 bits, aligned and rounded to odd, then added to C.
    /// Other registers have another fan-in, and `23 + log2` of it as kept bits.
    VFWBDOTA_BF16_128 {
        instruction: "vfwbdota.vv (Zvfwbdota16bf, VLEN = 128)",
        inputs: BF16,
        unit: bulk(BF16, 8, 3),
        grade: OneModel,
        evidence: "Spike, for a draft of Zvbdot (version 0.1)",
    }
    /// Sixteen BF16 products, a register of 256 bits.
    VFWBDOTA_BF16_256 {
        instruction: "vfwbdota.vv (Zvfwbdota16bf, VLEN = 256)",
        inputs: BF16,
        unit: bulk(BF16, 16, 4),
        grade: OneModel,
        evidence: "Spike, for a draft of Zvbdot (version 0.1)",
    }
}

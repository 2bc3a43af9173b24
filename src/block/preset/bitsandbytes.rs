//! bitsandbytes 0.50's block quantization: codebooks over flat blocks of 64, whose scale is `amax`
//! in f32.
//!
//! Elements are `x · (1 / max(amax, 1e-38))`. 4-bit codes are found by the f32 midpoints of the
//! sorted codebook. 8-bit codes are found in a table of 65,536 steps, which is too coarse for the
//! smallest entries: zero does not become 0, and a block of zeros has code 0. These steps were
//! inferred from the program's results; no document states them. Bytes have the first code in the
//! high nibble:
//!
//! ```
//! use subhalf::{BitOrder, QuantTensor, pack, preset};
//! let x = [2.0f32, -2.0, 0.0, 1.0];
//! let tensor = QuantTensor::quantize(&preset::bitsandbytes::NF4, &x, &[4])?;
//! let codes = (0..4).filter_map(|i| tensor.view().code(i));
//! let codes: Vec<u8> = codes.map(|code| code as u8).collect();
//! let mut bytes = [0; 2];
//! pack(&codes, 4, BitOrder::MsbFirst, &mut bytes)?;
//! assert_eq!((codes, bytes), (vec![15, 0, 7, 12], [0xF0, 0x7C]));
//! # Ok::<(), subhalf::Error>(())
//! ```
//!
//! A last block that is shorter than 64 is an exception in bitsandbytes' 4 bits: its elements are
//! divided by its scale, which is at least 1e-38. Here all blocks follow one rule.

use crate::block::{BlockSpec, Division, ElementRounding, Extent, Nonfinite, Ratio, ScaleRule};
use crate::spec::FormatSpec;

/// Why the smallest f32 scales change a dequantized tensor.
const FLOORED: &str = "an amax below 1e-38 does not become 1";

const fn blocks(element: FormatSpec) -> BlockSpec {
    BlockSpec::new(
        element,
        Some(FormatSpec::F32),
        Extent::Flat(64),
        ScaleRule::Amax { target: 1.0, ratio: Ratio::Divide },
    )
    .with_nonfinite(Nonfinite::Count)
    .with_division(Division::FlooredReciprocal)
    .with_element_rounding(ElementRounding::Midpoints)
}

presets! {
    module: "bitsandbytes",
    source: "bitsandbytes 0.50.2";

    /// NF4 in flat blocks of 64.
    NF4 {
        spec: blocks(FormatSpec::NF4),
        rule: "amax",
        evidence: Checked,
        changes: FLOORED,
    }
    /// bitsandbytes' own FP4, a codebook that is not OCP's E2M1, in flat blocks of 64.
    FP4 {
        spec: blocks(FormatSpec::BNBFP4),
        rule: "amax",
        evidence: Checked,
        changes: FLOORED,
    }
    /// AF4 in flat blocks of 64.
    AF4 {
        spec: blocks(FormatSpec::AF4),
        rule: "amax",
        evidence: FormulaOnly,
        changes: FLOORED,
    }
    /// The signed dynamic 8-bit codebook in flat blocks of 64.
    DYNAMIC8 {
        spec: blocks(FormatSpec::BNBDYNAMIC8)
            .with_nonfinite(Nonfinite::CountInfinity)
            .with_division(Division::Reciprocal)
            .with_element_rounding(ElementRounding::Steps(65_535)),
        rule: "amax",
        evidence: Checked,
        changes: "the steps of its table are coarser than the smallest entries",
    }
}

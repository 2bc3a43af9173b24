//! bitsandbytes 0.50's block quantization: codebooks over flat blocks of 64, whose scale is `amax`
//! in f32.
//!
//! Numbers are `x · (1 / max(amax, 1e-38))`. The 4-bit codes are looked up between the f32
//! midpoints of the sorted codebook; the 8-bit codes in a table of 65,536 steps, too coarse for the
//! smallest entries (so zero is not 0 there, and a block of zeros has code 0). Those steps are no
//! published rule but what its results show. Bytes have the first code in the high nibble:
//!
//! ```
//! use subhalf::{BitOrder, QuantTensor, pack, preset};
//! let tensor = QuantTensor::quantize(&preset::bitsandbytes::NF4, &[2.0f32, -2.0, 0.0, 1.0], &[4])?;
//! let codes: Vec<u8> = (0..4).filter_map(|i| tensor.view().code(i)).map(|code| code as u8).collect();
//! let mut bytes = [0; 2];
//! pack(&codes, 4, BitOrder::MsbFirst, &mut bytes)?;
//! assert_eq!((codes, bytes), (vec![15, 0, 7, 12], [0xF0, 0x7C]));
//! # Ok::<(), subhalf::Error>(())
//! ```
//!
//! The last, shorter block of a tensor is divided by its scale in bitsandbytes' 4 bits, and stores
//! at least 1e-38; here it is as the others.

use super::table::{Evidence, Preset};
use crate::block::{BlockSpec, Division, ElementRounding, Extent, Nonfinite, Ratio, ScaleRule};
use crate::spec::FormatSpec;

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

presets! { "bitsandbytes", "bitsandbytes 0.50.2";
    /// NF4.
    NF4 = blocks(FormatSpec::NF4), "amax", Checked, changes "an amax below 1e-38 does not become 1";
    /// FP4, not OCP's.
    FP4 = blocks(FormatSpec::BNBFP4), "amax", Checked, changes "an amax below 1e-38 does not become 1";
    /// AF4.
    AF4 = blocks(FormatSpec::AF4), "amax", FormulaOnly, changes "an amax below 1e-38 does not become 1";
    /// The signed dynamic 8-bit map.
    DYNAMIC8 = blocks(FormatSpec::BNBDYNAMIC8)
        .with_nonfinite(Nonfinite::CountInfinity)
        .with_division(Division::Reciprocal)
        .with_element_rounding(ElementRounding::Steps(65_535)), "amax", Checked, changes "the steps of its table are coarser than the smallest entries";
}
